"""What an observation calls for, what may be taken from whom, and what may be pruned."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_gitops.applyset import PART_OF
from kubectl_gitops.catalog import Api
from kubectl_gitops.plan import (
    Action,
    Change,
    Outcome,
    Plan,
    Preview,
    PruneVerdict,
    Result,
    Rights,
    Taken,
    controller_of,
    decide,
    foreign,
    may_force,
    prune_limit,
    prune_verdict,
)
from kubectl_gitops.ports import Cause, Refusal
from kubectl_gitops.resource import ResourceId

SET = "applyset-shop"
API = Api("", "v1", "ConfigMap", "configmaps", namespaced=True)
ID = ResourceId("", "ConfigMap", "shop", "web")
REPLICA_SET = {"kind": "ReplicaSet", "name": "web", "uid": "u0", "controller": True}
SENT = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"a": "1"}}
INVALID = Refusal(422, "Invalid", "no")


def live(**metadata: Any) -> dict[str, Any]:
    fields = {"f:metadata": {"f:labels": {f"f:{PART_OF}": {}}}}
    managed = {
        "manager": "gitops",
        "operation": "Apply",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    return {
        **SENT,
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": "u1",
            "resourceVersion": "1",
            "labels": {PART_OF: SET},
            "managedFields": [managed],
            **metadata,
        },
    }


def conflict(manager: str, field: str = ".data.a", *, applied: bool = False) -> Cause:
    how = "" if applied else " using v1"
    return Cause("FieldManagerConflict", field, f'conflict with "{manager}"{how}')


def refused(*causes: Cause) -> Refusal:
    return Refusal(409, "Conflict", "Apply failed", causes)


# decide


def test_what_is_not_there_is_created():
    preview = Preview(live())
    assert decide(ID, API, SENT, None, preview) == Change(
        ID, Action.CREATE, API, SENT, None, preview
    )


def test_what_is_going_is_created_again():
    going = live(deletionTimestamp="2026-01-02T03:04:05Z")
    assert decide(ID, API, SENT, going, None) == Change(ID, Action.CREATE, API, SENT, going)


def test_what_is_proven_equal_is_left_alone():
    assert decide(ID, API, SENT, live(), None) == Change(ID, Action.UNCHANGED, API, SENT, live())


def test_a_dry_run_that_changes_nothing_leaves_it_alone():
    preview = Preview(live(resourceVersion="2"))
    assert decide(ID, API, SENT, live(), preview) == Change(
        ID, Action.UNCHANGED, API, SENT, live(), preview
    )


@pytest.mark.parametrize("answer", [{**live(), "data": {"a": "2"}}, live(uid="u2"), INVALID])
def test_anything_else_is_an_update(answer):
    preview = Preview(answer)
    assert decide(ID, API, SENT, live(), preview) == Change(
        ID, Action.UPDATE, API, SENT, live(), preview
    )


# what a plan says of itself


def change(action: Action, answer: Any = None, name: str = "web") -> Change:
    id = ResourceId("", "ConfigMap", "shop", name)
    return Change(id, action, API, SENT, None, None if answer is None else Preview(answer))


def test_a_refusal_is_an_answer_that_is_one():
    assert change(Action.CREATE).refusal is None
    assert change(Action.CREATE, live()).refusal is None
    assert change(Action.CREATE, INVALID).refusal is INVALID


def test_creations_updates_and_removals_call_the_cluster():
    assert {action for action in Action if change(action).writes} == {
        Action.CREATE,
        Action.UPDATE,
        Action.DELETE,
    }


def test_a_plan_lists_its_refusals_and_its_actions_in_order():
    changes = (
        change(Action.UPDATE, INVALID, "c"),
        change(Action.UNCHANGED, None, "b"),
        change(Action.UPDATE, live(), "a"),
    )
    plan = Plan(changes)
    assert plan.refused == changes[:1]
    assert plan.ids(Action.UPDATE) == (changes[0].id, changes[2].id)
    assert plan.ids(*Action) == tuple(one.id for one in changes)
    assert plan.ids() == ()


def test_cluster_and_branch_disagree_on_what_was_not_carried_out():
    assert {result for result in Result if not result.done} == {
        Result.REFUSED,
        Result.MOVED,
        Result.UNKNOWN,
        Result.BLOCKED,
    }


def test_an_outcome_is_about_the_resource_of_its_change():
    assert Outcome(change(Action.CREATE), Result.CREATED).id == ID


# may_force

UPDATER, APPLIER = conflict("kubectl-edit"), conflict("argo", applied=True)
KUBECTL = conflict("kubectl-client-side-apply")
HELM = conflict("helm", ".data.b")


@pytest.mark.parametrize(
    ("causes", "rights", "first", "taken"),
    [
        ([UPDATER], Rights.OWN, False, []),
        ([UPDATER], Rights.DRIFT, False, [Taken("kubectl-edit", ".data.a")]),
        (
            [UPDATER, HELM],
            Rights.DRIFT,
            False,
            [Taken("kubectl-edit", ".data.a"), Taken("helm", ".data.b")],
        ),
        ([APPLIER], Rights.DRIFT, False, []),
        ([UPDATER, APPLIER], Rights.DRIFT, False, []),
        ([APPLIER], Rights.ALL, False, [Taken("argo", ".data.a")]),
        ([KUBECTL], Rights.OWN, True, [Taken("kubectl-client-side-apply", ".data.a")]),
        ([KUBECTL], Rights.OWN, False, []),
        ([KUBECTL, HELM], Rights.OWN, True, []),
        ([APPLIER], Rights.DRIFT, True, []),
        ([], Rights.ALL, True, []),
        ([Cause("FieldValueInvalid", "data", "no")], Rights.ALL, True, []),
    ],
)
def test_fields_are_taken_from_whom_the_rights_allow_all_or_none(causes, rights, first, taken):
    assert may_force(refused(*causes), rights, first=first) == tuple(taken)


def test_a_member_of_another_set_is_refused_with_its_name():
    assert foreign("applyset-other") == Refusal(
        409,
        "Foreign",
        "it belongs to another apply set, applyset-other; two sets never share a resource",
    )


def test_the_controller_of_an_object_is_named():
    assert controller_of(live(ownerReferences=[{"kind": "Node"}, REPLICA_SET])) == "replicaset/web"
    assert controller_of(live(ownerReferences=[{**REPLICA_SET, "name": "\x1b"}])) == (
        "replicaset/\\x1b"
    )
    assert controller_of(live(ownerReferences=None)) == ""
    assert controller_of(live()) == ""


# prune_verdict

NAMESPACE = ResourceId("", "Namespace", "", "shop")


def verdict(found: dict[str, Any], id: ResourceId = ID, **others: Any) -> PruneVerdict:
    known: dict[str, Any] = {"applied_uids": frozenset(), "namespaces_in_use": frozenset()}
    return prune_verdict(id, found, SET, **{**known, **others})


def test_a_member_that_nothing_declares_goes():
    assert verdict(live()) == PruneVerdict(ID, live())


@pytest.mark.parametrize(
    ("found", "others", "why"),
    [
        (live(labels={}), {}, "its part-of label is not ours"),
        (live(labels={PART_OF: "applyset-other"}), {}, "its part-of label is not ours"),
        (live(managedFields=[]), {}, "its part-of label is not ours"),
        (live(), {"outside": "out of scope"}, "out of scope"),
        (live(), {"applied_uids": frozenset({"u1"})}, "it is declared under another API group"),
        (
            live(ownerReferences=[{"controller": False}, REPLICA_SET]),
            {},
            "a controller owns it",
        ),
        (
            live(annotations={"kubectl-gitops/prune": "disabled"}),
            {},
            "kubectl-gitops/prune: disabled",
        ),
    ],
)
def test_what_somebody_else_wants_stays(found, others, why):
    assert verdict(found, **others) == PruneVerdict(ID, found, why)


def test_an_owner_that_is_no_controller_holds_nothing():
    assert verdict(live(ownerReferences=[{"kind": "Node"}])).stays == ""


def test_a_namespace_stays_while_declared_resources_live_in_it():
    in_use = frozenset({"shop"})
    assert verdict(live(), NAMESPACE, namespaces_in_use=in_use) == PruneVerdict(
        NAMESPACE, live(), "it holds resources that stay", asks=True
    )
    assert verdict(live(), NAMESPACE) == PruneVerdict(NAMESPACE, live(), asks=True)
    named_alike = ResourceId("", "ConfigMap", "shop", "shop")
    assert verdict(live(), named_alike, namespaces_in_use=in_use).stays == ""


@pytest.mark.parametrize(
    ("group", "kind", "asks"),
    [
        ("", "Namespace", True),
        ("", "PersistentVolume", True),
        ("", "PersistentVolumeClaim", True),
        ("apiextensions.k8s.io", "CustomResourceDefinition", True),
        ("example.com", "Namespace", False),
        ("", "Secret", False),
    ],
)
def test_what_takes_data_along_is_asked_for(group, kind, asks):
    assert verdict(live(), ResourceId(group, kind, "", "x")).asks is asks


@pytest.mark.parametrize(
    ("declared", "removals", "limit"),
    [(0, 0, 5), (0, 5, 5), (10, 6, 5), (10, 9, 5), (10, 10, 6), (100, 10, 33), (0, 100, 30)],
)
def test_five_or_three_in_ten_may_go_without_a_yes(declared, removals, limit):
    assert prune_limit(declared, removals) == limit
