"""Secrets from `apply` to the cluster and to Git: open there, sealed here, shown nowhere."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
import yaml

from tests.git import git
from tests.place import Place

VALUE = "hunter2-hunter2-hunter2"
TOKEN = "correct-horse-battery"
SECRET = f"""\
# for the database
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  password: {VALUE}   # of the user
data:
  token: {base64.b64encode(TOKEN.encode()).decode()}
"""


@pytest.fixture
def key(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A key that every command finds."""
    file = tmp_path / "key"
    place.gitops("secret", "keygen", "--out", file)
    monkeypatch.setenv("KUBECTL_GITOPS_KEY_FILE", str(file))
    return file


def leaks(place: Place) -> list[str]:
    """Which of the values any object of the repository holds, plain or as base64."""
    objects = place.git(
        "cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)"
    )
    kinds = [line.split() for line in objects.splitlines()]
    everything = "\n".join(
        place.git("cat-file", kind, name) for name, kind in kinds if kind != "tree"
    )
    spelled = [(v, base64.b64encode(v.encode()).decode().rstrip("=")) for v in (VALUE, TOKEN)]
    return [form for forms in spelled for form in forms if form in everything]


def values(place: Place) -> dict[str, str]:
    (text,) = place.files().values()
    data: dict[str, str] = yaml.safe_load(text)["data"]
    return data


def test_without_a_key_nothing_is_touched(place: Place) -> None:
    before = place.state()
    plain = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\n"
    run = place.apply(f"{plain}---\n{SECRET}", exit=1)
    assert (run.stdout, run.stderr) == (
        "",
        f"error: secret/{place.namespace}/db has values to seal, and there is no key\n"
        "hint: kubectl gitops secret keygen --out FILE\n"
        "hint: export KUBECTL_GITOPS_KEY_FILE=FILE\n",
    )
    assert place.state() == before


def test_sealed_in_the_branch_and_open_in_the_cluster(place: Place, key: Path) -> None:
    run = place.apply(SECRET)
    assert (run.stdout, run.stderr) == ("secret/db created\n", place.committed)
    live = place.live("secret/db")
    assert {k: base64.b64decode(v).decode() for k, v in live["data"].items()} == {
        "password": VALUE,
        "token": TOKEN,
    }
    (text,) = place.files().values()
    assert text.startswith("# for the database\napiVersion: v1\nkind: Secret\n")
    assert set(values(place)) == {"password", "token"}
    assert all(value.startswith("kgs1:") for value in values(place).values())
    assert leaks(place) == []

    before = place.state()
    assert place.apply(SECRET).stdout == "secret/db unchanged\n"
    assert place.gitops("pull").exit == 0
    assert place.state() == before
    assert place.gitops("diff").stdout == ""


def test_only_a_changed_value_gets_a_new_ciphertext(place: Place, key: Path) -> None:
    place.apply(SECRET)
    first = values(place)
    assert place.apply(SECRET.replace(VALUE, f"{VALUE}!")).stdout == "secret/db configured\n"
    second = values(place)
    assert second["token"] == first["token"]
    assert second["password"] != first["password"]
    history = place.gitops("history", "secret/db", "-o", "json")
    newest = history.json["items"][0]["patch"]
    assert [(step["op"], step["path"]) for step in newest] == [("replace", "/data/password")]
    for command in (("history", "secret/db"), ("history", "secret/db", "--patch"), ("diff",)):
        said = place.gitops(*command)
        assert VALUE not in said.stdout + said.stderr
    # One that leaves the manifest leaves branch and cluster.
    place.apply(SECRET.partition("data:\n  token")[0].partition("\ndata:")[0] + "\n")
    assert list(place.live("secret/db")["data"]) == ["password"]
    assert leaks(place) == []


def test_a_sealed_manifest_is_applied_as_what_it_seals(place: Place, key: Path) -> None:
    place.apply(SECRET)
    shown = place.gitops("show", "secret/db").stdout
    assert "kgs1:" in shown
    before = place.state()
    assert place.apply(shown).stdout == "secret/db unchanged\n"
    assert place.state() == before
    place.gitops("delete", "secret/db")
    assert place.apply(shown).stdout == "secret/db created\n"
    live = place.live("secret/db")
    assert base64.b64decode(live["data"]["password"]).decode() == VALUE


def test_another_key_neither_opens_nor_overwrites(place: Place, key: Path, tmp_path: Path) -> None:
    place.apply(SECRET)
    place.gitops("secret", "keygen", "--out", tmp_path / "other")
    before = place.state()
    wrong = ("--key-file", str(tmp_path / "other"))
    for run in (
        place.apply(SECRET.replace(VALUE, f"{VALUE}!"), *wrong, exit=1),
        place.gitops("pull", *wrong, exit=1),
    ):
        assert run.stdout == ""
        assert "key" in run.stderr
        assert VALUE not in run.stderr
    assert place.state() == before


def test_kubectl_cannot_apply_what_is_sealed(place: Place, key: Path, tmp_path: Path) -> None:
    """Rather refused by the server than stored as it is in the branch."""
    place.apply(SECRET)
    git(tmp_path, "clone", "--quiet", str(place.repo), "clone")
    place.kubectl("delete", "secret", "db")
    for flags in ((), ("--server-side",)):
        answer = place.plane.kubectl(
            "apply",
            *flags,
            "-R",
            "-f",
            str(tmp_path / "clone"),
            check=False,
            kubeconfig=place.kubeconfig,
        )
        assert answer.returncode == 1
        assert "illegal base64" in answer.stderr
    assert place.live("secret/db") == {}


def test_what_kubectl_applied_leaves_no_copy_of_itself(place: Place, key: Path) -> None:
    """last-applied-configuration holds every value again, in the clear."""
    place.kubectl("apply", "-f", "-", input=SECRET)
    place.apply(SECRET.replace("token:", "renamed:"))
    live = place.live("secret/db")
    assert "annotations" not in live["metadata"]
    assert set(live["data"]) == {"password", "renamed"}
    assert len(place.subjects()) == 3
    assert leaks(place) == []


INVALID = {
    "stringData: {p: 31415926535}": "stringData.p must be a string; put it in quotes",
    "stringData: {p: [hunter2-hunter2]}": "stringData.p must be a string; put it in quotes",
    "stringData: hunter2-hunter2": "stringData must be a map of strings",
    "data: {p: 31415926535}": "data.p must be a string; put it in quotes",
    "data: {p: hunter2-hunter2}": "is not base64; plain text belongs in stringData",
    "immutable: hunter2-hunter2": ".immutable: expected boolean",
    "password: hunter2-hunter2": 'unknown field "password"',
    "type: kubernetes.io/tls\nstringData: {tls.crt: hunter2-hunter2}": "data[tls.key]",
}


def test_an_invalid_secret_is_told_without_its_values(place: Place, key: Path) -> None:
    before = place.state()
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n"
    for content, said in INVALID.items():
        run = place.apply(f"{head}{content}\n", exit=1)
        assert run.stdout == ""
        assert f"secret/{place.namespace}/db" in run.stderr
        assert said in run.stderr
        assert "hunter2" not in run.stderr
        assert "3141592" not in run.stderr
    assert place.state() == before


# Written in parts, so that no scanner takes this file for a leak.
TOKENS = {
    "aws": "AKIA" + "IOSFODNN7EXAMPLE",
    "github": "gh" + "p_" + "a1B2" * 9,
    "gitlab": "glpat" + "-" + "abcdefghij0123456789",
    "slack": "xox" + "b-123456789012-abcdef",
    "pem": "-----BEGIN " + "PRIVATE KEY-----",
}
HOLDER = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: holder}\ndata:\n"


def test_a_token_in_the_clear_stops_the_command_before_anything_is_touched(place: Place) -> None:
    holder = HOLDER + "".join(f"  {name}: {token}\n" for name, token in TOKENS.items())
    before = place.state()
    for flags in ((), ("--dry-run=server",), ("--allow-plain", "configmap/other")):
        run = place.apply(holder, *flags, exit=1)
        where = f"configmap/{place.namespace}/holder"
        assert run.stderr == (
            f"error: {where} /data/aws looks like an AWS access key in the clear\n"
            f"{where} /data/github looks like a GitHub token in the clear\n"
            f"{where} /data/gitlab looks like a GitLab token in the clear\n"
            f"{where} /data/slack looks like a Slack token in the clear\n"
            f"{where} /data/pem looks like a private key in the clear\n"
            "hint: kubectl gitops apply -f FILE --allow-plain configmap/holder"
            "   # or seal the field: [[seal]] in .gitops.toml\n"
        )
    run = place.apply(f"# was {TOKENS['aws']}\n{HOLDER}  a: b\n", exit=1)
    assert "holder: a comment looks like an AWS access key in the clear\n" in run.stderr
    assert place.state() == before
    assert place.live("configmap/holder") == {}


def test_who_wants_a_token_in_the_clear_says_so_and_the_commit_does_too(place: Place) -> None:
    holder = f"{HOLDER}  aws: {TOKENS['aws']}\n  a: b\n"
    run = place.apply(holder, "--allow-plain", "configmap/holder")
    assert (run.stdout, run.stderr) == ("configmap/holder created\n", place.committed)
    assert f"\nGitops-Plain: configmap/{place.namespace}/holder" in place.message()
    # What stands there already needs no second word; another token does.
    place.apply(holder.replace("a: b", "a: c"))
    assert "Gitops-Plain" not in place.message()
    place.apply(holder.replace("AKIA", "ASIA"), exit=1)
    place.gitops("rollback", "configmap/holder")
    place.gitops("delete", "configmap/holder")
    place.gitops("undo")
    assert place.live("configmap/holder")["data"]["aws"] == TOKENS["aws"]


def test_a_token_that_is_live_and_unrecorded_is_not_recorded_unasked(place: Place) -> None:
    place.kubectl("create", "cm", "holder", f"--from-literal=aws={TOKENS['aws']}")
    before = place.state()
    clean = f"{HOLDER}  a: b\n"
    assert "/data/aws looks like an AWS" in place.apply(clean, exit=1).stderr
    for command in (("import",), ("delete", "cm/holder")):
        refused = place.gitops(*command, exit=1).stderr
        assert f"kubectl gitops {command[0]} --allow-plain configmap/holder" in refused
    assert place.state() == before
    place.apply(clean, "--allow-plain", "configmap/holder")
    assert f"\nGitops-Plain: configmap/{place.namespace}/holder" in place.message("main~1")
    assert "Gitops-Plain" not in place.message()
    place.kubectl("patch", "cm", "holder", "-p", json.dumps({"data": {"a": TOKENS["slack"]}}))
    assert "--allow-plain configmap/holder" in place.gitops("record", exit=1).stderr
    place.gitops("record", "--allow-plain", "configmap/holder")
    assert "Gitops-Plain" in place.message()


def test_a_field_under_a_seal_rule_is_sealed_and_stops_nothing(place: Place, key: Path) -> None:
    settings = place.git("show", "main:.gitops.toml")
    rule = f'{settings}\n\n[[seal]]\nkind = "ConfigMap"\npaths = ["/data/aws"]\n'
    blob = f"blob\nmark :1\ndata {len(rule.encode())}\n{rule}\n"
    who = "committer Grace Hopper <grace@example.com> 1700000000 +0000"
    commit = f"commit refs/heads/main\n{who}\ndata 4\nrule\nfrom refs/heads/main^0\n"
    git(place.repo, "fast-import", "--quiet", input=f"{blob}{commit}M 644 :1 .gitops.toml\n")
    run = place.apply(f"{HOLDER}  aws: {TOKENS['aws']}  # ours\n  a: b\n")
    assert run.stdout == "configmap/holder created\n"
    (text,) = place.files().values()
    assert '\n  aws: "kgs1:' in text
    assert text.endswith("  # ours\n  a: b")
    assert place.live("configmap/holder")["data"] == {"aws": TOKENS["aws"], "a": "b"}
    assert place.apply(f"{HOLDER}  aws: other\n  a: b\n").stdout == "configmap/holder configured\n"
    assert "/data/aws" in place.gitops("history", "cm/holder", "--patch").stdout
    place.kubectl("patch", "cm", "holder", "-p", '{"data":{"aws":"drifted-token"}}')
    shown = place.gitops("diff", exit=1)
    assert "*** (before)" in shown.stdout
    assert "drifted-token" not in shown.stdout + shown.stderr
    place.gitops("pull")
    assert place.live("configmap/holder")["data"]["aws"] == "other"
