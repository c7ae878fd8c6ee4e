"""`version`."""

from __future__ import annotations

import click

from kubectl_gitops import __version__

__all__ = ["version_command"]


@click.command("version")
def version_command() -> int:
    """Print the version.

    \b
    Examples:
      kubectl gitops version
    """
    click.echo(f"kubectl-gitops {__version__}")
    return 0
