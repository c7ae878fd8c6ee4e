"""`delete`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.options import DRY_RUN, Options, shared_options
from kubectl_gitops.cli.session import Connected, open_session
from kubectl_gitops.cli.sources import Sources, source_options
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.resource import ResourceId

if TYPE_CHECKING:
    from kubectl_gitops.plan import Change, Outcome

__all__ = ["confirmation", "delete_command"]

_CASCADE = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}


@click.command("delete", short_help="Remove resources from the branch and from the cluster")
@click.argument("names", nargs=-1, metavar="[TYPE NAME… | TYPE/NAME…]")
@source_options
@click.option("-m", "--message", "reason", default="", help="why: the body of the commit")
@click.option("--ignore-not-found", is_flag=True, help="what is not there is no error")
@click.option("--cascade", default="background", type=click.Choice(sorted(_CASCADE)))
@click.option("--grace-period", type=int, default=-1, help="seconds the resource gets to end")
@click.option("--now", is_flag=True, help="a grace period of one second")
@click.option("--wait", type=bool, is_flag=False, flag_value=True, default=True, metavar="BOOL")
@click.option("--timeout", default="0", metavar="TIME", help="how long to wait")
@click.option("--dry-run", is_flag=False, flag_value="server", default="none", type=DRY_RUN)
@click.option("-o", "--output", default="", type=click.Choice(["", "name"]))
@click.option("--yes", "-y", is_flag=True, help="answer every question with yes")
@shared_options
def delete_command(options: Options, sources: Sources, **flags: Any) -> int:
    """Remove resources from the branch, then from the cluster.

    A drop-in for kubectl delete. What goes along with a Namespace or a CRD is listed first and
    removed from the branch in the same commit. More in docs/start.md.

    \b
    Examples:
      kubectl gitops delete deployment/web -m "replaced by web2"
      kubectl gitops delete -f shop.yaml
    """
    sources.check()
    if bool(sources) == bool(flags["names"]):
        raise GitopsError(_USAGE)
    contents = [(source.name, source.content) for source in sources.read()]
    connected = open_session(options)
    return _deleted(connected, _targets(connected, contents, flags), flags)


_USAGE = (
    "You must provide one or more resources by argument or filename.\n"
    "Example resource specifications include:\n"
    "   '-f rsrc.yaml'\n"
    "   '--filename=rsrc.json'\n"
    "   '<resource> <name>'\n"
    "   '<resource>'"
)


def _targets(
    connected: Connected, contents: list[tuple[str, bytes]], flags: dict[str, Any]
) -> list[ResourceId]:
    from kubectl_gitops.operations.inputs import name_resources

    if flags["names"]:
        return name_resources(connected.session, flags["names"], namespace=connected.namespace)
    return [manifest.id for manifest in connected.manifests(contents)]


def _deleted(connected: Connected, targets: list[ResourceId], flags: dict[str, Any]) -> int:
    from kubectl_gitops.cli.progress import progress
    from kubectl_gitops.cli.results import print_report
    from kubectl_gitops.cluster.options import parse_timeout
    from kubectl_gitops.operations.delete import DeleteOptions, delete
    from kubectl_gitops.plan import Result
    from kubectl_gitops.reconcile import Removal

    grace = 1 if flags["now"] else flags["grace_period"]
    removal = Removal(_CASCADE[flags["cascade"]], None if grace < 0 else max(grace, 1))
    gone = parse_timeout(flags["timeout"]) or _WEEK
    dry_run = flags["dry_run"] != "none"
    with progress(removal=removal, wait=flags["wait"], gone=gone) as how:
        options = DeleteOptions(
            reason=flags["reason"],
            ignore_not_found=flags["ignore_not_found"],
            dry_run=dry_run,
            how=how,
            confirm=confirmation(yes=flags["yes"] or dry_run),
        )
        report = delete(connected.session, targets, options)
    code = print_report(report, connected.session.store, *_lines(flags["output"]))
    for outcome in report.outcomes:
        if outcome.result is Result.SKIPPED and outcome.message:
            talk.note(f"{outcome.id}: {outcome.message}")
    return connected.ended(code)


def _lines(output: str) -> tuple[Callable[[Outcome], str], Callable[[Change], str]]:
    from kubectl_gitops.plan import Result
    from kubectl_gitops.render import deleted_line

    if output == "name":
        return (lambda outcome: outcome.id.short), (lambda change: change.id.short)
    return (
        lambda outcome: deleted_line(outcome.id) if outcome.result is Result.DELETED else "",
        lambda change: deleted_line(change.id, suffix=" (server dry run)"),
    )


_WEEK = 7 * 24 * 3600.0
"""kubectl's own limit for a wait without `--timeout`."""


def confirmation(*, yes: bool) -> Callable[[Sequence[ResourceId], Sequence[ResourceId]], None]:
    """List what goes along with a removal, and ask the person at a terminal."""

    def confirm(risky: Sequence[ResourceId], along: Sequence[ResourceId]) -> None:
        if along:
            talk.note("this goes along:" if len(along) == 1 else f"these {len(along)} go along:")
        for id in along:
            talk.say(f"  - {id}")
        if yes or not talk.is_terminal():
            return
        names = ", ".join(map(str, risky or along))
        if not talk.asks(f"Remove {names} with all that is in there?"):
            raise GitopsError("deletion is cancelled; nothing was changed")

    return confirm
