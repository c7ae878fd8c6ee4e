from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from dulwich.objects import Blob
from dulwich.repo import Repo

from kubectl_gitops.errors import Exit, GitopsError
from kubectl_gitops.history import summary
from kubectl_gitops.message import Message, Signature
from kubectl_gitops.ports import Moved, StoreRefusal, Tip
from kubectl_gitops.resource import ResourceId
from kubectl_gitops.store import open_store
from kubectl_gitops.store.address import parse_address
from kubectl_gitops.store.mirror import mirror_path
from tests.git import fsck, git

ADA = Signature("Ada", "ada@example.com", 1_700_000_000, 0)
APPLY = Message(ADA, "apply", operation="apply")
WEB = ResourceId("", "ConfigMap", "default", "web")


def config_map(name="web", **data):
    items = "".join(f"  {key}: '{value}'\n" for key, value in data.items())
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata:\n{items}"
    return {f"{name}.yaml": text.encode()}


class Person:
    """Somebody with a mirror of their own."""

    def __init__(self, url, data_dir):
        self.url, self.data_dir = url, data_dir
        self.warned = []
        self.again()

    def again(self):
        self.store = open_store(self.url, "main", data_dir=self.data_dir, warn=self.warned.append)

    @property
    def mirror(self):
        return mirror_path(parse_address(self.url), self.data_dir)

    def commit(self, base, edits, **changes):
        return self.store.commit(base.commit, edits, replace(APPLY, **changes))

    def publish(self, edits):
        base = self.store.fetch()
        return self.store.publish(base, self.commit(base, edits))


@pytest.fixture
def ada(served, tmp_path):
    return Person(served.url, tmp_path / "ada")


@pytest.fixture
def bob(served, tmp_path):
    return Person(served.url, tmp_path / "bob")


class Served:
    """A bare repository and the address to use."""

    def __init__(self, path, url, http=None):
        self.path, self.url, self.http = path, url, http

    def hook(self, name, script):
        file = self.path / "hooks" / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return file


@pytest.fixture(params=["file"])
def served(request):
    """Over file://; tests of what differs over HTTP ask for both."""
    if request.param == "file":
        path = request.getfixturevalue("bare_repo")
        return Served(path, f"file://{path}")
    server = request.getfixturevalue("http_repo")
    return Served(server.path, server.url_with_password, server)


over_both = pytest.mark.parametrize("served", ["file", "http"], indirect=True)


@pytest.fixture
def web(http_repo):
    return Served(http_repo.path, http_repo.url_with_password, http_repo)


@over_both
def test_what_one_publishes_another_fetches(ada, bob, served):
    assert ada.store.fetch() == Tip("", "")
    first = ada.publish(config_map(a="1"))
    assert bob.store.fetch() == first
    second = bob.publish(config_map(a="2"))
    assert ada.store.fetch() == second
    assert list(ada.store.files(second.commit)) == ["web.yaml"]
    assert [summary(r) for r in ada.store.revisions(second, WEB)] == ["data.a → 2", "created"]
    refs = git(served.path, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    assert refs == [
        f"refs/gitops/history/main {second.history}",
        f"refs/heads/main {second.commit}",
    ]
    for person in (ada, bob):
        assert git(person.mirror, "for-each-ref", "--format=%(refname) %(objectname)") == "\n".join(
            refs
        )
        fsck(person.mirror)
        assert person.warned == []


def test_a_push_sends_only_what_is_new(ada, served):
    ada.publish({f"d{n % 7}/{n}.txt": b"x%d" % n for n in range(300)})
    received = served.path / "received"
    hook = served.hook(
        "pre-receive",
        f'while read old new ref; do git rev-list --objects "$new" --not --all; done >{received}',
    )
    ada.publish({"d1/1.txt": b"new"})
    # Branch commit, its three objects, history commit: the history's tree did not change.
    count = len(set(received.read_text().splitlines()))
    assert count == 5
    objects = git(served.path, "count-objects", "-v")
    loose = next(line for line in objects.splitlines() if line.startswith("count"))
    assert loose == "count: 5"
    hook.unlink()
    received.unlink()


@over_both
def test_publishing_on_a_branch_that_moved_changes_nothing(ada, bob, served):
    base = ada.store.fetch()
    commit = ada.commit(base, config_map(a="1"))
    bob.publish(config_map("other", a="1"))
    moved = ada.store.publish(base, commit)
    assert moved == Moved(bob.store.fetch())
    assert git(served.path, "log", "--format=%H", "main") == moved.tip.commit
    done = ada.publish(config_map(a="1"))
    assert git(served.path, "rev-parse", "main") == done.commit


def test_where_only_the_history_moved_it_is_made_again(ada, bob, served):
    first = ada.publish(config_map(a="1"))
    commit = git(served.path, "commit-tree", f"{first.commit}^{{tree}}", "-p", "main", "-m", "hand")
    git(served.path, "update-ref", "refs/heads/main", commit)
    base = ada.store.fetch()
    mine = ada.commit(base, config_map(a="2"))
    indexed = bob.store.publish(bob.store.fetch(), commit)  # publishes the history alone
    assert isinstance(indexed, Tip)
    done = ada.store.publish(base, mine)
    assert isinstance(done, Tip)
    assert ada.store.is_ancestor(indexed.history, done.history)
    assert git(served.path, "rev-parse", "refs/gitops/history/main") == done.history


@over_both
@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_a_hook_that_declines_is_a_refusal_with_its_words(ada, served, hook):
    first = ada.publish(config_map(a="1"))
    declined = served.hook(hook, 'echo "main needs\033[31m a review" >&2; exit 1')
    refused = ada.publish(config_map(a="2"))
    declined.unlink()
    assert isinstance(refused, StoreRefusal)
    assert "hook declined" in refused.message
    assert "main needs?[31m a review" in refused.message
    assert ada.store.fetch() == first
    assert ada.warned == []


@over_both
def test_a_server_without_room_for_the_history_still_gets_the_branch(ada, bob, served):
    hook = served.hook("update", 'case "$1" in refs/gitops/*) exit 1;; esac')
    done = ada.publish(config_map(a="1"))
    assert isinstance(done, Tip)
    again = ada.publish(config_map(a="2"))
    assert len(ada.warned) == 1
    assert "does not take refs/gitops/history/main" in ada.warned[0]
    refs = git(served.path, "for-each-ref", "--format=%(refname) %(objectname)")
    assert refs == f"refs/heads/main {again.commit}"
    ada.again()
    tip = ada.store.fetch()
    assert tip == again
    assert [summary(r) for r in ada.store.revisions(tip, WEB)] == ["data.a → 2", "created"]
    assert bob.store.fetch() == Tip(again.commit, "")
    ada.publish(config_map(a="2", b="1"))
    assert len(ada.warned) == 1  # by another process, too
    ada.again()
    hook.unlink()
    repaired = ada.publish(config_map(a="3"))
    assert bob.store.fetch() == repaired


@over_both
def test_a_server_without_atomic_pushes_gets_the_branch_first(ada, served):
    git(served.path, "config", "receive.advertiseAtomic", "false")
    order = served.path / "order"
    hook = served.hook("post-receive", f"cut -d' ' -f3 >>{order}")
    first = ada.publish(config_map(a="1"))
    second = ada.publish(config_map(a="2"))
    assert isinstance(first, Tip)
    assert ada.store.fetch() == second
    assert order.read_text().splitlines() == ["refs/heads/main", "refs/gitops/history/main"] * 2
    hook.unlink()
    order.unlink()


def test_without_atomic_pushes_a_refused_history_is_a_warning_too(ada, served):
    git(served.path, "config", "receive.advertiseAtomic", "false")
    hook = served.hook("update", 'case "$1" in refs/gitops/*) exit 1;; esac')
    done = ada.publish(config_map(a="1"))
    hook.unlink()
    assert isinstance(done, Tip)
    assert [w.partition(":")[0] for w in ada.warned] == [
        "the server does not take refs/gitops/history/main (hook declined)"
    ]


def test_a_force_pushed_branch_is_followed(ada, served):
    first = ada.publish(config_map(a="1"))
    ada.publish(config_map(a="2"))
    git(served.path, "update-ref", "refs/heads/main", first.commit)
    tip = ada.store.fetch()
    assert tip.commit == first.commit
    done = ada.publish(config_map(a="3"))
    words = [summary(r) for r in ada.store.revisions(done, WEB)]
    assert words == ["data.a → 3", "data.a → 2", "created"]


def test_a_branch_that_is_gone_is_gone(ada, served):
    first = ada.publish(config_map(a="1"))
    git(served.path, "update-ref", "-d", "refs/heads/main")
    assert ada.store.fetch() == Tip("", first.history)


def test_a_deleted_history_is_made_anew(ada, served):
    first = ada.publish(config_map(a="1"))
    blob = git(served.path, "hash-object", "-w", "--stdin", input="no record")
    tree = git(served.path, "mktree", input=f"100644 blob {blob}\tformat\n")
    damaged = git(served.path, "commit-tree", tree, "-p", first.commit, "-m", "x")
    git(served.path, "update-ref", "refs/gitops/history/main", damaged)
    second = ada.publish(config_map(a="2"))
    assert git(served.path, "rev-parse", "main") == second.commit
    assert git(served.path, "rev-parse", "refs/gitops/history/main") == damaged
    assert ada.warned == ["the history cannot be read; it is left as it is (kubectl gitops verify)"]
    git(served.path, "update-ref", "-d", "refs/gitops/history/main")
    assert ada.store.fetch() == Tip(second.commit, "")
    third = ada.publish(config_map(a="3"))
    assert git(served.path, "rev-parse", "refs/gitops/history/main") == third.history
    told = [summary(r) for r in ada.store.revisions(third, WEB)]
    assert told == ["data.a → 3", "data.a → 2", "created"]


def test_what_a_reader_has_indexed_is_kept_until_the_history_of_the_server_moves(ada, bob, served):
    first = ada.publish(config_map(a="1"))
    bob.store.fetch()
    tree = git(served.path, "rev-parse", f"{first.commit}^{{tree}}")
    by_hand = git(served.path, "commit-tree", tree, "-p", first.commit, "-m", "by hand")
    git(served.path, "update-ref", "refs/heads/main", by_hand)
    read = bob.store.extend(bob.store.fetch())
    bob.again()
    assert bob.store.fetch() == read
    assert git(served.path, "rev-parse", "refs/gitops/history/main") == first.history
    pushed = ada.publish(config_map(a="2"))
    assert bob.store.fetch() == pushed
    own = "refs/gitops/local/history/main"
    assert own not in git(bob.mirror, "for-each-ref", "--format=%(refname)").splitlines()


def test_the_history_of_a_shallow_repository_is_not_made_up(ada, served, tmp_path):
    ada.publish(config_map(a="1"))
    tip = ada.publish(config_map(a="2"))
    shallow = tmp_path / "shallow.git"
    git(tmp_path, "clone", "--quiet", "--bare", "--depth=1", served.url, str(shallow))
    store = open_store(str(shallow), "main", data_dir=tmp_path, warn=pytest.fail)
    with pytest.raises(GitopsError) as refused:
        store.extend(store.fetch())
    assert refused.value.message == (
        f"the repository is a shallow clone that begins at {tip.commit[:7]}: "
        "its history cannot be told"
    )
    warned = []
    store = open_store(str(shallow), "main", data_dir=tmp_path, warn=warned.append)
    base = store.fetch()
    again = store.publish(base, store.commit(base.commit, config_map(a="3"), APPLY))
    assert (again.history, len(warned)) == ("", 1)
    assert git(shallow, "for-each-ref", "--format=%(refname)") == "refs/heads/main"
    git(shallow, "fetch", "--quiet", "--unshallow")
    assert [summary(r) for r in store.revisions(store.extend(store.fetch()), WEB)] == [
        "data.a → 3",
        "data.a → 2",
        "created",
    ]


def test_the_mirror_of_a_shallow_repository_is_deepened_as_soon_as_that_can_be(
    ada, served, tmp_path
):
    for text in "123":
        ada.publish(config_map(a=text))
    shallow = tmp_path / "shallow.git"
    git(tmp_path, "clone", "--quiet", "--bare", "--depth=1", served.url, str(shallow))
    reader = Person(f"file://{shallow}", tmp_path / "reader")
    with pytest.raises(GitopsError, match="the repository is a shallow clone that begins at"):
        reader.store.extend(reader.store.fetch())
    git(shallow, "fetch", "--quiet", "--unshallow")
    reader.again()
    tip = reader.store.extend(reader.store.fetch())
    told = [summary(r) for r in reader.store.revisions(tip, WEB)]
    assert told == ["data.a → 3", "data.a → 2", "created"]


@over_both
def test_a_history_is_replaced_by_one_made_anew(ada, bob, served):
    ada.publish(config_map(a="1"))
    tip = ada.publish(config_map(a="2"))
    tree = git(served.path, "rev-parse", f"{tip.history}^{{tree}}")
    forged = git(served.path, "commit-tree", tree, "-p", tip.history, "-p", tip.commit, "-m", "x")
    git(served.path, "update-ref", "refs/gitops/history/main", forged)
    seen = bob.store.fetch()
    assert seen.history == forged
    made = bob.store.rebuild(seen)
    assert git(served.path, "rev-parse", "refs/gitops/history/main") == made.history
    assert git(served.path, "rev-parse", "main") == tip.commit
    assert ada.store.fetch() == made == bob.store.fetch()
    assert [summary(r) for r in ada.store.revisions(made, WEB)] == ["data.a → 2", "created"]
    assert isinstance(bob.store.rebuild(seen), Moved)
    hook = served.hook("update", 'case "$1" in refs/gitops/*) exit 1;; esac')
    git(served.path, "update-ref", "refs/gitops/history/main", forged)
    refused = bob.store.rebuild(bob.store.fetch())
    hook.unlink()
    assert isinstance(refused, StoreRefusal)
    assert refused.message == "hook declined"
    assert git(served.path, "rev-parse", "refs/gitops/history/main") == forged


def test_stale_locks_in_the_mirror_are_removed(ada, served):
    first = ada.publish(config_map(a="1"))
    blob = ada.store.files(first.commit)["web.yaml"].blob
    commit = ada.commit(first, config_map(a="2"))
    next_blob = ada.store.files(commit)["web.yaml"].blob
    loose = ada.mirror / "objects" / next_blob[:2] / next_blob[2:]
    loose.unlink()
    stale = [
        ada.mirror / "refs" / "heads" / "main.lock",
        ada.mirror / "packed-refs.lock",
        loose.with_name(f"{loose.name}.lock"),
    ]
    for lock in stale:
        lock.write_text("")
    ada.again()
    assert isinstance(ada.publish(config_map(a="2")), Tip)
    assert [lock for lock in stale if lock.exists()] == []
    assert blob != next_blob


@pytest.mark.parametrize("lost", ["HEAD", "refs/heads/main", "refs/gitops/history/main"])
def test_a_lost_ref_of_the_mirror_comes_back(bare_repo, tmp_path, lost):
    ada = Person(f"file://{bare_repo}", tmp_path / "ada")
    tip = ada.publish(config_map(a="1"))
    (ada.mirror / lost).write_bytes(b"")
    ada.again()
    assert ada.store.fetch() == tip
    assert ada.warned == []


@pytest.mark.parametrize("damaged", ["config", "objects", "commit", "tree", "history"])
def test_a_damaged_mirror_is_moved_aside_and_made_anew(bare_repo, tmp_path, damaged):
    ada = Person(f"file://{bare_repo}", tmp_path / "ada")
    tip = ada.publish(config_map(a="1"))
    tree = git(bare_repo, "rev-parse", f"{tip.commit}^{{tree}}")
    names = {"commit": tip.commit, "tree": tree, "history": tip.history}
    name = names.get(damaged, "")
    path = ada.mirror / (f"objects/{name[:2]}/{name[2:]}" if name else damaged)
    if damaged == "objects":
        path.rename(path.with_name("lost"))
    else:
        path.chmod(0o644)
        path.write_bytes(b"\0" if damaged == "config" else b"")
    ada.again()
    assert ada.store.fetch() == tip
    assert ada.store.read([ada.store.files(tip.commit)["web.yaml"].blob])
    aside = ada.mirror.with_suffix(".damaged-1")
    assert ada.warned == [f"the local mirror was damaged and is made anew; the old one is {aside}"]
    assert aside.is_dir()


def test_a_mirror_that_has_grown_is_packed(ada, served):
    ada.publish(config_map(a="1"))
    with Repo(ada.mirror) as repo:
        for number in range(52):
            repo.object_store.add_objects([(Blob.from_string(b"%d" % number), None)])
    tip = ada.store.fetch()
    assert len(list(ada.mirror.glob("objects/pack/*.pack"))) < 10
    assert list(ada.store.files(tip.commit)) == ["web.yaml"]
    assert isinstance(ada.publish(config_map(a="2")), Tip)


def test_the_mirror_is_private_and_named_for_people(ada):
    assert ada.mirror.name.startswith("store-")
    assert ada.mirror.parent.stat().st_mode & 0o077 == 0


HOLD = """
import sys, time
from pathlib import Path
from kubectl_gitops.store.guard import guarded
with guarded(Path(sys.argv[1]), print):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@contextmanager
def holding(mirror, seconds):
    command = [sys.executable, "-c", HOLD, str(mirror), str(seconds)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as holder:
        assert holder.stdout.readline() == "held\n"
        yield holder
        holder.kill()


def test_a_second_process_waits_and_says_for_whom(ada, served):
    with holding(ada.mirror, 1.5) as holder:
        assert ada.store.fetch() == Tip("", "")
    (warning,) = ada.warned
    assert warning.startswith(f"waiting for the local mirror, in use by process {holder.pid} on ")


def test_nobody_waits_for_ever(ada, served, monkeypatch):
    monkeypatch.setattr("kubectl_gitops.store.guard._PATIENCE", 0.2)
    with holding(ada.mirror, 60) as holder, pytest.raises(GitopsError) as refused:
        ada.store.fetch()
    start = f"the local mirror is in use by process {holder.pid} on "
    assert refused.value.message.startswith(start)


def test_a_killed_holder_holds_nothing(ada, served):
    with holding(ada.mirror, 60) as holder:
        holder.kill()
        holder.wait()
        assert ada.store.fetch() == Tip("", "")
    assert ada.warned == []


def test_a_repository_that_is_not_there_is_named(tmp_path):
    person = Person(f"file://{tmp_path}/none.git", tmp_path / "data")
    with pytest.raises(GitopsError) as refused:
        person.store.fetch()
    assert "none.git" in refused.value.message
    assert refused.value.hints == (f"git ls-remote file://{tmp_path}/none.git",)


def test_without_git_on_the_path_it_works_too(bare_repo, tmp_path, monkeypatch):
    ada, bob = (Person(f"file://{bare_repo}", tmp_path / name) for name in ("ada", "bob"))
    with monkeypatch.context() as changed:
        changed.setenv("PATH", "/nowhere")
        first = ada.publish(config_map(a="1"))
        assert ada.store.fetch() == first
        assert bob.store.fetch() == first


# HTTP only


def test_a_lost_reply_is_no_second_commit(web, tmp_path):
    ada = Person(web.url, tmp_path / "ada")
    base = Tip("", "")
    for number in range(2):
        commit = ada.commit(base, config_map(a=str(number)))
        with web.http.fault("POST /store.git/git-receive-pack", lose_reply=True):
            done = ada.store.publish(base, commit)
        assert isinstance(done, Tip)
        assert done.commit == commit
        assert done == ada.store.fetch()
        base = done
    assert git(web.path, "rev-list", "--count", "main") == "2"
    pushes = [line for line in web.http.requests if line == "POST /store.git/git-receive-pack"]
    assert len(pushes) == 2


def test_a_lost_reply_is_found_below_the_work_of_others(web, tmp_path, monkeypatch):
    ada, bob = (Person(web.url, tmp_path / name) for name in ("ada", "bob"))
    base = ada.store.fetch()
    commit = ada.commit(base, config_map(a="1"))
    fault = web.http.fault("POST /store.git/git-receive-pack", lose_reply=True)
    fetch = ada.store._origin.fetch

    def fetch_after_bob():
        fault.__exit__(None, None, None)
        bob.publish(config_map("other", a="1"))
        return fetch()

    monkeypatch.setattr(ada.store._origin, "fetch", fetch_after_bob)
    fault.__enter__()
    done = ada.store.publish(base, commit)
    assert isinstance(done, Tip)
    assert done.commit == commit
    assert git(web.path, "rev-list", "--count", "main") == "2"


def test_a_server_that_is_gone_after_the_push_leaves_the_outcome_open(web, tmp_path, monkeypatch):
    monkeypatch.setattr("kubectl_gitops.store.remote._PAUSES", (0.0, 0.0))
    ada = Person(web.url, tmp_path / "ada")
    base = ada.store.fetch()
    commit = ada.commit(base, config_map(a="1"))
    with (
        web.http.fault("POST /store.git/git-receive-pack", lose_reply=True),
        web.http.fault("service=git-upload-pack", status=503),
        pytest.raises(GitopsError) as unknown,
    ):
        ada.store.publish(base, commit)
    assert unknown.value.exit is Exit.AHEAD
    assert unknown.value.hints == ("kubectl gitops pull",)
    assert unknown.value.message == (
        f"whether the push arrived is not known: {web.http.url} answers 503 Service Unavailable"
    )


def test_a_push_that_never_arrived_is_said_to_be_open(web, tmp_path):
    ada = Person(web.url, tmp_path / "ada")
    base = ada.store.fetch()
    commit = ada.commit(base, config_map(a="1"))
    with (
        web.http.fault("POST /store.git/git-receive-pack", status=502),
        pytest.raises(GitopsError) as unknown,
    ):
        ada.store.publish(base, commit)
    assert unknown.value.exit is Exit.AHEAD
    assert unknown.value.message == (
        f"{web.http.url} answers 502 Bad Gateway; the branch does not have the commit so far"
    )


@pytest.mark.parametrize("on", ["service=git-receive-pack", "POST /store.git/git-receive-pack"])
def test_who_may_not_write_is_refused(web, tmp_path, on):
    ada = Person(web.url, tmp_path / "ada")
    base = ada.store.fetch()
    with web.http.fault(on, status=403, message="no, and the token is hunter2"):
        refused = ada.publish(config_map(a="1"))
    assert refused == StoreRefusal(f"{web.http.url} answers 403 Forbidden")
    assert ada.store.fetch() == base


def failure(url, tmp_path):
    with pytest.raises(GitopsError) as failed:
        Person(url, tmp_path / "data").store.fetch()
    return failed.value


def test_wrong_and_missing_credentials_are_told_apart(web, tmp_path):
    missing = failure(web.http.url, tmp_path)
    assert missing.message == f"{web.http.url} asks for credentials"
    assert (
        missing.hints[0] == "export KUBECTL_GITOPS_GIT_USER=USER KUBECTL_GITOPS_GIT_PASSWORD=TOKEN"
    )
    wrong = failure(web.http.url.replace("//", "//ada:hunter2@"), tmp_path)
    assert wrong.message == f"{web.http.url} does not accept the credentials"


def test_a_missing_repository_and_a_missing_server_are_named(web, tmp_path):
    missing = failure(web.url.replace("store.git", "other.git"), tmp_path)
    shown = web.http.url.replace("store.git", "other.git")
    assert missing.message == f"there is no repository at {shown}"
    port = web.http.port
    nobody = failure(web.url.replace(f":{port}", ":1"), tmp_path)
    assert nobody.message == (
        f"cannot reach {web.http.url.replace(f':{port}', ':1')}: connection refused"
    )


def test_no_failure_shows_the_password(web, tmp_path):
    ada = Person(web.url, tmp_path / "ada")
    told = [ada.store.url, repr(ada.store._origin._address)]
    for fault in (
        {"status": 500},
        {"status": 404},
        {"status": 418},
        {"lose_reply": True},
        {"status": 302, "headers": {"Location": "http://elsewhere.invalid/x"}},
        {"status": 302},
    ):
        with web.http.fault("", **fault):
            error = failure(web.url, tmp_path)
            told += [error.message, *error.hints]
    config = (ada.mirror / "config").read_text()
    shown = "\n".join([*told, config])
    for secret in (web.http.password, web.url.split("@")[0].rpartition(":")[2]):
        assert secret not in shown


def test_credentials_come_from_the_environment(web, tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECTL_GITOPS_GIT_USER", web.http.user)
    monkeypatch.setenv("KUBECTL_GITOPS_GIT_PASSWORD", web.http.password)
    assert Person(web.http.url, tmp_path).store.fetch() == Tip("", "")


def test_credentials_come_from_netrc(web, tmp_path, monkeypatch):
    file = tmp_path / "netrc"
    file.write_text(f'machine 127.0.0.1 login {web.http.user} password "{web.http.password}"\n')
    monkeypatch.setenv("NETRC", str(file))
    assert Person(web.http.url, tmp_path).store.fetch() == Tip("", "")
    file.write_text("machine 127.0.0.1 login ada password x y z")
    assert failure(web.http.url, tmp_path).message.endswith("asks for credentials")


HELPER = """#!/bin/sh
echo "$1" >>{log}
if [ "$1" = get ]; then
    cat >/dev/null
    echo username={user}
    echo "password={password}"
else
    grep -q "password={password}" && echo "  with the password" >>{log}
fi
"""


def helper(monkeypatch, tmp_path, user, password):
    """Git's configuration names a credential helper that keeps a log of what it is asked."""
    script, log, config = (tmp_path / name for name in ("helper", "log", "gitconfig"))
    script.write_text(HELPER.format(log=log, user=user, password=password))
    script.chmod(0o755)
    config.write_text(f'[credential]\n\thelper = "{script}"\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    return log


def test_git_credential_helpers_are_asked_once_and_told(web, tmp_path, monkeypatch):
    log = helper(monkeypatch, tmp_path, web.http.user, web.http.password)
    ada = Person(web.http.url, tmp_path)
    assert isinstance(ada.publish(config_map(a="1")), Tip)
    assert log.read_text().splitlines()[:3] == ["get", "store", "  with the password"]


def test_a_helper_that_was_wrong_is_told_so(web, tmp_path, monkeypatch):
    log = helper(monkeypatch, tmp_path, "ada", "hunter2")
    error = failure(web.http.url, tmp_path)
    assert error.message == f"{web.http.url} does not accept the credentials"
    assert log.read_text().splitlines() == ["get", "erase", "  with the password"]


def test_a_helper_of_a_repository_nearby_is_not_asked(web, tmp_path, monkeypatch):
    subprocess.run(["git", "init", "-q", tmp_path / "trap"], check=True)
    witness = tmp_path / "witness"
    git(tmp_path / "trap", "config", "credential.helper", f"!touch {witness}")
    monkeypatch.chdir(tmp_path / "trap")
    assert failure(web.http.url, tmp_path).message.endswith("asks for credentials")
    assert not witness.exists()


class Recorder(BaseHTTPRequestHandler):
    """Another origin: keeps what it was sent."""

    def do_GET(self):
        self.server.seen.append(dict(self.headers))
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format, *args):
        pass


@contextmanager
def another_origin():
    with HTTPServer(("127.0.0.1", 0), Recorder) as server:
        server.seen = []
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_redirect_to_another_origin_is_not_followed(web, tmp_path):
    with another_origin() as other:
        target = f"http://127.0.0.1:{other.server_address[1]}/store.git/info/refs"
        with web.http.fault("info/refs", status=301, headers={"Location": target}):
            error = failure(web.url, tmp_path)
        assert error.message == (
            f"{web.http.url} redirects to http://127.0.0.1, which is not followed"
        )
        assert other.seen == []


def test_a_redirect_within_the_origin_is_followed(web, tmp_path):
    old = web.url.replace("store.git", "old.git")
    target = "/store.git/info/refs?service=git-upload-pack"
    with web.http.fault("/old.git/info/refs", status=301, headers={"Location": target}):
        assert Person(old, tmp_path / "data").store.fetch() == Tip("", "")


def test_redirects_end(web, tmp_path):
    with web.http.fault("", status=302, headers={"Location": "/store.git/info/refs"}):
        assert failure(web.url, tmp_path).message == f"{web.http.url} redirects without end"


def test_a_server_that_does_not_answer_is_given_up(web, tmp_path, monkeypatch):
    monkeypatch.setattr("kubectl_gitops.store.web._IDLE_SECONDS", 0.2)
    start = time.monotonic()
    with web.http.fault("info/refs", delay=1.2):
        error = failure(web.url, tmp_path)
    assert error.message == f"cannot reach {web.http.url}: no answer in time"
    assert time.monotonic() - start < 5


def test_only_the_persons_own_rules_rewrite_an_address(web, tmp_path, monkeypatch):
    config = tmp_path / "gitconfig"
    config.write_text(f'[url "{web.url}"]\n\tinsteadOf = https://example.invalid/infra\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    ada = Person("https://example.invalid/infra", tmp_path)
    assert isinstance(ada.publish(config_map(a="1")), Tip)
    assert ada.store.url == "https://example.invalid/infra"
    config.write_text('[url "ext::sh -c x "]\n\tinsteadOf = https://example.invalid/\n')
    with pytest.raises(GitopsError, match="would run a helper program"):
        Person("https://example.invalid/other", tmp_path).store.fetch()


def test_basic_credentials_are_sent_as_utf8(web, tmp_path):
    web.http.user, web.http.password = "ada", "påss"
    url = web.http.url.replace("//", "//ada:p%C3%A5ss@")
    assert Person(url, tmp_path).store.fetch() == Tip("", "")


SSH = """#!/bin/sh
echo "$@" >>{log}
for command; do :; done
exec sh -c "$command"
"""


@pytest.mark.parametrize("form", ["ssh://git@example.com:2222{}", "git@example.com:{}"])
def test_over_ssh_the_persons_own_command_is_used(bare_repo, tmp_path, monkeypatch, form):
    script, log = tmp_path / "ssh", tmp_path / "log"
    script.write_text(SSH.format(log=log))
    script.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script))
    ada, bob = (Person(form.format(bare_repo), tmp_path / name) for name in ("ada", "bob"))
    done = ada.publish(config_map(a="1"))
    assert isinstance(done, Tip)
    assert bob.store.fetch() == done
    assert ada.store.url == form.format(bare_repo)
    assert "git@example.com git-receive-pack" in log.read_text()


# dulwich leaves the connection open where the server hangs up before it says anything.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_over_ssh_the_last_words_of_the_server_are_told(tmp_path, monkeypatch):
    script = tmp_path / "ssh"
    script.write_text("#!/bin/sh\necho 'Permission denied (publickey).' >&2\nexit 255\n")
    script.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script))
    message = failure("git@example.com:x.git", tmp_path).message
    gc.collect()
    assert message == "cannot reach git@example.com:x.git: Permission denied (publickey)."


@pytest.fixture
def git_daemon(bare_repo):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["git", "daemon", "--export-all", "--enable=receive-pack", "--listen=127.0.0.1"]
    command += [f"--port={port}", f"--base-path={bare_repo.parent}", str(bare_repo)]
    with subprocess.Popen(command, start_new_session=True) as daemon:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"git://127.0.0.1:{port}/{bare_repo.name}"
        os.killpg(daemon.pid, signal.SIGTERM)


def test_the_git_protocol_works_too(git_daemon, tmp_path):
    ada, bob = (Person(git_daemon, tmp_path / name) for name in ("ada", "bob"))
    done = ada.publish(config_map(a="1"))
    assert isinstance(done, Tip)
    assert bob.store.fetch() == done
