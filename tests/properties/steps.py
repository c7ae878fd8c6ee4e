"""The words of the write protocol: its rules, its steps, and what a step can answer.

Left out, because it hides nothing: a document is one opaque value, so the three-way merge of a
moved tip always succeeds (where it does not, the command ends with nothing written); staging,
waiting and dry-runs change nothing that others see; `import` and `rollback` are `change`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple

Value = str | None
"""A whole document; None where there is none."""
Tree = tuple[Value, ...]
"""One commit: the document of each resource. Resources are numbers here."""
Branch = tuple[Tree, ...]
"""All commits, oldest first; a commit is named by its place."""
Edits = tuple[tuple[int, Value], ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of the protocol. All hold in the product; a test takes one away to see it break."""

    push_first: bool = True
    """The commit is on the server before the cluster is touched."""
    patch_versions: bool = True
    """A PATCH carries the observed resourceVersion, not the uid alone."""
    delete_versions: bool = True
    """A DELETE does, too."""
    fetches_again: bool = True
    """Where there is nothing to commit, the tip is fetched again after the observation."""
    confirms: bool = True
    """What the observation found to be so already is observed again after the push."""
    looks: int | None = None
    """How often a command that wrote looks at the tip and follows it; None: until it is quiet."""
    list_first: bool = True
    """`pull` observes, then fetches: it decides against a tip that is newer than what it saw."""
    pull_looks: bool = True
    """`pull` looks at the tip once more before it ends."""
    settle_reads_tip: bool = True
    """The follow-up commit restores a resource only while the tip still holds our document."""
    settle_follows: bool = True
    """The follow-up commit is carried out like any other: observed again, then looked after."""
    record_reads_note: bool = True
    """`record` leaves alone what Git changed after the last commit known to be applied."""
    push_applies: bool = True
    """`push` of offline commits ends with an apply of what the branch has become."""
    marks_unpushed: bool = True
    """What was applied `--offline` is marked; who carries out the tip leaves the marked alone."""


class Exit(IntEnum):
    """How a command ends. Whoever reads anything but 0 has been told."""

    DONE = 0
    RESTORED = 1
    CONFLICT = 3
    AHEAD = 4
    KILLED = 137


class Holder(StrEnum):
    """Who wrote a resource last, as its managedFields and annotations show."""

    OURS = "ours"
    UNPUSHED = "unpushed"
    FOREIGN = "foreign"


class Answer(StrEnum):
    """What the API server says to a write."""

    OK = "ok"
    CONFLICT = "409"
    REFUSED = "refused"


# State is made of named tuples, not dataclasses: the search hashes it a million times, in C.
class Seen(NamedTuple):
    """What an observation shows of one resource. Absent, its uid and version mean nothing.

    `newest` is the newest commit whose document it has held. No program reads it, only the checks.
    """

    value: Value
    uid: int
    version: int
    holder: Holder
    newest: int

    def holds(self, value: Value) -> bool:
        """True where there is nothing to send: a foreign copy of our document is still adopted."""
        return self.value == value and (value is None or self.holder is Holder.OURS)

    def waits_for_push(self, value: Value) -> bool:
        """True where it shows an offline commit that the branch does not have yet."""
        return self.holder is Holder.UNPUSHED and self.value != value


class Write(NamedTuple):
    """One call to make: the document of `commit`, on top of what was seen."""

    resource: int
    value: Value
    commit: int
    seen: Seen


class End(NamedTuple):
    """The exit, and the resources it told somebody about; given a `commit`, while it is newest."""

    exit: Exit
    about: frozenset[int] = frozenset()
    commit: int | None = None


class Phase(NamedTuple):
    """A part of a program, and what it starts with."""

    program: Callable[..., Program]
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Fetch:
    """Read the branch. Answer: the `Branch`."""


@dataclass(frozen=True, slots=True)
class Look:
    """Read the branch once more after the last write. Answer: the `Branch`."""


@dataclass(frozen=True, slots=True)
class Observe:
    """GET these resources, or LIST all of them at once. Answer: a tuple of `Seen`."""

    resources: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Push:
    """Put a commit on top of `base`. Answer: whether it went in; never over somebody's commit.

    `restores` names the resources that get back what the cluster holds, each with the newest commit
    whose document may be taken out for that. The push does not look at it, the checks do.
    """

    base: Branch
    tree: Tree
    restores: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Apply:
    """PATCH or DELETE one resource. Answer: an `Answer`."""

    write: Write
    unpushed: bool = False


@dataclass(frozen=True, slots=True)
class Recall:
    """The last commit known to be applied whole. Answer: its number."""


@dataclass(frozen=True, slots=True)
class Note:
    """Note a commit as applied whole, if the note stands at one of `after`."""

    commit: int
    after: range


@dataclass(frozen=True, slots=True)
class Edit:
    """Somebody changes the cluster with plain kubectl."""

    resource: int
    value: Value


@dataclass(frozen=True, slots=True)
class Admit:
    """What the cluster refused so far is accepted from now on: a quota was raised."""

    value: str


Step = Fetch | Look | Observe | Push | Apply | Recall | Note | Edit | Admit
Program = Generator[Step, Any, Phase | End]


def edited(tree: Tree, edits: Edits) -> Tree:
    """The tree with these documents in it."""
    changed = dict(edits)
    return tuple(changed.get(resource, value) for resource, value in enumerate(tree))


def since(branch: Branch, resource: int) -> int:
    """The commit that gave the resource the document it has at the tip."""
    commit = len(branch) - 1
    while commit and branch[commit - 1][resource] == branch[commit][resource]:
        commit -= 1
    return commit
