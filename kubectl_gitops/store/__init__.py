"""Git: the store of every manifest, as the verbs see it through `kubectl_gitops.ports.Store`.

The only package that knows dulwich. Bare repositories and object ids only, never a work tree.
dulwich is loaded when a store is opened: what is known of one without it answers a TAB.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kubectl_gitops.errors import printable
from kubectl_gitops.resource import ResourceId
from kubectl_gitops.store.address import Address, parse_address
from kubectl_gitops.store.known import known_path, read_known

if TYPE_CHECKING:
    from kubectl_gitops.store.repository import GitStore

__all__ = ["known_resources", "open_known", "open_store"]


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
    from kubectl_gitops.store.local import LocalOrigin, open_bare
    from kubectl_gitops.store.refs import check_branch
    from kubectl_gitops.store.repository import GitStore

    check_branch(branch)
    address = parse_address(url)
    if isinstance(address, Address):
        return _served(address, branch, data_dir, warn, told)
    repo = open_bare(address, branch)
    saved = known_path(data_dir, address, branch)
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
    from kubectl_gitops.store.repository import GitStore

    mirror = open_mirror(address, branch, data_dir, warn)
    origin = RemoteOrigin(mirror, address, branch, warn)
    saved = known_path(data_dir, address, branch)
    return GitStore(mirror, origin, printable(address.url), branch, saved, warn, told)


def open_known(url: str, branch: str, *, data_dir: Path) -> GitStore | None:
    """What this machine has of a store, to be read only; None where it has nothing.

    No server is asked and nothing is made: its `fetch` says what was last seen.
    """
    from kubectl_gitops.store.local import LocalOrigin, open_bare
    from kubectl_gitops.store.mirror import mirror_path
    from kubectl_gitops.store.repository import GitStore

    address = parse_address(url)
    path = mirror_path(address, data_dir) if isinstance(address, Address) else address
    if not path.exists():
        return None
    repo = open_bare(path, branch)
    saved = known_path(data_dir, address, branch)
    origin = LocalOrigin(repo, branch)
    return GitStore(repo, origin, str(path), branch, saved, lambda _: None, lambda _done, _of: None)


def known_resources(
    url: str, branch: str, path: str = "", *, data_dir: Path
) -> tuple[ResourceId, ...]:
    """What the set at `path` held when the branch was last looked at, in no order; see `known`."""
    return read_known(known_path(data_dir, parse_address(url), branch), path)
