from __future__ import annotations

import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from dulwich.objects import Blob, Tree
from dulwich.repo import Repo

from kubectl_gitops.errors import Exit, GitopsError
from kubectl_gitops.message import Message, Signature
from kubectl_gitops.ports import File, Moved, Tip
from kubectl_gitops.store import open_store
from kubectl_gitops.store.local import create_bare
from kubectl_gitops.store.objects import MAX_DEPTH
from tests.git import git, init_bare

ADA = Signature("Ada", "ada@example.com", 1_700_000_000, 3600)
APPLY = Message(ADA, "apply", operation="apply")
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def opened(path, branch="main"):
    return open_store(str(path), branch, data_dir=Path("unused"), warn=pytest.fail)


@pytest.fixture
def store(bare_repo):
    return opened(bare_repo)


def published(store, edits, message=APPLY):
    tip = store.fetch()
    done = store.publish(tip, store.commit(tip.commit, edits, message))
    assert isinstance(done, Tip)
    return done.commit


def test_an_empty_repository_has_an_empty_tip(store):
    assert store.fetch() == Tip("", "")
    assert store.files("") == {}


def test_a_commit_is_read_back_by_git(store, bare_repo):
    reason = replace(APPLY, subject="apply a file", reason="because")
    commit = published(store, {"a/b.yaml": b"x: 1\n", "c": b"\xff"}, reason)
    assert git(bare_repo, "rev-parse", "main") == commit
    assert git(bare_repo, "show", "main:a/b.yaml") == "x: 1"
    shown = git(bare_repo, "show", "-s", "--format=%an <%ae> %at %ai %cn|%s|%b|", "main")
    assert shown == (
        "Ada <ada@example.com> 1700000000 2023-11-14 23:13:20 +0100 Ada"
        "|apply a file|because\n\nGitops-Operation: apply\n|"
    )
    assert store.message(commit) == reason


def test_files_are_listed_with_blob_and_mode(store, bare_repo):
    commit = published(store, {"a/b.yaml": b"x: 1\n", "a/c/d": b"", "e": b"e"})
    blob = git(bare_repo, "rev-parse", "main:a/b.yaml")
    assert store.files(commit)["a/b.yaml"] == File(blob, 0o100644)
    assert list(store.files(commit)) == ["a/b.yaml", "a/c/d", "e"]
    assert list(store.files(commit, "a/c")) == ["a/c/d"]
    assert store.files(commit, "missing") == {}
    assert store.files(commit, "e/missing") == {}
    assert store.read([blob]) == {blob: b"x: 1\n"}


def test_only_the_latest_lists_are_kept(store):
    commits = [published(store, {"a": b"%d" % number}) for number in range(6)]
    blobs = {store.files(commit)["a"].blob for commit in commits}
    assert (len(blobs), len(store._listed)) == (6, 4)


def test_a_file_is_no_directory(store):
    commit = published(store, {"e": b"e"})
    with pytest.raises(GitopsError, match=r"^e is a file, not a directory$"):
        store.files(commit, "e")


def test_the_same_commit_twice_is_one_commit(store):
    first = store.commit("", {"a": b"1", "b": b"2"}, APPLY)
    assert store.commit("", {"b": b"2", "a": b"1"}, APPLY) == first


def test_a_removal_takes_the_empty_directory_with_it(store, bare_repo):
    published(store, {"a/b/c": b"1", "d": b"1"})
    published(store, {"a/b/c": None, "not/there": None})
    assert git(bare_repo, "ls-tree", "--name-only", "main") == "d"
    published(store, {"d": None})
    assert git(bare_repo, "rev-parse", "main^{tree}") == EMPTY_TREE


def test_only_the_directories_on_the_way_are_written(store, bare_repo):
    published(store, {"a/x": b"1", "b/y": b"1"})
    before = git(bare_repo, "cat-file", "--batch-check", "--batch-all-objects").splitlines()
    tip = store.fetch().commit
    store.commit(tip, {"a/x": b"2"}, APPLY)
    after = git(bare_repo, "cat-file", "--batch-check", "--batch-all-objects").splitlines()
    kinds = sorted(line.split()[1] for line in set(after) - set(before))
    assert kinds == ["blob", "commit", "tree", "tree"]


def test_many_objects_become_one_pack(store, bare_repo):
    published(store, {f"d/{n}": str(n).encode() for n in range(100)})
    counted = dict(line.split(": ") for line in git(bare_repo, "count-objects", "-v").splitlines())
    assert (counted["packs"], counted["in-pack"]) == ("1", "103")


def test_an_executable_stays_one(store, bare_repo):
    published(store, {"run": b"1"})
    tree = git(bare_repo, "ls-tree", "main").replace("100644", "100755")
    made = git(bare_repo, "mktree", input=tree + "\n")
    commit = git(bare_repo, "commit-tree", made, "-m", "x", "-p", "main")
    git(bare_repo, "update-ref", "refs/heads/main", commit)
    published(store, {"run": b"2"})
    assert git(bare_repo, "ls-tree", "main").startswith("100755 blob")


@pytest.mark.parametrize(
    ("edits", "error"),
    [
        ({"a": b"", "a/b": b""}, "a is both a file and a directory"),
        ({"file/b": b""}, "file is both a file and a directory"),
        ({"folder": b""}, "folder is both a file and a directory"),
        ({"folder": None}, "folder is both a file and a directory"),
        ({"link": b""}, "link is a link or a submodule and is never written"),
        ({"link/b": b""}, "link is both a file and a directory"),
        ({"sub": None}, "sub is a link or a submodule and is never written"),
        ({"../a": b""}, "../a cannot be the path of a file"),
        ({"/a": b""}, "/a cannot be the path of a file"),
        ({"a/": b""}, "a/ cannot be the path of a file"),
        ({"a/.GIT/config": b""}, "a/.GIT/config cannot be the path of a file"),
        ({"a\x1b": b""}, "a\\x1b cannot be the path of a file"),
        ({"é" * 128: b""}, "é" * 128 + " cannot be the path of a file"),
    ],
)
def test_edits_that_would_hit_something_else_are_refused(store, bare_repo, edits, error):
    blob = git(bare_repo, "hash-object", "-w", "--stdin", input="x")
    folder = git(bare_repo, "mktree", input=f"100644 blob {blob}\tx\n")
    commit = git(bare_repo, "commit-tree", folder, "-m", "x")
    tree = (
        f"100644 blob {blob}\tfile\n040000 tree {folder}\tfolder\n"
        f"120000 blob {blob}\tlink\n160000 commit {commit}\tsub\n"
    )
    parent = git(bare_repo, "commit-tree", git(bare_repo, "mktree", input=tree), "-m", "x")
    with pytest.raises(GitopsError) as refused:
        store.commit(parent, edits, APPLY)
    assert refused.value.message == error
    assert [f"{file.mode:o}" for file in store.files(parent).values()] == [
        "100644",
        "100644",
        "120000",
        "160000",
    ]


def crafted(repo, name, below=None):
    """A commit whose tree holds an entry that Git would never write."""
    tree = Tree()
    blob = Blob.from_string(b"x")
    tree.add(name, *((0o040000, below) if below else (0o100644, blob.id)))
    for made in (blob, tree):
        repo.object_store.add_object(made)
    return tree.id


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"..", "a/.."),
        (b".", "a/."),
        (b".git", "a/.git"),
        (b".GiT", "a/.GiT"),
        (b"git~1", "a/git~1"),
        (b"x\\y", "a/x\\y"),
        (b"x\x1b[31m", "a/x\\x1b[31m"),
        (b"x\n", "a/x\\n"),
        (b"x\x7f", "a/x\\x7f"),
        (b"n" * 5000, "a/" + "n" * 40 + "…"),
    ],
)
def test_a_tree_with_a_hostile_name_is_refused_whole(tmp_path, name, shown):
    path = init_bare(tmp_path / "hostile.git")
    with Repo(path) as repo:
        tree = crafted(repo, b"a", crafted(repo, name)).decode()
    commit = git(path, "commit-tree", tree, "-m", "x")
    with pytest.raises(GitopsError) as refused:
        opened(path).files(commit)
    assert refused.value.message == f"the branch holds a name that no honest Git writes: {shown}"


def test_names_that_are_merely_odd_are_listed(tmp_path):
    path = init_bare(tmp_path / "odd.git")
    names = [b"caf\xe9", "naïve ☃".encode(), b".github", b"n" * 255, b"-x", b"%2e"]
    with Repo(path) as repo:
        trees = [crafted(repo, name) for name in names]
    commits = [git(path, "commit-tree", tree.decode(), "-m", "x") for tree in trees]
    listed = [[*opened(path).files(commit)] for commit in commits]
    assert listed == [["caf\udce9"], ["naïve ☃"], [".github"], ["n" * 255], ["-x"], ["%2e"]]


def test_a_tree_without_bottom_is_refused(tmp_path):
    path = init_bare(tmp_path / "deep.git")
    with Repo(path) as repo:
        tree = crafted(repo, b"a")
        for _ in range(MAX_DEPTH + 2):
            tree = crafted(repo, b"a", tree)
    commit = git(path, "commit-tree", tree.decode(), "-m", "x")
    with pytest.raises(GitopsError, match="are nested deeper than 64"):
        opened(path).files(commit)


def test_publishing_on_a_branch_that_moved_changes_nothing(store, bare_repo):
    base = store.fetch()
    first = store.publish(base, store.commit("", {"a": b"1"}, APPLY))
    assert store.publish(base, store.commit("", {"b": b"1"}, APPLY)) == Moved(first)
    assert Tip(git(bare_repo, "rev-parse", "main"), first.history) == first


def test_publishing_a_commit_that_is_there_already_is_done(store):
    base = store.fetch()
    commit = store.commit("", {"a": b"1"}, APPLY)
    first = store.publish(base, commit)
    assert store.publish(base, commit) == first
    published(store, {"b": b"1"})
    later = store.publish(base, commit)
    assert isinstance(later, Tip)
    assert later.commit == commit


def test_a_branch_of_another_name_has_a_history_of_its_own(bare_repo):
    for branch in ("main", "team/prod"):
        published(opened(bare_repo, branch), {"a": branch.encode()})
    refs = git(bare_repo, "for-each-ref", "--format=%(refname)").splitlines()
    assert refs == [
        "refs/gitops/history/main",
        "refs/gitops/history/team/prod",
        "refs/heads/main",
        "refs/heads/team/prod",
    ]


def test_parents_and_ancestry(store, bare_repo):
    one, two, three = (published(store, {"a": b"%d" % n}) for n in range(3))
    assert [store.parent(c) for c in (three, two, one)] == [two, one, ""]
    assert store.is_ancestor(one, three)
    assert store.is_ancestor(two, two)
    assert not store.is_ancestor(three, one)
    side = git(bare_repo, "commit-tree", EMPTY_TREE, "-p", one, "-m", "side")
    merge = git(bare_repo, "commit-tree", EMPTY_TREE, "-p", three, "-p", side, "-m", "merge")
    assert store.is_ancestor(side, merge)
    assert store.parent(merge) == three


def test_a_commit_is_found_by_the_beginning_of_its_id(store, bare_repo):
    commit = published(store, {"a": b"1"})
    assert store.resolve(commit) == store.resolve(commit[:7]) == commit
    elsewhere = git(bare_repo, "commit-tree", EMPTY_TREE, "-m", "not of the branch")
    for unknown in (elsewhere, "ffffffff", commit[:3], "main", "", commit.upper(), "-p", "a" * 41):
        with pytest.raises(GitopsError, match="the branch has no commit"):
            store.resolve(unknown)


def test_the_beginning_of_two_ids_names_neither(store):
    seen: dict[str, str] = {}
    tip, wanted = store.fetch(), ""
    parent = tip.commit
    for number in range(2000):
        parent = store.commit(parent, {}, replace(APPLY, subject=str(number)))
        if parent[:4] in seen:
            wanted = parent[:4]
            break
        seen[parent[:4]] = parent
    store.publish(tip, parent)
    with pytest.raises(GitopsError, match=f"{wanted} begins the id of 2 commits"):
        store.resolve(wanted)


def test_a_missing_repository_is_refused_with_a_hint(tmp_path):
    with pytest.raises(GitopsError) as refused:
        opened(tmp_path / "none.git")
    assert refused.value.message == f"there is no repository at {tmp_path}/none.git"
    assert refused.value.hints == (f"git init --bare {tmp_path}/none.git",)


def test_what_is_no_repository_is_refused(tmp_path):
    with pytest.raises(GitopsError) as refused:
        opened(tmp_path)
    assert refused.value.message == f"{tmp_path} is not a Git repository"


def test_a_repository_with_a_work_tree_is_refused(tmp_path):
    path = tmp_path / "work"
    subprocess.run(["git", "init", "-q", path], check=True)
    with pytest.raises(GitopsError) as refused:
        opened(path)
    assert refused.value.message == f"{path} has a work tree; a store is a bare repository"
    assert refused.value.hints == (f"git clone --bare {path} {path}.git",)
    with pytest.raises(GitopsError, match="is checked out in a work tree"):
        opened(path / ".git")


def test_a_branch_in_a_linked_work_tree_is_refused(bare_repo, tmp_path, store):
    published(store, {"a": b"1"})
    git(bare_repo, "worktree", "add", "-q", str(tmp_path / "linked"), "main")
    with pytest.raises(GitopsError) as refused:
        opened(bare_repo)
    assert refused.value.message == (
        f"the branch main of {bare_repo} is checked out in a work tree"
    )
    assert opened(bare_repo, "other").fetch() == Tip("", "")


def test_a_sha256_repository_is_refused(tmp_path):
    subprocess.run(["git", "init", "-q", "--bare", "--object-format=sha256", tmp_path], check=True)
    with pytest.raises(GitopsError, match="is a SHA-256 repository, which this cannot read"):
        opened(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"), [("extensions.unheardOf", "true"), ("core.repositoryFormatVersion", "7")]
)
def test_a_repository_of_the_future_is_refused(tmp_path, name, value):
    path = init_bare(tmp_path / "future.git")
    for key, text in (("core.repositoryFormatVersion", "1"), (name, value)):
        git(path, "config", key, text)
    with pytest.raises(GitopsError, match="uses a repository format this cannot read"):
        opened(path)


def test_a_repository_is_made_once(tmp_path):
    path = tmp_path / "new" / "store.git"
    create_bare(path, "trunk")
    published(opened(path, "trunk"), {"a": b"1"})
    create_bare(path, "trunk")
    assert git(path, "log", "--format=%s", "HEAD") == "apply"
    assert git(path, "symbolic-ref", "HEAD") == "refs/heads/trunk"


def test_a_repository_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(GitopsError, match=r"^cannot create the repository .*/file/x.git: Not a d"):
        create_bare(tmp_path / "file" / "x.git")


@pytest.mark.parametrize("branch", ["-x", "a..b", "a b", "", "/", "a\x1b", "x.lock"])
def test_what_is_no_name_of_a_branch_is_refused(bare_repo, branch):
    with pytest.raises(GitopsError, match="is no name of a branch") as refused:
        opened(bare_repo, branch)
    assert refused.value.exit is Exit.USAGE


def test_a_lock_is_waited_for_and_never_removed(store, bare_repo):
    published(store, {"a": b"1"})
    lock = bare_repo / "refs" / "heads" / "main.lock"
    lock.write_text("")
    release = threading.Timer(0.3, lock.unlink)
    release.start()
    start = time.monotonic()
    published(store, {"a": b"2"})
    assert time.monotonic() - start >= 0.3
    release.join()


def test_a_lock_that_stays_is_named(store, bare_repo, monkeypatch):
    monkeypatch.setattr("kubectl_gitops.store.locks._PATIENCE", 0.1)
    published(store, {"a": b"1"})
    lock = bare_repo / "refs" / "heads" / "main.lock"
    lock.write_text("")
    with pytest.raises(GitopsError) as refused:
        published(store, {"a": b"2"})
    assert refused.value.message == f"the repository is locked by {lock}"
    assert lock.exists()
    lock.unlink()


def test_a_history_that_stays_locked_only_lags(store, bare_repo, monkeypatch):
    monkeypatch.setattr("kubectl_gitops.store.locks._PATIENCE", 0.1)
    first = published(store, {"a": b"1"})
    before = store.fetch()
    lock = bare_repo / "refs" / "gitops" / "history" / "main.lock"
    lock.write_text("")
    second = published(store, {"a": b"2"})
    assert store.fetch() == Tip(second, before.history)
    assert lock.exists()
    lock.unlink()
    third = published(store, {"a": b"3"})
    assert git(bare_repo, "rev-list", "main").split() == [third, second, first]
    assert git(bare_repo, "rev-parse", "refs/gitops/history/main^2") == third


def test_new_folders_of_refs_follow_the_repository(tmp_path):
    path = tmp_path / "shared.git"
    subprocess.run(["git", "init", "-q", "--bare", "--shared=group", path], check=True)
    published(opened(path), {"a": b"1"})
    for folder in ("refs/gitops", "refs/gitops/history", "objects"):
        assert (path / folder).stat().st_mode & 0o2070 == 0o2070, folder


def test_neither_hooks_nor_configured_commands_run(store, bare_repo, tmp_path):
    witness = tmp_path / "witness"
    for hook in ("pre-receive", "update", "post-receive", "reference-transaction", "post-update"):
        file = bare_repo / "hooks" / hook
        file.write_text(f"#!/bin/sh\ntouch {witness}\n")
        file.chmod(0o755)
    for name in ("core.sshCommand", "core.fsmonitor", "gpg.program", "credential.helper"):
        git(bare_repo, "config", name, f"touch {witness}")
    published(opened(bare_repo), {"a": b"1"})
    for hook in ("pre-receive", "update", "post-receive", "reference-transaction", "post-update"):
        (bare_repo / "hooks" / hook).unlink()
    assert not witness.exists()


def test_objects_reach_the_disk_before_the_ref(bare_repo, monkeypatch):
    synced = []
    monkeypatch.setattr("dulwich.file.os.fsync", synced.append)
    opened(bare_repo).commit("", {"a": b"1"}, APPLY)
    assert len(synced) == 3


def test_a_missing_object_is_named(store):
    with pytest.raises(GitopsError) as refused:
        store.read(["a" * 40])
    assert refused.value.message == f"the repository lacks the object {'a' * 40}"
    commit = published(store, {"a": b"1"})
    with pytest.raises(GitopsError, match=f"^{commit} is not a file$"):
        store.read([commit])
    blob = store.files(commit)["a"].blob
    with pytest.raises(GitopsError, match=f"^{blob} is not a commit$"):
        store.parent(blob)


def test_names_of_people_cannot_break_a_commit(store, bare_repo):
    odd = replace(APPLY, author=Signature("E <v\n> e", "e@x>\nparent", 5, 90))
    published(store, {"a": b"1"}, odd)
    assert git(bare_repo, "show", "-s", "--format=%an|%ae|%ai") == (
        "E v\\n e|e@x\\nparent|1970-01-01 00:01:05 +0001"
    )


def test_an_empty_object_after_a_power_cut_is_written_again(store, bare_repo):
    commit = store.commit("", {"a": b"1"}, APPLY)
    blob = store.files(commit)["a"].blob
    for name in (blob, commit):
        loose = bare_repo / "objects" / name[:2] / name[2:]
        loose.chmod(0o644)
        loose.write_bytes(b"")
    with pytest.raises(GitopsError) as damaged:
        opened(bare_repo).read([blob])
    assert damaged.value.message == f"the object {blob} of the repository is damaged"
    assert damaged.value.hints == ("git fsck --full",)
    assert opened(bare_repo).commit("", {"a": b"1"}, APPLY) == commit
    assert opened(bare_repo).read([blob]) == {blob: b"1"}
    git(bare_repo, "update-ref", "refs/heads/main", commit)


def test_a_lock_of_an_object_is_waited_for(store, bare_repo):
    blob = Blob.from_string(b"1").id.decode()
    lock = bare_repo / "objects" / blob[:2] / f"{blob[2:]}.lock"
    lock.parent.mkdir()
    lock.write_text("")
    release = threading.Timer(0.2, lock.unlink)
    release.start()
    published(store, {"a": b"1"})
    release.join()
    assert opened(bare_repo).read([blob]) == {blob: b"1"}
