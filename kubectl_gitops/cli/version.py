"""`version`."""

from __future__ import annotations

import click

from kubectl_gitops import __version__

__all__ = ["version_command"]


@click.command("version")
def version_command() -> int:
    """Print the version. More in docs/questions.md.

    \b
    Examples:
      kubectl gitops version
      kubectl gitops doctor      # those of kubectl and the cluster, too
    """
    click.echo(f"kubectl-gitops {__version__}")
    return 0
