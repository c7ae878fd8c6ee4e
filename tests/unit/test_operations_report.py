"""How an operation ends: the table of docs/exit-codes.md."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from kubectl_gitops.errors import Exit
from kubectl_gitops.operations.report import Report
from kubectl_gitops.plan import Action, Change, Outcome, Plan, Preview, Result
from kubectl_gitops.ports import Refusal
from kubectl_gitops.resource import ResourceId

ID = ResourceId("", "ConfigMap", "shop", "web")


def change(refusal: Refusal | None = None) -> Change:
    return Change(ID, Action.UPDATE, None, {}, None, Preview(refusal) if refusal else None)


INVALID = change(Refusal(422, "Invalid", "no"))
CONFLICT = change(Refusal(409, "Conflict", "no"))


def ended(
    *results: Result,
    operation: str = "apply",
    refused: Sequence[Change] = (),
    restored: str = "",
    findings: Sequence[str] = (),
    unsettled: bool = False,
) -> int:
    report = Report(
        operation,
        outcomes=tuple(Outcome(change(), result) for result in results),
        refused=tuple(refused),
        restored=restored,
        findings=tuple(findings),
        unsettled=unsettled,
    )
    return report.exit


DONE = [result for result in Result if result.done]
OPEN = [Result.MOVED, Result.UNKNOWN, Result.BLOCKED]


def test_a_report_says_by_itself_that_nothing_happened():
    report = Report("apply")
    assert (report.commit, report.plan, report.outcomes, report.exit) == ("", Plan(()), (), 0)


@pytest.mark.parametrize("operation", ["apply", "delete", "pull"])
def test_what_is_done_ends_with_zero(operation):
    assert ended(*DONE, operation=operation) == 0


@pytest.mark.parametrize("operation", ["apply", "delete", "pull"])
@pytest.mark.parametrize("result", OPEN)
def test_what_is_open_leaves_git_ahead(operation, result):
    assert ended(Result.CREATED, result, operation=operation) == Exit.AHEAD
    assert ended(Result.REFUSED, result, operation=operation) == Exit.AHEAD
    assert ended(Result.REFUSED, result, operation=operation, restored="c") == Exit.AHEAD


def test_a_refusal_after_the_push_leaves_git_ahead_until_the_branch_is_put_back():
    assert ended(Result.CREATED, Result.REFUSED) == Exit.AHEAD
    assert ended(Result.CREATED, Result.REFUSED, restored="c") == Exit.FAILED


def test_a_pull_that_meets_a_refusal_failed_for_the_branch_says_the_same_as_before():
    assert ended(Result.CREATED, Result.REFUSED, operation="pull") == Exit.FAILED


def test_a_refused_dry_run_failed():
    assert ended(refused=[INVALID]) == Exit.FAILED


def test_a_conflict_among_the_refusals_of_a_dry_run_is_said():
    assert ended(refused=[INVALID, CONFLICT]) == Exit.CONFLICT


def test_what_could_not_be_read_is_a_failure_where_nothing_worse_happened():
    assert ended(*DONE, findings=["b.yaml cannot be read"]) == Exit.FAILED
    assert ended(Result.UNKNOWN, findings=["b.yaml cannot be read"]) == Exit.AHEAD


def test_a_branch_that_never_came_to_rest_is_ahead_whatever_else():
    assert ended(*DONE, unsettled=True) == Exit.AHEAD
    assert ended(refused=[CONFLICT], unsettled=True) == Exit.AHEAD
