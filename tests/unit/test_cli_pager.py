"""On a terminal: a pager, colours and progress, as `git log` has them. Real processes on a pty."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

from tests.generated import WATCHED, generate
from tests.git import git


def on_terminal(*arguments, env=None):
    """What a person sees, stderr included, with the line ends of a file."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "kubectl_gitops", *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, **(env or {})}
    ) as running:
        os.close(theirs)
        seen = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # the last process on the terminal has gone
                break
            seen += chunk
    os.close(ours)
    assert running.returncode == 0, seen
    return seen.decode().replace("\r\n", "\n")


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    return generate(
        tmp_path_factory.mktemp("paged") / "store.git", commits=4, resources=2, revisions=4
    )


@pytest.mark.parametrize(
    ("env", "config", "prefix"),
    [
        ({"GIT_PAGER": "sed s/^/git:/", "PAGER": "sed s/^/any:/"}, "", "git:"),
        ({"PAGER": "sed s/^/any:/"}, "", "any:"),
        ({"PAGER": "sed s/^/any:/"}, "sed s/^/core:/", "core:"),
        ({"PAGER": "cat"}, "", ""),
        ({"GIT_PAGER": "", "PAGER": "sed s/^/any:/"}, "", ""),
    ],
)
def test_long_output_goes_through_the_pager_of_git(
    repo, tmp_path, monkeypatch, env, config, prefix
):
    if config:
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
        git(tmp_path, "config", "--global", "core.pager", config)
    for command in (("history", *WATCHED), ("log",)):
        lines = on_terminal(*command, "--repo", repo, env=env).splitlines()
        assert len(lines) > 3
        assert [line for line in lines if not line.startswith(prefix)] == []


def test_less_is_told_what_git_tells_it(repo, tmp_path):
    less = tmp_path / "less"
    less.write_text('#!/bin/sh\necho "LESS=$LESS"; cat >/dev/null\n')
    less.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    assert on_terminal("log", "--repo", repo, env={"PATH": path}) == "LESS=FRX\n"
    said = on_terminal("log", "--repo", repo, env={"PATH": path, "LESS": "S"})
    assert said == "LESS=S\n"


def test_a_diff_has_colours_on_a_terminal_and_nowhere_else(repo):
    words = ("history", *WATCHED, "--diff", "--limit", "1", "--repo", str(repo))
    plain = {"PAGER": "cat"}
    shown = on_terminal(*words, env=plain)
    assert re.search(r"\x1b\[33mrevision 4 .*\x1b\[0m\n\x1b\[1m--- ", shown)
    assert re.search(
        r"\x1b\[31m-  replicas: \d\x1b\[0m\n\x1b\[32m\+  replicas: \d\x1b\[0m\n", shown
    )
    assert "\x1b" not in on_terminal(*words, env={**plain, "NO_COLOR": "1"})
    piped = subprocess.run(
        [sys.executable, "-m", "kubectl_gitops", *words], check=True, capture_output=True, text=True
    )
    assert "\x1b" not in piped.stdout
    assert piped.stderr == ""


def test_a_pager_that_ends_early_is_no_error(repo):
    assert "REVISION" in on_terminal("history", "--repo", repo, env={"PAGER": "head -1"})


def test_the_first_indexing_of_a_long_branch_says_how_far_it_is(tmp_path):
    path = generate(tmp_path / "store.git", commits=2_500, resources=250)
    words = ("log", "--limit", "1", "--repo", path)
    told = on_terminal(*words, env={"PAGER": "cat", "TERM": "xterm"})
    assert re.search(r"indexing commits: [\d,]+ of 2,500", told)
    assert "indexing" not in on_terminal(*words, env={"PAGER": "cat", "TERM": "xterm"})
