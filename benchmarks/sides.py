"""How each program does a piece of work: the command lines that are measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.scene import Command, Scene

__all__ = ["Side", "Ways", "Word", "begun", "gitops", "kubectl", "settled"]

Word = Callable[[int], str]
"""The word in every manifest of a run: another one means that all of them change."""


@dataclass(frozen=True, slots=True)
class Side:
    """One program's way: the command to measure, which may depend on the number of the run.

    `before` is run before each measurement and `once` before the first. `slow` ones, minutes long,
    are measured once.
    """

    name: str
    command: Callable[[int], Command]
    before: tuple[Command, ...] = ()
    once: tuple[Command, ...] = ()
    slow: bool = False


def begun(side: Side) -> Side:
    """The same once everything is there already, with another word."""
    return replace(side, once=(*side.once, side.command(-1)))


def settled(side: Side) -> Side:
    """The same once it has been done: for a word that never changes nothing is left to do."""
    return replace(side, once=(*side.once, side.command(0)))


def gitops(*arguments: str, target: str = "ours") -> Command:
    """A command line of ours; each target has a store and a Namespace of its name."""
    return ("kubectl-gitops", *arguments, "-n", target, "--target", target)


def kubectl(*arguments: str, namespace: str = "theirs") -> Command:
    """A command line of kubectl's."""
    return ("kubectl", *arguments, "-n", namespace)


@dataclass(frozen=True, slots=True)
class Ways:
    """How so many ConfigMaps with some word are applied, by everybody."""

    scene: Scene
    count: int
    word: Word

    def _file(self, run: int, namespace: str = "") -> str:
        return self.scene.manifests(self.word(run), self.count, namespace)

    def gitops(self, target: str = "ours") -> Side:
        """`kubectl gitops apply`: dry-run, commit, push, apply."""
        return Side("gitops", lambda run: gitops("apply", "-f", self._file(run), target=target))

    def server_side(self) -> Side:
        """`kubectl apply --server-side`."""
        flags = ("apply", "--server-side", "-f")
        return Side("kubectl --server-side", lambda run: kubectl(*flags, self._file(run)))

    def client_side(self) -> Side:
        """`kubectl apply` as most people type it."""
        return Side(
            "kubectl apply",
            lambda run: kubectl("apply", "-f", self._file(run), namespace="client"),
            slow=self.count > 1,
        )

    def diff(self) -> Side:
        """`kubectl diff --server-side`, once it is applied."""
        flags = ("diff", "--server-side", "-f")
        return Side(
            "kubectl diff --server-side",
            lambda run: kubectl(*flags, self._file(run)),
            once=(self.server_side().command(0),),
        )

    def kapp(self) -> Side:
        """`kapp deploy`."""
        flags = ("deploy", "-a", "bench", "-n", "kapp", "--into-ns", "kapp", "-y", "-f")
        return Side("kapp", lambda run: (self._peer("kapp"), *flags, self._file(run)))

    def flux(self) -> Side:
        """What Flux's kustomize-controller does with a source that it has fetched."""
        return Side("Flux ssa", lambda run: (self._peer("fluxssa"), self._file(run, "flux")))

    def helm(self) -> Side:
        """`helm upgrade` of a chart without any template."""
        flags = ("upgrade", "--install", "bench", "-n", "helm")
        return Side(
            "Helm",
            lambda run: (self._peer("helm"), *flags, self.scene.chart(self.word(run), self.count)),
        )

    def _peer(self, name: str) -> str:
        return str(self.scene.peers[name])
