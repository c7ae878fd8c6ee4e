"""Who meets whom: the scenes whose schedules are walked, each named as what happens in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.properties.protocol import (
    by_hand,
    change,
    kubectl_edit,
    offline,
    pull,
    raise_quota,
    record,
)
from tests.properties.schedules import Actor, Scene
from tests.properties.steps import Edits, Phase, Program, Value
from tests.properties.world import NAMES

EVERYTHING = frozenset(range(len(NAMES)))


def applies(name: str, **documents: Value) -> Actor:
    """`apply` of these documents; None deletes."""
    return _changes(name, change, documents)


def works_offline(name: str, **documents: Value) -> Actor:
    return _changes(name, offline, documents)


def commits_by_hand(name: str, **documents: Value) -> Actor:
    return _changes(name, by_hand, documents)


def _changes(name: str, program: Callable[..., Program], documents: dict[str, Value]) -> Actor:
    edits: Edits = tuple((NAMES.index(key), value) for key, value in documents.items())
    return Actor(name, Phase(program, (edits,)), frozenset(dict(edits)))


def pulls(rounds: int = 1) -> Actor:
    return Actor("pull", Phase(pull, (rounds,)), EVERYTHING)


def records() -> Actor:
    return Actor("record", Phase(record, ()), EVERYTHING)


def edits_live(**documents: Value) -> Actor:
    ((name, value),) = documents.items()
    resource = NAMES.index(name)
    return Actor("kubectl", Phase(kubectl_edit, (resource, value)), frozenset({resource}))


def quota(value: str) -> Actor:
    return Actor("quota", Phase(raise_quota, (value,)), frozenset())


def scene(*actors: Actor, kills: int = 0, refuses: str = "", **start: Value) -> Scene:
    """A scene that starts with these documents, in Git and in the cluster."""
    return Scene(actors, tuple((start or {"web": "0"}).values()), frozenset(refuses.split()), kills)


SCENES: dict[str, Scene] = {
    "two people change one resource": scene(applies("ann", web="a"), applies("bob", web="b")),
    "three people change one resource": scene(
        applies("ann", web="a"), applies("bob", web="b"), applies("cid", web="c")
    ),
    "three people create one resource": scene(
        applies("ann", web="a"), applies("bob", web="b"), applies("cid", web="c"), web=None
    ),
    "one deletes, one changes, one changes again": scene(
        applies("ann", web=None), applies("bob", web="b"), applies("cid", web="c")
    ),
    "one changes what another puts back": scene(applies("ann", web="a"), applies("bob", web="0")),
    "one changes what another puts back, with a pull": scene(
        applies("ann", web="a"), applies("bob", web="0"), pulls()
    ),
    "a change under a pull of two rounds": scene(applies("ann", web="a"), pulls(rounds=2)),
    "a creation under a pull of two rounds": scene(
        applies("ann", web="a"), pulls(rounds=2), web=None
    ),
    "two changes under a pull of two rounds": scene(
        applies("ann", web="a"), applies("bob", web="b"), pulls(rounds=2)
    ),
    "two resources in opposite order, with a pull": scene(
        applies("ann", web="a", db="a"), applies("bob", db="b", web="b"), pulls(), web="0", db="0"
    ),
    "one deletes what another changes, with a pull": scene(
        applies("ann", web=None), applies("bob", web="b"), pulls()
    ),
    "one creates what another deletes, with a pull": scene(
        applies("ann", web="a"), applies("bob", web=None), pulls(), web=None
    ),
    "two people delete one resource, with a pull": scene(
        applies("ann", web=None), applies("bob", web=None), pulls()
    ),
    "the cluster refuses one of two changes": scene(
        applies("ann", web="bad"), applies("bob", web="b"), refuses="bad"
    ),
    "the cluster refuses one of two changes, with a pull": scene(
        applies("ann", web="bad"), applies("bob", web="b"), pulls(), refuses="bad"
    ),
    "the cluster refuses one of two creations, with a pull": scene(
        applies("ann", web="bad"), applies("bob", web="b"), pulls(), refuses="bad", web=None
    ),
    "the cluster refuses both changes, with a pull": scene(
        applies("ann", web="bad"), applies("bob", web="worse"), pulls(), refuses="bad worse"
    ),
    "the cluster refuses one resource of two": scene(
        applies("ann", web="bad", db="a"), applies("bob", db="b"), refuses="bad", web="0", db="0"
    ),
    "the cluster refuses what a commit by hand replaces, with a pull": scene(
        applies("ann", web="bad"), commits_by_hand("eve", web="e"), pulls(), refuses="bad"
    ),
    "the cluster accepts later what it refused": scene(
        applies("ann", web="bad"), pulls(), quota("bad"), refuses="bad"
    ),
    "a commit by hand under a pull of two rounds": scene(
        applies("ann", web="a"), commits_by_hand("eve", web="e"), pulls(rounds=2)
    ),
    "a record beside two changes": scene(
        applies("ann", web="a"), applies("bob", web="b"), records()
    ),
    "a record of drift, with a pull": scene(edits_live(web="x"), records(), pulls()),
    "a record of drift beside a change": scene(
        edits_live(web="x"), records(), applies("ann", web="a")
    ),
    "a record beside a commit by hand": scene(commits_by_hand("eve", web="e"), records()),
    "offline work under a pull": scene(works_offline("dan", web="d"), pulls()),
    "offline work beside a change, with a pull": scene(
        works_offline("dan", web="d"), applies("ann", web="a"), pulls()
    ),
    "offline work beside a record": scene(works_offline("dan", web="d"), records()),
}
MORTAL = (
    "two people change one resource",
    "one changes what another puts back, with a pull",
    "one deletes what another changes, with a pull",
    "one creates what another deletes, with a pull",
    "the cluster refuses one of two changes, with a pull",
    "the cluster accepts later what it refused",
    "a record of drift, with a pull",
    "offline work under a pull",
    "offline work beside a change, with a pull",
)
SCENES |= {f"{name}, one is killed": replace(SCENES[name], kills=1) for name in MORTAL}
SCENES |= {f"{MORTAL[0]}, both are killed": replace(SCENES[MORTAL[0]], kills=2)}
