"""`suspend` and `resume`."""

from __future__ import annotations

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.candidates import resources
from kubectl_gitops.cli.flags import DropIn
from kubectl_gitops.cli.options import Options, shared_options
from kubectl_gitops.cli.session import Connected, open_session
from kubectl_gitops.resource import ResourceId

__all__ = ["resume_command", "suspend_command"]


@click.command("suspend", cls=DropIn, short_help="Let pull leave the set, or a resource, alone")
@click.argument("names", nargs=-1, metavar="[TYPE NAME… | TYPE/NAME…]", shell_complete=resources)
@click.option("-m", "--message", "reason", default="", help="why: shown by status")
@shared_options
def suspend_command(options: Options, names: tuple[str, ...], reason: str) -> int:
    """Let pull leave the set alone, or the resources that are named, until resume.

    An annotation in this cluster; the branch stays as it is. More in docs/pull.md.

    \b
    Examples:
      kubectl gitops suspend -m "the database is being moved"
      kubectl gitops suspend deployment/web -n shop
    """
    from kubectl_gitops.operations.suspend import suspend

    connected = open_session(options)
    for id, changed in suspend(connected.session, _named(connected, names), reason):
        click.echo(f"{id.short} {'suspended' if changed else 'is suspended already'}")
    return connected.ended(0)


@click.command("resume", cls=DropIn, short_help="Let pull go on after suspend")
@click.argument("names", nargs=-1, metavar="[TYPE NAME… | TYPE/NAME…]", shell_complete=resources)
@shared_options
def resume_command(options: Options, names: tuple[str, ...]) -> int:
    """Let pull go on with the set, or with the resources that are named.

    More in docs/pull.md.

    \b
    Examples:
      kubectl gitops resume
      kubectl gitops resume deployment/web -n shop
    """
    from kubectl_gitops.operations.suspend import resume

    connected = open_session(options)
    for id, changed in resume(connected.session, _named(connected, names)):
        click.echo(f"{id.short} {'resumed' if changed else 'is not suspended'}")
    talk.hint("kubectl gitops pull")
    return connected.ended(0)


def _named(connected: Connected, names: tuple[str, ...]) -> list[ResourceId]:
    from kubectl_gitops.arguments import parse_arguments
    from kubectl_gitops.operations.targets import named_resources

    if not names:
        return []
    return named_resources(connected.session, parse_arguments(names), connected.namespace)
