"""Machines where there is no home, or where it may not be written to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.githttp import GitServer
from tests.program import Gitops

NAMELESS = """
import pwd, sys
def unknown(uid):
    raise KeyError(uid)
pwd.getpwuid = unknown
sys.argv = ["kubectl-gitops", *sys.argv[1:]]
from kubectl_gitops.__main__ import main
main()
"""
"""The program as a user without an entry in the passwd file, as OpenShift gives to containers."""


def homeless(*words: str) -> subprocess.CompletedProcess[str]:
    """The program where neither HOME nor the passwd file knows a home."""
    environ = {k: v for k, v in os.environ.items() if k != "HOME" and not k.startswith("XDG_")}
    command = [sys.executable, "-c", NAMELESS, *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "words", [["status"], ["history"], ["init", "--repo", "https://127.0.0.1:1/x.git"]]
)
def test_without_a_home_there_is_one_message_and_a_hint(words: list[str]) -> None:
    run = homeless(*words)
    assert (run.returncode in (1, 2), run.stdout) == (True, "")
    first, *rest = run.stderr.splitlines()
    assert first.startswith("error: ")
    assert "this is a bug" not in first
    assert rest
    assert all(line.startswith("hint: ") for line in rest)
    assert not Path("~").exists()


def test_without_a_home_no_configuration_is_looked_for_in_the_working_directory() -> None:
    assert homeless("history").stderr == (
        "error: no home directory is known: HOME is not set\nhint: export HOME=/tmp\n"
    )
    assert homeless("version").returncode == 0


def test_a_configuration_that_may_not_be_written(bare_repo: Path, gitops: Gitops) -> None:
    Path(".config").write_text("a file where the directory should be")
    run = gitops("history", "--repo", bare_repo, exit=1)
    assert "holds no .gitops.toml" in run.stderr


def test_a_data_directory_that_may_not_be_written(http_repo: GitServer, gitops: Gitops) -> None:
    Path(".local").write_text("")
    run = gitops("history", "--repo", http_repo.url_with_password, exit=1)
    first, hint = run.stderr.splitlines()
    assert first.startswith(f"error: cannot use the local mirror {Path('.local').absolute()}/")
    assert first.endswith("Not a directory")
    assert hint == "hint: export XDG_DATA_HOME=DIR   # where you may write"
