"""`delete`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.candidates import resources
from kubectl_gitops.cli.flags import DURATION, INTEGER, DropIn, dry_run_option, switch
from kubectl_gitops.cli.options import ALLOW_PLAIN, Options, shared_options
from kubectl_gitops.cli.sources import Sources, source_options
from kubectl_gitops.errors import Exit

if TYPE_CHECKING:
    from kubectl_gitops.cli.removal import Asked
    from kubectl_gitops.cli.session import Connected
    from kubectl_gitops.operations.report import Report
    from kubectl_gitops.plan import Change, Outcome
    from kubectl_gitops.ports import Refusal
    from kubectl_gitops.resource import ResourceId

__all__ = ["delete_command"]


@click.command("delete", cls=DropIn, short_help="Remove resources from the branch and the cluster")
@click.argument("names", nargs=-1, metavar="[TYPE [NAME…] | TYPE/NAME…]", shell_complete=resources)
@source_options
@click.option("-m", "--message", "reason", default="", help="why: the body of the commit")
@click.option("-l", "--selector", default="", metavar="LABELS", help="those with these labels")
@click.option("--field-selector", default="", metavar="FIELDS", help="those with these fields")
@switch("--all", help="all of these types")
@switch("-A", "--all-namespaces", help="in all namespaces")
@switch("--ignore-not-found", default=None, help="what is not there is no error")
@click.option(
    "--cascade",
    is_flag=False,
    flag_value="background",
    default="background",
    metavar="background|foreground|orphan",
    help="what becomes of the resources it owns",
)
@click.option("--grace-period", type=INTEGER, default=-1, help="seconds the resource gets to end")
@switch("--now", help="a grace period of one second")
@switch("--force", help="no grace period at all")
@switch("--wait", default=True, help="until the resources are gone, unless =false")
@click.option("--timeout", type=DURATION, default="0s", help="how long to wait; 0: a week")
@dry_run_option
@click.option("-o", "--output", default="", metavar="name", help="only names")
@switch("-i", "--interactive", help="show what would go, and ask")
@click.option("--raw", default="", hidden=True)
@switch("--yes", "-y", help="answer every question with yes")
@ALLOW_PLAIN
@shared_options
def delete_command(options: Options, sources: Sources, **flags: Any) -> int:
    """Remove resources from the branch, then from the cluster.

    A drop-in for kubectl delete: the same arguments, flags and lines. What goes along with a
    Namespace or a CRD is listed first, recorded where it was not, and removed from the branch in
    the same commit. More in docs/start.md.

    \b
    Examples:
      kubectl gitops delete deployment/web -m "replaced by web2"
      kubectl gitops delete -f shop.yaml
      kubectl gitops delete configmaps,secrets -l app=shop
    """
    from kubectl_gitops.cli.removal import asked
    from kubectl_gitops.cli.session import open_session

    wanted = asked(sources, flags)
    contents = [(source.name, source.content) for source in sources.read()]
    connected = open_session(options)
    targets = _targets(connected, wanted, contents)
    if not targets:
        click.echo("No resources found")
        return connected.ended(0)
    if connected.explicit and not wanted.everywhere and not all(id.namespace for id in targets):
        talk.warning("deleting cluster-scoped resources, not scoped to the provided namespace")
    if wanted.dry_run == "client":
        return connected.ended(_imagined(wanted, targets, yes=flags["yes"]))
    return connected.ended(_deleted(connected, wanted, targets, flags))


def _targets(
    connected: Connected, wanted: Asked, contents: list[tuple[str, bytes]]
) -> Mapping[ResourceId, str]:
    """What is to go, each with the file it was read in, if it was."""
    from kubectl_gitops.operations import targets

    namespace = None if wanted.everywhere else connected.namespace
    if wanted.given:
        return targets.given_resources(
            connected.session,
            contents,
            namespace=connected.namespace,
            explicit=connected.explicit,
            selector=wanted.labels,
        )
    if wanted.selecting:
        selection = targets.Selection(namespace, wanted.labels, wanted.fields)
        types = wanted.arguments.types
        found = targets.selected_resources(connected.session, types, selection)
    else:
        found = targets.named_resources(connected.session, wanted.arguments, namespace)
    return dict.fromkeys(found, "")


def _imagined(wanted: Asked, targets: Iterable[ResourceId], *, yes: bool) -> int:
    """`--dry-run=client`: what kubectl would ask for, without asking whether it is there."""
    from kubectl_gitops.cli.losses import continues

    if wanted.interactive and not yes:
        continues(targets)
    for id in targets:
        click.echo(_line(wanted, id, " (dry run)"))
    return 0


def _deleted(
    connected: Connected, wanted: Asked, targets: Mapping[ResourceId, str], flags: dict[str, Any]
) -> int:
    from kubectl_gitops.cli.losses import confirmation
    from kubectl_gitops.cli.progress import progress
    from kubectl_gitops.cli.results import print_report
    from kubectl_gitops.operations.delete import DeleteOptions, delete
    from kubectl_gitops.render import undeleted_lines

    dry_run = wanted.dry_run == "server"
    deadline = time.monotonic() + wanted.timeout
    # What later removals depend on is waited for in between; for all the rest, see below.
    with progress(removal=wanted.removal, wait=False, gone=_seconds(wanted, deadline)) as how:
        options = DeleteOptions(
            reason=flags["reason"],
            ignore_not_found=wanted.ignore_not_found,
            dry_run=dry_run,
            how=how,
            allow_plain=flags["allow_plain"],
            confirm=confirmation(yes=flags["yes"], interactive=wanted.interactive, dry_run=dry_run),
        )
        report = delete(connected.session, list(targets), options)

    def refused(id: ResourceId, refusal: Refusal) -> list[str]:
        return undeleted_lines(id, refusal, targets.get(id, ""))

    code = print_report(report, connected.session.store, *_lines(wanted), refused)
    _tell_skipped(report)
    if code or dry_run or not wanted.wait:
        return code
    return _waited(connected, report, _seconds(wanted, deadline))


def _seconds(wanted: Asked, deadline: float) -> float:
    return deadline - time.monotonic() if wanted.wait else 0.0


def _line(wanted: Asked, id: ResourceId, suffix: str = "") -> str:
    from kubectl_gitops.render import deleted_line

    return id.short if wanted.as_name else deleted_line(id, forced=wanted.forced, suffix=suffix)


def _lines(wanted: Asked) -> tuple[Callable[[Outcome], str], Callable[[Change], str]]:
    """A line for what the cluster was asked to delete; what only the branch had has none."""
    from kubectl_gitops.plan import Action, Result

    def done(outcome: Outcome) -> str:
        return _line(wanted, outcome.id) if outcome.result is Result.DELETED else ""

    def planned(change: Change) -> str:
        deletes = change.action is Action.DELETE
        return _line(wanted, change.id, " (server dry run)") if deletes else ""

    return done, planned


def _tell_skipped(report: Report) -> None:
    from kubectl_gitops.plan import Action, Result

    for outcome in report.outcomes:
        if outcome.result is Result.SKIPPED and outcome.message:
            talk.note(f"{outcome.id}: {outcome.message}")
    for change in report.plan.changes if report.dry_run else ():
        if change.action is Action.SKIP and change.reason:
            talk.note(f"{change.id}: {change.reason}")


def _waited(connected: Connected, report: Report, seconds: float) -> int:
    """Wait as kubectl does, but for all at once; its error names the first that is still there."""
    from kubectl_gitops.cli.progress import progress
    from kubectl_gitops.operations.delete import await_deleted

    with progress(gone=seconds) as how:
        held = await_deleted(connected.session, report, how)
    for id, why in held.items():
        talk.note(f"{id}: still there: {why}")
    for change in report.plan.changes:
        if change.id in held and change.api is not None:
            name = f"{change.api.plural}/{change.id.name}"
            talk.error(f"timed out waiting for the condition on {name}")
            talk.hint(f"kubectl get {change.id.argument} -o yaml   # what holds it")
            return Exit.FAILED
    return 0
