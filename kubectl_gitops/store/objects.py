"""Git objects without a work tree: file lists, tree edits and commits, all by object id.

Everything here is a function of what the object store holds; no ref is read or moved. A tree from
a stranger is refused whole when it holds a name that no honest Git writes, before any file of it
is read: names end up in paths, in messages and on terminals.
"""

from __future__ import annotations

import re
import stat
import zlib
from collections.abc import Iterable, Iterator, Mapping

from dulwich.errors import ApplyDeltaError, ChecksumMismatch, FileFormatException
from dulwich.object_store import BaseObjectStore, DiskObjectStore
from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tree

from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.message import Message, Signature, parse
from kubectl_gitops.ports import File
from kubectl_gitops.store.locks import patiently

__all__ = [
    "DAMAGE",
    "add",
    "blob_at",
    "build_commit",
    "changes",
    "commit_at",
    "edit_tree",
    "entry",
    "files",
    "message_of",
    "oid",
    "tree_of",
]

MAX_FILES = 500_000
MAX_DEPTH = 64
MAX_NAME = 255
"""A tree beyond these is not a directory of manifests but an attack or a mistake."""

_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\]")

_LOOSE_OBJECTS = 50
"""Up to so many objects are written loose; many tiny packs make every later read slow."""

DAMAGE = (FileFormatException, ChecksumMismatch, ApplyDeltaError, zlib.error, ValueError)
"""What dulwich raises for an object that a crash or a bad disk left behind."""

_FSCK = "git fsck --full"

_DIRECTORY = 0o040000
_REGULAR = 0o100644


def oid(commit: str) -> ObjectID:
    """The id as dulwich wants it."""
    return ObjectID(commit.encode("ascii"))


def commit_at(store: BaseObjectStore, commit: str) -> Commit:
    """The commit with this id; `GitopsError` where the repository lacks it."""
    found = _object(store, oid(commit))
    if not isinstance(found, Commit):
        raise GitopsError(f"{printable(commit)} is not a commit")
    return found


def blob_at(store: BaseObjectStore, blob: str) -> bytes:
    """The content of a blob; `GitopsError` where the repository lacks it."""
    found = _object(store, oid(blob))
    if not isinstance(found, Blob):
        raise GitopsError(f"{printable(blob)} is not a file")
    return found.data


def tree_of(store: BaseObjectStore, commit: str) -> ObjectID:
    """The tree of a commit."""
    return ObjectID(commit_at(store, commit).tree)


def _object(store: BaseObjectStore, name: ObjectID) -> ShaFile:
    shown = name.decode("ascii", "replace")
    try:
        return store[name]
    except KeyError as error:
        raise GitopsError(f"the repository lacks the object {shown}", _FSCK) from error
    except DAMAGE as error:
        raise GitopsError(f"the object {shown} of the repository is damaged", _FSCK) from error
    except OSError as error:
        reason = printable((error.strerror or type(error).__name__).lower())
        raise GitopsError(f"cannot read the repository: {reason}") from error


def _tree(store: BaseObjectStore, name: ObjectID) -> Tree:
    found = _object(store, name)
    if not isinstance(found, Tree):
        raise GitopsError(f"the object {name.decode('ascii')} is not a directory")
    return found


def entry(store: BaseObjectStore, tree: ObjectID, path: str) -> File | None:
    """What stands at `path` below a tree, a directory included; None where nothing does."""
    found = File(tree.decode("ascii"), _DIRECTORY)
    for name in filter(None, path.split("/")):
        if not stat.S_ISDIR(found.mode):
            return None
        try:
            mode, below = _tree(store, oid(found.blob))[_encoded(name)]
        except KeyError:
            return None
        found = File(below.decode("ascii"), mode)
    return found


def files(store: BaseObjectStore, tree: ObjectID, path: str = "") -> dict[str, File]:
    """Every file below `path`, by full path. Links and submodules are listed, never followed."""
    top = entry(store, tree, path)
    if top is None:
        return {}
    if not stat.S_ISDIR(top.mode):
        raise GitopsError(f"{printable(path)} is a file, not a directory")
    found: dict[str, File] = {}
    for name, file in _walk(store, oid(top.blob), f"{path}/" if path else "", 0):
        found[name] = file
        if len(found) > MAX_FILES:
            raise GitopsError(f"the branch holds more than {MAX_FILES:,} files")
    return found


def _walk(
    store: BaseObjectStore, tree: ObjectID, prefix: str, depth: int
) -> Iterator[tuple[str, File]]:
    if depth > MAX_DEPTH:
        raise GitopsError(f"directories of the branch are nested deeper than {MAX_DEPTH}")
    for item in _tree(store, tree).items():
        path = prefix + _checked(item.path, prefix)
        if stat.S_ISDIR(item.mode):
            yield from _walk(store, item.sha, path + "/", depth + 1)
        else:
            yield path, File(item.sha.decode("ascii"), item.mode)


def changes(
    store: BaseObjectStore, old: ObjectID | None, new: ObjectID | None, prefix: str = ""
) -> Iterator[tuple[str, tuple[File | None, File | None]]]:
    """Every file that differs between two trees, old and new; equal directories are not read."""
    if old == new:
        return
    before, after = _items(store, old, prefix), _items(store, new, prefix)
    for name in sorted(before.keys() | after.keys()):
        was, is_now = before.get(name), after.get(name)
        if was == is_now:
            continue
        path = prefix + name
        yield from changes(store, _subtree(was), _subtree(is_now), path + "/")
        files = _file(was), _file(is_now)
        if any(files):
            yield path, files


def _items(store: BaseObjectStore, tree: ObjectID | None, prefix: str) -> dict[str, File]:
    if prefix.count("/") > MAX_DEPTH:
        raise GitopsError(f"directories of the branch are nested deeper than {MAX_DEPTH}")
    return {
        _checked(item.path, prefix): File(item.sha.decode("ascii"), item.mode)
        for item in (_tree(store, tree).items() if tree else ())
    }


def _subtree(file: File | None) -> ObjectID | None:
    return oid(file.blob) if file and stat.S_ISDIR(file.mode) else None


def _file(file: File | None) -> File | None:
    return None if file is None or stat.S_ISDIR(file.mode) else file


def _checked(raw: bytes, prefix: str) -> str:
    name = raw.decode("utf-8", "surrogateescape")
    if is_hostile(name):
        shown = printable(prefix + (name if len(raw) <= MAX_NAME else name[:40] + "…"))
        raise GitopsError(f"the branch holds a name that no honest Git writes: {shown}")
    return name


def is_hostile(name: str) -> bool:
    r"""True for one part of a path that could leave its directory or fool a reader.

    `..`, `.git` in any case, its Windows alias, separators, control characters, over-long names.
    """
    return (
        name.lower() in ("", ".", "..", ".git", "git~1")
        or _UNSAFE.search(name) is not None
        or len(_encoded(name)) > MAX_NAME
    )


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def edit_tree(
    store: BaseObjectStore, tree: ObjectID | None, edits: Mapping[str, bytes | None]
) -> tuple[ObjectID, list[ShaFile]]:
    """A tree with files replaced (None removes one), and the objects that are new for it.

    Only the directories on the way to an edit are read and written again; a directory that loses
    its last file goes, a file that is replaced keeps its mode. Content comes before the tree that
    names it, so that a crash while writing leaves no dangling tree.
    """
    for path in edits:
        if any(map(is_hostile, path.split("/"))):
            raise GitopsError(f"{printable(path)} cannot be the path of a file")
    made: list[ShaFile] = []
    top = _edited(store, tree, edits, "", made)
    return top.id, [*made, top]


def _edited(
    store: BaseObjectStore,
    tree: ObjectID | None,
    edits: Mapping[str, bytes | None],
    prefix: str,
    made: list[ShaFile],
) -> Tree:
    result = Tree()
    for item in _tree(store, tree).items() if tree else ():
        result.add(item.path, item.mode, item.sha)
    for name, below in _by_first(edits).items():
        path, key = prefix + name, _encoded(name)
        mode, old = result[key] if key in result else (0, None)  # noqa: SIM401 — a Tree has no get
        _check_place(path, mode, is_file="" in below, shared=len(below) > 1)
        if "" in below:
            made_item = _blob(below[""], mode, made)
        else:
            child = _edited(store, old, below, path + "/", made)
            made += [child] if len(child) else []
            made_item = (_DIRECTORY, child.id) if len(child) else None
        if made_item:
            result[key] = made_item
        elif mode:
            del result[key]
    return result


def _by_first(edits: Mapping[str, bytes | None]) -> dict[str, dict[str, bytes | None]]:
    """`{"a/b": x, "c": y}` as `{"a": {"b": x}, "c": {"": y}}`."""
    groups: dict[str, dict[str, bytes | None]] = {}
    for path, content in edits.items():
        first, _, rest = path.partition("/")
        groups.setdefault(first, {})[rest] = content
    return groups


def _check_place(path: str, mode: int, *, is_file: bool, shared: bool) -> None:
    """Refuse to write through a link, into a submodule, or a file where a directory stands."""
    if (is_file and shared) or (mode and stat.S_ISDIR(mode) is is_file):
        raise GitopsError(f"{printable(path)} is both a file and a directory")
    if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise GitopsError(f"{printable(path)} is a link or a submodule and is never written")


def _blob(content: bytes | None, mode: int, made: list[ShaFile]) -> tuple[int, ObjectID] | None:
    if content is None:
        return None
    blob = Blob.from_string(content)
    made.append(blob)
    return mode or _REGULAR, blob.id


def build_commit(
    tree: ObjectID, parents: Iterable[ObjectID], author: Signature, text: bytes
) -> Commit:
    """A commit object; the same input gives the same bytes, so a retry makes nothing twice."""
    commit = Commit()
    commit.tree = tree
    commit.parents = list(parents)
    commit.author = commit.committer = _person(author)
    commit.author_time = commit.commit_time = author.time
    commit.author_timezone = commit.commit_timezone = author.zone // 60 * 60
    commit.message = text
    return commit


def _person(author: Signature) -> bytes:
    """`Name <email>` without what would end either early."""
    name, email = (
        "".join(char for char in printable(text) if char not in "<>").strip()
        for text in (author.name, author.email)
    )
    return f"{name} <{email}>".encode()


def message_of(commit: Commit) -> Message:
    """Who made a commit, when and why."""
    name, _, email = commit.author.decode("utf-8", "replace").partition(" <")
    author = Signature(
        printable(name.strip()),
        printable(email.rstrip("> ")),
        commit.author_time,
        commit.author_timezone,
    )
    return parse(commit.message, author)


def add(store: BaseObjectStore, objects: Iterable[ShaFile]) -> None:
    """Write objects the store lacks: loose ones, or one pack where there are many."""
    fresh = list({made.id: made for made in objects}.values())
    if len(fresh) > _LOOSE_OBJECTS:
        store.add_objects([(made, None) for made in fresh])
        return
    for made in fresh:
        _add(store, made)


def _add(store: BaseObjectStore, made: ShaFile) -> None:
    """Write a loose object, also where an empty file is in its place after a power cut."""
    if isinstance(store, DiskObjectStore):
        try:
            store.contains_loose(made.id)  # reads it
        except DAMAGE:
            store.delete_loose_object(made.id)
    patiently(lambda: store.add_object(made))
