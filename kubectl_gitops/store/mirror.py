"""Our bare mirror of a store that is on a server.

The mirror is a cache: its two refs are where the server's were when we last looked, and losing it
loses nothing that was pushed. Only where the server takes no history does the mirror hold the one
copy of it, which `verify --repair` can make again from the branch.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path

from dulwich.repo import Repo

from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.store.address import Address

__all__ = ["mirror_path", "open_mirror"]

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def open_mirror(address: Address, data_dir: Path) -> Repo:
    """The mirror of a store, made where it is missing."""
    path = mirror_path(address, data_dir)
    try:
        if not path.exists():
            _create(path)
    except OSError as error:
        shown, reason = printable(str(path)), error.strerror or str(error)
        raise GitopsError(f"cannot create the local mirror {shown}: {reason}") from error
    repo = Repo(path)
    repo.object_store.fsync_object_files = True
    return repo


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
        # dulwich fails to push from one pack with a bitmap beside one without.
        config.set((b"repack",), b"writeBitmaps", b"false")
        config.write_to_path()
        repo.close()
        try:
            made.rename(path)
        except OSError:
            if not path.exists():  # else another process was faster
                raise
