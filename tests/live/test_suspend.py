"""`suspend` and `resume`: what pull leaves alone for a while, and how it is seen."""

from __future__ import annotations

import re

from tests.bound import Bound, config_map


def drifted(bound: Bound) -> None:
    space = bound.namespace
    bound.commit({f"{name}.yaml": config_map(space, name, x="1") for name in "ab"})
    bound("pull")
    for name in "ab":
        bound.kubectl("patch", f"configmap/{name}", "--patch", '{"data": {"x": "9"}}')


def states(bound: Bound, exit: int) -> dict[str, str]:
    items = bound("status", "-o", "json", exit=exit).json["items"]
    return {item["resource"]["name"]: item["state"] for item in items}


def test_one_resource_is_left_alone_until_resume(bound: Bound) -> None:
    drifted(bound)
    tip = bound.tip
    run = bound("suspend", "configmap/a", "-m", "incident 4711")
    assert (run.stdout, bound.tip) == ("configmap/a suspended\n", tip)
    assert bound("suspend", "configmap/a").stdout == "configmap/a is suspended already\n"
    assert bound("pull").stdout == "configmap/a skipped (kubectl-gitops/reconcile: disabled)\n" + (
        "configmap/b configured\n"
    )
    assert bound.live("configmap/a")["data"] == {"x": "9"}
    (item, _) = bound("status", "-o", "json").json["items"]
    message = re.sub(r"\d{4}-\S+Z", "T", item["message"])
    assert (item["state"], message) == ("Suspended", "by admin at T: incident 4711")
    assert bound("diff").stdout == ""
    run = bound("resume", "configmap/a")
    assert (run.stdout, run.stderr) == ("configmap/a resumed\n", "hint: kubectl gitops pull\n")
    assert bound("resume", "configmap/a").stdout == "configmap/a is not suspended\n"
    assert bound("pull").stdout == "configmap/a configured\n"
    live = bound.live("configmap/a")
    assert (live["data"], live["metadata"].get("annotations")) == ({"x": "1"}, None)


def test_the_whole_set_is_left_alone_until_resume(bound: Bound) -> None:
    drifted(bound)
    parent = f"configmap/kubectl-gitops-{bound.namespace}"
    assert bound("suspend", "-m", "incident").stdout == f"{parent} suspended\n"
    run = bound("pull", exit=1)
    assert re.sub(r"\d{4}-\S+Z", "T", run.stderr) == (
        f"error: the set {bound.namespace} is suspended by admin at T: incident\n"
        "hint: kubectl gitops resume\n"
    )
    assert bound.live("configmap/a")["data"] == {"x": "9"}
    assert "is suspended by admin" in bound("status", exit=1).stderr
    # What a person applies is applied; the mark stays through writes of the parent.
    bound.apply("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot}\n")
    bound("pull", exit=1)
    assert bound("resume").stdout == f"{parent} resumed\n"
    assert bound("pull").stdout == "configmap/a configured\nconfigmap/b configured\n"


def test_what_git_changed_while_it_was_suspended_is_ahead_afterwards(bound: Bound) -> None:
    """Or `record` would put the former state over the newer commit."""
    space = bound.namespace
    drifted(bound)
    bound("suspend", "configmap/a")
    bound.commit({"a.yaml": config_map(space, "a", x="2")})
    bound("pull")
    bound("record", "configmap/a", exit=3)
    bound("resume", "configmap/a")
    assert states(bound, exit=1) == {"a": "Ahead", "b": "InSync"}
    assert bound("pull").stdout == "configmap/a configured\n"
    assert bound.live("configmap/a")["data"] == {"x": "2"}
    assert states(bound, exit=0) == {"a": "InSync", "b": "InSync"}


def test_what_is_not_there_or_not_ours_cannot_be_suspended(bound: Bound) -> None:
    bound.kubectl("create", "configmap", "stray")
    assert "is not in the branch" in bound("suspend", "configmap/stray", exit=1).stderr
    assert "is not in the cluster" in bound("suspend", "configmap/none", exit=1).stderr


def test_a_mark_that_stands_in_the_branch_is_taken_off_there(bound: Bound) -> None:
    text = config_map(bound.namespace, "a", x="1").replace(
        "\ndata:", "\n  annotations: {kubectl-gitops/reconcile: disabled}\ndata:"
    )
    bound.kubectl("create", "-f", "-", input=text)
    bound.commit({"a.yaml": text})
    assert "stands in the branch; remove it there" in bound("resume", "configmap/a", exit=1).stderr
