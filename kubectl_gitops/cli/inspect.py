"""`diff` and `status`: the plan of a pull, shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.candidates import resources, revisions
from kubectl_gitops.cli.drift import drift_teller
from kubectl_gitops.cli.flags import INTEGER, DropIn, refuse_other_ways, switch
from kubectl_gitops.cli.options import Options, shared_options
from kubectl_gitops.cli.past import print_states
from kubectl_gitops.cli.session import Connected, open_session
from kubectl_gitops.cli.sources import Sources, source_options
from kubectl_gitops.errors import Exit, GitopsError

if TYPE_CHECKING:
    from kubectl_gitops.operations.inspect import DiffOptions

__all__ = ["diff_command", "status_command"]


@click.command("diff", cls=DropIn, short_help="Show what pull, or apply -f, would change")
@click.argument("names", nargs=-1, metavar="[TYPE/NAME --revision A..B]", shell_complete=resources)
@click.option(
    "--revision",
    default="",
    metavar="A..B",
    help="two revisions of one resource",
    shell_complete=revisions,
)
@source_options
@click.option("-l", "--selector", default="", help="only resources with these labels")
@switch("--prune", help="also what apply --prune would remove")
@switch("--force-conflicts", help="as if apply took fields over")
@switch("--show-managed-fields", help="show who owns which field")
@switch("--show-secrets", hidden=True)
@switch("--server-side", default=True, hidden=True)
@click.option("--field-manager", default="", hidden=True)
@click.option("--prune-allowlist", multiple=True, hidden=True)
@click.option("--concurrency", type=INTEGER, default=1, hidden=True, expose_value=False)
@shared_options
def diff_command(options: Options, sources: Sources, **flags: Any) -> int:
    """Show what pull would change, with -f what apply would, or how two revisions differ.

    Values of Secrets are masked. Exit code 0: no differences, 1: differences, 2: an error, as
    kubectl diff; KUBECTL_EXTERNAL_DIFF names another program to show them. More in docs/pull.md.

    \b
    Examples:
      kubectl gitops diff
      kubectl gitops diff -f shop.yaml
      kubectl gitops diff deployment/web --revision 3..5
    """
    try:
        _check(sources, flags)
        if flags["revision"]:
            return print_states(options, flags["names"], flags["revision"])
        return _diff(options, sources, flags)
    except GitopsError as error:
        talk.failure(error)
        return max(error.exit, Exit.USAGE)


def _check(sources: Sources, flags: dict[str, Any]) -> None:
    """What excludes each other or is not to be had, in kubectl's words where it has some."""
    if flags["names"] and not flags["revision"]:
        raise click.UsageError(f"Unexpected args: [{' '.join(flags['names'])}]")
    sources.check()
    if flags["revision"] and (sources or not flags["names"]):
        raise GitopsError(
            "--revision is for one resource, named by TYPE/NAME",
            "kubectl gitops diff deployment/web --revision 3..5",
            exit=Exit.USAGE,
        )
    if not sources and (flags["selector"] or flags["prune"] or sources.recursive):
        raise GitopsError("must specify one of -f and -k", "kubectl gitops diff -f FILE")
    refuse_other_ways(flags)
    if flags["show_secrets"]:
        raise GitopsError(
            "values of Secrets are never shown in a diff", "kubectl gitops secret decrypt --help"
        )


def _diff(options: Options, sources: Sources, flags: dict[str, Any]) -> int:
    from kubectl_gitops.cli.differ import show_differences
    from kubectl_gitops.cli.results import tell_refusals
    from kubectl_gitops.operations.inspect import diff

    contents = [(source.name, source.content) for source in sources.read()] if sources else None
    connected = open_session(options)
    items, refused, findings = diff(connected.session, _asked(connected, contents, flags))
    status = show_differences(items, managed_fields=flags["show_managed_fields"])
    tell_drift = drift_teller()
    for item in items:
        if item.drift:
            tell_drift(item.id, item.drift)
    tell_refusals(refused)
    for finding in findings:
        talk.error(finding)
    if refused or findings:
        return Exit.USAGE
    return connected.ended(status)


def _asked(
    connected: Connected, contents: list[tuple[str, bytes]] | None, flags: dict[str, Any]
) -> DiffOptions | None:
    """What the differences are of; None for the whole branch."""
    from kubectl_gitops.operations.inspect import DiffOptions
    from kubectl_gitops.plan import Rights
    from kubectl_gitops.selector import parse_selector

    if contents is None:
        return None
    return DiffOptions(
        connected.manifests(contents, selector=flags["selector"]),
        rights=Rights.ALL if flags["force_conflicts"] else Rights.OWN,
        prunes=parse_selector(flags["selector"]) if flags["prune"] else None,
    )


@click.command("status", cls=DropIn, short_help="Tell how every resource of the set stands")
@click.option("-o", "--output", default="", type=click.Choice(["", "json"]))
@shared_options
def status_command(options: Options, output: str) -> int:
    """Tell how every resource of the set stands: in sync, drifted, ahead, missing or extra.

    Exit code 0 only when everything is in sync. More in docs/pull.md.

    \b
    Examples:
      kubectl gitops status
      kubectl gitops status -o json
    """
    from kubectl_gitops.operations.inspect import status
    from kubectl_gitops.render import status_json, status_table

    try:
        report = status(open_session(options).session)
    except GitopsError as error:
        talk.failure(error)
        return max(error.exit, Exit.USAGE)
    click.echo(status_json(report) if output == "json" else status_table(report).rstrip("\n"))
    for finding in report.picture.unread:
        talk.error(finding)
    if (by := report.picture.parent.suspended) is not None:
        talk.note("the set is suspended" + (f" by {by}" if by else "") + ": pull does nothing")
        talk.hint("kubectl gitops resume")
    return 0 if report.in_sync else Exit.FAILED
