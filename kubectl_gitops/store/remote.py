"""The two refs of a branch on a server: fetched into our mirror, and pushed with a lease.

A push sends what is new and nothing else, and checks the lease itself: dulwich would overwrite a
branch that moved, and says of a refusal only what stands in `ref_status`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from dulwich.errors import GitProtocolError
from dulwich.object_store import ObjectStoreGraphWalker
from dulwich.objects import ObjectID
from dulwich.pack import UnpackedObject
from dulwich.refs import Ref
from dulwich.repo import Repo

from kubectl_gitops.errors import Exit, GitopsError, printable
from kubectl_gitops.ports import Moved, StoreRefusal, Tip
from kubectl_gitops.store.address import Address
from kubectl_gitops.store.guard import guarded
from kubectl_gitops.store.mirror import tidy
from kubectl_gitops.store.objects import oid
from kubectl_gitops.store.packing import new_objects, pack_data
from kubectl_gitops.store.refs import (
    branch_ref,
    descends,
    history_ref,
    own_history_ref,
    read_ref,
    refused_ref,
)
from kubectl_gitops.store.transport import Transport, open_transport

__all__ = ["RemoteOrigin"]

_MAX_PACK = 2 << 30
"""Bytes of one fetched pack; a store of manifests is far smaller, a pack bomb is not."""

_IN_MEMORY = 16 << 20
_PAUSES = (0.2, 0.5, 1.0, 0.0)
"""Seconds between the looks at what became of a push whose reply was lost."""

_PULL = ("kubectl gitops pull",)

PackData = tuple[int, Iterator[UnpackedObject]]


@dataclass(slots=True)
class Sending:
    """One push: what the server objects to, by ref, and how far it came.

    `begun` is false where the lease did not hold and nothing was sent; `broken` is what ended the
    connection after that, when the server may or may not have done it. `replaces` is the history
    that is to be replaced, where it is.
    """

    refs: Mapping[bytes, str]
    replaces: str | None = None
    objections: dict[bytes, str] = field(default_factory=dict)
    begun: bool = False
    broken: GitopsError | None = None


class RemoteOrigin:
    """One branch and its history on a server. The caller holds `guard` around every call."""

    def __init__(
        self, repo: Repo, address: Address, branch: str, warn: Callable[[str], None]
    ) -> None:
        self._repo = repo
        self._address = address
        self._warn = warn
        self._head = branch_ref(branch)
        self._history = history_ref(branch)
        self._own_history = own_history_ref(branch)
        self._refused_history = refused_ref(branch)
        self._transports: dict[bool, Transport] = {}
        self._atomic = True
        self._takes_history = True

    def guard(self) -> AbstractContextManager[None]:
        """Within it no other process writes to the mirror."""
        return guarded(Path(self._repo.path), self._warn)

    def tip(self) -> Tip:
        """Where both refs stood when we last looked; our history where it goes on from theirs."""
        history = read_ref(self._repo, self._own_history) or read_ref(self._repo, self._history)
        return Tip(read_ref(self._repo, self._head), history)

    def fetch(self) -> Tip:
        """Bring what is new; the mirror's refs are the server's afterwards, also where one went."""
        transport = self._transport(push=False)
        with transport.failures():
            found = self._fetched(transport)
        if found.get(self._history, "") != read_ref(self._repo, self._history):
            self._set(self._own_history, "")
        for ref in (self._head, self._history):
            self._set(ref, found.get(ref, ""))
        tidy(Path(self._repo.path))
        return self.tip()

    def writable(self) -> StoreRefusal | None:
        """A push of nothing: where it is asked for a push, the server looks at who may do it."""
        transport = self._transport(push=True)
        try:
            with transport.failures():
                transport.client.send_pack(
                    transport.path, lambda _: {}, lambda *_, **__: (0, iter(())), transport.hear
                )
        except GitopsError as error:
            return StoreRefusal(error.message)
        return None

    def deepen(self) -> None:
        """Bring everything anew: the server was shallow when the mirror was filled."""
        transport = self._transport(push=False)
        with transport.failures():
            self._fetched(transport, whole=True)

    def keep(self, old: str, new: str) -> None:
        """The history that a reader has made stays in the mirror until the server's moves."""
        self._set(self._own_history, new)

    def _transport(self, *, push: bool) -> Transport:
        if push not in self._transports:
            self._transports[push] = open_transport(self._address, push=push)
        return self._transports[push]

    def _fetched(self, transport: Transport, *, whole: bool = False) -> dict[bytes, str]:
        """The refs of the server, their objects brought into the mirror; `whole`: all of them."""
        store = self._repo.object_store
        ours = [self._head, self._history]

        def wants(refs: Mapping[Ref, ObjectID], depth: int | None = None) -> list[ObjectID]:  # noqa: ARG001
            named = [refs[Ref(ref)] for ref in ours if ref in refs]
            return named if whole else [name for name in named if name not in store]

        known = () if whole else (read_ref(self._repo, ref) for ref in ours)
        heads = [oid(head) for head in known if head]
        walker = ObjectStoreGraphWalker(heads, self._repo.get_parents)
        with tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=self._repo.path) as pack:

            def receive(data: bytes) -> int:
                if pack.tell() + len(data) > _MAX_PACK:
                    raise GitopsError(f"the server sends more than {_MAX_PACK >> 30} GiB")
                return pack.write(data)

            result = transport.client.fetch_pack(
                transport.path, wants, walker, receive, transport.hear, ref_prefix=ours
            )
            if pack.tell():
                pack.seek(0)
                store.add_thin_pack(pack.read, None)
        return {ref: name.decode("ascii") for ref, name in result.refs.items() if name}

    def _set(self, ref: bytes, commit: str) -> None:
        if commit:
            self._repo.refs[Ref(ref)] = oid(commit)
        else:
            self._repo.refs.remove_if_equals(Ref(ref), None)

    def push(self, base: str, new: Tip) -> Tip | Moved | StoreRefusal:
        """Move the branch from `base`, and the history, which must descend from the server's.

        `Moved` also says that only the history has to be made again: its tip then has the branch
        at `base`, or at our commit where that arrived.
        """
        sending = self._send(base, self._refs(new))
        if not sending.begun:
            return Moved(self.fetch())
        if not sending.objections and sending.broken is None:
            return self._arrived(new)
        tip = self._looked(sending)
        if sending.broken is not None:
            return self._after_break(sending.broken, base, tip)
        if self._head in sending.objections:
            return self._refused(base, new, sending, tip)
        if not descends(self._repo, new.history, tip.history):
            return Moved(Tip(new.commit, tip.history))
        return self._without_history(new, sending)

    def replace_history(self, old: str, new: Tip) -> Tip | Moved | StoreRefusal:
        """Another history in the place of the server's, whether it goes on from that or not.

        `old` is what the caller has looked at; one that only this mirror has counts as the
        server's that it was made on.
        """
        known = read_ref(self._repo, self._history)
        if old not in (known, read_ref(self._repo, self._own_history)):
            return Moved(self.tip())
        sending = Sending({self._history: new.history}, replaces=known)
        self._transmit(sending, new.commit)
        if not sending.begun:
            return Moved(self.fetch())
        if sending.broken is not None:
            raise sending.broken
        if sending.objections:
            return StoreRefusal("; ".join(sending.objections.values()))
        return self._arrived(new)

    def _refs(self, new: Tip) -> dict[bytes, str]:
        history = {self._history: new.history} if self._takes_history and new.history else {}
        return {self._head: new.commit, **history}

    def _arrived(self, new: Tip) -> Tip:
        self._set(self._head, new.commit)
        self._set(self._own_history, "" if self._takes_history else new.history)
        if self._takes_history:
            self._set(self._history, new.history)
            self._set(self._refused_history, "")
        return new

    def _without_history(self, new: Tip, sending: Sending) -> Tip:
        """The branch arrived; of the history the only copy is here."""
        self._takes_history = False
        ref, reason = self._history.decode(), sending.objections.get(self._history, "refused")
        if not read_ref(self._repo, self._refused_history):
            said = f"the server does not take {ref} ({reason}): the history stays on this machine"
            self._warn(said)
        self._set(self._refused_history, new.history)
        return self._arrived(new)

    def _refused(
        self, base: str, new: Tip, sending: Sending, tip: Tip
    ) -> Tip | Moved | StoreRefusal:
        """The branch was not moved: a lost race, the history's fault, or a no."""
        if tip.commit != base:
            return Moved(tip)
        if self._history in sending.refs:
            alone = self._send(base, {self._head: new.commit})
            if alone.begun and not alone.objections and alone.broken is None:
                return self._without_history(new, sending)
            sending = alone
        told = [sending.objections.get(self._head, ""), *self._transport(push=True).told]
        return StoreRefusal("; ".join(filter(None, told)))

    def _looked(self, sending: Sending) -> Tip:
        """Where the server's refs stand after a push that did not go smoothly."""
        for pause in _PAUSES:
            try:
                return self.fetch()
            except GitopsError as error:
                if sending.broken is None:
                    raise
                sending.broken = error
            time.sleep(pause)
        message = sending.broken.message if sending.broken else ""
        raise GitopsError(
            f"whether the push arrived is not known: {message}", *_PULL, exit=Exit.AHEAD
        ) from sending.broken

    def _after_break(self, broken: GitopsError, base: str, tip: Tip) -> Moved:
        """The reply was lost. Where the branch moved, our commit may be in it: look there."""
        if tip.commit != base:
            return Moved(tip)
        raise GitopsError(
            f"{broken.message}; the branch does not have the commit so far", *_PULL, exit=Exit.AHEAD
        ) from broken

    def _send(self, base: str, refs: Mapping[bytes, str]) -> Sending:
        """Push both refs at once where the server can, else the branch and then the history."""
        if len(refs) > 1 and not self._atomic:
            return self._one_by_one(base, refs)
        sending = Sending(refs)
        try:
            self._transmit(sending, base)
        except GitopsError as error:
            if sending.begun or not _lacks_atomic(error):
                raise
            self._atomic = False
            return self._one_by_one(base, refs)
        return sending

    def _one_by_one(self, base: str, refs: Mapping[bytes, str]) -> Sending:
        branch = self._send(base, {self._head: refs[self._head]})
        if not branch.begun or branch.objections or branch.broken is not None:
            return branch
        history = self._send(base, {self._history: refs[self._history]})
        if not history.begun:
            history.objections[self._history] = "moved"
        return Sending(refs, objections=history.objections, begun=True, broken=history.broken)

    def _transmit(self, sending: Sending, base: str) -> None:
        """One push. A server that may not be written to objects to every ref."""
        transport = self._transport(push=True)
        transport.told.clear()
        known = {base}

        def lease(found: Mapping[Ref, ObjectID]) -> dict[Ref, ObjectID]:
            at = {ref: found.get(Ref(ref), b"").decode("ascii") for ref in sending.refs}
            sending.begun = (
                self._may_move(base, sending.refs, at)
                if sending.replaces is None
                else at[self._history] == sending.replaces
            )
            known.update(name for name in at.values() if name and oid(name) in self._repo)
            return {Ref(r): oid(n) for r, n in sending.refs.items()} if sending.begun else {}

        def pack(have: object, want: object, **options: object) -> PackData:  # noqa: ARG001
            names = new_objects(self._repo, sending.refs.values(), known)
            return pack_data(self._repo, names)

        try:
            with transport.failures():
                result = transport.client.send_pack(
                    transport.path, lease, pack, transport.hear, atomic=len(sending.refs) > 1
                )
            status = result.ref_status or {}
            sending.objections = {ref: printable(text) for ref, text in status.items() if text}
        except GitopsError as error:
            if transport.refused:
                sending.begun = True
                sending.objections = dict.fromkeys(sending.refs, error.message)
            elif sending.begun:
                sending.broken = error
            else:
                raise

    def _may_move(self, base: str, new: Mapping[bytes, str], at: Mapping[bytes, str]) -> bool:
        """The lease: the branch is where we think it is, or has our commit; the history is ours."""
        branch = self._head not in new or at[self._head] in (base, new[self._head])
        history = self._history not in new or descends(
            self._repo, new[self._history], at[self._history]
        )
        return branch and history


def _lacks_atomic(error: GitopsError) -> bool:
    cause = error.__cause__
    return isinstance(cause, GitProtocolError) and "atomic" in str(cause)
