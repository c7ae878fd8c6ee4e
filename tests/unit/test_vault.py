"""`secret status`, `rekey`, `rebind` and `import --legacy-key`: a branch, keys, and no cluster.

Branches are written and read with git; the program is a process that finds no kubeconfig at all.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.git import fsck, git, init_bare
from tests.program import Gitops, Run

SETTINGS = """\
format = 1
set = "shop"
default-namespace = "shop"

[keys]
salt = "000102030405060708090a0b0c0d0e0f"
"""
SEAL = '\n[[seal]]\nkind = "ConfigMap"\npaths = ["/data/password"]\n'
VECTORS = Path(__file__).parents[3] / "shared/reference/legacy-secret-vectors.json"
PHRASE = "correct-horse-battery-staple-0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Branch:
    """A bare repository whose `main` holds a set, and the files of keys beside it."""

    repo: Path
    gitops: Gitops

    def __call__(self, *arguments: str | Path, key: str, exit: int = 0, input: str = "") -> Run:
        env = {"KUBECTL_GITOPS_KEY_FILE": str(self.repo.parent / key), "KUBECONFIG": "/nowhere"}
        flags = ("--repo", self.repo)
        return self.gitops(*arguments, *flags, exit=exit, input=input, env=env)

    def key(self, name: str, *others: str, text: str = "") -> str:
        """A key file: a new key (or `text`) above the keys of other files; its id."""
        path = self.repo.parent / name
        said = ""
        if text:
            path.write_text(f"{text}\n")
        else:
            said = self.gitops("secret", "keygen", "--out", path).stderr
        below = "".join((self.repo.parent / other).read_text() for other in others)
        path.write_text(path.read_text() + below)
        path.chmod(0o600)
        return said.partition("(")[2].partition(")")[0]

    def commit(self, files: Mapping[str, str | None]) -> None:
        """A commit by hand on top of what is there."""
        parent = git(self.repo, "for-each-ref", "--format=from %(objectname)", "refs/heads/main")
        who = "Grace Hopper <grace@example.com> 1700000000 +0000"
        lines = ["commit refs/heads/main", f"committer {who}", "data 7\nby hand", parent]
        lines += [
            f"D {path}"
            if text is None
            else f"M 644 inline {path}\ndata {len(text.encode())}\n{text}"
            for path, text in files.items()
        ]
        git(self.repo, "fast-import", "--quiet", input="\n".join([*filter(None, lines), ""]))

    def sealed(self, text: str, *, key: str) -> str:
        return self("secret", "encrypt", "-f", "-", key=key, input=text).stdout

    def opened(self, path: str, *, key: str) -> Any:
        text = self("secret", "decrypt", "-f", "-", key=key, input=self.file(path)).stdout
        return yaml.safe_load(text)

    def file(self, path: str) -> str:
        return git(self.repo, "show", f"main:{path}") + "\n"

    @property
    def tip(self) -> str:
        return git(self.repo, "rev-parse", "main")

    @property
    def settings(self) -> str:
        return self.file(".gitops.toml")


@pytest.fixture
def branch(tmp_path: Path, gitops: Gitops) -> Branch:
    branch = Branch(init_bare(tmp_path / "store.git"), gitops)
    branch.commit({".gitops.toml": SETTINGS + SEAL})
    return branch


def secret(name: str, **values: str) -> str:
    lines = "".join(f"  {key}: {json.dumps(value)}\n" for key, value in values.items())
    return (
        f"# the {name} of the shop\napiVersion: v1\nkind: Secret\n"
        f"metadata:\n  name: {name}\n  namespace: shop\nstringData:\n{lines}"
    )


CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: smtp, namespace: shop}\ndata:\n"


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_every_value_goes_under_the_first_key_in_one_commit_and_only_it_seals(
    branch: Branch,
) -> None:
    old = branch.key("old")
    branch.commit(
        {
            "db.yaml": branch.sealed(secret("db", password="hunter2", user="shop"), key="old"),
            "smtp.yaml": branch.sealed(f"{CONFIG}  password: hunter3  # note\n", key="old"),
            ".gitops.toml": SETTINGS.replace("[keys]", f'[keys]\nids = ["{old}"]') + SEAL,
        }
    )
    new = branch.key("both", "old")
    status = branch("secret", "status", "--check", key="both", exit=1)
    assert status.stdout == (
        "KEY                VALUES   RESOURCES   STATE\n"
        f"{new}   0        0           not listed\n"
        f"{old}   3        2           opens\n"
    )
    before = branch.tip
    run = branch("secret", "rekey", "-m", "a laptop was lost", key="both")
    assert run.stdout == "configmap/smtp sealed anew\nsecret/db sealed anew\n"
    assert git(branch.repo, "rev-parse", "main~1") == before
    body = git(branch.repo, "log", "-1", "--format=%B", "main")
    assert body.startswith("rekey 2 resources in shop: a laptop was lost\n")
    assert "Gitops-Operation: rekey" in body
    assert f'ids = ["{new}"]' in branch.settings
    assert branch.file("db.yaml").startswith("# the db of the shop\n")
    assert branch.opened("db.yaml", key="both")["data"] == {
        "password": base64_of("hunter2"),
        "user": base64_of("shop"),
    }
    assert "  # note" in branch.file("smtp.yaml")
    assert branch.opened("smtp.yaml", key="both")["data"] == {"password": "hunter3"}

    branch.key("new", text=(branch.repo.parent / "both").read_text().split()[0])
    status = branch("secret", "status", "--check", key="new")
    assert status.stdout == (
        f"KEY                VALUES   RESOURCES   STATE\n{new}   3        2           seals\n"
    )
    assert branch("secret", "rekey", key="both").stdout == ""
    # Whoever still seals with the retired key is stopped.
    refused = branch(
        "secret", "decrypt", "-f", "-", key="old", input=branch.file("db.yaml"), exit=1
    )
    assert f"is sealed with key {new}, which is not held (held: {old})" in refused.stderr
    fsck(branch.repo)


def test_a_key_that_is_not_held_stops_the_whole_rekey(branch: Branch) -> None:
    branch.key("old")
    branch.key("lost")
    branch.commit(
        {
            "a.yaml": branch.sealed(secret("a", p="hunter2"), key="old"),
            "b.yaml": branch.sealed(secret("b", p="hunter2"), key="lost"),
        }
    )
    branch.key("both", "old")
    before = branch.tip
    run = branch("secret", "rekey", key="both", exit=1)
    assert "secret/shop/b /data/p is sealed with key" in run.stderr
    assert "nothing was changed\n" in run.stderr
    assert branch.tip == before


def test_what_cannot_be_read_stops_the_whole_rekey(branch: Branch) -> None:
    branch.key("key")
    branch.commit({"bad.yaml": "apiVersion: v1\nkind: Secret\ndata: [\n"})
    run = branch("secret", "rekey", key="key", exit=1)
    assert "bad.yaml" in run.stderr
    assert branch("secret", "status", "--check", key="key", exit=1).stderr.count("bad.yaml") == 1


def test_a_value_in_the_clear_and_a_damaged_one_fail_the_check(branch: Branch) -> None:
    branch.key("key")
    branch.commit({"clear.yaml": secret("clear", p="hunter2")})
    run = branch("secret", "status", "--check", key="key", exit=1)
    assert run.stderr == (
        "Warning: secret/shop/clear /stringData/p stands in the clear in the branch\n"
        "hint: kubectl gitops secret rekey\n"
    )
    assert branch("secret", "status", key="key").exit == 0
    branch("secret", "rekey", key="key")
    assert branch("secret", "status", "--check", key="key").stderr == ""
    damaged = branch.file("clear.yaml").replace('"\n', '!"\n')
    branch.commit({"clear.yaml": damaged})
    run = branch("secret", "status", "--check", key="key", exit=1)
    assert run.stderr == (
        "error: secret/shop/clear /data/p is damaged: it is not a whole kgs1 value\n"
    )


def test_a_phrase_of_ones_own_can_be_rekeyed_to_and_from(branch: Branch) -> None:
    branch.key("phrase", text=PHRASE)
    branch.commit({"db.yaml": branch.sealed(secret("db", p="hunter2"), key="phrase")})
    branch.key("both", "phrase")
    branch("secret", "rekey", key="both")
    branch.key("back", "both", text=PHRASE)
    branch("secret", "rekey", key="back")
    assert "665309858de9b6e0" in branch("secret", "status", key="phrase").stdout
    assert branch.opened("db.yaml", key="phrase")["data"] == {"p": base64_of("hunter2")}


def test_a_renamed_secret_opens_again_once_it_is_bound_to_its_new_place(branch: Branch) -> None:
    branch.key("key")
    branch.commit({"db.yaml": branch.sealed(secret("db", p="hunter2", q="x"), key="key")})
    moved = branch.file("db.yaml").replace("name: db", "name: db2").replace("  q:", "  renamed:")
    branch.commit({"db.yaml": moved})
    opened = branch("secret", "decrypt", "-f", "-", key="key", input=moved, exit=1)
    assert "secret/shop/db2 /data/p does not open" in opened.stderr
    # The history has only the name of what is no more: a key that was renamed, too, opens nowhere.
    run = branch("secret", "rebind", "secret/db2", "-n", "shop", key="key", exit=1)
    assert "secret/shop/db2 /data/renamed does not open" in run.stderr
    branch.commit({"db.yaml": moved.replace("  renamed:", "  q:")})
    run = branch("secret", "rebind", "secret/db2", "-n", "shop", "-m", "one name", key="key")
    assert run.stdout == "secret/db2 sealed anew\n"
    assert run.stderr.splitlines()[:2] == [
        "kubectl-gitops: secret/shop/db2 /data/p was sealed for secret/shop/db /data/p",
        "kubectl-gitops: secret/shop/db2 /data/q was sealed for secret/shop/db /data/q",
    ]
    assert branch.opened("db.yaml", key="key")["data"]["p"] == base64_of("hunter2")
    before = branch.tip
    branch("secret", "rebind", "secret/db2", "-n", "shop", key="key")
    assert branch.tip == before


def test_a_value_moved_inside_the_branch_tells_where_it_came_from(branch: Branch) -> None:
    branch.key("key")
    branch.commit(
        {
            "db.yaml": branch.sealed(secret("db", password="hunter2"), key="key"),
            "web.yaml": branch.sealed(secret("web", other="hunter3"), key="key"),
        }
    )
    value = yaml.safe_load(branch.file("db.yaml"))["data"]["password"]
    web = branch.file("web.yaml") + f'  stolen: "{value}"\n'
    branch.commit({"web.yaml": web})
    run = branch("secret", "rebind", "secret", "web", "-n", "shop", key="key")
    assert "secret/shop/web /data/stolen was sealed for secret/shop/db /data/password" in run.stderr
    assert branch.opened("web.yaml", key="key")["data"]["stolen"] == base64_of("hunter2")


def test_the_predecessors_secrets_are_sealed_with_our_key(branch: Branch, tmp_path: Path) -> None:
    vectors = json.loads(VECTORS.read_text())["vectors"]
    by_phrase = [one for one in vectors if one["key"] == vectors[0]["key"]]
    (tmp_path / "phrase").write_text(vectors[0]["key"] + "\n")
    (tmp_path / "phrase").chmod(0o600)
    branch.key("key")
    data = "".join(f"  {one['name']}: {one['ciphertext_base64']}\n" for one in by_phrase)
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: old, namespace: shop}\ntype: Opaque\n"
    branch.commit({"50_old.yaml": f"# kept\n{head}data:\n{data}"})
    run = branch("import", "--legacy-key", tmp_path / "phrase", "-m", "moving in", key="key")
    assert run.stdout == "secret/old sealed anew\n"
    assert branch.file("50_old.yaml").startswith("# kept\napiVersion: v1\nkind: Secret\n")
    assert branch.opened("50_old.yaml", key="key")["data"] == {
        one["name"]: one["plaintext_base64"] for one in by_phrase
    }
    assert (
        "nothing to import"
        in branch("import", "--legacy-key", tmp_path / "phrase", key="key").stderr
    )


def test_a_legacy_value_that_does_not_open_leaves_its_secret_as_it_is(
    branch: Branch, tmp_path: Path
) -> None:
    vector = json.loads(VECTORS.read_text())["vectors"][0]
    (tmp_path / "phrase").write_text(vector["key"])
    (tmp_path / "phrase").chmod(0o600)
    branch.key("key")
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: NAME, namespace: shop}\ndata:\n"
    good = f"{head.replace('NAME', 'good')}  a: {vector['ciphertext_base64']}\n"
    bad = f"{head.replace('NAME', 'bad')}  a: {vector['ciphertext_base64']}\n  b: aHVudGVyMg==\n"
    branch.commit({"good.yaml": good, "bad.yaml": bad})
    run = branch("import", "--legacy-key", tmp_path / "phrase", key="key", exit=1)
    assert run.stdout == "secret/good sealed anew\n"
    assert run.stderr.startswith(
        "error: secret/shop/bad /data/b: the value is damaged: its length is no multiple of 16"
    )
    assert "aHVudGVyMg" not in run.stderr
    assert branch.file("bad.yaml") == bad


def test_a_value_of_the_predecessor_opens_by_hand_as_its_helper_printed_it(
    branch: Branch, tmp_path: Path
) -> None:
    for vector in json.loads(VECTORS.read_text())["vectors"]:
        (tmp_path / "phrase").write_text(vector["key"] + "\n")
        (tmp_path / "phrase").chmod(0o600)
        text = vector["ciphertext_base64"]
        run = branch("secret", "decrypt", "--legacy", key="phrase", input=text)
        assert run.stdout == vector["plaintext_base64"] + "\n"
        wrong = branch("secret", "decrypt", "--legacy", key="phrase", input=text[4:], exit=1)
        assert wrong.stdout == ""
        assert text[4:] not in wrong.stderr


@pytest.mark.parametrize("flags", [["-A"], ["secrets"], ["-l", "a=b"], ["--dry-run"]])
def test_the_legacy_key_is_for_all_secrets_of_the_branch(branch: Branch, flags: list[str]) -> None:
    branch.key("key")
    run = branch("import", "--legacy-key", "phrase", *flags, key="key", exit=2)
    assert run.stderr.startswith("error: --legacy-key is about the Secrets of the branch")
