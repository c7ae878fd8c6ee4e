"""`pull --require-signatures`: one commit that nobody vouches for, and nothing is applied."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.bound import Bound, bind, config_map
from tests.controlplane.cluster import ControlPlane
from tests.git import git
from tests.program import Gitops


def configure(**settings: str | Path) -> None:
    for name, value in settings.items():
        command = ["git", "config", "--global", name.replace("_", "."), str(value)]
        subprocess.run(command, check=True)


@pytest.fixture
def signing(
    gitops: Gitops,
    control_plane: ControlPlane,
    kubeconfig: Path,
    namespace: str,
    bare_repo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Bound:
    """A set whose person signs with an ssh key, from `init` on."""
    key = tmp_path / "id"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(command, check=True)
    (tmp_path / "allowed").write_text(f"ada@example.com {key.with_suffix('.pub').read_text()}")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    configure(
        commit_gpgSign="true",
        gpg_format="ssh",
        user_signingKey=key,
        gpg_ssh_allowedSignersFile=tmp_path / "allowed",
    )
    return bind(gitops, control_plane, kubeconfig, bare_repo, namespace)


def test_a_branch_of_signed_commits_is_pulled(signing: Bound) -> None:
    space = signing.namespace
    signing.apply(config_map(space, "a", x="1"))
    signing.apply(config_map(space, "b"))
    for commit in git(signing.repo, "rev-list", "main").split():
        git(signing.repo, "verify-commit", commit)
    signing.kubectl("delete", "configmap", "a", "b")
    assert signing("pull", "--require-signatures").exit == 0
    assert signing.there("cm/a", "cm/b") == ["configmap/a", "configmap/b"]
    assert signing("verify", "--signatures").stdout == ""


def test_one_unsigned_commit_in_the_range_stops_all_of_it(signing: Bound) -> None:
    space = signing.namespace
    signing.apply(config_map(space, "a", x="1"))
    unsigned = signing.commit({"evil.yaml": config_map(space, "evil")}, "slipped in")
    tree = git(signing.repo, "rev-parse", f"{unsigned}^{{tree}}")
    signed = git(signing.repo, "commit-tree", "-S", tree, "-p", unsigned, "-m", "all is well")
    git(signing.repo, "update-ref", "refs/heads/main", signed)
    git(signing.repo, "tag", "-s", "-m", "signed", "v1", signed)

    for words in (["pull"], ["pull", "--dry-run"]):
        refused = signing(*words, "--require-signatures", exit=1)
        assert refused.stdout == ""
        assert refused.stderr.splitlines()[0] == (
            f"error: 1 commit is not to be trusted: {unsigned[:7]} (it is not signed); "
            "nothing was changed"
        )
    assert signing.there("cm/evil") == []
    found = signing("verify", "--signatures", exit=1).stdout
    assert found == f"signatures: commit {unsigned[:7]}: it is not signed\n"

    beyond = signing("pull", f"--require-signatures={unsigned[:9]}")
    assert beyond.stdout == "configmap/evil created\n"
    assert signing("pull", "--require-signatures").exit == 0  # the cluster stands above it


def test_an_unsigned_side_branch_of_a_signed_merge_stops_it(signing: Bound) -> None:
    space = signing.namespace
    signing.apply(config_map(space, "a", x="1"))
    base = signing.tip
    side = signing.commit({"side.yaml": config_map(space, "side")}, "on a side branch")
    tree = git(signing.repo, "rev-parse", f"{side}^{{tree}}")
    merge = git(
        signing.repo, "commit-tree", "-S", tree, "-p", base, "-p", side, "-m", "a signed merge"
    )
    git(signing.repo, "update-ref", "refs/heads/main", merge)
    refused = signing("pull", "--require-signatures", exit=1)
    assert f"{side[:7]} (it is not signed)" in refused.stderr
    assert signing.there("cm/side") == []


def test_what_cannot_be_signed_changes_nothing(signing: Bound) -> None:
    configure(user_signingKey="/nowhere/key")
    tip = signing.tip
    refused = signing.apply(config_map(signing.namespace, "a"), exit=1)
    assert refused.stderr.splitlines()[0].startswith("error: the commit cannot be signed (ssh): ")
    assert (signing.tip, signing.there("cm/a")) == (tip, [])
