"""TAB as a shell has it: kubectl is asked, kubectl asks us."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kubectl_gitops.__main__ import COMPLETER
from tests.bound import Bound, config_map
from tests.place import Place
from tests.program import Gitops

PROGRAM = Path(sys.executable).parent / "kubectl-gitops"


def tab(*words: str) -> list[str]:
    """What `kubectl __complete gitops …` prints: candidates without their help, and `:N`."""
    done = subprocess.run(
        ["kubectl", "__complete", "gitops", *words], capture_output=True, text=True, check=True
    )
    return [line.partition("\t")[0] for line in done.stdout.splitlines()]


def test_kubectl_asks_for_commands_resources_and_revisions(bound: Bound) -> None:
    bound.apply(config_map(bound.namespace, "settings", ttl="24h"))
    bound.apply(config_map(bound.namespace, "settings", ttl="12h"))
    assert tab("hist") == ["history", ":4"]
    assert tab("history", "") == ["configmap", ":4"]
    assert tab("history", "cm", "") == ["settings", ":4"]
    assert tab("show", "cm/s") == ["cm/settings", ":4"]
    assert tab("rollback", "cm", "settings", "--to-revision", "") == ["2", "1", ":4"]
    assert tab("diff", "cm/settings", "--revision", "1..") == ["1..2", "1..1", ":4"]
    tips = [bound.tip[:7], *(commit[:7] for commit in commits(bound))]
    assert tab("undo", "") == [*dict.fromkeys(tips), ":4"]


def commits(bound: Bound) -> list[str]:
    from tests.git import git

    return git(bound.repo, "rev-list", "main").splitlines()


def test_no_server_is_asked(distant: Place) -> None:
    """Neither has to be there: the mirror answers for the one, nobody for the other."""
    distant.apply(config_map(distant.namespace, "settings", ttl="24h"))
    distant.repo.rename(distant.repo.with_name("gone"))
    try:
        text = distant.kubeconfig.read_text()
        url = distant.plane.url
        distant.kubeconfig.write_text(text.replace(url, "https://127.0.0.1:1"))
        assert tab("history", "") == ["configmap", ":4"]
        assert tab("history", "cm/") == ["cm/settings", ":4"]
        assert tab("show", "cm/settings", "--revision", "") == ["1", ":4"]
    finally:
        distant.repo.with_name("gone").rename(distant.repo)


@pytest.fixture
def krew_bin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory as krew has it, alone on the PATH with kubectl: one link to the program."""
    folder = tmp_path / "krew" / "bin"
    folder.mkdir(parents=True)
    (folder / "kubectl-gitops").symlink_to(PROGRAM)
    kubectl = shutil.which("kubectl")
    assert kubectl is not None
    (folder / "kubectl").symlink_to(kubectl)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_install_makes_the_link_that_krew_does_not(krew_bin: Path, gitops: Gitops) -> None:
    assert tab("hist") == [":0"]
    run = gitops("completion", "install")
    made = krew_bin / COMPLETER
    assert run.stderr == (
        f"kubectl-gitops: made {made}\n"
        "hint: kubectl completion --help   # the shell's own part, if TAB does nothing yet\n"
    )
    assert made.readlink() == Path("kubectl-gitops")
    assert tab("hist") == ["history", ":4"]
    assert gitops("completion", "install").stderr.startswith(
        f"kubectl-gitops: {made} is there already\n"
    )


def test_install_elsewhere_says_when_kubectl_will_not_look_there(
    krew_bin: Path, gitops: Gitops, tmp_path: Path
) -> None:
    run = gitops("completion", "install", "--dir", tmp_path / "own")
    made = tmp_path / "own" / COMPLETER
    assert made.resolve() == PROGRAM.resolve()
    assert f"Warning: {made.parent} is not on the PATH: kubectl does not look there\n" in run.stderr


def test_install_where_nothing_may_be_written_or_nothing_is_installed(
    krew_bin: Path, gitops: Gitops, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    run = gitops("completion", "install", "--dir", tmp_path / "file", exit=1)
    assert run.stderr.splitlines()[0].startswith(f"error: cannot write {tmp_path / 'file'}/")
    (krew_bin / "kubectl-gitops").unlink()
    run = gitops("completion", "install", exit=1)
    assert run.stderr.splitlines() == [
        "error: there is no kubectl-gitops on the PATH, so kubectl does not find the plugin",
        "hint: echo $PATH",
    ]
