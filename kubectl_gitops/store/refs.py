"""The two refs of a branch, and how one is moved: compare-and-swap, whoever else is writing."""

from __future__ import annotations

import os
from pathlib import Path

from dulwich.file import adjust_shared_perm
from dulwich.objects import ZERO_SHA
from dulwich.refs import Ref, check_ref_format
from dulwich.repo import Repo

from kubectl_gitops.errors import Exit, GitopsError, printable
from kubectl_gitops.store.commits import first_parents
from kubectl_gitops.store.locks import patiently
from kubectl_gitops.store.objects import oid

__all__ = [
    "branch_ref",
    "check_branch",
    "descends",
    "history_ref",
    "own_history_ref",
    "read_ref",
    "refused_ref",
    "swap_ref",
]


def check_branch(branch: str) -> None:
    """Raise GitopsError (exit 2) for what Git takes for no name of a branch."""
    if branch.startswith("-") or not check_ref_format(Ref(branch_ref(branch))):
        raise GitopsError(f"{printable(branch)} is no name of a branch", exit=Exit.USAGE)


def branch_ref(branch: str) -> bytes:
    """`refs/heads/main`."""
    return b"refs/heads/" + branch.encode()


def history_ref(branch: str) -> bytes:
    """`refs/gitops/history/main`."""
    return b"refs/gitops/history/" + branch.encode()


def own_history_ref(branch: str) -> bytes:
    """`refs/gitops/local/history/main`: what a mirror has of the history and its server has not."""
    return b"refs/gitops/local/history/" + branch.encode()


def refused_ref(branch: str) -> bytes:
    """`refs/gitops/local/refused/main`: the history that a server did not take; said once."""
    return b"refs/gitops/local/refused/" + branch.encode()


def read_ref(repo: Repo, ref: bytes) -> str:
    """The commit a ref names, empty where there is none."""
    try:
        return repo.refs[Ref(ref)].decode("ascii")
    except KeyError:
        return ""


def swap_ref(repo: Repo, ref: bytes, old: str, new: str) -> bool:
    """Move a ref from `old` to `new` in one step; False where it stands elsewhere by now.

    Empty means that the ref does not exist. A lock is waited for, never removed.
    """
    _make_folders(repo, ref)
    before = oid(old) if old else ZERO_SHA
    return patiently(lambda: repo.refs.set_if_equals(Ref(ref), before, oid(new)))


def _make_folders(repo: Repo, ref: bytes) -> None:
    """The folders of a ref, open to whom `core.sharedRepository` says; dulwich forgets that."""
    shared = repo.object_store.shared_perm
    folder = Path(repo.controldir())
    for part in os.fsdecode(ref).split("/")[:-1]:
        folder /= part
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        adjust_shared_perm(folder, shared)


def descends(repo: Repo, history: str, older: str) -> bool:
    """True where a history commit was made on top of `older`; an empty one is below everything."""
    if not older:
        return True
    known = bool(history) and oid(older) in repo.object_store
    return known and oid(older) in first_parents(repo, oid(history))
