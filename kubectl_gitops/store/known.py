"""What was last seen of a branch, read without Git: which resources a set held.

`saved` writes the file; that it is gone, old or of another version costs a TAB its candidates and
nothing else.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from kubectl_gitops.resource import ResourceId
from kubectl_gitops.store.address import Address

__all__ = ["known_path", "read_known"]


def known_path(data_dir: Path, address: Address | Path, branch: str) -> Path:
    """Where the knowledge of a branch is kept."""
    place = address.url if isinstance(address, Address) else str(address.absolute())
    digest = hashlib.sha256(f"{place}\n{branch}".encode()).hexdigest()[:16]
    return data_dir / "index" / f"{digest}.json"


def read_known(file: Path, path: str) -> tuple[ResourceId, ...]:
    """The resources of the set at `path`; none where nothing is known of it."""
    try:
        files = json.loads(file.read_bytes())["sets"][path]["files"].values()
        return tuple(ResourceId(*id) for _, ids, *_ in files for id in ids)
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return ()
