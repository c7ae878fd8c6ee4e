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


def _flipped(raw: bytes, offset: int, bit: int = 1) -> bytes:
    return raw[:offset] + bytes([raw[offset] ^ bit]) + raw[offset + 1 :]


# Of an envelope's bytes: 0 version, 1 algorithm, 2 flags, 3 kdf, 4 key id, 12 nonce, then the rest.
DAMAGED = {
    "truncated": (lambda raw: raw[:-20], "is damaged: it is not a whole kgs1 value"),
    "cut-short": (lambda raw: raw[:7], "is damaged: it is not a whole kgs1 value"),
    "flipped": (lambda raw: _flipped(raw, 40), "does not open: it was changed, or sealed for"),
    "version": (lambda raw: _flipped(raw, 0, 2), "in a format this version does not know"),
    "algorithm": (lambda raw: _flipped(raw, 1, 2), "in a format this version does not know"),
    "flags": (lambda raw: _flipped(raw, 2), "is damaged: it is not a whole kgs1 value"),
    "unknown-key": (lambda raw: _flipped(raw, 4), "which is not held (held: "),
    "kdf": (
        lambda raw: raw[:3] + bytes([2]) + raw[4:12] + bytes([31, 255, 255]) + bytes(16) + raw[12:],
        "is sealed with key ",
    ),
}


def test_what_does_not_open_is_refused_alone_and_the_rest_goes_on(
    place: Place, key: Path, tmp_path: Path
) -> None:
    names = [*DAMAGED, "relocated", "whole"]
    manifests = [SECRET.replace("name: db", f"name: {name}") for name in names]
    plain = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\n"
    place.apply("---\n".join([*manifests, plain]))
    place.kubectl("delete", "secrets", "--all")
    place.kubectl("delete", "configmap", "plain")
    files = place.files()
    paths = {name: next(p for p in files if p.endswith(f"/{name}.yaml")) for name in names}
    for name, (damage, _) in DAMAGED.items():
        old = yaml.safe_load(files[paths[name]])["data"]["password"]
        raw = base64.urlsafe_b64decode(old[5:] + "=" * (-len(old[5:]) % 4))
        new = "kgs1:" + base64.urlsafe_b64encode(damage(raw)).decode().rstrip("=")
        files[paths[name]] = files[paths[name]].replace(old, new)
    files[paths["relocated"]] = files[paths["whole"]].replace("name: whole", "name: relocated")
    blobs = [f"M 644 inline {path}\ndata {len(text)}\n{text}" for path, text in files.items()]
    who = "committer Grace Hopper <grace@example.com> 1700000000 +0000"
    head = ["commit refs/heads/main", who, "data 7\ndamaged", "from refs/heads/main^0"]
    git(place.repo, "fast-import", "--quiet", input="\n".join([*head, *blobs, ""]))

    run = place.gitops("pull", exit=1)
    assert sorted(run.stdout.splitlines()) == ["configmap/plain created", "secret/whole created"]
    errors = {line.split()[1]: line for line in run.stderr.splitlines() if "error: " in line}
    assert len(errors) == len(names) - 1
    for name in names[:-1]:
        said = DAMAGED[name][1] if name in DAMAGED else "does not open"
        line = errors[f"secret/{place.namespace}/{name}"]
        assert line.startswith(f"error: secret/{place.namespace}/{name} /data/")
        assert said in line
        assert place.live(f"secret/{name}") == {}
    for command in (("pull",), ("diff",), ("status",), ("verify",), ("secret", "status")):
        again = place.gitops(*command, exit=None)
        for value in (VALUE, TOKEN, base64.b64encode(VALUE.encode()).decode()):
            assert value not in again.stdout + again.stderr
    found = place.gitops("verify", exit=1).stdout.splitlines()
    assert {line.split(": ")[1] for line in found} == errors.keys()
    # With a key of another store nothing that is sealed opens, and all else goes on.
    place.gitops("secret", "keygen", "--out", tmp_path / "other")
    place.kubectl("delete", "configmap", "plain")
    other = place.gitops("pull", "--key-file", tmp_path / "other", exit=1)
    assert other.stdout == "configmap/plain created\n"
    assert (
        place.live("secret/whole")["data"]["password"] == base64.b64encode(VALUE.encode()).decode()
    )


def test_the_key_can_be_a_secret_of_the_cluster(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.gitops("secret", "keygen", "--out", tmp_path / "key")
    key = (tmp_path / "key").read_text()
    place.kubectl("create", "secret", "generic", "sealing", f"--from-file={tmp_path / 'key'}")
    monkeypatch.setenv("KUBECTL_GITOPS_KEY_SECRET", f"{place.namespace}/sealing")
    assert place.apply(SECRET).stdout == "secret/db created\n"
    run = place.gitops("secret", "status", "--check")
    assert run.stdout.endswith("   2        1           seals\n")
    # It is not for the branch, which only it opens.
    refused = place.gitops("import", "secrets", exit=1)
    assert "/data/key is the key that seals this branch; it cannot be in it" in refused.stderr
    for name, said in {
        "sealing": "KUBECTL_GITOPS_KEY_SECRET: sealing names no Secret\n",
        f"{place.namespace}/other": "other with the key cannot be read: it is not there\n",
        f"{place.namespace}/db": "db holds 2 values; the keys stand in one, one a line\n",
    }.items():
        monkeypatch.setenv("KUBECTL_GITOPS_KEY_SECRET", name)
        before = place.state()
        refused = place.apply(SECRET.replace(VALUE, "another-one"), exit=1)
        assert said in refused.stderr
        assert key.strip() not in refused.stdout + refused.stderr
        assert place.state() == before
    # A file that is named goes first.
    monkeypatch.setenv("KUBECTL_GITOPS_KEY_FILE", str(tmp_path / "key"))
    assert place.apply(SECRET).stdout == "secret/db unchanged\n"


def test_a_kdf_that_asks_for_too_much_is_refused_by_its_place(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_text("correct-horse-battery-staple-0123456789abcdef\n")
    phrase.chmod(0o600)
    monkeypatch.setenv("KUBECTL_GITOPS_KEY_FILE", str(phrase))
    place.apply(SECRET)
    ((path, text),) = place.files().items()
    old = yaml.safe_load(text)["data"]["password"]
    raw = base64.urlsafe_b64decode(old[5:] + "=" * (-len(old[5:]) % 4))
    new = "kgs1:" + base64.urlsafe_b64encode(raw[:12] + bytes([31]) + raw[13:]).decode().rstrip("=")
    text = text.replace(old, new)
    who = "committer Grace Hopper <grace@example.com> 1700000000 +0000"
    commit = f"commit refs/heads/main\n{who}\ndata 4\nbomb\nfrom refs/heads/main^0\n"
    blob = f"M 644 inline {path}\ndata {len(text)}\n{text}\n"
    git(place.repo, "fast-import", "--quiet", input=commit + blob)
    run = place.gitops("pull", exit=1)
    assert run.stderr.startswith(
        f"error: secret/{place.namespace}/db /data/password is refused: its key derivation asks "
        "for more than this program allows\n"
    )
