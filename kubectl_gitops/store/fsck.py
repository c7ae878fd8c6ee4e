"""Are the objects of a repository what they were when they were written?

Packs by the checksum at their end, loose objects by their names. What leads from one object to the
next is for those who read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dulwich.objects import ShaFile
from dulwich.repo import Repo

from kubectl_gitops.store.objects import DAMAGE, oid

__all__ = ["damaged"]


def damaged(repo: Repo) -> Iterator[str]:
    """One line for each pack or loose object that is not whole."""
    store = repo.object_store
    for pack in store.packs:
        try:
            pack.check_length_and_checksum()
            pack.index.check()
            pack.data.check()
        except (AssertionError, *DAMAGE):
            yield f"the pack {pack.name().decode('ascii')} is damaged"
    for file in sorted(Path(store.path).glob("??/*")):
        name = oid(f"{file.parent.name}{file.name}")
        if len(name) != 40:
            continue  # a file that is being written
        try:
            kind, content = store.get_raw(name)
            whole = ShaFile.from_raw_string(kind, content).id == name
        except DAMAGE:
            whole = False
        if not whole:
            yield f"the object {name.decode('ascii')} is damaged"
