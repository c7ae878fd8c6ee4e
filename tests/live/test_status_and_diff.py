"""`status` and `diff`: how the cluster stands to the branch, in words and in exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.bound import Bound, config_map
from tests.git import git

SECRET = """\
apiVersion: v1
kind: Secret
metadata: {{name: database, namespace: {space}}}
stringData:
  user: shop
  password: {password}
"""


def states(bound: Bound, exit: int = 1) -> dict[str, tuple[str, str]]:
    """State and message by name, from the JSON."""
    items = bound("status", "-o", "json", exit=exit).json["items"]
    return {item["resource"]["name"]: (item["state"], item["message"]) for item in items}


def test_every_state_is_told_apart(bound: Bound) -> None:
    space = bound.namespace
    names = "insync", "drifted", "missing", "extra", "ignored", "ahead"
    bound.commit({f"{name}.yaml": config_map(space, name, x="1") for name in names})
    bound("pull")
    rogue = ["--field-manager=rogue", "--patch", '{"data": {"x": "2"}}']
    bound.kubectl("patch", "configmap/drifted", *rogue)
    bound.kubectl("delete", "configmap/missing")
    bound.kubectl("annotate", "configmap/ignored", "kustomize.toolkit.fluxcd.io/reconcile=disabled")
    bound.kubectl("patch", "configmap/ignored", *rogue)
    ahead, new = config_map(space, "ahead", x="3"), config_map(space, "new", x="1")
    bound.commit({"ahead.yaml": ahead, "new.yaml": new, "extra.yaml": None})
    found = states(bound)
    state, drift = found.pop("drifted")
    assert (state, re.sub(r" at \S+Z", "", drift)) == ("Drifted", "/data/x 1 → 2 by rogue")
    assert found == {
        "ahead": ("Ahead", "pull applies it"),
        "extra": ("Extra", "pull removes it"),
        "ignored": ("Ignored", "kustomize.toolkit.fluxcd.io/reconcile: disabled"),
        "insync": ("InSync", ""),
        "missing": ("Missing", "not there"),
        "new": ("Ahead", "pull applies it"),
    }
    bound("pull")
    found = states(bound, exit=0)
    assert {state for state, _ in found.values()} == {"InSync", "Ignored"}
    assert sorted(found) == ["ahead", "drifted", "ignored", "insync", "missing", "new"]


def test_the_table_is_for_people_and_the_json_for_programs(bound: Bound) -> None:
    space = bound.namespace
    bound.apply(config_map(space, "a", x="1"))
    table = bound("status")
    header = ["RESOURCE", "STATE", "HEALTH", "REVISION", "AUTHOR", "MESSAGE"]
    row = [f"configmap/{space}/a", "InSync", "Current", "1", "Ada Lovelace <ada@example.com>"]
    assert [re.split(" {3,}", line) for line in table.stdout.splitlines()] == [header, row]
    assert table.stderr == ""
    assert bound("status", "-o", "json").json == {
        "apiVersion": "kubectl-gitops/v1",
        "kind": "Status",
        "items": [
            {
                "resource": {"group": "", "kind": "ConfigMap", "namespace": space, "name": "a"},
                "state": "InSync",
                "health": "Current",
                "revision": 1,
                "message": "",
            }
        ],
    }


def test_a_set_without_resources_is_in_sync(bound: Bound) -> None:
    assert bound("status").stdout == "the set holds no resources\n"
    assert bound("status", "-o", "json").json["items"] == []
    assert bound("diff").stdout == ""


def test_what_cannot_be_read_is_not_in_sync(bound: Bound) -> None:
    bound.apply(config_map(bound.namespace, "a", x="1"))
    bound.commit({"broken.yaml": "apiVersion: v1\nkind: [\n"})
    problem = (
        "error: broken YAML in broken.yaml, line 3, column 1: did not find expected node content\n"
    )
    run = bound("status", exit=1)
    assert "InSync" in run.stdout
    assert run.stderr == problem
    assert bound("diff", exit=2).stderr == problem


def test_drift_is_told_as_json_writes_it(bound: Bound) -> None:
    text = """\
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: web, annotations: {a: b}}
        automountServiceAccountToken: false
        """
    bound.apply(text)
    patch = {"automountServiceAccountToken": True, "metadata": {"annotations": None}}
    flags = ["--type=merge", "--field-manager=rogue", "--patch", json.dumps(patch)]
    bound.kubectl("patch", "serviceaccount/web", *flags)
    _, message = states(bound)["web"]
    assert re.sub(r" at \S+Z", "", message) == (
        '/metadata/annotations {"a": "b"} → nothing; '
        "/automountServiceAccountToken false → true by rogue"
    )


def test_health_is_what_kstatus_makes_of_the_live_object(bound: Bound) -> None:
    bound.apply(f"""\
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {{name: data, namespace: {bound.namespace}}}
        spec:
          accessModes: [ReadWriteOnce]
          storageClassName: none
          resources: {{requests: {{storage: 1Gi}}}}
        """)
    item = bound("status", "-o", "json").json["items"][0]
    assert (item["state"], item["health"]) == ("InSync", "InProgress")
    assert "not bound" in item["message"].lower()


def test_diff_shows_what_pull_would_change_and_changes_nothing(bound: Bound) -> None:
    space = bound.namespace
    bound.apply("---\n".join(config_map(space, name, x="1") for name in "abc"))
    assert (bound("diff").stdout, bound("diff").stderr) == ("", "")
    bound.kubectl("patch", "configmap/a", "--patch", '{"data": {"x": "2"}}')
    bound.kubectl("delete", "configmap/b")
    bound.commit({f"{space}/configmap/c.yaml": None})
    before = bound.live("configmap/a")
    run = bound("diff", exit=1)
    changed, added, removed = run.stdout.split("--- live/")[1:]
    assert changed.splitlines()[0] == f"configmap/{space}/a"
    assert re.findall(r"^[-+] .*", changed, re.M) == ['-  x: "2"', '+  x: "1"']
    assert [line for line in added.splitlines()[3:] if not line.startswith("+")] == []
    assert '+  x: "1"\n' in added
    assert [line for line in removed.splitlines()[3:] if not line.startswith("-")] == []
    assert re.sub(r"at \S+Z", "at T", run.stderr) == (
        f"kubectl-gitops: configmap/{space}/a: /data/x 1 → 2 by kubectl-patch at T\n"
    )
    assert bound.live("configmap/a") == before
    assert bound.there("configmap/b", "configmap/c") == ["configmap/c"]


def test_diff_of_a_file_shows_what_apply_would_change(bound: Bound, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(config_map(bound.namespace, "a", x="1"))
    assert '+  x: "1"\n' in bound("diff", "-f", file, exit=1).stdout
    bound("apply", "-f", file)
    tip = bound.tip
    assert bound("diff", "-f", file).stdout == ""
    file.write_text(config_map(bound.namespace, "a", x="2"))
    run = bound("diff", "-f", file, exit=1)
    assert re.findall(r"^[-+] .*", run.stdout, re.M) == ['-  x: "1"', '+  x: "2"']
    assert (bound.tip, bound.live("configmap/a")["data"]) == (tip, {"x": "1"})


def test_diff_of_a_file_that_the_server_refuses_is_an_error(bound: Bound) -> None:
    text = f"apiVersion: v1\nkind: Service\nmetadata: {{name: s, namespace: {bound.namespace}}}\n"
    run = bound("diff", "-f", "-", exit=2, input=f"{text}spec: {{}}\n")
    assert run.stdout == ""
    assert f'error: service/{bound.namespace}/s: The Service "s" is invalid' in run.stderr


def test_a_secret_is_masked_wherever_it_is_compared(bound: Bound, key_file: Path) -> None:
    space, key = bound.namespace, ["--key-file", str(key_file)]
    text = SECRET.format(space=space, password="hunter2-old")
    bound.apply(text, *key)
    stolen = json.dumps({"stringData": {"password": "hunter2-live"}})
    bound.kubectl("patch", "secret/database", "--patch", stolen)
    runs = [
        bound("diff", *key, exit=1),
        bound("status", *key, exit=1),
        bound("status", "-o", "json", *key, exit=1),
    ]
    diff = re.findall(r"^[-+] .*", runs[0].stdout, re.M)
    assert diff == ['-  password: "*** (before)"', '+  password: "*** (after)"']
    runs.append(bound("pull", *key))
    assert f"secret/{space}/database: .data.password taken back from kubectl-patch\n" in (
        runs[-1].stderr.replace("kubectl-gitops: ", "")
    )
    runs.append(bound("diff", "-f", "-", *key, exit=1, input=text.replace("old", "new")))
    said = "".join(run.stdout + run.stderr for run in runs)
    words = ["hunter2", "aHVudGVyMi"]  # as it is, and in base64
    assert [word for word in words if word in said] == []
    assert [word for word in words if word in git(bound.repo, "log", "-p", "--all")] == []


def test_a_secret_that_does_not_open_is_named_and_the_rest_is_told(
    bound: Bound, key_file: Path
) -> None:
    space = bound.namespace
    bound.apply(SECRET.format(space=space, password="hunter2"), "--key-file", str(key_file))
    bound.apply(config_map(space, "a", x="1"))
    run = bound("status", exit=1)
    assert "configmap" in run.stdout
    assert f"secret/{space}/database" in run.stderr
    assert bound("pull", exit=1).stdout == ""


def test_status_says_who_and_which_revision_by_hand_too(bound: Bound) -> None:
    bound.apply(config_map(bound.namespace, "a", x="1"))
    bound.commit({f"{bound.namespace}/configmap/a.yaml": config_map(bound.namespace, "a", x="2")})
    (item,) = bound("status", "-o", "json", exit=1).json["items"]
    assert (item["state"], item["revision"]) == ("Ahead", 2)
    assert "Grace Hopper <grace@example.com>" in bound("status", exit=1).stdout


def test_what_a_rule_of_the_set_seals_is_masked_like_a_secret(bound: Bound, key_file: Path) -> None:
    space, key = bound.namespace, ["--key-file", str(key_file)]
    rule = '\n[[seal]]\nkind = "ConfigMap"\nname = "smtp"\npaths = ["/data/password"]\n'
    bound.commit({".gitops.toml": bound.file(".gitops.toml") + rule})
    text = config_map(space, "smtp", host="a", password="hunter2-old")
    bound.apply(text, *key)
    assert bound.live("configmap/smtp")["data"] == {"host": "a", "password": "hunter2-old"}
    live = json.dumps({"data": {"host": "b", "password": "hunter2-live"}})
    bound.kubectl("patch", "configmap/smtp", "--patch", live)
    new = text.replace("old", "new")
    runs = [
        bound("diff", *key, exit=1),
        bound("status", *key, exit=1),
        bound.apply(new, *key, "--dry-run=server", exit=3),
        bound("pull", *key),
        bound("diff", "-f", "-", *key, exit=1, input=new),
        bound("history", "configmap/smtp", "--patch"),
        bound("show", "configmap/smtp"),
    ]
    assert [run for run in runs if "hunter2" in run.stdout + run.stderr] == []
    assert "hunter2" not in git(bound.repo, "log", "-p", "--all")
