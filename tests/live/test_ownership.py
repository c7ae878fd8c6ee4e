"""Whose field is it: the first `apply` of what kubectl made, and conflicts ever after."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.place import Place

MINE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {team: a}}
data: {title: old, gone: soon}
"""
CHANGED = MINE.replace("old, gone: soon", "new").replace(", labels: {team: a}", "")


def managers(live: dict[str, Any]) -> list[tuple[str, str]]:
    return [(e["manager"], e["operation"]) for e in live["metadata"]["managedFields"]]


def web(**spec: Any) -> str:
    labels = {"app": "web"}
    return json.dumps(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": {
                **spec,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "web", "image": "nginx:1"}]},
                },
            },
        }
    )


@pytest.mark.parametrize("made_by", ["apply", "create", "apply --server-side"])
def test_what_kubectl_made_is_taken_over_without_a_conflict(place: Place, made_by: str) -> None:
    place.kubectl(*made_by.split(), "-f", "-", input=MINE)
    run = place.apply(CHANGED)
    assert (run.stdout, run.stderr) == ("configmap/settings configured\n", place.committed)
    live = place.live("cm/settings")
    assert live["data"] == {"title": "new"}
    assert "annotations" not in live["metadata"]
    assert list(live["metadata"]["labels"]) == ["applyset.kubernetes.io/part-of"]
    assert managers(live) == [("gitops", "Apply")]
    recorded = "".join(place.files("main~").values())
    assert recorded == (
        "apiVersion: v1\n"
        "kind: ConfigMap\n"
        "metadata:\n"
        "  name: settings\n"
        f"  namespace: {place.namespace}\n"
        "  labels:\n"
        "    team: a\n"
        "data:\n"
        "  gone: soon\n"
        "  title: old"
    )


def test_what_kubectl_made_and_the_manifest_says_as_well_just_becomes_ours(place: Place) -> None:
    place.kubectl("apply", "-f", "-", input=MINE)
    base = place.tip
    run = place.apply(MINE)
    assert (run.stdout, run.stderr) == ("configmap/settings configured\n", place.committed)
    assert place.subjects(base) == [f"apply configmap/{place.namespace}/settings"]
    assert managers(place.live("cm/settings")) == [("gitops", "Apply")]
    before = place.state()
    assert place.apply(MINE).stdout == "configmap/settings unchanged\n"
    assert place.state() == before


@pytest.mark.parametrize(
    ("edit", "manager"),
    [
        (("patch", "cm/settings", "-p", '{"data":{"title":"theirs"}}'), "kubectl-patch"),
        (("label", "cm/settings", "team=b", "--overwrite"), "kubectl-label"),
    ],
)
def test_a_field_that_somebody_changed_since_is_a_conflict(
    place: Place, edit: tuple[str, ...], manager: str
) -> None:
    place.apply(MINE)
    place.kubectl(*edit)
    field = ".data.title" if manager == "kubectl-patch" else ".metadata.labels.team"
    before = place.state()
    run = place.apply(MINE.replace("soon", "now"), exit=3)
    assert run.stdout == ""
    assert run.stderr == (
        f"error: configmap/{place.namespace}/settings: other field managers own what this would "
        "change:\n"
        f'  {field}: conflict with "{manager}" using v1\n'
        "kubectl-gitops: nothing was committed and nothing was changed\n"
        "hint: kubectl gitops diff -f FILE            # see what differs\n"
        f"hint: kubectl gitops record configmap/settings -n {place.namespace}"
        "   # keep what is live\n"
        "hint: kubectl gitops apply -f FILE --force-conflicts   # take the fields over\n"
    )
    assert place.state() == before

    forced = place.apply(MINE.replace("soon", "now"), "--force-conflicts")
    assert forced.stdout == "configmap/settings configured\n"
    assert forced.stderr == (
        f"kubectl-gitops: configmap/{place.namespace}/settings: {field} taken back from {manager}\n"
        f"{place.committed}"
    )
    live = place.live("cm/settings")
    assert (live["data"], live["metadata"]["labels"]["team"]) == (
        {"title": "old", "gone": "now"},
        "a",
    )


def test_another_applier_is_in_conflict_even_at_the_first_time(place: Place) -> None:
    place.kubectl("apply", "--server-side", "--field-manager=flux", "-f", "-", input=MINE)
    before = place.state()
    run = place.apply(CHANGED, exit=3)
    assert '  .data.title: conflict with "flux"\n' in run.stderr
    assert place.state() == before
    place.apply(CHANGED, "--force-conflicts")
    # What flux alone says is its own: nobody asked to remove it.
    assert place.live("cm/settings")["data"] == {"title": "new", "gone": "soon"}


def test_a_member_of_another_set_is_left_to_it(place: Place) -> None:
    place.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    labelled = MINE.replace("{team: a}", "{applyset.kubernetes.io/part-of: applyset-other}")
    place.kubectl("apply", "-f", "-", input=labelled)
    before = place.state()
    for force in ((), ("--force-conflicts",)):
        run = place.apply(CHANGED, *force, exit=None)
        assert run.exit in (1, 3)
        assert "belongs to another apply set, applyset-other" in run.stderr
        assert place.state() == before


def test_replicas_that_an_autoscaler_sets_are_neither_reset_nor_claimed(place: Place) -> None:
    place.kubectl("apply", "-f", "-", input=web(replicas=1))
    place.plane.request(
        "PUT",
        f"/apis/apps/v1/namespaces/{place.namespace}/deployments/web/scale"
        "?fieldManager=horizontal-pod-autoscaler",
        {
            "apiVersion": "autoscaling/v1",
            "kind": "Scale",
            "metadata": {"name": "web", "namespace": place.namespace},
            "spec": {"replicas": 4},
        },
    )
    for text in (web(replicas=1, minReadySeconds=1), web(minReadySeconds=2)):
        assert place.apply(text).stdout == "deployment.apps/web configured\n"
        live = place.live("deploy/web")
        assert live["spec"]["replicas"] == 4
        (ours,) = [e for e in live["metadata"]["managedFields"] if e["manager"] == "gitops"]
        assert "f:replicas" not in ours["fieldsV1"]["f:spec"]
    assert place.apply(web(minReadySeconds=2)).stdout == "deployment.apps/web unchanged\n"


def test_replicas_under_an_autoscaler_of_the_branch_stay_when_they_leave_the_manifest(
    place: Place,
) -> None:
    place.apply(web(replicas=3))
    hpa = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 2,
            "maxReplicas": 5,
        },
    }
    place.apply(json.dumps(hpa))
    place.apply(web(minReadySeconds=1))
    assert place.live("deploy/web")["spec"]["replicas"] == 3


def test_a_restart_by_kubectl_survives_the_next_apply(place: Place) -> None:
    place.apply(web(replicas=1))
    place.kubectl("rollout", "restart", "deploy/web")
    place.apply(web(replicas=2))
    live = place.live("deploy/web")
    assert live["spec"]["replicas"] == 2
    annotations = live["spec"]["template"]["metadata"]["annotations"]
    assert list(annotations) == ["kubectl.kubernetes.io/restartedAt"]


def test_a_controllers_write_between_plan_and_apply_is_no_conflict(place: Place) -> None:
    """The Deployment's status moves while Pods start: the write is simply sent again."""
    place.apply(web(replicas=1))
    for replicas in (2, 3, 4):
        run = place.apply(web(replicas=replicas))
        assert (run.stdout, run.stderr) == ("deployment.apps/web configured\n", place.committed)


def test_what_kubectl_edited_and_the_first_manifest_says_as_well_is_ours_alone(
    place: Place,
) -> None:
    """What it does not say stays the editor's."""
    place.kubectl("apply", "-f", "-", input=MINE)
    place.kubectl("patch", "cm", "settings", "-p", '{"data":{"title":"new","theirs":"1"}}')
    place.apply(MINE.replace("old", "new"))
    assert place.apply(MINE.replace("old", "newer")).stdout == "configmap/settings configured\n"
    live = place.live("cm/settings")
    assert live["data"] == {"title": "newer", "gone": "soon", "theirs": "1"}
    assert managers(live) == [("gitops", "Apply"), ("kubectl-patch", "Update")]
