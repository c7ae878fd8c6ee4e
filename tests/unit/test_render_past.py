"""Whole outputs of what tells the past: tables, patches, diffs and documents."""

from __future__ import annotations

import json
import re
from typing import Any

from kubectl_gitops.history import Revision
from kubectl_gitops.manifest import write
from kubectl_gitops.message import Message, Signature
from kubectl_gitops.operations.journal import Operation
from kubectl_gitops.operations.past import Told
from kubectl_gitops.render.past import (
    history_body,
    history_diffs,
    history_patches,
    history_table,
    operation_text,
    operations_body,
    operations_table,
    states_diff,
)
from kubectl_gitops.render.texts import as_json
from kubectl_gitops.resource import ResourceId

WEB = ResourceId("apps", "Deployment", "shop", "web")
CONFIG = ResourceId("", "ConfigMap", "shop", "c")
SHOP = ResourceId("", "Namespace", "", "shop")
ODD = ResourceId("", "ConfigMap", "shop", "a\x1b[2J")


def revision(number: int, id: ResourceId = WEB, **parts: Any) -> Revision:
    known: dict[str, Any] = {
        "resource": id,
        "path": "shop/deployment.apps/web.yaml",
        "revision": number,
        "commit": f"{number}" * 40,
        "time": "2026-01-02T03:04:05+00:00",
        "author": "Ada Lovelace <ada@example.com>",
        "user": "ada",
        "operation": "apply",
        "reason": "",
        "patch": None,
        "before": None,
        "after": "a" * 40,
        "previous": None,
    }
    return Revision(**{**known, **parts})


PATCH = ({"op": "replace", "path": "/spec/replicas", "value": 3},)
SECOND = revision(2, patch=PATCH, before="a" * 40, after="b" * 40, reason="the sale\n\nof June")
BY_HAND = revision(1, operation="", user="")
TOLD = [Told(SECOND, "spec.replicas 2 → 3"), Told(BY_HAND, "created", abandoned=True)]


def test_a_history_is_a_table_in_the_order_given():
    assert history_table(TOLD, whole_set=False) == (
        "REVISION   TIME                        AUTHOR         USER   OPERATION   "
        "COMMIT                CHANGE                REASON\n"
        "2          2026-01-02T03:04:05+00:00   Ada Lovelace   ada    apply       "
        "2222222               spec.replicas 2 → 3   the sale\n"
        "1          2026-01-02T03:04:05+00:00   Ada Lovelace   -      commit      "
        "1111111 (abandoned)   created               -\n"
    )


def test_a_wide_history_has_addresses_and_files():
    assert history_table(TOLD[:1], whole_set=False, wide=True) == (
        "REVISION   TIME                        AUTHOR                           USER   OPERATION"
        "   COMMIT    CHANGE                REASON     FILE\n"
        "2          2026-01-02T03:04:05+00:00   Ada Lovelace <ada@example.com>   ada    apply    "
        "   2222222   spec.replicas 2 → 3   the sale   shop/deployment.apps/web.yaml\n"
    )


def test_the_history_of_a_set_names_each_resource():
    removed = Told(revision(1, SHOP, author="A", time="t", after=None), "removed")
    assert history_table([removed], whole_set=True) == (
        "RESOURCE         REVISION   TIME   AUTHOR   USER   OPERATION   COMMIT    CHANGE    "
        "REASON\n"
        "namespace/shop   1          t      A        ada    apply       1111111   removed   -\n"
    )


def test_a_history_without_revisions_says_so():
    assert history_table([], whole_set=True) == "no revisions\n"


def test_nothing_in_a_table_moves_the_cursor():
    odd = Told(revision(1, ODD, author="\x1b[31mA", time="t"), "data.a added: \u202eb")
    assert history_table([odd], whole_set=True).splitlines()[1] == (
        "configmap/shop/a\\x1b[2J   1          t      \\x1b[31mA   ada    apply       1111111   "
        "data.a added: \\u202eb   -"
    )


def test_a_history_as_json_has_every_documented_field():
    resource = {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"}
    text = as_json(history_body(TOLD))
    assert text.startswith('{\n    "apiVersion": "kubectl-gitops/v1",\n    "kind": "RevisionList",')
    assert json.loads(text)["items"] == [
        {
            "resource": resource,
            "revision": 2,
            "commit": "2" * 40,
            "time": "2026-01-02T03:04:05+00:00",
            "author": "Ada Lovelace <ada@example.com>",
            "user": "ada",
            "operation": "apply",
            "reason": "the sale\n\nof June",
            "patch": [{"op": "replace", "path": "/spec/replicas", "value": 3}],
            "before": "a" * 40,
            "after": "b" * 40,
            "abandoned": False,
        },
        {
            "resource": resource,
            "revision": 1,
            "commit": "1" * 40,
            "time": "2026-01-02T03:04:05+00:00",
            "author": "Ada Lovelace <ada@example.com>",
            "user": "",
            "operation": "",
            "reason": "",
            "patch": None,
            "before": None,
            "after": "a" * 40,
            "abandoned": True,
        },
    ]


def test_patches_have_a_heading_each_and_creations_say_so():
    assert history_patches(TOLD) == (
        "revision 2 · 2222222 · Ada Lovelace <ada@example.com> · 2026-01-02T03:04:05+00:00 · "
        "apply\n"
        "[\n"
        "  {\n"
        '    "op": "replace",\n'
        '    "path": "/spec/replicas",\n'
        '    "value": 3\n'
        "  }\n"
        "]\n"
        "\n"
        "revision 1 · 1111111 (abandoned) · Ada Lovelace <ada@example.com> · "
        "2026-01-02T03:04:05+00:00 · commit\n"
        "# created\n"
    )
    named = history_patches(TOLD[1:], named=True, colour=True)
    assert named == (
        "\x1b[33mdeployment/shop/web · revision 1 · 1111111 (abandoned) · "
        "Ada Lovelace <ada@example.com> · 2026-01-02T03:04:05+00:00 · commit\x1b[0m\n# created\n"
    )


def test_bare_patches_are_json_alone():
    one, other = history_patches(TOLD, bare=True).split("\n[]\n")
    assert (json.loads(one), other) == (list(PATCH), "")


OLD = {"kind": "Deployment", "rules": ["a", "b"]}
NEW = {"kind": "Deployment", "rules": ["b", "c"]}


def test_a_diff_is_coloured_as_gits():
    plain = (
        "--- deployment/shop/web revision 1\n"
        "+++ deployment/shop/web revision 2\n"
        "@@ -1,4 +1,4 @@\n"
        " kind: Deployment\n"
        " rules:\n"
        "-- a\n"
        " - b\n"
        "+- c\n"
    )
    sides = (WEB, ("revision 1", OLD), ("revision 2", NEW))
    assert write(OLD) == "kind: Deployment\nrules:\n- a\n- b\n"
    assert states_diff(*sides, colour=False) == plain
    coloured = states_diff(*sides, colour=True)
    assert "\x1b[31m-- a\x1b[0m\n" in coloured
    assert "\x1b[32m+- c\x1b[0m\n" in coloured
    assert coloured.startswith("\x1b[1m--- deployment/shop/web revision 1\x1b[0m\n\x1b[1m+++ ")
    told = history_diffs([(TOLD[0], OLD, NEW)], named=False, colour=False)
    assert told == f"{history_patches(TOLD[:1]).partition(chr(10))[0]}\n{plain}"
    assert states_diff(WEB, ("a", OLD), ("b", OLD), colour=True) == ""


ADA = Signature("Ada Lovelace", "ada@example.com", 1_700_000_000, 3600)
APPLY = Message(ADA, "apply 2 resources in shop", "the sale\n\nof June", "apply", "uid-1", "ada")
MANY = Operation("a" * 40, APPLY, (CONFIG, WEB), refused=1)
HAND = Operation("b" * 40, Message(ADA, "by hand", "by hand"), (SHOP,))


def test_operations_are_one_line_each():
    refused = Operation("c" * 40, APPLY, (WEB,), refused=1)
    none = Operation("d" * 40, APPLY, ())
    across = Operation("e" * 40, APPLY, (SHOP, WEB))
    lines = operations_table([MANY, HAND, refused, none, across]).splitlines()
    assert lines[:3] == [
        "COMMIT    TIME                        AUTHOR         USER   OPERATION   "
        "RESOURCES             RESULT           REASON",
        "aaaaaaa   2023-11-14T23:13:20+01:00   Ada Lovelace   ada    apply       "
        "2 resources in shop   1 of 2 refused   the sale",
        "bbbbbbb   2023-11-14T23:13:20+01:00   Ada Lovelace   -      commit      "
        "namespace/shop        committed        by hand",
    ]
    cells = [re.split(" {3,}", line)[5:7] for line in lines[3:]]
    assert cells == [
        ["deployment/shop/web", "refused"],
        ["none", "committed"],
        ["2 resources", "committed"],
    ]
    assert operations_table([]) == "no operations\n"


def test_operations_as_json_have_every_documented_field():
    assert operations_body([MANY]) == {
        "apiVersion": "kubectl-gitops/v1",
        "kind": "OperationList",
        "items": [
            {
                "commit": "a" * 40,
                "time": "2023-11-14T23:13:20+01:00",
                "author": "Ada Lovelace <ada@example.com>",
                "user": "ada",
                "operation": "apply",
                "reason": "the sale\n\nof June",
                "resources": [
                    {"group": "", "kind": "ConfigMap", "namespace": "shop", "name": "c"},
                    {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"},
                ],
                "result": "1 of 2 refused",
            }
        ],
    }


def test_one_operation_is_told_whole():
    assert operation_text(MANY, TOLD[:1], colour=False) == (
        f"commit {'a' * 40}\n"
        "author:    Ada Lovelace <ada@example.com>\n"
        "user:      ada\n"
        "time:      2023-11-14T23:13:20+01:00\n"
        "operation: apply\n"
        "cluster:   uid-1\n"
        "result:    1 of 2 refused\n"
        "\n"
        "    the sale\n"
        "    of June\n"
        "\n"
        "RESOURCE              REVISION   CHANGE\n"
        "deployment/shop/web   2          spec.replicas 2 → 3\n"
    )
    bare = Operation("a" * 40, Message(ADA, "x", operation="apply"), ())
    assert operation_text(bare, [], colour=False).endswith("committed\n\nno resource changed\n")
