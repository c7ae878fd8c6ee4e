"""Work trees of the store itself: people edit there, and apply from there.

Nothing in them is ever touched. After a commit of ours they are behind the branch, with the same
change uncommitted; whoever is told of them can say how to bring them up to date.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from dulwich.errors import NotGitRepository
from dulwich.refs import Ref
from dulwich.repo import Repo, UnsupportedExtension, UnsupportedVersion

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.store.address import Address, parse_address
from kubectl_gitops.store.refs import branch_ref

__all__ = ["checkouts"]


_UNREADABLE = (
    NotGitRepository,
    UnsupportedVersion,
    UnsupportedExtension,
    OSError,
    ValueError,
    LookupError,
)


def checkouts(files: Iterable[Path], url: str, branch: str) -> list[Path]:
    """The work trees among whose files these are, and which follow this branch of this store."""
    try:
        store = _place(url, Path())
    except GitopsError:
        return []
    found: dict[Path, None] = {}
    places = (file if file.is_dir() else file.parent for file in files)
    for directory in dict.fromkeys(place.absolute() for place in places):
        found |= dict.fromkeys(_above(directory, store, branch))
    return list(found)


def _above(directory: Path, store: str, branch: str) -> Iterator[Path]:
    # It is people's own repository, with whatever extensions, reftables and typing errors: one that
    # cannot be read is not told of, and the command, whose work is done by now, ends as it would.
    with suppress(*_UNREADABLE), Repo.discover(str(directory)) as repo:
        if repo.bare or _head(repo) != branch_ref(branch):
            return
        top = Path(repo.path).resolve()
        if store in _remotes(repo, top):
            yield top


def _head(repo: Repo) -> bytes:
    """The ref that HEAD names; empty where it is detached."""
    names, _ = repo.refs.follow(Ref(b"HEAD"))
    return names[-1] if len(names) > 1 else b""


def _remotes(repo: Repo, top: Path) -> Iterator[str]:
    config = repo.get_config()
    for section in config.sections():
        url = dict(config.items(section)).get(b"url", b"") if section[0] == b"remote" else b""
        # An address that no store can have is none of ours.
        with suppress(GitopsError):
            yield _place(url.decode(errors="replace"), top)


def _place(url: str, top: Path) -> str:
    """What two spellings of one address have in common."""
    address = parse_address(url)
    if isinstance(address, Address) and address.scheme == "file":
        return str(Path(address.path).resolve())
    if isinstance(address, Address):
        return f"{address.host}/{address.path.strip('/').removesuffix('.git')}"
    return str((top / address).resolve())
