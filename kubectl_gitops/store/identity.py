"""Who the person is to Git: `GIT_AUTHOR_…` variables, else `user.name` and `user.email`."""

from __future__ import annotations

import os

from dulwich.config import Config, StackedConfig

__all__ = ["git_identity", "git_setting"]


def git_identity() -> tuple[str, str] | None:
    """Name and address as Git would put them into a commit; None where it knows no name.

    The system's and the person's configuration only: that of a repository we write to is its
    owner's, who must not decide in whose name others commit.
    """
    config = StackedConfig.default()
    name = os.environ.get("GIT_AUTHOR_NAME") or _configured(config, b"name")
    email = os.environ.get("GIT_AUTHOR_EMAIL") or _configured(config, b"email")
    return (name, email) if name else None


def git_setting(*names: str) -> str | None:
    """A setting of the system or the person: `("core", "pager")`; None where nobody set it."""
    *section, key = (name.encode() for name in names)
    try:
        value = StackedConfig.default().get(tuple(section), key)
    except KeyError:
        return None
    return value.decode("utf-8", "replace")


def _configured(config: Config, key: bytes) -> str:
    try:
        return config.get((b"user",), key).decode("utf-8", "replace")
    except KeyError:
        return ""
