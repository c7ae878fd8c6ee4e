"""The world of the tests keeps its promises: nothing of the machine's, real Git on both sides."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.git import git

REFUSED = "fatal: unable to access '{url}/': The requested URL returned error: {status}\n"


@pytest.fixture
def clone(tmp_path):
    """A work tree with one commit, made by Git itself."""
    path = tmp_path / "clone"
    path.mkdir()
    git(path, "init", "--quiet", "--initial-branch=main")
    git(path, "commit", "--quiet", "--allow-empty", "-m", "first")
    return path


def push(clone: Path, url: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-C", str(clone), "push", "--quiet", url, "main"]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_no_setting_of_the_machine_reaches_a_test():
    names = {name for name in os.environ if not name.startswith(("PYTEST_", "COV"))}
    assert names - {"TMPDIR"} == {
        "GIT_AUTHOR_EMAIL",
        "GIT_AUTHOR_NAME",
        "GIT_COMMITTER_EMAIL",
        "GIT_COMMITTER_NAME",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_TERMINAL_PROMPT",
        "HOME",
        "LC_ALL",
        "PATH",
        "TZ",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
    }
    assert Path.cwd() == Path.home()
    assert list(Path.home().iterdir()) == []
    assert time.tzname == ("UTC", "UTC")


def test_git_commits_as_the_one_person_of_the_tests(clone):
    who = "Ada Lovelace <ada@example.com>"
    assert git(clone, "log", "--format=%an <%ae>, %cn <%ce>") == f"{who}, {who}"


def test_a_push_and_a_clone_go_through_the_http_server(clone, http_repo, tmp_path):
    (clone / "large").write_bytes(os.urandom(2 << 20))  # over http.postBuffer: sent in chunks
    git(clone, "add", "large")
    git(clone, "commit", "--quiet", "-m", "second")
    assert push(clone, http_repo.url_with_password).stderr == ""
    again = tmp_path / "again"
    git(tmp_path, "clone", "--quiet", http_repo.url_with_password, str(again))
    assert git(again, "log", "--format=%s") == "second\nfirst"
    assert http_repo.requests[-1] == "POST /store.git/git-upload-pack"


def test_the_http_server_wants_the_password(clone, http_repo):
    wrong = http_repo.url.replace("http://", "http://ada:wrong@")
    said = f"fatal: Authentication failed for '{http_repo.url}/'\n"
    assert push(clone, wrong).stderr == said
    assert git(http_repo.path, "for-each-ref") == ""


def test_the_http_server_refuses_what_it_is_told_to_refuse(clone, http_repo):
    with http_repo.fault("git-receive-pack", status=503):
        said = REFUSED.format(url=http_repo.url, status=503)
        assert push(clone, http_repo.url_with_password).stderr == said
    assert push(clone, http_repo.url_with_password).returncode == 0


def test_a_lost_reply_follows_a_push_that_was_carried_out(clone, http_repo):
    with http_repo.fault("POST /store.git/git-receive-pack", lose_reply=True):
        assert push(clone, http_repo.url_with_password).returncode != 0
    assert git(http_repo.path, "rev-parse", "main") == git(clone, "rev-parse", "main")


def test_a_delay_holds_the_answer_back(clone, http_repo):
    with http_repo.fault("service=git-receive-pack", delay=0.3):
        started = time.monotonic()
        push(clone, http_repo.url_with_password)
    assert time.monotonic() - started > 0.3


def test_a_bare_repository_starts_empty_with_main_as_its_branch(bare_repo):
    assert git(bare_repo, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert git(bare_repo, "for-each-ref") == ""


def test_the_program_runs_as_a_process_of_its_own(gitops):
    with pytest.raises(AssertionError, match=r"^kubectl gitops --no-such-flag: exit \d, not 0\n"):
        gitops("--no-such-flag")
