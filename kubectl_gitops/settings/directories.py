"""Where this machine keeps our files; `XDG_…_HOME` is honoured. Nothing is created here."""

from __future__ import annotations

from pathlib import Path

__all__ = ["cache_dir", "config_file", "data_dir"]

_NAME = "kubectl-gitops"


def config_file() -> Path:
    """The person's targets: `~/.config/kubectl-gitops/config.toml` on Linux."""
    from platformdirs import user_config_path

    return user_config_path(_NAME, appauthor=False) / "config.toml"


def data_dir() -> Path:
    """The mirrors of the stores, with what was committed offline: not to be lost."""
    from platformdirs import user_data_path

    return user_data_path(_NAME, appauthor=False)


def cache_dir() -> Path:
    """Discovery and verdicts: may be deleted at any time."""
    from platformdirs import user_cache_path

    return user_cache_path(_NAME, appauthor=False)
