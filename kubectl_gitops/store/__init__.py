"""Git: the store of every manifest, as the verbs see it through `kubectl_gitops.ports.Store`.

The only package that knows dulwich. Bare repositories and object ids only, never a work tree.
"""

from __future__ import annotations

from pathlib import Path

from kubectl_gitops.store.local import LocalOrigin, create_bare, open_bare
from kubectl_gitops.store.repository import GitStore

__all__ = ["GitStore", "create_bare", "open_store"]


def open_store(url: str, branch: str, *, data_dir: Path) -> GitStore:
    """The store at a URL or at a plain path of this machine."""
    path = Path(url)
    repo = open_bare(path, branch)
    return GitStore(repo, LocalOrigin(repo, branch), str(path), branch)
