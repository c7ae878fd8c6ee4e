"""Every schedule of a scene, walked breadth first: the first counterexample is a shortest one.

A scene says who takes part; a `Search` lets any of them make the next step, and any of them be
killed before it. It stops at the first schedule that breaks a promise:

- the cluster never holds a document of ours that no commit holds;
- nothing newer is put back to something older, in Git or in the cluster; only a creation may do it,
  which cannot be guarded, and then its author corrects it before ending with 0;
- where Git and cluster differ at the end, somebody was told: exit 3 or 4, a kill, a commit by hand;
- one `pull` cures every end, or says what it cannot.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.properties.protocol import pull
from tests.properties.steps import End, Exit, Holder, Phase, Rules, Step, Tree, since
from tests.properties.world import Running, World, names, perform, start

LIMIT = 1_000_000
"""States after which a scene counts as too large for the suite."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who takes part: a program, its arguments, and the resources it is about."""

    name: str
    start: Phase
    about: frozenset[int]


@dataclass(frozen=True, slots=True)
class Scene:
    """Who takes part, what there is at first, what the cluster refuses, how many may be killed."""

    actors: tuple[Actor, ...]
    start: Tree = ("0",)
    refuses: frozenset[str] = frozenset()
    kills: int = 0


class Move(NamedTuple):
    """One step of a schedule: the line of the trace, what it led to, the promise it broke."""

    line: str
    world: World
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a search found: how much there was to see, and the shortest way to break a promise."""

    states: int
    ends: int
    broken: str = ""
    trace: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The counterexample, one step a line; empty where every promise was kept."""
        return "\n".join([*self.trace, f"=> {self.broken}"] if self.broken else [])


@dataclass(slots=True)
class Search:
    """One walk over a scene under some rules."""

    scene: Scene
    rules: Rules = field(default_factory=Rules)
    pending: dict[Running, Step | Phase | End] = field(default_factory=dict)

    def run(self) -> Verdict:
        """Walk until a promise is broken or everything has been seen."""
        phases = [actor.start for actor in self.scene.actors]
        first = start(self.scene.start, phases, self.scene.refuses)
        came: dict[World, tuple[World, str] | None] = {first: None}
        queue = deque([first])
        ends = 0
        while queue:
            world = queue.popleft()
            moves = list(self.moves(world))
            if not moves:
                ends += 1
                if broken := self.end(world):
                    return Verdict(len(came), ends, broken, _trace(came, world))
            for line, after, broken in moves:
                if broken:
                    return Verdict(len(came), ends, broken, (*_trace(came, world), line))
                if after not in came:
                    came[after] = (world, line)
                    queue.append(after)
            if len(came) > LIMIT:
                raise AssertionError(f"more than {LIMIT} states: make the scene smaller")
        return Verdict(len(came), ends)

    def moves(self, world: World) -> Iterator[Move]:
        """What may happen next: a step of anybody who is not done, or a death."""
        killed = sum(isinstance(a, End) and a.exit is Exit.KILLED for a in world.actors)
        for number, actor in enumerate(self.scene.actors):
            state = world.actors[number]
            if isinstance(state, End):
                continue
            move = self.step(world, number, state)
            yield move._replace(line=f"{actor.name:8} {move.line}")
            if killed < self.scene.kills and state != Running(actor.start):
                line = f"{actor.name:8} is killed before {_verb(self.next(state))}"
                yield Move(line, _now(world, number, End(Exit.KILLED, actor.about)))

    def step(self, world: World, number: int, state: Running) -> Move:
        """Let one actor make its next step."""
        step = self.next(state)
        done = perform(world, number, step, self.rules)
        state = Running(state.phase, (*state.answers, done.answer))
        while isinstance(following := self.next(state), Phase):
            state = Running(following)
        line = f"{_verb(step):8} {done.said}"
        if not isinstance(following, End):
            return Move(line, _now(done.world, number, state), done.broken)
        broken = done.broken or _unpaid(done.world, number, following)
        line = f"{line.rstrip()}; exit {following.exit.value}"
        return Move(line, _now(done.world, number, following), broken)

    def next(self, state: Running) -> Step | Phase | End:
        """What an actor does in this state. Programs are pure, so it is worked out once."""
        if state not in self.pending:
            self.pending[state] = _replayed(state, self.rules)
        return self.pending[state]

    def end(self, world: World) -> str:
        """The promise that a finished schedule breaks, or nothing."""
        if silent := _unequal(world) - _told(world, world.actors):
            return f"Git and cluster differ in {names(silent)}, and nobody was told"
        cured = self.pulled(world)
        if left := _unequal(cured) - _told(cured, cured.actors[-1:]):
            return f"after one more pull, Git and cluster differ in {names(left)}"
        return ""

    def pulled(self, world: World) -> World:
        """The world after one more `pull`, with nobody else around."""
        number = len(world.actors)
        state: Running | End = Running(Phase(pull, (1,)))
        world = world._replace(actors=(*world.actors, state))
        while isinstance(state, Running):
            world = self.step(world, number, state).world
            state = world.actors[number]
        return world


def _replayed(state: Running, rules: Rules) -> Step | Phase | End:
    """Run a phase again with the answers it got: a generator cannot be copied, a list can."""
    running = state.phase.program(rules, *state.phase.arguments)
    try:
        step = next(running)
        for answer in state.answers:
            step = running.send(answer)
    except StopIteration as stop:
        following: Phase | End = stop.value
        return following
    return step


def _now(world: World, number: int, state: Running | End) -> World:
    actors = (*world.actors[:number], state, *world.actors[number + 1 :])
    return world._replace(actors=actors)


def _trace(came: dict[World, tuple[World, str] | None], world: World) -> tuple[str, ...]:
    lines: list[str] = []
    while step := came[world]:
        world, line = step
        lines.append(line)
    return tuple(reversed(lines))


def _unequal(world: World) -> frozenset[int]:
    """Where the cluster is not what Git says, or says itself that Git does not know."""
    return frozenset(
        resource
        for resource, live in enumerate(world.cluster)
        if live.seen.value != world.branch[-1][resource] or live.seen.holder is Holder.UNPUSHED
    )


def _told(world: World, actors: tuple[Running | End, ...]) -> frozenset[int]:
    """What the people know to differ."""
    return frozenset(
        resource
        for end in actors
        if isinstance(end, End)
        for resource in end.about & set(range(len(world.cluster)))
        if end.commit in (None, since(world.branch, resource))
    )


def _unpaid(world: World, number: int, end: End) -> str:
    """What an actor put back and leaves so, although it ends as if nothing had happened."""
    debts = {r for r, live in enumerate(world.cluster) if live.debtor == number} - end.about
    return f"it ends with {names(debts)} older than it was" if debts else ""


def _verb(step: Step | Phase | End) -> str:
    return type(step).__name__.lower()
