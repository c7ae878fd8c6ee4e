"""Git: the store of every manifest, as the verbs see it through `kubectl_gitops.ports.Store`.

The only package that knows dulwich. Bare repositories and object ids only, never a work tree.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kubectl_gitops.errors import printable
from kubectl_gitops.store.address import Address, parse_address
from kubectl_gitops.store.checkout import checkouts
from kubectl_gitops.store.identity import git_identity
from kubectl_gitops.store.local import LocalOrigin, create_bare, open_bare
from kubectl_gitops.store.refs import check_branch
from kubectl_gitops.store.repository import GitStore
from kubectl_gitops.store.saved import saved_path

__all__ = ["GitStore", "checkouts", "create_bare", "git_identity", "open_store"]


def open_store(
    url: str,
    branch: str,
    *,
    data_dir: Path,
    warn: Callable[[str], None],
    told: Callable[[int, int], None] = lambda _done, _of: None,
) -> GitStore:
    """The store at a URL, through a mirror below `data_dir`, or at a plain path of this machine.

    No server is asked yet. `warn` is told what the person should know while things go on, `told`
    how many of how many commits are indexed. Raises GitopsError for an address or a branch that
    is refused, and for a path without a bare repository.
    """
    check_branch(branch)
    address = parse_address(url)
    if isinstance(address, Address):
        return _served(address, branch, data_dir, warn, told)
    repo = open_bare(address, branch)
    saved = saved_path(data_dir, str(address.absolute()), branch)
    origin = LocalOrigin(repo, branch)
    return GitStore(repo, origin, printable(str(address)), branch, saved, warn, told)


def _served(
    address: Address,
    branch: str,
    data_dir: Path,
    warn: Callable[[str], None],
    told: Callable[[int, int], None],
) -> GitStore:
    # The clients of all transports, which a store of this machine never needs, take 50 ms.
    from kubectl_gitops.store.mirror import open_mirror
    from kubectl_gitops.store.remote import RemoteOrigin

    mirror = open_mirror(address, branch, data_dir, warn)
    origin = RemoteOrigin(mirror, address, branch, warn)
    saved = saved_path(data_dir, address.url, branch)
    return GitStore(mirror, origin, printable(address.url), branch, saved, warn, told)
