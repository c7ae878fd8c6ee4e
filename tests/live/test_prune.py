"""What `pull` removes: only what branch and cluster both call ours, and only when all else is well.

Every resource here was in the branch once and left it by a commit that somebody made with git.
"""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest

from tests.bound import Bound, config_map
from tests.git import git

BROKEN = "apiVersion: v1\nkind: [\n"
PART_OF = "applyset.kubernetes.io/part-of"


def config_maps(space: str, names: str) -> dict[str, str | None]:
    """One file for each letter."""
    return {f"{name}.yaml": config_map(space, name, x="1") for name in names}


def pulled(bound: Bound, names: str) -> None:
    """The cluster holds these ConfigMaps, one letter each."""
    bound.commit(config_maps(bound.namespace, names))
    bound("pull")


def gone(*names: str) -> dict[str, str | None]:
    return {f"{name}.yaml": None for name in names}


def left(bound: Bound) -> str:
    """The letters of the ConfigMaps that the cluster holds."""
    names = [name.removeprefix("configmap/") for name in bound.there("configmap")]
    return "".join(name for name in names if len(name) == 1)


def test_what_the_branch_dropped_goes_last(bound: Bound) -> None:
    pulled(bound, "ab")
    bound.commit({**gone("b"), **config_maps(bound.namespace, "cd")})
    run = bound("pull")
    assert run.stdout == "configmap/c created\nconfigmap/d created\nconfigmap/b deleted\n"
    assert left(bound) == "acd"
    assert bound("pull").stdout == ""


def test_prune_false_only_says_what_would_go(bound: Bound) -> None:
    pulled(bound, "ab")
    bound.commit(gone("b"))
    run = bound("pull", "--prune=false")
    assert run.stdout == ""
    assert run.stderr.splitlines()[0] == (
        f"kubectl-gitops: 1 resource (configmap/{bound.namespace}/b) would be pruned"
    )
    assert left(bound) == "ab"
    assert bound("pull").stdout == "configmap/b deleted\n"


def test_a_copied_label_makes_nothing_ours(bound: Bound) -> None:
    """Endpoints inherit the labels of their Service; so do people's copies of a manifest."""
    service = f"""\
        apiVersion: v1
        kind: Service
        metadata: {{name: web, namespace: {bound.namespace}}}
        spec: {{selector: {{app: web}}, ports: [{{port: 80}}]}}
        """
    endpoints = f"""\
        apiVersion: v1
        kind: Endpoints
        metadata: {{name: other, namespace: {bound.namespace}}}
        subsets: []
        """
    bound.commit({**config_maps(bound.namespace, "a"), "s.yaml": service, "e.yaml": endpoints})
    bound("pull")
    label = bound.live("configmap/a")["metadata"]["labels"][PART_OF]
    bound.kubectl("create", "configmap", "c", "--from-literal=x=1")
    bound.kubectl("label", "configmap/c", f"{PART_OF}={label}")
    bound.kubectl("wait", "endpoints/web", "--for=create", "--timeout=30s")
    assert bound.live("endpoints/web")["metadata"]["labels"][PART_OF] == label
    bound.commit({"e.yaml": None})
    assert bound("pull").stdout == "endpoints/other deleted\n"
    names = "configmap/c", "endpoints/web", "service/web"
    assert bound.there(*names) == list(names)
    items = {
        i["resource"]["name"]: i["message"]
        for i in bound("status", "-o", "json", exit=1).json["items"]
    }
    assert items["c"] == "stays: its part-of label is not ours"


KEEPING = (
    "kubectl-gitops/prune=disabled",
    "kustomize.toolkit.fluxcd.io/prune=disabled",
    "argocd.argoproj.io/sync-options=Prune=false,Replace=true",
    "helm.sh/resource-policy=keep",
    "client.lifecycle.config.k8s.io/deletion=detach",
    "cli-utils.sigs.k8s.io/on-remove=keep",
)


def test_what_an_annotation_keeps_stays(bound: Bound) -> None:
    names = "abcdef"
    pulled(bound, names + "z")
    for name, annotation in zip(names, KEEPING, strict=True):
        bound.kubectl("annotate", f"configmap/{name}", annotation)
    bound.commit(gone(*names))
    run = bound("pull")
    assert (run.stdout, left(bound)) == ("", names + "z")
    items = bound("status", "-o", "json", exit=None).json["items"]
    states = [(item["resource"]["name"], item["state"]) for item in items]
    assert states == [*((name, "Extra") for name in names), ("z", "InSync")]


def test_what_a_controller_owns_stays(bound: Bound) -> None:
    pulled(bound, "ab")
    owner = bound.live("configmap/a")["metadata"]
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "a",
        "uid": owner["uid"],
        "controller": True,
    }
    patch = json.dumps({"metadata": {"ownerReferences": [reference]}})
    bound.kubectl("patch", "configmap/b", "--patch", patch)
    bound.commit(gone("b"))
    assert bound("pull").stdout == ""
    assert left(bound) == "ab"


def test_nothing_is_pruned_while_a_file_cannot_be_read(bound: Bound) -> None:
    space = bound.namespace
    pulled(bound, "ab")
    bound.commit({**gone("b"), **config_maps(space, "c"), "broken.yaml": BROKEN})
    run = bound("pull", exit=1)
    assert run.stdout == "configmap/c created\n"
    assert run.stderr == (
        "error: broken YAML in broken.yaml, line 3, column 1: did not find expected node "
        "content\n"
        f"error: 1 resource (configmap/{space}/b) not pruned: not everything could be read\n"
    )
    assert left(bound) == "abc"
    bound.commit({"broken.yaml": None})
    assert bound("pull").stdout == "configmap/b deleted\n"


def test_nothing_is_pruned_while_a_resource_stands_twice(bound: Bound) -> None:
    space = bound.namespace
    pulled(bound, "ab")
    bound.commit({**gone("b"), "again.yaml": config_map(space, "a", x="2")})
    run = bound("pull", exit=1)
    assert run.stderr == (
        f"error: configmap/{space}/a stands twice: in a.yaml and again.yaml\n"
        f"error: 1 resource (configmap/{space}/b) not pruned: not everything could be read\n"
    )
    assert (run.stdout, left(bound)) == ("", "ab")
    assert bound.live("configmap/a")["data"] == {"x": "1"}


def test_nothing_is_pruned_when_the_cluster_refuses_a_part(bound: Bound) -> None:
    space = bound.namespace
    pulled(bound, "ab")
    bad = f"apiVersion: v1\nkind: Service\nmetadata: {{name: s, namespace: {space}}}\nspec: {{}}\n"
    bound.commit({**gone("b"), **config_maps(space, "c"), "s.yaml": bad})
    run = bound("pull", exit=1)
    assert run.stdout == "configmap/c created\n"
    assert f'error: service/{space}/s: The Service "s" is invalid' in run.stderr
    assert "not pruned: the cluster refuses a part of the branch" in run.stderr
    assert left(bound) == "abc"


def test_nothing_is_pruned_when_a_write_fails(bound: Bound) -> None:
    """A quota is counted only at the write: no dry-run foresees it."""
    space = bound.namespace
    quota = f"""\
        apiVersion: v1
        kind: ResourceQuota
        metadata: {{name: few, namespace: {space}}}
        spec: {{hard: {{count/secrets: "0"}}}}
        """
    bound.commit({**config_maps(space, "ab"), "quota.yaml": quota})
    bound("pull")
    bound.kubectl("wait", "resourcequota/few", "--for=jsonpath={.status.hard}", "--timeout=30s")
    secret = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s, namespace: {space}}}\n"
    bound.commit({**gone("b"), "s.yaml": secret})
    run = bound("pull", exit=None)
    assert run.exit in (1, 4), run
    assert "exceeded quota: few" in run.stderr
    assert left(bound) == "ab"


def test_the_last_resource_needs_a_yes(bound: Bound) -> None:
    pulled(bound, "a")
    bound.commit(gone("a"))
    run = bound("pull", exit=1)
    what = f"1 resource (configmap/{bound.namespace}/a)"
    assert run.stderr == (
        f"  - configmap/{bound.namespace}/a\n"
        f"error: {what} not pruned: that needs a yes\n"
        "hint: kubectl gitops pull --allow-prune 1\n"
    )
    assert left(bound) == "a"
    assert bound("pull", "--yes").stdout == "configmap/a deleted\n"


def test_more_than_five_and_than_thirty_percent_need_to_be_allowed(bound: Bound) -> None:
    pulled(bound, "abcdefghij")
    bound.commit(gone(*"efghij"))
    run = bound("pull", exit=1)
    assert "6 resources" in run.stderr
    assert left(bound) == "abcdefghij"
    assert "more than allowed" in bound("pull", "--allow-prune=5", exit=1).stderr
    assert left(bound) == "abcdefghij"
    assert len(bound("pull", "--allow-prune=6").stdout.splitlines()) == 6
    assert left(bound) == "abcd"


def test_five_may_go_without_a_word(bound: Bound) -> None:
    pulled(bound, "abcdef")
    bound.commit(gone(*"bcdef"))
    assert len(bound("pull").stdout.splitlines()) == 5
    assert left(bound) == "a"


def test_what_takes_others_along_needs_a_yes(bound: Bound) -> None:
    space = bound.namespace
    claim = f"""\
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {{name: data, namespace: {space}}}
        spec:
          accessModes: [ReadWriteOnce]
          resources: {{requests: {{storage: 1Gi}}}}
        """
    crd = f"""\
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {{name: widgets.{space}.example.com}}
        spec:
          group: {space}.example.com
          scope: Namespaced
          names: {{kind: Widget, plural: widgets}}
          versions:
          - name: v1
            served: true
            storage: true
            schema: {{openAPIV3Schema: {{type: object}}}}
        """
    inner = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {space}-inner}}\n"
    files = {"claim.yaml": claim, "crd.yaml": crd, "inner.yaml": inner}
    bound.commit({**config_maps(space, "ab"), **files})
    bound("pull")
    names = "pvc/data", f"crd/widgets.{space}.example.com", f"namespace/{space}-inner"
    for file, name in zip(files, names, strict=True):
        bound.commit({file: None})
        run = bound("pull", exit=1)
        assert "not pruned: that needs a yes\n" in run.stderr, name
        bound.commit({file: files[file]})
    bound.commit(dict.fromkeys(files))
    assert len(bound.there(*names)) == 3
    run = bound("pull", "--yes")
    assert sorted(run.stdout.splitlines()) == [
        f"customresourcedefinition.apiextensions.k8s.io/widgets.{space}.example.com deleted",
        f"namespace/{space}-inner deleted",
        "persistentvolumeclaim/data deleted",
    ]


def test_a_namespace_that_holds_declared_resources_stays(bound: Bound) -> None:
    inner = f"{bound.namespace}-inner"
    namespace = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {inner}}}\n"
    bound.commit({"ns.yaml": namespace, "a.yaml": config_map(inner, "a", x="1")})
    bound("pull")
    bound.commit({"ns.yaml": None})
    run = bound("pull", "--yes")
    assert run.stdout == ""
    assert bound.there("-n", inner, f"namespace/{inner}", "configmap/a") == [
        f"namespace/{inner}",
        "configmap/a",
    ]
    bound.kubectl("delete", "namespace", inner, "--wait=false")


def test_after_a_rewritten_branch_a_prune_has_to_be_accepted(bound: Bound) -> None:
    start = bound.tip
    pulled(bound, "ab")
    git(bound.repo, "update-ref", "refs/heads/main", start)
    bound.commit(config_maps(bound.namespace, "a"), "another history")
    run = bound("pull", exit=1)
    assert run.stderr == (
        f"error: 1 resource (configmap/{bound.namespace}/b) not pruned: "
        "the branch was rewritten since the last pull\n"
        "hint: kubectl gitops pull --accept-rewrite\n"
    )
    assert left(bound) == "ab"
    assert bound("pull", "--accept-rewrite").stdout == "configmap/b deleted\n"
    assert left(bound) == "a"


def test_a_dry_run_says_what_holds_a_prune_back(bound: Bound) -> None:
    pulled(bound, "ab")
    bound.commit({**gone("b"), "broken.yaml": BROKEN})
    run = bound("pull", "--dry-run", exit=1)
    assert run.stdout == ""
    assert run.stderr.splitlines()[-1] == (
        f"error: 1 resource (configmap/{bound.namespace}/b) not pruned: "
        "not everything could be read"
    )


def test_a_set_never_removes_what_is_another_sets(bound: Bound) -> None:
    """Two sets in one branch, each in a directory of its own."""
    space = bound.namespace
    pulled(bound, "ab")
    init = ["init", "--repo", str(bound.repo), "--path", "other", "--home-namespace", space]
    bound(*init, "--set", f"{space}-other", "--name", "other")
    bound.commit({"other/c.yaml": config_map(space, "c", x="1")})
    here = ["--repo", str(bound.repo)]
    assert bound("pull", *here, "--path", "other").stdout == "configmap/c created\n"
    assert bound("pull", *here).stdout == ""
    bound.commit({"other/c.yaml": None})
    assert bound("pull", *here).stdout == ""
    assert left(bound) == "abc"


@pytest.mark.parametrize(("answer", "kept"), [("n\n", "ab"), ("y\n", "a")])
def test_a_person_at_a_terminal_is_asked(bound: Bound, answer: str, kept: str) -> None:
    """Also for what would need no yes elsewhere."""
    pulled(bound, "ab")
    bound.commit(gone("b"))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "kubectl_gitops", "pull"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    os.write(ours, answer.encode())
    out, _ = process.communicate(timeout=60)
    asked = os.read(ours, 4096).decode()
    os.close(ours)
    assert f"  - configmap/{bound.namespace}/b\r\n" in asked
    assert "Remove" in asked
    assert left(bound) == kept
    assert (process.returncode, out) == (
        (0, "configmap/b deleted\n") if kept == "a" else (1, "")
    ), asked
