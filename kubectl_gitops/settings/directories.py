"""Where this machine keeps our files; `XDG_…_HOME` is honoured. Nothing is created here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kubectl_gitops.errors import GitopsError

__all__ = ["cache_dir", "config_file", "data_dir"]

_NAME = "kubectl-gitops"


def config_file() -> Path:
    """The person's targets: `~/.config/kubectl-gitops/config.toml` on Linux."""
    from platformdirs import user_config_path

    return _located(user_config_path) / "config.toml"


def data_dir() -> Path:
    """The mirrors of the stores, with what was committed offline: not to be lost."""
    from platformdirs import user_data_path

    return _located(user_data_path)


def cache_dir() -> Path:
    """Discovery and verdicts: may be deleted at any time."""
    from platformdirs import user_cache_path

    return _located(user_cache_path)


def _located(place: Callable[..., Path]) -> Path:
    """Our directory there. A container's user may have no home: neither HOME nor an entry."""
    try:
        return place(_NAME, appauthor=False)
    except RuntimeError as error:
        raise GitopsError(
            "no home directory is known: HOME is not set", "export HOME=/tmp"
        ) from error
