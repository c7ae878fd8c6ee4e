"""`delete`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.options import Options, shared_options
from kubectl_gitops.cli.session import Connected, open_session
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.resource import ResourceId

__all__ = ["delete_command"]

_CASCADE = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}


@click.command("delete", short_help="Remove resources from the branch and from the cluster")
@click.argument("names", nargs=-1, metavar="[TYPE NAME… | TYPE/NAME…]")
@click.option("-f", "--filename", "filenames", multiple=True, metavar="FILE|DIR|URL|-")
@click.option("-R", "--recursive", is_flag=True, help="descend into directories")
@click.option("-m", "--message", "reason", default="", help="why: the body of the commit")
@click.option("--ignore-not-found", is_flag=True, help="what is not there is no error")
@click.option("--cascade", default="background", type=click.Choice(sorted(_CASCADE)))
@click.option("--grace-period", type=int, default=-1, help="seconds the resource gets to end")
@click.option("--now", is_flag=True, help="a grace period of one second")
@click.option("--wait", type=bool, is_flag=False, flag_value=True, default=True, metavar="BOOL")
@click.option("--timeout", default="0", metavar="TIME", help="how long to wait")
@click.option("--dry-run", is_flag=False, flag_value="unchanged", default="none", metavar="server")
@click.option("-o", "--output", default="", type=click.Choice(["", "name"]))
@click.option("--yes", "-y", is_flag=True, help="answer every question with yes")
@shared_options
def delete_command(options: Options, **flags: Any) -> int:
    """Remove resources from the branch, then from the cluster.

    A drop-in for kubectl delete. What goes along with a Namespace or a CRD is listed first and
    removed from the branch in the same commit. More in docs/start.md.

    \b
    Examples:
      kubectl gitops delete deployment/web -m "replaced by web2"
      kubectl gitops delete -f shop.yaml
    """
    if bool(flags["filenames"]) == bool(flags["names"]):
        raise GitopsError(_USAGE)
    connected = open_session(options)
    return _deleted(connected, _targets(connected, flags), flags)


_USAGE = (
    "You must provide one or more resources by argument or filename.\n"
    "Example resource specifications include:\n"
    "   '-f rsrc.yaml'\n"
    "   '--filename=rsrc.json'\n"
    "   '<resource> <name>'\n"
    "   '<resource>'"
)


def _targets(connected: Connected, flags: dict[str, Any]) -> list[ResourceId]:
    from kubectl_gitops.cli.sources import read_sources
    from kubectl_gitops.operations.inputs import name_resources, read_manifests

    session = connected.session
    if flags["names"]:
        return name_resources(session, flags["names"], namespace=connected.namespace)
    sources = read_sources(flags["filenames"], recursive=flags["recursive"])
    manifests = read_manifests(
        session,
        [(source.name, source.content) for source in sources],
        namespace=connected.namespace,
        explicit=connected.explicit,
    )
    return [manifest.id for manifest in manifests]


def _deleted(connected: Connected, targets: list[ResourceId], flags: dict[str, Any]) -> int:
    from kubectl_gitops.cli.results import print_report
    from kubectl_gitops.cluster.options import parse_timeout
    from kubectl_gitops.operations.delete import DeleteOptions, delete
    from kubectl_gitops.reconcile import Execution, Removal
    from kubectl_gitops.render import deleted_line

    grace = 1 if flags["now"] else flags["grace_period"]
    how = Execution(
        removal=Removal(_CASCADE[flags["cascade"]], None if grace < 0 else max(grace, 1)),
        wait=flags["wait"],
        gone=parse_timeout(flags["timeout"]) or _WEEK,
    )
    dry_run = flags["dry_run"] in ("server", "client", "unchanged", "true")
    options = DeleteOptions(
        reason=flags["reason"],
        ignore_not_found=flags["ignore_not_found"],
        dry_run=dry_run,
        how=how,
        confirm=_confirmation(yes=flags["yes"] or dry_run),
    )
    report = delete(connected.session, targets, options)
    as_name = flags["output"] == "name"
    return print_report(
        report,
        connected.session.store,
        lambda outcome: outcome.id.short if as_name else deleted_line(outcome.id),
        lambda change: (
            change.id.short if as_name else deleted_line(change.id, suffix=" (server dry run)")
        ),
    )


_WEEK = 7 * 24 * 3600.0
"""kubectl's own limit for a wait without `--timeout`."""


def _confirmation(*, yes: bool) -> Callable[[Sequence[ResourceId]], None]:
    def confirm(along: Sequence[ResourceId]) -> None:
        talk.note(f"these {len(along)} resources of the branch go along:")
        for id in along:
            talk.say(f"  - {id}")
        if not yes and talk.is_terminal() and not talk.asks("Remove all of it?"):
            raise GitopsError("deletion is cancelled; nothing was changed")

    return confirm
