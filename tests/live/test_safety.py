"""Nothing is deleted by mistake: what cannot be read, what stays, what somebody else just did."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from tests.bound import Bound, config_map
from tests.git import git
from tests.program import Run

ROOT = Path(__file__).parents[2]
BROKEN = "apiVersion: v1\nkind: [ConfigMap\n"


def meanwhile(bound: Bound, step: str, command: str, *arguments: str, input: str = "") -> Run:
    """A command of ours, with somebody's command done just before one of its steps."""
    program = (sys.executable, "-m", "tests.interrupted")
    answer = subprocess.run(
        [*program, f"kubectl_gitops.operations.{step}", command, *arguments],
        env={**os.environ, "KUBECONFIG": str(bound.kubeconfig), "PYTHONPATH": str(ROOT)},
        input=input,
        capture_output=True,
        text=True,
        check=False,
    )
    return Run(answer.returncode, answer.stdout, answer.stderr)


def by_hand(bound: Bound, path: str, text: str) -> str:
    """The shell command of somebody who pushes a file with this text."""
    repo, blob = shlex.quote(str(bound.repo)), shlex.quote(text)
    return (
        f"set -e; export GIT_DIR={repo} GIT_INDEX_FILE={repo}/by-hand; git read-tree main; "
        f"blob=$(printf %s {blob} | git hash-object -w --stdin); "
        f"git update-index --add --cacheinfo 100644,$blob,{path}; "
        "git update-ref refs/heads/main "
        "$(git commit-tree -p main -m 'by hand' $(git write-tree)); rm $GIT_INDEX_FILE"
    )


def test_a_tip_that_cannot_be_read_removes_nothing(bound: Bound) -> None:
    bound.apply(config_map(bound.namespace, "one", a="1"))
    path = f"{bound.namespace}/configmap/one.yaml"
    run = meanwhile(
        bound,
        "converge.execute",
        by_hand(bound, path, BROKEN),
        *("apply", "-f", "-"),
        input=config_map(bound.namespace, "one", a="2"),
    )
    assert run.exit == 4
    assert f"configmap/{bound.namespace}/one: what {bound.tip[:7]} says of it cannot be read" in (
        run.stderr
    )
    assert bound.live("cm/one")["data"] == {"a": "2"}


def test_a_delete_that_lost_a_race_is_done_again(bound: Bound) -> None:
    bound.kubectl("create", "configmap", "mine", "--from-literal=a=1")
    kubeconfig = shlex.quote(str(bound.kubeconfig))
    somebody = f"kubectl --kubeconfig {kubeconfig} annotate configmap mine touched=yes"
    run = meanwhile(bound, "converge.execute", somebody, "delete", "cm/mine")
    assert (run.exit, run.stdout) == (
        0,
        f'configmap "mine" deleted from {bound.namespace} namespace\n',
    )
    assert bound.there("cm/mine") == []


def test_a_rollback_to_what_cannot_be_read_changes_nothing(bound: Bound) -> None:
    bound.apply(config_map(bound.namespace, "one", a="1"))
    path = f"{bound.namespace}/configmap/one.yaml"
    broken = bound.commit({path: BROKEN})
    bound.commit({path: config_map(bound.namespace, "one", a="1")})
    run = bound("rollback", "--to-commit", broken[:8], exit=1)
    assert run.stderr.splitlines()[0] == (
        f"error: configmap/{bound.namespace}/one cannot be read in {broken[:7]}; "
        "nothing was changed"
    )
    assert bound.there("cm/one") == ["configmap/one"]


def test_a_slip_of_the_hand_or_a_link_prunes_nothing(bound: Bound) -> None:
    for name in ("one", "two", "three"):
        bound.apply(config_map(bound.namespace, name, a="1"))
    bound("pull")
    folder = f"{bound.namespace}/configmap"
    bound.commit({f"{folder}/one.yaml": config_map(bound.namespace, "one").replace("kind", "kid")})
    git(bound.repo, "read-tree", "main")
    blob = git(bound.repo, "hash-object", "-w", "--stdin", input="one.yaml").strip()
    git(bound.repo, "update-index", "--cacheinfo", f"120000,{blob},{folder}/two.yaml")
    tree = git(bound.repo, "write-tree").strip()
    tip = git(bound.repo, "commit-tree", "-p", "main", "-m", "a link", tree).strip()
    git(bound.repo, "update-ref", "refs/heads/main", tip)

    run = bound("pull", "--yes", exit=1)
    assert run.stdout == ""
    assert f"{folder}/one.yaml, line 1: kind not set" in run.stderr
    assert f"{folder}/two.yaml is a link: links in a branch are not followed" in run.stderr
    assert "not pruned: not everything could be read" in run.stderr
    assert sorted(bound.there("cm/one", "cm/two")) == ["configmap/one", "configmap/two"]


def test_a_namespace_with_a_member_that_stays_stays_too(bound: Bound) -> None:
    space = f"{bound.namespace}-more"
    namespace = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {space}}}\n"
    kept = config_map(space, "kept").replace(
        "metadata:\n", "metadata:\n  annotations: {helm.sh/resource-policy: keep}\n"
    )
    try:
        bound.apply(f"{namespace}---\n{kept}")
        bound("pull")
        bound.commit(
            {f"_cluster/namespace/{space}.yaml": None, f"{space}/configmap/kept.yaml": None}
        )
        assert bound("pull", "--yes").stdout == ""
        items = bound("status", "-o", "json", exit=1).json["items"]
        assert [(item["state"], item["message"]) for item in items] == [
            ("Extra", "stays: helm.sh/resource-policy: keep"),
            ("Extra", "stays: it holds resources that stay"),
        ]
    finally:
        bound.kubectl("delete", "namespace", space, "--wait=false")


def test_one_malformed_manifest_does_not_stop_the_others(bound: Bound) -> None:
    bound.commit(
        {
            "good.yaml": config_map(bound.namespace, "good"),
            "bad.yaml": config_map(bound.namespace, "bad").replace(
                "metadata:\n", "metadata:\n  labels: [a, b]\n"
            ),
        }
    )
    run = bound("pull", exit=1)
    assert run.stdout == "configmap/good created\n"
    assert run.stderr == "error: bad.yaml, line 1: metadata.labels is not a map of strings\n"


def test_a_secret_committed_in_the_clear_is_told(bound: Bound) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata: {p: c2VjcmV0}\n"
    bound.commit({"db.yaml": secret.replace("name: db", f"name: db, namespace: {bound.namespace}")})
    told = (
        f"kubectl-gitops: warning: secret/{bound.namespace}/db /data/p stands in the clear in the "
        "branch; apply it to seal it\n"
    )
    assert bound("pull").stderr == told
    assert bound("status").stderr == told


def test_a_dry_run_of_a_pull_asks_nothing_and_shows_the_removals(bound: Bound) -> None:
    for name in "abcdefgh":
        bound.apply(config_map(bound.namespace, name))
    bound("pull")
    folder = f"{bound.namespace}/configmap"
    bound.commit({f"{folder}/{name}.yaml": None for name in "abcdefg"})
    run = bound("pull", "--dry-run")
    assert run.stdout == "".join(
        f"configmap/{name} deleted (server dry run)\n" for name in "abcdefg"
    )
    assert run.stderr == ""


def test_who_may_not_delete_has_nothing_committed(bound: Bound) -> None:
    bound.apply(config_map(bound.namespace, "one"))
    bound.kubectl(
        "create", "role", "editor", "--verb=get,list,patch,create", "--resource=configmaps"
    )
    bound.kubectl("create", "rolebinding", "bob", "--role=editor", "--user=bob")
    seeing = f"{bound.namespace}-sees-the-cluster"
    to_see = ("--verb=get", "--resource=namespaces", "--resource-name=kube-system")
    bound.kubectl("create", "clusterrole", seeing, *to_see)
    bound.kubectl("create", "clusterrolebinding", seeing, f"--clusterrole={seeing}", "--user=bob")
    before = bound.tip
    run = bound("delete", "cm/one", "--as", "bob", exit=1)
    assert run.stdout == ""
    assert run.stderr.startswith('Error from server (Forbidden): configmaps "one" is forbidden: ')
    assert run.stderr.endswith("kubectl-gitops: nothing was committed and nothing was changed\n")
    assert bound.tip == before
    assert bound.there("cm/one") == ["configmap/one"]
    bound.kubectl("delete", "clusterrole,clusterrolebinding", seeing)


def test_what_a_creation_met_is_told(bound: Bound) -> None:
    kubeconfig = shlex.quote(str(bound.kubeconfig))
    somebody = f"kubectl --kubeconfig {kubeconfig} create configmap one --from-literal=theirs=1"
    run = meanwhile(
        bound,
        "converge.execute",
        somebody,
        *("apply", "-f", "-"),
        input=config_map(bound.namespace, "one", ours="1"),
    )
    assert run.exit == 0
    assert (
        f"kubectl-gitops: configmap/{bound.namespace}/one: kubectl-create had made it meanwhile; "
        "it holds both now\n"
    ) in run.stderr
    assert bound.live("cm/one")["data"] == {"ours": "1", "theirs": "1"}
