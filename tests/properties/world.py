"""What a step does to the world: a Git server that compares and swaps, an API server that guards.

`perform` is the only thing that changes a world, and the promises about single writes are checked
here. The cluster's rules are the API server's: a PATCH or DELETE whose uid or resourceVersion does
not hold answers 409; a PATCH of something that was absent cannot be guarded (with a uid it could
not create); one that changes nothing leaves the version alone; deleting what is gone is no error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tests.properties.steps import (
    Admit,
    Answer,
    Apply,
    Branch,
    Edit,
    End,
    Fetch,
    Holder,
    Look,
    Note,
    Observe,
    Phase,
    Push,
    Recall,
    Rules,
    Seen,
    Step,
    Tree,
    Value,
    Write,
    since,
)

NAMES = ("web", "db")


class Object(NamedTuple):
    """One resource in the cluster: what an observation shows, and what only the checks know.

    `debtor` is the actor who put something older over something newer, until that is corrected.
    """

    seen: Seen
    debtor: int | None = None


class Running(NamedTuple):
    """How far an actor is: its phase and the answers it got in it."""

    phase: Phase
    answers: tuple[Any, ...] = ()


class World(NamedTuple):
    """Everything that two schedules must share to go on alike. `note`: the last commit noted."""

    branch: Branch
    cluster: tuple[Object, ...]
    actors: tuple[Running | End, ...]
    refuses: frozenset[str]
    note: int = 0


class Done(NamedTuple):
    """A step made: the world after it, the answer, a line for the trace, the promise it broke."""

    world: World
    answer: Any
    said: str
    broken: str = ""


def start(tree: Tree, phases: Iterable[Phase], refuses: frozenset[str]) -> World:
    """Git and cluster agree, and everybody is about to begin."""
    cluster = tuple(Object(Seen(value, 0, 0, Holder.OURS, 0)) for value in tree)
    return World((tree,), cluster, tuple(Running(phase) for phase in phases), refuses)


def perform(world: World, number: int, step: Step | Phase | End, rules: Rules) -> Done:
    """Make one step of one actor."""
    match step:
        case Fetch() | Look():
            return Done(world, world.branch, _commit(world.branch))
        case Observe(resources):
            return _observed(world, resources)
        case Push():
            return _pushed(world, step)
        case Apply(write, unpushed):
            return _applied(world, number, write, unpushed, rules)
        case Recall():
            return Done(world, world.note, f"C{world.note}")
        case Note(commit, after):
            moved = world._replace(note=commit) if world.note in after else world
            return Done(moved, None, f"C{moved.note}")
        case Edit(resource, value):
            return _edited(world, resource, value)
        case Admit(value):
            return Done(world._replace(refuses=world.refuses - {value}), None, value)
        case Phase() | End():
            raise TypeError(f"{step} is no step")


def _observed(world: World, resources: Sequence[int] | None) -> Done:
    resources = range(len(world.cluster)) if resources is None else resources
    seen = tuple(world.cluster[resource].seen for resource in resources)
    said = " ".join(f"{_document(r, s.value)}" for r, s in zip(resources, seen, strict=True))
    return Done(world, seen, said)


def _pushed(world: World, step: Push) -> Done:
    if world.branch != step.base:
        return Done(world, False, f"lost to {_commit(world.branch)}")
    undone = [
        f"C{since(step.base, resource)} of {NAMES[resource]}"
        for resource, limit in step.restores
        if since(step.base, resource) > limit and step.tree[resource] != step.base[-1][resource]
    ]
    broken = f"it takes {', '.join(undone)} out of Git, which nobody asked for" if undone else ""
    after = world._replace(branch=(*world.branch, step.tree))
    return Done(after, True, _commit(after.branch), broken)


def _applied(world: World, number: int, write: Write, unpushed: bool, rules: Rules) -> Done:
    said = _document(write.resource, write.value) + ("" if unpushed else f" of C{write.commit}")
    answer = _answer(world, write, rules)
    after, broken = world, ""
    if answer is Answer.OK:
        broken = "" if unpushed else _broken(world, write)
        after = _put(world, write.resource, _written(world, number, write, unpushed))
    return Done(after, answer, f"{said}: {answer}", broken)


def _answer(world: World, write: Write, rules: Rules) -> Answer:
    live = world.cluster[write.resource].seen
    if write.value in world.refuses:
        return Answer.REFUSED
    if write.seen.value is None or (write.value is None and live.value is None):
        return Answer.OK
    guarded = rules.delete_versions if write.value is None else rules.patch_versions
    same = live.value is not None and live.uid == write.seen.uid
    if not same or (guarded and live.version != write.seen.version):
        return Answer.CONFLICT
    return Answer.OK


def _written(world: World, number: int, write: Write, unpushed: bool) -> Object:
    live, debtor = world.cluster[write.resource]
    holder = Holder.UNPUSHED if unpushed else Holder.OURS
    changes = (live.value, live.holder) != (write.value, holder)
    if write.commit >= live.newest:
        debtor = None
    elif changes and not unpushed:
        debtor = number
    seen = Seen(
        value=write.value,
        uid=live.uid + (live.value is None and write.value is not None),
        version=live.version + changes,
        holder=holder,
        newest=max(live.newest, write.commit),
    )
    return Object(seen, debtor)


def _broken(world: World, write: Write) -> str:
    """The promise about single writes that this one breaks, or nothing.

    A creation may put something older over something newer, since it cannot be guarded; then its
    author owes the correction (`Object.debtor`). What was observed can be guarded, so it must be.
    """
    live = world.cluster[write.resource].seen
    held = world.branch[write.commit] if write.commit < len(world.branch) else None
    if held is None or held[write.resource] != write.value:
        return f"the cluster holds {_document(write.resource, write.value)}, which no commit holds"
    if write.seen.value is not None and write.commit < live.newest and write.value != live.value:
        return f"it puts C{write.commit} of {NAMES[write.resource]} over C{live.newest}"
    return ""


def _edited(world: World, resource: int, value: Value) -> Done:
    live, debtor = world.cluster[resource]
    edited = live._replace(value=value, version=live.version + 1, holder=Holder.FOREIGN)
    return Done(_put(world, resource, Object(edited, debtor)), None, _document(resource, value))


def _put(world: World, resource: int, new: Object) -> World:
    cluster = (*world.cluster[:resource], new, *world.cluster[resource + 1 :])
    return world._replace(cluster=cluster)


def names(resources: Iterable[int]) -> str:
    """`web, db`."""
    return ", ".join(NAMES[resource] for resource in sorted(resources))


def _commit(branch: Branch) -> str:
    documents = (_document(resource, value) for resource, value in enumerate(branch[-1]))
    return f"C{len(branch) - 1} ({' '.join(documents)})"


def _document(resource: int, value: Value) -> str:
    return f"{NAMES[resource]}={'-' if value is None else value}"
