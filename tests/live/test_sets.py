"""Several sets in one cluster: they never share a name, a resource or a prune."""

from __future__ import annotations

from pathlib import Path

from tests.bound import Bound
from tests.bound import config_map as manifest
from tests.controlplane.cluster import ControlPlane
from tests.git import git
from tests.place import Place
from tests.program import Gitops

SCALED = """\
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  maxReplicas: 3
  targetCPUUtilizationPercentage: 50
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
"""


def config_map(name: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"


def test_a_second_set_of_the_same_name_gets_a_number(
    place: Place, gitops: Gitops, tmp_path: Path
) -> None:
    place.apply(config_map("one"))
    other = tmp_path / "elsewhere" / place.repo.name
    other.parent.mkdir()
    home = ("--home-namespace", place.namespace)
    gitops("init", "--repo", other, *home, "--name", "other")
    name = place.repo.name.removesuffix(".git")
    assert f'set = "{name}"' in place.git("show", "main:.gitops.toml")
    assert f'set = "{name}-2"' in git(other, "show", "main:.gitops.toml")

    gitops("apply", "-f", "-", "--repo", other, input=config_map("two"))
    gitops("pull", "--repo", other)
    assert place.live("cm/one")
    assert place.live("cm/two")

    third = tmp_path / "third.git"
    refused = gitops("init", "--repo", third, *home, "--set", name, exit=1)
    assert refused.stderr.splitlines()[1:] == [
        f"error: the cluster has a set named {name} already, kept by another branch",
        "hint: kubectl get configmaps -A -l applyset.kubernetes.io/id",
    ]


def test_another_sets_member_is_neither_changed_nor_removed(
    place: Place, gitops: Gitops, tmp_path: Path
) -> None:
    place.apply(config_map("one"))
    other = tmp_path / "other.git"
    gitops("init", "--repo", other, "--home-namespace", place.namespace, "--name", "other")
    before = place.state()

    for command in (("apply", "-f", "-", "--force-conflicts"), ("delete", "-f", "-")):
        refused = gitops(*command, "--repo", other, input=config_map("one"), exit=3)
        assert refused.stdout == ""
        first, *rest = refused.stderr.splitlines()
        assert first.startswith(
            f"error: configmap/{place.namespace}/one: it belongs to another apply set, applyset-"
        )
        assert rest == ["kubectl-gitops: nothing was committed and nothing was changed"]
    assert place.state() == before


def test_before_the_first_complete_pull_a_prune_needs_a_yes(bound: Bound) -> None:
    one, two, three = (manifest(bound.namespace, name) for name in ("one", "two", "three"))
    bound.commit({"three.yaml": three})
    bound.apply(f"{one}---\n{two}")
    bound.commit({f"{bound.namespace}/configmap/one.yaml": None})

    held = bound("pull", exit=1)
    assert held.stdout == "configmap/three created\n"
    assert held.stderr == (
        f"  - configmap/{bound.namespace}/one\n"
        f"error: 1 resource (configmap/{bound.namespace}/one) not pruned: that needs a yes\n"
        "hint: kubectl gitops pull --allow-prune 1\n"
    )
    assert bound.there("cm/one") == ["configmap/one"]
    assert bound("pull", "--yes").stdout == "configmap/one deleted\n"


def test_a_manifest_in_another_served_version_comes_to_rest(
    place: Place, control_plane: ControlPlane
) -> None:
    place.apply(SCALED)
    served = control_plane.request("GET", "/apis/autoscaling")
    assert {version["version"] for version in served["versions"]} >= {"v1", "v2"}
    assert place.gitops("status").exit == 0
    before = place.live("hpa/web")["metadata"]["resourceVersion"]
    assert place.gitops("pull").stdout == ""
    assert place.apply(SCALED).stdout == "horizontalpodautoscaler.autoscaling/web unchanged\n"
    assert place.live("hpa/web")["metadata"]["resourceVersion"] == before


def test_outside_of_its_scope_a_set_writes_and_removes_nothing(
    bound: Bound, gitops: Gitops, tmp_path: Path
) -> None:
    repo = tmp_path / "scoped.git"
    space = bound.namespace
    at = ("--repo", repo)
    gitops("init", *at, "--home-namespace", space, "--scope-namespace", space, "--name", "scoped")

    gitops("apply", "-f", "-", *at, input=manifest(space, "inside"))
    refused = gitops("apply", "-f", "-", *at, input=manifest("default", "outside"), exit=1)
    assert refused.stderr == (
        f"error: configmap/default/outside: namespace default is outside of the set's scope "
        f"({space})\nhint: kubectl gitops status\n"
    )
    everywhere = gitops("apply", "-f", "-", *at, input=ROLE, exit=1)
    assert everywhere.stderr == (
        "error: clusterrole/sets-reader: a cluster-scoped resource is outside of the set's scope "
        f"({space})\nhint: kubectl gitops status\n"
    )

    # A label that our own entry owns, in another Namespace: still none of this set's business.
    there = bound.live("cm/inside")["metadata"]["labels"]
    labelled = manifest("default", f"{space}-far").replace(
        "metadata:\n", f"metadata:\n  labels: {there}\n"
    )
    server_side = ("apply", "--server-side", "--field-manager", "gitops", "-f", "-")
    bound.kubectl(*server_side, input=labelled)
    try:
        assert gitops("pull", *at).stdout == ""
        assert bound.kubectl("get", "cm", "-n", "default", f"{space}-far").returncode == 0
    finally:
        bound.kubectl("delete", "cm", "-n", "default", f"{space}-far")


ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: sets-reader}
rules: []
"""
