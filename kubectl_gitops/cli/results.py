"""Print a report: result lines on stdout, everything else on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.equality import MANAGER
from kubectl_gitops.errors import Exit
from kubectl_gitops.fields import entry_of
from kubectl_gitops.health import Health
from kubectl_gitops.operations.report import Report
from kubectl_gitops.operations.vault import Resealed
from kubectl_gitops.plan import Change, Outcome, Result
from kubectl_gitops.ports import Refusal, Store
from kubectl_gitops.render import applied_line, planned_line, refusal_lines, taken_lines
from kubectl_gitops.resource import ResourceId
from kubectl_gitops.takeover import conflicts

__all__ = ["print_report", "print_resealed", "tell_findings", "tell_refusals", "tell_unhealthy"]


def print_report(
    report: Report,
    store: Store,
    line: Callable[[Outcome], str] = applied_line,
    planned: Callable[[Change], str] = planned_line,
    refused: Callable[[ResourceId, Refusal], list[str]] = refusal_lines,
    *,
    quiet_unchanged: bool = False,
) -> int:
    """Print what came of an operation, or what would; returns the exit code."""
    if report.dry_run and not report.refused:
        for change in report.plan.changes:
            _print_line(planned(change))
    for outcome in report.outcomes:
        if outcome.result.done and not (quiet_unchanged and outcome.result is Result.UNCHANGED):
            _print_line(line(outcome))
    for outcome in report.outcomes:
        _tell(outcome, refused)
    if report.refused and not report.outcomes:
        tell_refusals(report.refused, refused)
        talk.note("nothing was committed and nothing was changed")
    tell_findings(report)
    _tell_commit(report, store)
    return report.exit


def _print_line(line: str) -> None:
    if line:
        click.echo(line)


def _tell(outcome: Outcome, refused: Callable[[ResourceId, Refusal], list[str]]) -> None:
    for taken in taken_lines(outcome):
        talk.note(taken)
    if outcome.message and outcome.result is not Result.SKIPPED:
        talk.note(f"{outcome.id}: {outcome.message}")
    if not outcome.result.done and outcome.refusal is not None:
        _tell_lines(refused(outcome.id, outcome.refusal))


def _tell_lines(lines: list[str]) -> None:
    first, *rest = lines
    talk.error(first)
    for further in rest:
        talk.say(further)


def tell_findings(report: Report) -> None:
    """What else went wrong, and the commands that help."""
    for finding in report.findings:
        talk.error(finding)
    contested = [c for c in report.refused if c.refusal and conflicts(c.refusal.causes)]
    if contested:
        file = "" if report.operation == "pull" else " -f FILE"
        talk.hint(f"kubectl gitops diff{file}            # see what differs")
        if ours := [c for c in contested if c.live and entry_of(c.live, MANAGER)]:
            talk.hint(f"kubectl gitops record {ours[0].id.argument}   # keep what is live")
        talk.hint("kubectl gitops apply -f FILE --force-conflicts   # take the fields over")
    if again := [str(change.id) for change in report.refused if change.afresh]:
        what = again[0] if len(again) == 1 else f"these {len(again)}"
        talk.hint(f"kubectl gitops apply -f FILE --force   # delete and create {what} again")
    for hint in report.hints:
        talk.hint(hint)


def _tell_commit(report: Report, store: Store) -> None:
    if report.commit and report.operation != "pull":
        talk.note(f"committed {report.commit[:7]} to {store.branch} of {store.url}")
    if report.restored:
        talk.note(
            f"the branch holds the former content again (commit {report.restored[:7]}), "
            "because the cluster refused the new one"
        )
    if report.exit == Exit.AHEAD:
        talk.error("the branch is ahead of the cluster: not everything is known to be applied")
        talk.hint("kubectl gitops pull")


def print_resealed(done: Resealed, store: Store) -> int:
    """Print what was sealed anew in the branch; returns the exit code."""
    for id in done.resources:
        click.echo(f"{id.short} sealed anew")
    for finding in done.findings:
        talk.error(finding)
    if done.commit:
        talk.note(f"committed {done.commit[:7]} to {store.branch} of {store.url}")
        talk.hint("kubectl gitops pull")
    return Exit.FAILED if done.findings else 0


def tell_refusals(
    changes: Iterable[Change],
    refused: Callable[[ResourceId, Refusal], list[str]] = refusal_lines,
) -> None:
    """Why the server refuses each of these."""
    for change in changes:
        if change.refusal is not None:
            _tell_lines(refused(change.id, change.refusal))


def tell_unhealthy(unhealthy: Mapping[ResourceId, Health]) -> int:
    """What is not healthy after the wait, and the exit code."""
    for id, found in unhealthy.items():
        talk.error(f"{id} is {found.status}: {found.message}")
    if unhealthy:
        talk.hint("kubectl gitops status")
    return Exit.FAILED if unhealthy else 0
