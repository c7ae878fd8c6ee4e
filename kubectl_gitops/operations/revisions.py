"""Which revisions `history` tells: of which resources, and which of theirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from kubectl_gitops.history import Revision
from kubectl_gitops.manifest import documents, flatten, identified
from kubectl_gitops.operations.past import Past, Told
from kubectl_gitops.resource import ResourceId

__all__ = ["Asked", "Sieve", "named_in", "revisions"]


@dataclass(frozen=True, slots=True)
class Sieve:
    """What is let through: by time (both ends included), by author (a part of it), by number."""

    since: datetime | None = None
    until: datetime | None = None
    author: str = ""
    limit: int | None = None

    def takes(self, time: datetime, author: str) -> bool:
        """Whether something by that author at that time is let through."""
        return (
            (self.since is None or time >= self.since)
            and (self.until is None or time <= self.until)
            and self.author.lower() in author.lower()
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """Resources by identity, or all that have a kind, a namespace and labels; then the sieve."""

    resources: tuple[ResourceId, ...] = ()
    kinds: tuple[str, ...] = ()
    namespace: str = ""
    selector: str = ""
    sieve: Sieve = Sieve()


def revisions(past: Past, asked: Asked) -> list[Told]:
    """The revisions asked for, newest first."""
    sieve = asked.sieve
    let_through = (
        one
        for one in _candidates(past, asked)
        if sieve.takes(datetime.fromisoformat(one.time), one.author)
    )
    return past.told(list(islice(let_through, sieve.limit)))


def _candidates(past: Past, asked: Asked) -> Iterator[Revision]:
    if asked.resources:
        return _of_each(past, asked.resources)
    if not (asked.kinds or asked.namespace or asked.selector):
        return past.of_set()
    chosen = past.select(asked.kinds, asked.namespace, asked.selector)
    return (one for one in past.of_set() if one.resource in chosen)


def _of_each(past: Past, ids: Sequence[ResourceId]) -> Iterator[Revision]:
    """The histories of a few resources as one, by time."""
    if len(ids) == 1:
        return past.of(ids[0])
    every = [revision for id in dict.fromkeys(ids) for revision in past.of(id)]
    every.sort(key=lambda one: datetime.fromisoformat(one.time), reverse=True)
    return iter(every)


def named_in(
    past: Past, sources: Iterable[tuple[str, bytes]], namespace: str
) -> tuple[ResourceId, ...]:
    """The resources that files name, as (name, content); `GitopsError` where one has no history."""
    bodies = [
        identified(item)
        for name, content in sources
        for document in documents(content, name)
        for item in flatten(document)
    ]
    ids = [ResourceId.of(body) for body in bodies]
    return tuple(past.find(id.group_kind.lower(), id.name, id.namespace or namespace) for id in ids)
