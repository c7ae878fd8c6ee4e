"""`apply`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.flags import (
    DURATION,
    INTEGER,
    DropIn,
    dry_run_of,
    dry_run_option,
    refuse_other_ways,
    switch,
)
from kubectl_gitops.cli.options import ALLOW_PLAIN, Options, shared_options
from kubectl_gitops.cli.sources import Sources, source_options
from kubectl_gitops.cli.waiting import waited
from kubectl_gitops.errors import GitopsError, printable

if TYPE_CHECKING:
    from kubectl_gitops.cli.session import Connected
    from kubectl_gitops.operations.apply import ApplyOptions
    from kubectl_gitops.operations.prune import Pruning
    from kubectl_gitops.operations.report import Report
    from kubectl_gitops.plan import Change, Outcome
    from kubectl_gitops.reconcile import Execution
    from kubectl_gitops.resource import ResourceId

__all__ = ["apply_command"]

_VALIDATION = {
    "strict": "Strict",
    "true": "Strict",
    "warn": "Warn",
    "ignore": "Ignore",
    "false": "Ignore",
}
_OUTPUTS = ("", "json", "name", "yaml")
_CASCADE = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}
_HEALTHY = 300.0
"""Seconds that `--wait` waits without a `--timeout`."""


@click.command("apply", cls=DropIn, short_help="Commit manifests to the branch and apply them")
@click.argument("unexpected", nargs=-1, metavar="")
@source_options
@click.option("-m", "--message", "reason", default="", help="why: the body of the commit")
@click.option("-l", "--selector", default="", help="only resources with these labels")
@switch("--prune", help="remove what the input lacks; with -l or --all")
@switch("--all", "everything", help="with --prune: whatever the labels")
@click.option(
    "--allow-prune", type=INTEGER, default=None, metavar="N", help="prune up to N resources"
)
@switch("--force-conflicts", help="take fields over from their managers")
@switch("--force", help="delete and create again what cannot be changed")
@click.option(
    "--cascade",
    is_flag=False,
    flag_value="background",
    default="background",
    metavar="HOW",
    help="with --force, as in delete",
)
@click.option("--grace-period", type=INTEGER, default=-1, metavar="SECONDS", help="with --force")
@switch("--record-only", help="write the branch, leave the cluster alone")
@click.option("--validate", is_flag=False, flag_value="strict", default="strict", metavar="HOW")
@dry_run_option
@click.option("-o", "--output", default="", metavar="json|name|yaml", help="print the resources")
@switch("--show-managed-fields", help="with -o json or yaml")
@ALLOW_PLAIN
@switch("--wait", help="wait until everything applied is healthy")
@click.option(
    "--timeout", type=DURATION, default="0s", metavar="TIME", help="how long, with --wait"
)
@switch("--yes", "-y", help="answer every question with yes")
@switch("--server-side", default=None, hidden=True)
@click.option("--field-manager", default="", hidden=True)
@click.option("--applyset", default="", hidden=True)
@click.option("--prune-allowlist", multiple=True, hidden=True)
@click.option("--subresource", default="", hidden=True)
@click.option("--template", default="", hidden=True, expose_value=False)
@switch("--record", hidden=True)
@switch("--overwrite", hidden=True, expose_value=False)
@switch("--openapi-patch", hidden=True, expose_value=False)
@switch("--allow-missing-template-keys", hidden=True, expose_value=False)
@shared_options
def apply_command(options: Options, sources: Sources, **flags: Any) -> int:
    """Commit manifests to the branch, then apply them to the cluster.

    A drop-in for kubectl apply: the same files, the same lines of output. The whole command is
    checked by a server dry-run first; if one resource is refused, nothing is committed and
    nothing changes. More in docs/start.md.

    \b
    Examples:
      kubectl gitops apply -f shop.yaml -m "raise replicas before the sale"
      kubectl gitops apply -k overlays/prod --dry-run=server
      kubectl gitops apply -R -f deploy/ --prune -l team=shop
    """
    flags["dry_run"] = dry_run_of(flags["dry_run"])
    _check(sources, flags)
    from kubectl_gitops.cli.session import open_session

    contents = [(source.name, source.content) for source in sources.read()]
    connected = open_session(options)
    report, code = _applied(connected, contents, flags)
    if report.commit and flags["record_only"]:
        talk.note("the cluster was left as it is")
        talk.hint("kubectl gitops pull")
    if report.commit:
        _hint_at_checkouts(connected, sources)
    return connected.ended(code)


def _check(sources: Sources, flags: dict[str, Any]) -> None:
    """What excludes each other or is not to be had, in kubectl's words and order."""
    if flags["unexpected"]:
        raise click.UsageError(f"Unexpected args: [{' '.join(flags['unexpected'])}]")
    if not sources:
        raise GitopsError("must specify one of -f and -k")
    sources.check()
    for holds, message, *hints in (*_kubectls(flags), *_ours(flags)):
        if holds:
            raise GitopsError(message, *hints)
    refuse_other_ways(flags)


def _kubectls(flags: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
    """Combinations that kubectl refuses: whether it is one, the text."""
    explicit, dry_run = flags["server_side"], flags["dry_run"]
    validate, cascade = flags["validate"], flags["cascade"]
    return (
        (
            validate not in _VALIDATION,
            f'invalid - validate option "{validate}"; must be one of: strict (or true), warn, '
            "ignore (or false)",
        ),
        (
            dry_run == "client" and explicit,
            "--dry-run=client doesn't work with --server-side (did you mean --dry-run=server "
            "instead?)",
        ),
        (flags["force"] and explicit, "--force cannot be used with --server-side"),
        (
            flags["force"] and dry_run == "server",
            "--dry-run=server cannot be used with --force",
        ),
        (flags["force"] and flags["prune"], "--force cannot be used with --prune"),
        (
            cascade not in _CASCADE,
            f'invalid cascade value ({cascade}). Must be "background", "foreground", or "orphan"',
        ),
        (
            flags["everything"] and flags["selector"],
            "cannot set --all and --selector at the same time",
        ),
        (
            flags["prune"] and not flags["everything"] and not flags["selector"],
            "all resources selected for prune without explicitly passing --all. To prune all "
            "resources, pass the --all flag. If you did not mean to prune all resources, specify "
            "a label selector",
        ),
    )


def _ours(flags: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
    """What kubectl has and we have not: whether it is asked for, the text, a command instead."""
    output = flags["output"]
    return (
        (
            flags["applyset"],
            "the apply set is the target's own; --applyset is not to be had",
            "kubectl gitops apply -f FILE --prune --all",
        ),
        (
            flags["subresource"],
            "a subresource is no configuration, so it is not kept in Git",
            "kubectl apply -f FILE --server-side --subresource status",
        ),
        (
            flags["record"],
            "--record is gone: every commit says who changed what, and -m why",
            'kubectl gitops apply -f FILE -m "the reason"',
        ),
        (
            flags["record_only"] and flags["force"],
            "--force cannot be used with --record-only: a pull deletes nothing to create it again",
            "kubectl gitops apply -f FILE --force",
        ),
        (
            output not in _OUTPUTS,
            f'unable to match a printer suitable for the output format "{output}", allowed '
            "formats are: json,name,yaml",
            "kubectl gitops apply -f FILE -o json | jq .",
        ),
    )


def _applied(
    connected: Connected, contents: list[tuple[str, bytes]], flags: dict[str, Any]
) -> tuple[Report, int]:
    from kubectl_gitops.cli.progress import progress
    from kubectl_gitops.operations.apply import apply
    from kubectl_gitops.reconcile import Removal

    manifests = connected.manifests(contents, selector=flags["selector"])
    grace = flags["grace_period"]
    removal = Removal(_CASCADE[flags["cascade"]], None if grace < 0 else grace)
    with progress(removal=removal) as how:
        report = apply(connected.session, manifests, _options(flags, how))
    code = _printed(connected, report, flags)
    if code == 0 and flags["wait"] and not report.dry_run and not flags["record_only"]:
        code = waited(connected, report, flags["timeout"] or _HEALTHY)
    return report, code


def _hint_at_checkouts(connected: Connected, sources: Sources) -> None:
    """Whoever applies from a checkout of the store is behind it now."""
    from kubectl_gitops.store.checkout import checkouts

    store = connected.session.store
    for top in checkouts(sources.files(), store.url, store.branch):
        where = shlex.quote(printable(str(top)))
        talk.hint(f"git -C {where} pull --rebase --autostash   # it is behind now")


def _options(flags: dict[str, Any], how: Execution) -> ApplyOptions:
    from kubectl_gitops.operations.apply import ApplyOptions
    from kubectl_gitops.plan import Rights

    return ApplyOptions(
        reason=flags["reason"],
        rights=Rights.ALL if flags["force_conflicts"] else Rights.OWN,
        validation=_VALIDATION[flags["validate"]],
        dry_run=flags["dry_run"] != "none",
        asks=flags["dry_run"] != "client",
        recreate=flags["force"],
        prune=_pruning(flags) if flags["prune"] else None,
        record_only=flags["record_only"],
        how=how,
        allow_plain=flags["allow_plain"],
    )


def _pruning(flags: dict[str, Any]) -> Pruning:
    from kubectl_gitops.operations.prune import Pruning
    from kubectl_gitops.selector import parse_selector

    confirm = _confirmation(yes=flags["yes"])
    return Pruning(parse_selector(flags["selector"]), flags["allow_prune"], confirm)


def _confirmation(*, yes: bool) -> Callable[[Sequence[ResourceId], bool], bool]:
    def confirm(going: Sequence[ResourceId], beyond: bool) -> bool:
        if yes or not beyond:
            return True
        if not talk.is_terminal():
            return False
        for id in going:
            talk.say(f"  - {id}")
        return talk.asks(f"Remove {'this' if len(going) == 1 else f'these {len(going)}'}?")

    return confirm


def _printed(connected: Connected, report: Report, flags: dict[str, Any]) -> int:
    """Result lines, names, or the resources themselves; the exit code."""
    from kubectl_gitops.cli.results import print_report

    dry_run = f"{flags['dry_run']} dry run".removeprefix("client ")
    output = flags["output"]
    line, planned = _lines(output, dry_run)
    code = print_report(report, connected.session.store, line, planned)
    if code == 0 and output in ("json", "yaml"):
        _print_resources(report, output, managed_fields=flags["show_managed_fields"])
    return code


def _lines(output: str, dry_run: str) -> tuple[Callable[[Outcome], str], Callable[[Change], str]]:
    from kubectl_gitops.render import applied_line, planned_line

    if output == "name":
        return (lambda outcome: outcome.id.short), (lambda change: change.id.short)
    if output:
        return (lambda _: ""), (lambda _: "")
    return (
        lambda outcome: applied_line(outcome, "pruned"),
        lambda change: planned_line(change, dry_run, "pruned"),
    )


def _print_resources(report: Report, output: str, *, managed_fields: bool) -> None:
    from kubectl_gitops.operations.shown import shown_resources
    from kubectl_gitops.render import resources_json, resources_yaml

    bodies = shown_resources(report, managed_fields=managed_fields)
    click.echo((resources_json if output == "json" else resources_yaml)(bodies), nl=False)
