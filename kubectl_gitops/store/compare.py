"""Which resources of a set differ from their last records: what one history commit has to say.

Not known, and so left as they are: a resource that stands twice, and one that was last seen in a
file nobody can read now.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dulwich.object_store import BaseObjectStore
from dulwich.objects import ObjectID

from kubectl_gitops.history import Change, Recorded
from kubectl_gitops.resource import Body, ResourceId, same
from kubectl_gitops.store import records
from kubectl_gitops.store.contents import Delta, Occurrence, SetContents
from kubectl_gitops.store.documents import Documents

__all__ = ["Comparison"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One set after a commit, beside the records of the history before it (`tree`, None: none)."""

    store: BaseObjectStore
    documents: Documents
    tree: ObjectID | None
    current: SetContents
    delta: Delta

    def changes(self) -> Iterator[tuple[Change, Recorded | None]]:
        """What is to be recorded, each with the record before it, in the order of the ids."""
        ids = self._candidates()
        last = self._lookup(len(ids))
        for id in ids:
            found = self._change(id, last)
            if found is not None:
                yield found

    def _candidates(self) -> list[ResourceId]:
        ids = set(self.delta.touched)
        if self.delta.whole:
            ids.update(self.current.where)
        if self.delta.whole or self.delta.revealed:
            ids.update(self._missing())
        return sorted(ids)

    def _missing(self) -> Iterator[ResourceId]:
        """Resources that have a record but no document."""
        root = self.delta.root
        present = frozenset(records.record_path(root, id) for id in self.current.where)
        if self.tree is not None:
            for last in records.latest(self.store, self.tree, root, skip=present):
                yield last.revision.resource

    def _lookup(self, count: int) -> Callable[[ResourceId], Recorded | None]:
        if self.tree is None:
            return lambda _id: None
        return records.lookup(self.store, self.tree, self.delta.root, count)

    def _change(
        self, id: ResourceId, lookup: Callable[[ResourceId], Recorded | None]
    ) -> tuple[Change, Recorded | None] | None:
        places = self.current.places(id)
        if len(places) > 1:
            return None
        last = lookup(id)
        if not places:
            return self._removal(id, last)
        if last is None or last.revision.after is None:
            return Change(id, places[0].path, places[0].blob), last
        return self._update(id, places[0], last)

    def _update(
        self, id: ResourceId, place: Occurrence, last: Recorded
    ) -> tuple[Change, Recorded] | None:
        if last.revision.after == place.blob:
            return None
        body = self._body(id, place)
        if body is None or self._stood_so_before(id, body):
            return None
        before = self._body(id, Occurrence(last.revision.path, str(last.revision.after)))
        if before is not None and same(before, body):
            return None
        return Change(id, place.path, place.blob, before, body), last

    def _stood_so_before(self, id: ResourceId, body: Body) -> bool:
        """True where the commit left the document alone: a neighbour in its file changed."""
        before = () if self.delta.whole else self.delta.touched.get(id, ())
        old = self._body(id, before[0]) if len(before) == 1 else None
        return old is not None and same(old, body)

    def _removal(
        self, id: ResourceId, last: Recorded | None
    ) -> tuple[Change, Recorded | None] | None:
        if last is None or last.revision.after is None or self._may_be_hidden(id, last):
            return None
        return Change(id, last.revision.path, None), last

    def _may_be_hidden(self, id: ResourceId, last: Recorded) -> bool:
        """True where a file that cannot be read may be the one that holds the resource.

        That is the file where it was last seen, or (documents move without leaving a record) one
        that still has its kind and name in its text.
        """
        seen = {last.revision.path, *(place.path for place in self.delta.touched.get(id, ()))}
        if not seen.isdisjoint(self.current.unreadable):
            return True
        texts = (self.documents.text(self.current.blobs[p]) for p in self.current.unreadable)
        return any(_has_word(text, id.kind) and _has_word(text, id.name) for text in texts)

    def _body(self, id: ResourceId, place: Occurrence) -> Body | None:
        """The document of a resource in a blob.

        An old blob is read with the settings of today; where those changed, the namespace that
        its documents do not name may be another, so the rest of the identity must do.
        """
        bodies = self.documents.content(place.blob, place.path, self.current.context).bodies or {}
        if id in bodies:
            return bodies[id]
        alike = [
            body
            for other, body in bodies.items()
            if (other.group, other.kind, other.name) == (id.group, id.kind, id.name)
        ]
        return alike[0] if len(alike) == 1 else None


def _has_word(text: bytes, word: str) -> bool:
    part = rb"[A-Za-z0-9._-]"
    return bool(re.search(rb"(?<!%b)%b(?!%b)" % (part, re.escape(word.encode()), part), text))
