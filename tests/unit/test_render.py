"""Whole outputs: lines, tables, JSON and diffs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubectl_gitops.equality import Difference
from kubectl_gitops.fields import Owner
from kubectl_gitops.health import Health, Status
from kubectl_gitops.operations.inspect import DiffItem, Drift, State, StatusItem
from kubectl_gitops.plan import Action, Change, Outcome, Result, Taken
from kubectl_gitops.pointer import ABSENT
from kubectl_gitops.ports import Cause, Refusal
from kubectl_gitops.render import (
    applied_line,
    as_json,
    deleted_line,
    diff_text,
    planned_line,
    refusal_lines,
    status_json,
    status_table,
    taken_lines,
    waiting_table,
)
from kubectl_gitops.resource import ResourceId
from tests.unit.test_render_past import SECOND

WEB = ResourceId("apps", "Deployment", "shop", "web")
CONFIG = ResourceId("", "ConfigMap", "shop", "c")
SHOP = ResourceId("", "Namespace", "", "shop")
ODD = ResourceId("", "ConfigMap", "shop", "a\x1b[2J")


def outcome(result: Result, id: ResourceId = WEB, **parts: Any) -> Outcome:
    return Outcome(Change(id, Action.UPDATE, None, None, None), result, **parts)


# Lines


def test_a_result_line_is_kubectls():
    assert applied_line(outcome(Result.CREATED)) == "deployment.apps/web created"
    assert applied_line(outcome(Result.CONFIGURED, CONFIG)) == "configmap/c configured"
    assert applied_line(outcome(Result.UNCHANGED, SHOP)) == "namespace/shop unchanged"


def test_what_is_skipped_says_why():
    suspended = outcome(Result.SKIPPED, message="kubectl-gitops/reconcile: disabled")
    assert (
        applied_line(suspended)
        == "deployment.apps/web skipped (kubectl-gitops/reconcile: disabled)"
    )
    assert applied_line(outcome(Result.SKIPPED)) == "deployment.apps/web skipped"
    assert applied_line(outcome(Result.CREATED, message="note")) == "deployment.apps/web created"


@pytest.mark.parametrize(
    ("action", "word"),
    [
        (Action.CREATE, "created"),
        (Action.UPDATE, "configured"),
        (Action.UNCHANGED, "unchanged"),
        (Action.DELETE, "deleted"),
        (Action.SKIP, "skipped"),
    ],
)
def test_a_dry_run_says_that_it_is_one(action, word):
    change = Change(WEB, action, None, None, None)
    assert planned_line(change) == f"deployment.apps/web {word} (server dry run)"


@pytest.mark.parametrize(
    ("id", "suffix", "line"),
    [
        (WEB, "", 'deployment.apps "web" deleted from shop namespace'),
        (SHOP, "", 'namespace "shop" deleted'),
        (CONFIG, " (server dry run)", 'configmap "c" deleted from shop namespace (server dry run)'),
        (ODD, "", 'configmap "a\\x1b[2J" deleted from shop namespace'),
    ],
)
def test_a_removal_is_said_as_kubectl_says_it(id, suffix, line):
    assert deleted_line(id, suffix=suffix) == line


def test_what_was_taken_back_is_named_with_its_owner():
    taken = (Taken("kubectl-edit", ".spec.replicas"), Taken("a\x1bb", ".data"))
    assert taken_lines(outcome(Result.CONFIGURED, taken=taken)) == [
        "deployment/shop/web: .spec.replicas taken over from kubectl-edit",
        "deployment/shop/web: .data taken over from a\\x1bb",
    ]
    assert taken_lines(outcome(Result.CONFIGURED)) == []


OWNED = Cause(
    "FieldManagerConflict", ".spec.replicas", 'conflict with "kubectl-edit" using apps/v1'
)
LONG = Cause("FieldValueInvalid", "spec.replicas", "Invalid value: -1: must be at least 0")
EMPTY = Cause("FieldValueRequired", "spec.selector", "")


@pytest.mark.parametrize(
    ("refusal", "lines"),
    [
        (
            Refusal(404, "NoMatch", 'no matches for kind "X"\nensure CRDs are installed first'),
            ['no matches for kind "X"', "ensure CRDs are installed first"],
        ),
        (
            Refusal(422, "Invalid", "whole text", (LONG,)),
            [
                'deployment/shop/web: The Deployment "web" is invalid: spec.replicas: '
                "Invalid value: -1: must be at least 0"
            ],
        ),
        (
            Refusal(422, "Invalid", "whole text", (LONG, EMPTY)),
            [
                'deployment/shop/web: The Deployment "web" is invalid:',
                "* spec.replicas: Invalid value: -1: must be at least 0",
                "* spec.selector: FieldValueRequired",
            ],
        ),
        (
            Refusal(422, "Invalid", "whole text"),
            ['deployment/shop/web: The Deployment "web" is invalid: whole text'],
        ),
        (
            Refusal(409, "Conflict", "Apply failed with 1 conflict", (OWNED,)),
            [
                "deployment/shop/web: other field managers own what this would change:",
                '  .spec.replicas: conflict with "kubectl-edit" using apps/v1',
            ],
        ),
        (
            Refusal(409, "Conflict", "the object has been modified"),
            [
                "deployment/shop/web: Error from server (Conflict): the object has been modified",
            ],
        ),
        (
            Refusal(0, "Unreachable", "connection refused"),
            ["deployment/shop/web: connection refused"],
        ),
        (
            Refusal(409, "Foreign", "it belongs to the set applyset-x"),
            ["deployment/shop/web: it belongs to the set applyset-x"],
        ),
        (
            Refusal(403, "Forbidden", "no"),
            ["deployment/shop/web: Error from server (Forbidden): no"],
        ),
        (Refusal(418, "", "no"), ["deployment/shop/web: Error from server (418): no"]),
    ],
)
def test_a_refusal_is_told_under_kubectls_heading(refusal, lines):
    assert refusal_lines(WEB, refusal) == lines


def test_json_is_indented_as_kubectl_does_and_keeps_letters():
    assert as_json({"a": ["ö"]}) == '{\n    "a": [\n        "ö"\n    ]\n}'


# Status


class Report:
    """A `StatusReport` as far as it is printed: without the picture it was made from."""

    def __init__(self, *items: StatusItem) -> None:
        self.items = items


OWNER = Owner("kubectl-edit", "Update", "", "2026-01-02T03:04:05Z")
DRIFTED = StatusItem(
    WEB,
    State.DRIFTED,
    Health(Status.IN_PROGRESS, "1 of 5 Pods ready"),
    SECOND,
    drift=(
        Drift(Difference("/spec/replicas", 5, 2), OWNER),
        Drift(Difference("/spec/paused", True, ABSENT), Owner("argo", "Apply", "", "")),
        Drift(Difference("/metadata/labels/a", ABSENT, "x" * 50), None),
    ),
)
EXTRA = StatusItem(SHOP, State.EXTRA, None, None, "pull removes it")
SAID = (
    "/spec/replicas 2 → 5 by kubectl-edit at 2026-01-02T03:04:05Z; "
    "/spec/paused nothing → true by argo; "
    f"/metadata/labels/a {'x' * 37}… → nothing"
)


def test_status_is_a_table_that_says_what_drifted_and_who_did_it():
    assert status_table(Report(DRIFTED, EXTRA)) == (
        "RESOURCE              STATE     HEALTH       REVISION   "
        "AUTHOR                           MESSAGE\n"
        "deployment/shop/web   Drifted   InProgress   2          "
        f"Ada Lovelace <ada@example.com>   {SAID}\n"
        "namespace/shop        Extra     -            -          "
        "-                                pull removes it\n"
    )


def test_a_set_without_resources_says_so():
    assert status_table(Report()) == "the set holds no resources\n"


def test_status_as_json_has_every_documented_field():
    resource = {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"}
    assert json.loads(status_json(Report(DRIFTED, EXTRA))) == {
        "apiVersion": "kubectl-gitops/v1",
        "kind": "Status",
        "items": [
            {
                "resource": resource,
                "state": "Drifted",
                "health": "InProgress",
                "revision": 2,
                "message": SAID,
            },
            {
                "resource": {"group": "", "kind": "Namespace", "namespace": "", "name": "shop"},
                "state": "Extra",
                "health": None,
                "revision": None,
                "message": "pull removes it",
            },
        ],
    }


# Diffs


def config(data: dict[str, str], **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": "shop", **metadata},
        "data": data,
    }


def test_a_diff_shows_what_is_live_against_the_branch_without_noise():
    before = {
        **config({"a": "1", "b": "2"}, uid="u", resourceVersion="1", managedFields=[]),
        "status": {"x": 1},
    }
    after = config({"a": "1", "b": "3"}, uid="u", resourceVersion="2", generation=2)
    assert diff_text([DiffItem(CONFIG, before, after)]) == (
        "--- live/configmap/shop/c\n"
        "+++ branch/configmap/shop/c\n"
        "@@ -5,4 +5,4 @@\n"
        "   namespace: shop\n"
        " data:\n"
        '   a: "1"\n'
        '-  b: "2"\n'
        '+  b: "3"\n'
    )


def test_what_comes_and_what_goes_is_shown_whole():
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    items = [DiffItem(SHOP, None, namespace), DiffItem(SHOP, namespace, None)]
    lines = ["apiVersion: v1", "kind: Namespace", "metadata:", "  name: shop"]
    head = "--- live/namespace/shop\n+++ branch/namespace/shop\n"
    assert diff_text(items) == (
        f"{head}@@ -0,0 +1,4 @@\n"
        + "".join(f"+{line}\n" for line in lines)
        + f"{head}@@ -1,4 +0,0 @@\n"
        + "".join(f"-{line}\n" for line in lines)
    )


def test_no_difference_is_no_text():
    assert diff_text([DiffItem(CONFIG, config({}, uid="a"), config({}, uid="b"))]) == ""
    assert diff_text([]) == ""


def test_a_diff_shows_no_control_characters():
    text = diff_text([DiffItem(ODD, None, config({"a": "\x1b[31m"}))])
    assert "\x1b" not in text
    assert "+++ branch/configmap/shop/a\\x1b[2J\n" in text


def test_what_is_waited_for_is_a_table_of_at_most_ten_rows():
    ids = [ResourceId("apps", "Deployment", "shop", f"web{n}") for n in range(12)]
    left = dict.fromkeys(ids, "1 of 2 are ready") | {ids[0]: "", ids[1]: "\x1b[2J"}
    lines = waiting_table(left, 40, 62.9).split("\n")
    assert lines[0] == "waiting for 12 of 40, 1m02s"
    assert lines[1:4] == [
        "  deployment/shop/web0   -",
        "  deployment/shop/web1   \\x1b[2J",
        "  deployment/shop/web2   1 of 2 are ready",
    ]
    assert (len(lines), lines[-1]) == (12, "  and 2 more")
    assert waiting_table({}, 3, 0) == "waiting for 0 of 3, 0m00s"
