"""A store that is a bare repository on this machine: no mirror, publishing is the swap of its refs.

The repository is somebody's property. Its locks are never removed, its hooks do not run, its
configuration never names a command to us; objects are fsynced whatever it says (in memory), since
a ref must not outlive a power cut that its objects do not survive.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

from dulwich.errors import NotGitRepository
from dulwich.repo import Repo, UnsupportedExtension, UnsupportedVersion

from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.ports import Moved, StoreRefusal, Tip
from kubectl_gitops.store.refs import (
    branch_ref,
    check_branch,
    descends,
    history_ref,
    read_ref,
    swap_ref,
)

__all__ = ["LocalOrigin", "create_bare", "open_bare"]


def create_bare(path: Path, branch: str = "main") -> None:
    """Make an empty bare repository whose HEAD names `branch`; an existing one is left alone."""
    check_branch(branch)
    if (path / "objects").is_dir():
        return
    try:
        path.mkdir(parents=True, exist_ok=True)
        Repo.init_bare(path, default_branch=branch.encode(), config=None).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise GitopsError(f"cannot create the repository {_shown(path)}: {reason}") from error


def open_bare(path: Path, branch: str) -> Repo:
    """The bare repository at `path`.

    Refused: a missing one, one with a work tree (a push behind its back would make that look like
    a deletion of our change), also where a linked work tree has the branch checked out.
    """
    if not path.exists():
        raise GitopsError(
            f"there is no repository at {_shown(path)}", f"git init --bare {_shown(path)}"
        )
    if (path / ".git").exists():
        raise GitopsError(
            f"{_shown(path)} has a work tree; a store is a bare repository",
            f"git clone --bare {_shown(path)} {_shown(path)}.git",
        )
    repo = _opened(path)
    is_bare = repo.get_config().get_boolean((b"core",), b"bare", default=True)
    if not is_bare or _is_checked_out(path, branch):
        repo.close()
        raise GitopsError(
            f"the branch {printable(branch)} of {_shown(path)} is checked out in a work tree",
            f"git -C {_shown(path)} worktree list",
        )
    repo.object_store.fsync_object_files = True
    return repo


def _opened(path: Path) -> Repo:
    try:
        repo = Repo(path)
    except NotGitRepository as error:
        raise GitopsError(
            f"{_shown(path)} is not a Git repository", f"git init --bare {_shown(path)}"
        ) from error
    except (UnsupportedExtension, UnsupportedVersion) as error:
        raise GitopsError(f"{_shown(path)} uses a repository format this cannot read") from error
    if repo.object_format.name != "sha1":
        repo.close()
        raise GitopsError(f"{_shown(path)} is a SHA-256 repository, which this cannot read")
    return repo


def _is_checked_out(path: Path, branch: str) -> bool:
    wanted = f"ref: refs/heads/{branch}"
    heads = (path / "worktrees").glob("*/HEAD")
    return any(head.read_text("utf-8", "replace").strip() == wanted for head in heads)


def _shown(path: Path) -> str:
    return printable(str(path))


class LocalOrigin:
    """The two refs of a branch in a bare repository of this machine."""

    def __init__(self, repo: Repo, branch: str) -> None:
        self._repo = repo
        self._head = branch_ref(branch)
        self._history = history_ref(branch)

    def guard(self) -> AbstractContextManager[None]:
        """Nothing to hold: Git's own locks are enough, and they are not ours to break."""
        return nullcontext()

    def fetch(self) -> Tip:
        """Where both refs stand. The history is read first: it never runs ahead of the branch."""
        history = read_ref(self._repo, self._history)
        return Tip(read_ref(self._repo, self._head), history)

    def tip(self) -> Tip:
        """The same; there is nothing between us and the repository."""
        return self.fetch()

    def writable(self) -> StoreRefusal | None:
        """By the modes of the directories that a commit adds to."""
        path = Path(self._repo.path)
        for folder in (path / "objects", path / "refs" / "heads"):
            if not os.access(folder, os.W_OK | os.X_OK):
                return StoreRefusal(f"{_shown(folder)} may not be written to")
        return None

    def deepen(self) -> None:
        """Nothing can be brought: there is nothing behind this repository."""

    def keep(self, old: str, new: str) -> None:
        """The history that a reader has made is everybody's, where the reader may write."""
        with suppress(GitopsError, OSError):
            swap_ref(self._repo, self._history, old, new)

    def replace_history(self, old: str, new: Tip) -> Tip | Moved:
        """Another history in the place of `old`, whether it goes on from that or not."""
        if swap_ref(self._repo, self._history, old, new.history):
            return new
        return Moved(self.fetch())

    def push(self, base: str, new: Tip) -> Tip | Moved:
        """Move the branch from `base`, then the history, which must descend from what is there.

        The branch goes first: killed in between, the history lags and the next writer extends it.
        So it does where the history is locked, for the branch has our commit by then.
        """
        if not swap_ref(self._repo, self._head, base, new.commit):
            return Moved(self.fetch())
        if not new.history:
            return new
        current = read_ref(self._repo, self._history)
        try:
            if descends(self._repo, new.history, current) and swap_ref(
                self._repo, self._history, current, new.history
            ):
                return new
        except GitopsError:
            return Tip(new.commit, current)
        return Moved(Tip(new.commit, read_ref(self._repo, self._history)))
