"""`doctor`: what works, and what to run where something does not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.bound import Bound, config_map
from tests.git import git
from tests.place import Place
from tests.program import Gitops, Run

SECRET = (
    "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: %s}\n"
    "stringData: {password: hunter2, user: shop}\n"
)
NAMES = [
    "versions",
    "target",
    "cluster",
    "store",
    "push",
    "binding",
    "key",
    "rights",
    "completion",
    "plugins",
]


def conditions(run: Run) -> dict[str, tuple[str, str, list[str]]]:
    """Finding, message and hints of each check, by its name."""
    assert {key: run.json[key] for key in ("apiVersion", "kind")} == {
        "apiVersion": "kubectl-gitops/v1",
        "kind": "Doctor",
    }
    return {
        item["part"]: (item["condition"], item["message"], item["hints"])
        for item in run.json["items"]
    }


def failed(run: Run) -> Mapping[str, tuple[str, str, list[str]]]:
    """The checks that failed; each has something to run."""
    found = {name: one for name, one in conditions(run).items() if one[0] == "Failed"}
    assert [name for name, (_, _, hints) in found.items() if not hints] == []
    assert run.exit == (1 if found else 0)
    return found


def test_where_all_is_well_every_check_says_with_what(bound: Bound, key_file: Path) -> None:
    bound.apply(SECRET % bound.namespace, "--key-file", str(key_file))
    bound.apply(config_map(bound.namespace, "a", x="1"))
    run = bound("doctor", "--key-file", key_file, "-o", "json")
    found = conditions(run)
    assert list(found) == NAMES
    assert failed(run) == {}
    uid = bound.kubectl("get", "ns", "kube-system", "-o", "jsonpath={.metadata.uid}").stdout
    assert found["cluster"][1].startswith("first v1.")
    assert f"uid {uid}, as " in found["cluster"][1]
    assert found["target"][1] == f"target first: main of {bound.repo}"
    assert found["store"][1] == f"set {bound.namespace}, 2 resources at {bound.tip[:7]}"
    assert found["push"][1] == f"main of {bound.repo} can be written to"
    assert found["key"][1].endswith(" opens all 2 sealed values")
    assert found["rights"][1] == "all 10 that the set needs"
    assert "kubectl v1." in found["versions"][1]


def test_the_screen_has_one_line_for_each_check_and_what_to_run_below(bound: Bound) -> None:
    run = bound("doctor", "--server", "https://127.0.0.1:1", exit=1)
    marks = [line[0] for line in run.stdout.splitlines() if not line.startswith("  ")]
    assert marks == ["✓", "✓", "✗", "✓", "✓", "-", "-", "-", *marks[8:]]
    assert len(marks) == len(NAMES)
    (line,) = [
        line for line in run.stdout.splitlines() if "cluster info" in line or "cluster-info" in line
    ]
    assert line.strip() == "hint: kubectl cluster-info"
    assert run.stderr == ""


def test_nothing_is_changed(place: Place) -> None:
    before = place.state()
    place.gitops("doctor")
    assert place.state() == before


def test_without_any_configuration_each_part_says_what_is_missing(gitops: Gitops) -> None:
    run = gitops("doctor", "-o", "json", exit=1)
    found = failed(run)
    assert found["target"][1:] == (
        "no cluster is recorded yet",
        ["kubectl gitops init --repo URL"],
    )
    assert found["cluster"][1].startswith("no cluster is configured")
    assert conditions(run)["rights"][1] == "not looked at: the cluster is not reached"


def test_a_broken_configuration_does_not_hide_the_cluster(bound: Bound) -> None:
    file = Path(".config/kubectl-gitops/config.toml")
    file.write_text("targets = [\n")
    run = bound("doctor", "-o", "json", exit=1)
    assert conditions(run)["cluster"][0] == "Ok"
    assert set(failed(run)) == {"target", "store"}


def test_a_cluster_that_is_down_does_not_hide_the_store(bound: Bound) -> None:
    run = bound("doctor", "--server", "https://127.0.0.1:1", "-o", "json", exit=1)
    assert set(failed(run)) == {"cluster"}
    assert conditions(run)["store"][0] == "Ok"


def test_a_branch_of_another_cluster(bound: Bound) -> None:
    text = bound.file(".gitops.toml")
    uid = bound.kubectl("get", "ns", "kube-system", "-o", "jsonpath={.metadata.uid}").stdout
    bound.commit({".gitops.toml": text.replace(uid, "00000000-0000-0000-0000-000000000000")})
    _, message, hints = failed(bound("doctor", "-o", "json", exit=1))["binding"]
    assert "is not one that the branch may be applied to (first)" in message
    assert hints[-1] == f"kubectl gitops init --repo {bound.repo} --adopt-store"


def test_a_store_that_may_not_be_written_to(bound: Bound) -> None:
    """By the modes of its directories; root may write anywhere, so here by a missing one."""
    git(bound.repo, "pack-refs", "--all")
    (bound.repo / "refs" / "heads").rmdir()
    found = failed(bound("doctor", "-o", "json", exit=1))
    (bound.repo / "refs" / "heads").mkdir()
    assert set(found) == {"push"}
    assert found["push"][1].endswith("refs/heads may not be written to")


def test_a_server_that_lets_nobody_push(distant: Place) -> None:
    assert conditions(distant.gitops("doctor", "-o", "json"))["push"][0] == "Ok"
    distant.git("config", "http.receivepack", "false")
    found = failed(distant.gitops("doctor", "-o", "json", exit=1))
    assert set(found) == {"push"}
    assert "403" in found["push"][1]


def test_keys_that_are_missing_wrong_or_not_listed(
    bound: Bound, key_file: Path, tmp_path: Path, gitops: Gitops
) -> None:
    bound.apply(SECRET % bound.namespace, "--key-file", str(key_file))
    missing = failed(bound("doctor", "-o", "json", exit=1))["key"]
    assert missing[1] == "none is known, so 2 sealed values of the branch cannot be opened"
    other = tmp_path / "other.key"
    gitops("secret", "keygen", "--out", other)
    wrong = failed(bound("doctor", "--key-file", other, "-o", "json", exit=1))["key"]
    assert "is not one that this set seals with" in wrong[1]
    key_file.chmod(0o644)
    open_to_all = failed(bound("doctor", "--key-file", key_file, "-o", "json", exit=1))["key"]
    assert open_to_all[2] == [f"chmod 600 {key_file}"]


def test_a_value_that_was_moved_is_named(bound: Bound, key_file: Path) -> None:
    bound.apply(SECRET % bound.namespace, "--key-file", str(key_file))
    path = f"{bound.namespace}/secret/db.yaml"
    bound.commit({path: bound.file(path).replace("name: db", "name: other")})
    _, message, hints = failed(bound("doctor", "--key-file", key_file, "-o", "json", exit=1))["key"]
    assert f"secret/{bound.namespace}/other" in message
    assert hints == ["kubectl gitops secret status"]


def test_rights_that_are_missing_are_named_and_kubectl_says_the_same(bound: Bound) -> None:
    bound.apply(config_map(bound.namespace, "a", x="1"))
    role = ["--verb=get,list", "--resource=configmaps"]
    bound.kubectl("create", "role", "reader", *role)
    bound.kubectl("create", "rolebinding", "reader", "--role=reader", "--user=anna")
    run = bound("doctor", "--as", "anna", "-o", "json", exit=1)
    _, message, hints = failed(run)["rights"]
    here = bound.namespace
    assert message == (
        f"not allowed: create configmaps in {here}; delete configmaps in {here}; "
        f"patch configmaps in {here}"
    )
    (hint,) = hints
    asked = bound.kubectl(*hint.split()[1:], "--as", "anna", check=False)
    assert (asked.returncode, asked.stdout) == (1, "no\n")


def test_a_plugin_that_kubectl_takes_for_one_of_our_commands(
    bound: Bound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("kubectl-gitops-apply", "kubectl-gitops-other"):
        (folder / name).write_text("#!/bin/sh\necho stray\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    stray = subprocess.run(
        ["kubectl", "gitops", "apply"], capture_output=True, text=True, check=True
    )
    assert stray.stdout == "stray\n"
    _, message, hints = failed(bound("doctor", "-o", "json", exit=1))["plugins"]
    path = folder / "kubectl-gitops-apply"
    assert message == f"{path} is run in the place of kubectl gitops apply"
    assert hints == [f"ls -l {path}   # rename or remove it"]


def test_a_context_in_a_namespace_where_kube_system_may_not_be_read(
    bound: Bound, tmp_path: Path
) -> None:
    """A person confined to one Namespace: what they may not do is said, nothing is a bug."""
    config = yaml.safe_load(bound.kubeconfig.read_text())
    config["users"][0]["user"]["as"] = "nobody"
    path = tmp_path / "confined"
    path.write_text(json.dumps(config))
    run = bound("doctor", "--kubeconfig", path, "-o", "json", exit=1)
    assert "forbidden" in failed(run)["cluster"][1]
