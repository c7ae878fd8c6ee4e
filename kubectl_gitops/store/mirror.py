"""Our bare mirror of a store that is on a server.

The mirror is a cache: its refs are where the server's were when we last looked, and losing it
loses nothing that was pushed. Only where the server takes no history does the mirror hold the one
copy of it, under a name of its own, and that can be made again from the branch.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

from dulwich.errors import NotGitRepository
from dulwich.repo import Repo

from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.store import objects
from kubectl_gitops.store.address import Address
from kubectl_gitops.store.refs import branch_ref, history_ref, read_ref

__all__ = ["mirror_path", "open_mirror", "tidy"]

# From here on `git gc --auto` has something to do.
_LOOSE_IN_FOLDER = 27
_PACKS = 50

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def open_mirror(address: Address, branch: str, data_dir: Path, warn: Callable[[str], None]) -> Repo:
    """The mirror of a store, made where it is missing.

    One that a crash or a bad disk damaged is moved aside, not removed, and made anew.
    """
    path = mirror_path(address, data_dir)
    try:
        if path.exists() and not _is_sound(path, branch):
            aside = _free_name(path)
            path.rename(aside)
            warn(f"the local mirror was damaged and is made anew; the old one is {aside}")
        if not path.exists():
            _create(path)
        repo = Repo(path)
    except OSError as error:
        shown, reason = printable(str(path)), error.strerror or str(error)
        raise GitopsError(
            f"cannot use the local mirror {shown}: {reason}",
            "export XDG_DATA_HOME=DIR   # where you may write",
        ) from error
    repo.object_store.fsync_object_files = True
    return repo


def _is_sound(path: Path, branch: str) -> bool:
    """Whether what the refs name can be read, as far as the top directory."""
    try:
        with Repo(path) as repo:
            heads = [read_ref(repo, ref(branch)) for ref in (branch_ref, history_ref)]
            for head in filter(None, heads):
                objects.entry(repo.object_store, objects.tree_of(repo.object_store, head), "-")
    except (GitopsError, NotGitRepository, *objects.DAMAGE):
        return False
    return True


def _free_name(path: Path) -> Path:
    """The first `infra-3f2a….damaged-N` that is not taken."""
    names = (path.with_suffix(f".damaged-{number}") for number in count(1))
    return next(name for name in names if not name.exists())


def mirror_path(address: Address, data_dir: Path) -> Path:
    """`…/mirrors/infra-3f2a….git`: the name is for people, the digest tells stores apart."""
    name = _UNSAFE.sub("-", address.path.rstrip("/").rpartition("/")[2].removesuffix(".git"))
    digest = hashlib.sha256(address.url.encode()).hexdigest()[:16]
    return data_dir / "mirrors" / f"{name[:40]}-{digest}.git"


def _create(path: Path) -> None:
    """Make it under another name first: a mirror that exists is complete."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-") as scratch:
        made = Path(scratch, "mirror")
        made.mkdir()
        repo = Repo.init_bare(made, default_branch=b"main")
        config = repo.get_config()
        config.set((b"gc",), b"autoDetach", b"false")
        # dulwich fails to push from one pack with a bitmap beside one without.
        config.set((b"repack",), b"writeBitmaps", b"false")
        config.write_to_path()
        repo.close()
        try:
            made.rename(path)
        except OSError:
            if not path.exists():  # else another process was faster
                raise


def tidy(mirror: Path) -> None:
    """Let Git pack a mirror that has grown; where there is no git it only reads slower.

    To be called under the guard. The estimate is Git's own: one of 256 folders stands for all.
    """
    folder = mirror / "objects"
    loose = sum(1 for _ in (folder / "17").glob("*"))
    packs = sum(1 for _ in (folder / "pack").glob("*.pack"))
    if (loose > _LOOSE_IN_FOLDER or packs > _PACKS) and shutil.which("git"):
        command = ["git", f"--git-dir={mirror}", "gc", "--auto", "--quiet"]
        subprocess.run(command, check=False, capture_output=True)
