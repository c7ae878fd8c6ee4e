"""`verify`: is the store what it says? Every patch replayed, every claim held against its commit.

The branch is the truth. The history follows from it, so a finding about the history alone can be
mended (`mend`); one about the branch, a sealed value or a signature is for a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from kubectl_gitops.envelope import Keyring, kid_of
from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.history import Revision, apply_patch
from kubectl_gitops.manifest import Manifest
from kubectl_gitops.message import MAX_RESOURCES, Message
from kubectl_gitops.operations.past import Past, read_settings
from kubectl_gitops.operations.session import Branch, read_branch, spelled
from kubectl_gitops.ports import Moved, Store, StoreRefusal, Tip
from kubectl_gitops.resource import ResourceId, same
from kubectl_gitops.sealing import open_manifest, sealed_values, unsealed
from kubectl_gitops.settings import StoreSettings

__all__ = ["Check", "Finding", "Verified", "mend", "verify"]


class Check(StrEnum):
    """What a finding is about."""

    REPOSITORY = "repository"
    BRANCH = "branch"
    SEALING = "sealing"
    HISTORY = "history"
    TRAILERS = "trailers"
    SIGNATURES = "signatures"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be: of a resource, of a commit, of both or neither."""

    check: Check
    message: str
    resource: ResourceId | None = None
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found, and how much was looked at; `opened` says whether any key was at hand."""

    tip: Tip
    findings: tuple[Finding, ...]
    resources: int
    revisions: int
    commits: int
    values: int
    opened: bool


@dataclass(slots=True)
class _Looked:
    """What was looked at so far; each commit is read once."""

    past: Past
    messages: dict[str, Message] = field(default_factory=dict)
    changed: dict[str, list[Revision]] = field(default_factory=dict)
    revisions: int = 0

    def message(self, commit: str) -> Message:
        if commit not in self.messages:
            self.messages[commit] = self.past.store.message(commit)
        return self.messages[commit]


def verify(
    store: Store,
    path: str,
    keys: Callable[[StoreSettings], Keyring | None],
    *,
    signatures: bool = False,
    told: Callable[[int, int], None] = lambda _done, _of: None,
) -> Verified:
    """Look at everything; `told` hears how many of how many resources are done.

    `GitopsError` only where there is no set to look at.
    """
    past, findings = _opened(store, path)
    is_current = not findings
    looked = _Looked(past)
    branch = read_branch(store, past.tip, path)
    keyring = keys(past.settings)
    findings += [Finding(Check.REPOSITORY, line) for line in store.damage()]
    findings += _branch(branch)
    findings += _sealing(branch, keyring)
    latest, broken = _latest(past)
    findings += broken
    for number, record in enumerate(latest.values()):
        told(number, len(latest))
        findings += _chain(looked, record)
    if is_current:
        findings += _agreement(past, branch, latest, complete=not broken)
    findings += _trailers(looked)
    findings += _signatures(past) if signatures else ()
    return Verified(
        past.tip,
        tuple(dict.fromkeys(findings)),
        resources=len(latest),
        revisions=looked.revisions,
        commits=len(looked.messages),
        values=sum(len(sealed_values(e.manifest)) for e in branch.snapshot.entries.values()),
        opened=keyring is not None,
    )


def _opened(store: Store, path: str) -> tuple[Past, list[Finding]]:
    """The past as far as it can be told, and why no further."""
    tip, findings = store.fetch(), []
    try:
        tip = store.extend(tip)
    except GitopsError as error:
        findings = [Finding(Check.HISTORY, error.message)]
    return Past(store, tip, path, read_settings(store, tip, path)), findings


def mend(store: Store, tip: Tip) -> None:
    """Make the history anew from the branch; `GitopsError` where that is refused."""
    answer = store.rebuild(tip)
    if isinstance(answer, StoreRefusal):
        raise GitopsError(
            f"{store.url} refuses another history: {answer.message}",
            f"git push {store.url} --delete refs/gitops/history/{store.branch}",
        )
    if isinstance(answer, Moved):
        raise GitopsError("the history has moved meanwhile", "kubectl gitops verify --repair")


def _branch(branch: Branch) -> Iterator[Finding]:
    for error in branch.snapshot.unreadable.values():
        yield Finding(Check.BRANCH, f"cannot be read: {error.message}")
    for id, places in branch.snapshot.duplicates.items():
        where = " and ".join(map(str, places))
        yield Finding(Check.BRANCH, f"stands twice in the branch: {where}", id)


def _sealing(branch: Branch, keyring: Keyring | None) -> Iterator[Finding]:
    """Values in the clear, damaged ones, those of unlisted keys; with a key, those it fails on."""
    for id, entry in branch.snapshot.entries.items():
        for pointer in unsealed(entry.manifest, branch.settings.seals):
            yield Finding(Check.SEALING, f"{pointer} stands in the clear", id)
        problems = list(_sealed(branch, entry.manifest))
        if keyring is not None and not problems:
            problems = list(_unopened(entry.manifest, keyring))
        yield from (Finding(Check.SEALING, problem, id) for problem in problems)


def _sealed(branch: Branch, manifest: Manifest) -> Iterator[str]:
    listed = branch.settings.key_ids
    for place, text in sealed_values(manifest).items():
        try:
            kid = kid_of(text, place)
        except GitopsError as error:
            yield error.message
            continue
        if listed and kid not in listed:
            yield f"{place.pointer} is sealed with key {kid}, which the set does not list"


def _unopened(manifest: Manifest, keyring: Keyring) -> Iterator[str]:
    try:
        open_manifest(manifest, keyring)
    except GitopsError as error:
        yield error.message


def _latest(past: Past) -> tuple[dict[ResourceId, Revision], list[Finding]]:
    """The latest record of every resource, and the files of the history that hold none."""
    found: dict[ResourceId, Revision] = {}
    broken: list[Finding] = []
    try:
        files = past.store.recorded(past.tip, past.path)
    except GitopsError as error:
        return {}, [Finding(Check.HISTORY, error.message)]
    for path, blob in files.items():
        try:
            record = past.store.record(blob)
        except GitopsError as error:
            broken.append(Finding(Check.HISTORY, f"{path}: {error.message}"))
            continue
        found[record.resource] = record
    return found, broken


def _chain(looked: _Looked, latest: Revision) -> Iterator[Finding]:
    """The whole life of a resource, from its creation on."""
    id, chain = latest.resource, [latest]
    try:
        while chain[-1].previous:
            chain.append(looked.past.store.record(chain[-1].previous))
            if chain[-1].resource != id or chain[-1].revision >= chain[-2].revision:
                yield Finding(Check.HISTORY, "its records do not lead to one another", id)
                return
    except GitopsError as error:
        message = f"before revision {chain[-1].revision}: {error.message}"
        yield Finding(Check.HISTORY, message, id)
    chain.reverse()
    before: Manifest | None = None
    for number, record in enumerate(chain):
        older = chain[number - 1] if number else None
        after = looked.past.document(record, record.after)
        for message in (
            *_links(record, older),
            *_replayed(looked.past, record, before, after),
            *_claims(looked, record),
        ):
            said = f"revision {record.revision}: {message}"
            yield Finding(Check.HISTORY, said, id, record.commit)
        before = after
    looked.revisions += len(chain)


def _links(record: Revision, older: Revision | None) -> Iterator[str]:
    if older is None:
        if record.previous is None and (record.revision != 1 or record.before is not None):
            yield "there is nothing before it, and it is not the first"
    elif record.revision != older.revision + 1 or record.before != older.after:
        yield f"it does not go on from revision {older.revision}"


def _replayed(
    past: Past, record: Revision, before: Manifest | None, after: Manifest | None
) -> Iterator[str]:
    """Whether the patch leads from the blob before to the blob after."""
    if record.after is not None and after is None:
        yield f"the blob {record.after[:7]} does not hold it"
        return
    if before is None or after is None:
        if record.patch is not None:
            yield "a creation or a removal has no patch"
        return
    seals = past.settings.seals
    if record.patch is None:
        if not (unsealed(before, seals) or unsealed(after, seals)):
            yield "its patch is missing"
        return
    try:
        leads = same(apply_patch(before.body, record.patch), after.body)
    except GitopsError as error:
        yield error.message
        return
    if not leads:
        yield "its patch does not lead to what the branch held"


def _claims(looked: _Looked, record: Revision) -> Iterator[str]:
    """Whether the record says of its commit what that says itself."""
    try:
        message = looked.message(record.commit)
    except GitopsError as error:
        yield error.message
        return
    looked.changed.setdefault(record.commit, []).append(record)
    said = (record.author, record.time, record.user, record.operation)
    author = message.author
    if said != (author.person, author.moment.isoformat(), message.user, message.operation):
        yield f"commit {record.commit[:7]} says otherwise who did it, when or how"
    elif not message.reason.startswith(record.reason):
        yield f"commit {record.commit[:7]} gives another reason"


def _agreement(
    past: Past, branch: Branch, latest: Mapping[ResourceId, Revision], *, complete: bool
) -> Iterator[Finding]:
    """Whether the newest records say what the tip of the branch holds."""
    for id, entry in branch.snapshot.entries.items():
        record = latest.get(id)
        if record is None:
            if complete:
                yield Finding(Check.HISTORY, "the history does not have it", id)
            continue
        last = past.document(record, record.after)
        if last is None or not same(last.body, entry.manifest.body):
            message = f"revision {record.revision} is not what the branch holds"
            yield Finding(Check.HISTORY, message, id, record.commit)
    for id, record in latest.items():
        gone = id not in branch.snapshot.entries and not branch.is_unknown(id)
        if gone and record.after is not None:
            yield Finding(Check.HISTORY, "the history has it, the branch does not", id)


def _trailers(looked: _Looked) -> Iterator[Finding]:
    """Whether our commits name what they changed."""
    for commit, changed in looked.changed.items():
        message = looked.messages[commit]
        if not message.operation or len(message.resources) >= MAX_RESOURCES:
            continue
        for record in sorted(changed, key=lambda one: one.resource):
            named = printable(spelled(record.resource)) in message.resources
            if not named and _is_own(looked.past, record):
                said = f"commit {commit[:7]} changed it and does not name it"
                yield Finding(Check.TRAILERS, said, record.resource, commit)


def _is_own(past: Past, record: Revision) -> bool:
    """Whether the commit made the change itself; after a rewrite it may have come by that."""
    parent = past.store.parent(record.commit)
    before = past.store.file(parent, record.path) if parent else None
    return before != past.store.file(record.commit, record.path)


def _signatures(past: Past) -> Sequence[Finding]:
    return [
        Finding(Check.SIGNATURES, f"commit {commit[:7]}: {why}", commit=commit)
        for commit, why in past.store.distrusted(past.tip.commit)
    ]
