"""Commits are signed as Git is configured to, and verified as Git does it: git is the oracle."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.message import Message, Signature
from kubectl_gitops.store import open_store
from tests.git import git

ADA = Signature("Ada Lovelace", "ada@example.com", 1_700_000_000)
APPLY = Message(ADA, "apply", operation="apply")


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def configure(monkeypatch, tmp_path, **settings):
    """The person's own configuration, as both git and we read it."""
    file = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(file))
    for name, value in settings.items():
        run("git", "config", "--global", name.replace("_", "."), str(value))


@pytest.fixture
def keys(tmp_path, monkeypatch):
    """An ssh key that is allowed and configured to sign with, and one that is not allowed."""
    for name in ("ada", "mallory"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(tmp_path / name))
    public = (tmp_path / "ada.pub").read_text()
    (tmp_path / "allowed").write_text(f"ada@example.com,x@example.com {public}")
    configure(
        monkeypatch,
        tmp_path,
        commit_gpgSign="true",
        gpg_format="ssh",
        user_signingKey=tmp_path / "ada",
        gpg_ssh_allowedSignersFile=tmp_path / "allowed",
    )
    return tmp_path


@pytest.fixture
def pgp(tmp_path, monkeypatch):
    """A keyring with one key, whose agent ends with the test; its socket needs a short path."""
    with tempfile.TemporaryDirectory(prefix="gpg-", dir="/tmp") as home:
        monkeypatch.setenv("GNUPGHOME", home)
        protect = ("--batch", "--passphrase", "", "--pinentry-mode", "loopback")
        who = "Ada Lovelace <ada@example.com>"
        run("gpg", *protect, "--quick-gen-key", who, "ed25519", "sign", "never")
        configure(monkeypatch, tmp_path, commit_gpgSign="true")
        yield Path(home)
        run("gpgconf", "--kill", "all")


def store_at(path):
    return open_store(str(path), "main", data_dir=path.parent, warn=pytest.fail)


def committed(store, text, on=""):
    return store.commit(on, {"a.yaml": text.encode()}, APPLY)


def found(store, tip, since=""):
    return {commit[:7]: why for commit, why in store.distrusted(tip, since)}


def test_without_being_told_so_nothing_is_signed(bare_repo):
    store = store_at(bare_repo)
    tip = committed(store, "a: 1")
    assert "gpgsig" not in git(bare_repo, "cat-file", "commit", tip)
    assert found(store, tip) == {tip[:7]: "it is not signed"}


def test_a_commit_is_signed_with_ssh_and_git_verifies_it(bare_repo, keys):
    store = store_at(bare_repo)
    tip = committed(store, "a: 1")
    git(bare_repo, "verify-commit", tip)
    assert found(store, tip) == {}


@pytest.mark.parametrize("prefix", ["key::", ""])
def test_an_ssh_key_of_the_agent_is_named_by_its_public_half(bare_repo, keys, monkeypatch, prefix):
    public = (keys / "ada.pub").read_text().strip()
    agent = run("ssh-agent", "-s")
    settings = dict(
        part.split("=", 1) for part in agent.replace("\n", "").split(";") if "=" in part
    )
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    try:
        run("ssh-add", "-q", str(keys / "ada"))
        (keys / "ada").unlink()
        if prefix:
            configure(monkeypatch, keys, user_signingKey=f"{prefix}{public}")
        else:
            run("git", "config", "--global", "--unset", "user.signingKey")
            command = keys / "default-key"
            command.write_text(f"#!/bin/sh\necho '{public}'\n")
            command.chmod(0o755)
            configure(monkeypatch, keys, gpg_ssh_defaultKeyCommand=command)
        store = store_at(bare_repo)
        tip = committed(store, "a: 1")
        git(bare_repo, "verify-commit", tip)
        assert found(store, tip) == {}
    finally:
        os.kill(int(settings["SSH_AGENT_PID"]), 15)


def test_a_commit_is_signed_with_gpg_and_git_verifies_it(bare_repo, pgp):
    store = store_at(bare_repo)
    tip = committed(store, "a: 1")
    git(bare_repo, "verify-commit", tip)
    assert found(store, tip) == {}


def test_history_commits_are_never_signed(bare_repo, keys):
    store = store_at(bare_repo)
    base = store.fetch()
    tip = store.publish(base, store.commit("", {".gitops.toml": b"", "a.yaml": b"a: 1"}, APPLY))
    assert "gpgsig" in git(bare_repo, "cat-file", "commit", tip.commit)
    assert "gpgsig" not in git(bare_repo, "cat-file", "commit", tip.history)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"user_signingKey": "/nowhere/key"}, "No such file or directory"),
        ({"gpg_format": "carrier-pigeon"}, "Unsupported signature format"),
        ({"gpg_ssh_program": "/nowhere/program"}, "No such file or directory"),
    ],
)
def test_what_cannot_be_signed_is_not_committed(bare_repo, keys, monkeypatch, settings, message):
    configure(monkeypatch, keys, **settings)
    with pytest.raises(GitopsError, match=message) as refused:
        committed(store_at(bare_repo), "a: 1")
    assert "cannot be signed" in refused.value.message
    assert git(bare_repo, "count-objects") == "0 objects, 0 kilobytes"


def test_a_range_is_searched_whole_side_branches_too(bare_repo, keys, monkeypatch):
    store = store_at(bare_repo)
    one = committed(store, "a: 1")
    two = committed(store, "a: 2", one)
    configure(monkeypatch, keys, commit_gpgSign="false")
    middle = committed(store, "a: 3", two)
    side = store.commit(one, {"b.yaml": b"b: 1"}, APPLY)
    configure(monkeypatch, keys, commit_gpgSign="true")
    tree = git(bare_repo, "rev-parse", f"{middle}^{{tree}}")
    merged = git(
        bare_repo, "commit-tree", "-S", tree, "-p", middle, "-p", side, "-m", "a signed merge"
    )
    bad = "it is not signed"
    assert found(store, merged) == {middle[:7]: bad, side[:7]: bad}
    assert found(store, merged, two) == {middle[:7]: bad, side[:7]: bad}
    assert found(store, merged, middle) == {side[:7]: bad}
    assert found(store, merged, merged) == {}
    assert found(store, two) == {}


def test_a_foreign_key_a_revoked_one_and_another_content_are_told(bare_repo, keys, monkeypatch):
    store = store_at(bare_repo)
    tip = committed(store, "a: 1")
    raw = git(bare_repo, "cat-file", "commit", tip)
    forged = git(
        bare_repo,
        "hash-object",
        "-t",
        "commit",
        "-w",
        "--stdin",
        input=f"{raw.replace('apply', 'forged', 1)}\n",
    )
    wrong = "its signature does not fit it, or its key was revoked"
    assert found(store, forged) == {forged[:7]: wrong}
    configure(monkeypatch, keys, user_signingKey=keys / "mallory")
    theirs = committed(store, "a: 2", tip)
    assert found(store, theirs, tip) == {
        theirs[:7]: "it is signed with a key that is not one of the allowed signers'"
    }
    configure(monkeypatch, keys, gpg_ssh_revocationFile=keys / "ada.pub")
    assert found(store, tip) == {tip[:7]: wrong}
    run("git", "config", "--global", "--unset", "gpg.ssh.allowedSignersFile")
    with pytest.raises(GitopsError, match="allowedSignersFile is not set"):
        found(store, tip)


def test_an_allowed_key_counts_while_it_is_valid(bare_repo, keys):
    public = (keys / "ada.pub").read_text()
    for window, trusted in (
        ('valid-before="20230101"', False),
        ('valid-after="20230101"', True),
        ('valid-after="20240101"', False),
    ):
        (keys / "allowed").write_text(f"ada@example.com {window} {public}")
        store = store_at(bare_repo)
        tip = committed(store, window)
        assert (found(store, tip) == {}) is trusted


def test_gpg_keys_that_are_unknown_expired_or_not_trusted_are_told(
    bare_repo, pgp, tmp_path, monkeypatch
):
    store = store_at(bare_repo)
    tip = committed(store, "a: 1")
    configure(monkeypatch, tmp_path, gpg_minTrustLevel="ultimate")
    assert found(store, tip) == {}
    fingerprint = run("gpg", "--list-keys", "--with-colons").split("fpr:::::::::")[1].split(":")[0]
    run("gpg", "--import-ownertrust", input=f"{fingerprint}:2:\n")
    assert found(store, tip) == {tip[:7]: "it is signed with a key that is not trusted"}
    run("git", "config", "--global", "--unset", "gpg.minTrustLevel")
    run("gpg", "--import-ownertrust", input=f"{fingerprint}:6:\n")
    assert found(store, tip) == {}
    run("gpg", "--batch", "--quick-set-expire", fingerprint, "seconds=1")
    time.sleep(2)
    assert found(store, tip) == {tip[:7]: "it is signed with a key that has expired"}
    run("gpg", "--batch", "--yes", "--delete-secret-and-public-key", fingerprint)
    assert found(store, tip) == {tip[:7]: "it is signed with a key that is not known here"}


def test_a_missing_program_is_named(bare_repo, keys, monkeypatch):
    store = store_at(bare_repo)
    tip = committed(store, "a: 1")
    configure(monkeypatch, keys, gpg_ssh_program="/nowhere/ssh-keygen")
    with pytest.raises(GitopsError, match="signatures cannot be checked: /nowhere/ssh-keygen"):
        found(store, tip)


def test_the_configuration_of_a_repository_names_no_program(bare_repo, keys, tmp_path):
    witness = tmp_path / "witness"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {witness}\nexit 1\n")
    program.chmod(0o755)
    for name in ("gpg.program", "gpg.ssh.program"):
        git(bare_repo, "config", name, str(program))
    store = store_at(bare_repo)
    assert found(store, committed(store, "a: 1")) == {}
    assert not witness.exists()
    late = replace(APPLY, author=replace(ADA, time=ADA.time + 1))
    assert found(store, store.commit("", {"b.yaml": b""}, late)) == {}
