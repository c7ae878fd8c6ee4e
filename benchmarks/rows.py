"""What is measured: pieces of work, our way, and each other way with the goal against it.

A goal is the most that our median may be of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchmarks import large
from benchmarks.scene import Command, Scene
from benchmarks.sides import Side, Ways, begun, gitops, kubectl, settled

__all__ = ["Row", "prepare", "rows"]

MANY = 1_000
VERY_MANY = 10_000
REMOVED = 300
NEIGHBOURS = ("theirs", "client", "kapp", "flux", "helm")
TARGETS = ("ours", "one", "many", "pruned", "sealed", "plain", large.TARGET)
KEY = ("--key-file", "bench.key")
PROGRAMS = {"kapp": "kapp", "Flux ssa": "fluxssa", "Helm": "helm"}
FAR = 0.25


@dataclass(frozen=True, slots=True)
class Row:
    """One piece of work.

    `far`: the cluster is 10 ms away. `memory`: the most MiB that ours may take at its highest.
    `long`: it takes minutes to prepare, and is measured only where that is asked for.
    """

    work: str
    ours: Side
    against: tuple[tuple[Side, float], ...]
    far: bool = False
    memory: float = 0.0
    long: bool = False


def prepare(scene: Scene) -> None:
    """A Namespace for everybody, so that nobody meets fields of others, and stores for our targets.

    The branch of ten thousand commits is written when it is first needed.
    """
    for name in (*NEIGHBOURS, *TARGETS):
        scene.run(("kubectl", "create", "namespace", name))
    scene.run(("kubectl-gitops", "secret", "keygen", "--out", KEY[1]))
    for name in TARGETS:
        repo = ("--repo", f"{name}.git", "--name", name)
        scene.run(("kubectl-gitops", "init", *repo, "-n", name))


def rows(scene: Scene) -> Iterator[Row]:
    """All rows, without the peers that could not be built."""
    missing = {name for name, program in PROGRAMS.items() if program not in scene.peers}
    for row in (
        *_applied(scene),
        *_pulled(scene),
        *_sealed(scene),
        *_removed(scene),
        *_small(scene),
    ):
        known = tuple(pair for pair in row.against if pair[0].name not in missing)
        yield replace(row, against=known)


def _applied(scene: Scene) -> Iterator[Row]:
    all_changed = Ways(scene, MANY, lambda run: f"word-{run}")
    same = Ways(scene, MANY, lambda _: "same")
    others = (
        (all_changed.server_side(), 1.2),
        (all_changed.kapp(), 0.7),
        (all_changed.flux(), 0.75),
        (all_changed.helm(), 0.3),
    )
    work = f"apply {MANY:,}, all changed"
    yield Row(work, begun(all_changed.gitops()), tuple((begun(s), goal) for s, goal in others))
    yield Row(
        f"{work}, +10 ms",
        begun(all_changed.gitops()),
        tuple((begun(side), FAR) for side, _ in others),
        far=True,
    )
    yield Row(
        f"apply {MANY:,}, nothing changed",
        settled(same.gitops()),
        ((settled(same.server_side()), 0.4), (settled(same.client_side()), 0.02)),
    )


def _pulled(scene: Scene) -> Iterator[Row]:
    for count, target, goals in (
        (MANY, "ours", (0.15, 0.8, 0.5)),
        (VERY_MANY, "many", (0.1, 0.5, 0.3)),
    ):
        same = Ways(scene, count, lambda _: "same")
        ours = Side(
            "gitops",
            lambda _, target=target: gitops("pull", target=target),  # type: ignore[misc]
            once=(same.gitops(target).command(0), gitops("pull", target=target)),
        )
        others = (same.diff(), settled(same.kapp()), settled(same.flux()))
        is_long = count == VERY_MANY
        yield Row(
            f"pull {count:,}, nothing changed",
            ours,
            tuple(zip(others, goals, strict=True)),
            memory=200.0 if is_long else 0.0,
            long=is_long,
        )


def _sealed(scene: Scene) -> Iterator[Row]:
    """What sealing costs: the same Secrets, sealed in one branch and in the clear in another."""

    def pull(target: str, *once: Command) -> Side:
        apply = gitops("apply", "-f", scene.secrets(MANY, target), *KEY, target=target)
        name = "gitops" if target == "sealed" else "gitops, in the clear"
        command = gitops("pull", *KEY, target=target)
        return Side(name, lambda _: command, once=(apply, *once, command))

    in_the_clear = ("python", "-m", "benchmarks.plain", "plain.git", "plain", str(MANY))
    against = ((pull("plain", in_the_clear), 1.2),)
    yield Row(f"pull {MANY:,} Secrets, nothing changed", pull("sealed"), against)


def _removed(scene: Scene) -> Iterator[Row]:
    every = scene.manifests("gone", REMOVED)
    few = scene.manifests("gone", 1)
    made = (gitops("apply", "-f", every, target="pruned"),)
    applyset = ("apply", "--prune", "--applyset=bench", "-f")
    yield Row(
        f"pull that prunes {REMOVED}",
        Side(
            "gitops",
            lambda _: gitops("pull", "--yes", target="pruned"),
            before=(*made, ("sh", "-c", _LIKE_THE_FIRST.format(repo="pruned.git"))),
        ),
        (
            (
                Side(
                    "kubectl --applyset",
                    lambda _: kubectl(*applyset, few, namespace="client"),
                    before=(kubectl(*applyset, every, namespace="client"),),
                    slow=True,
                ),
                0.05,
            ),
        ),
    )
    yield Row(
        f"delete {REMOVED} and wait",
        Side("gitops", lambda _: gitops("delete", "-f", every, target="pruned"), before=made),
        (
            (
                Side(
                    "kubectl delete",
                    lambda _: kubectl("delete", "-f", every, namespace="client"),
                    before=(kubectl("apply", "--server-side", "-f", every, namespace="client"),),
                    slow=True,
                ),
                0.05,
            ),
        ),
    )


# A commit on top whose files are those of the first one: what a colleague's `git revert` leaves.
_LIKE_THE_FIRST = (
    "first=$(git -C {repo} rev-list --max-parents=0 main) && "
    "git -C {repo} update-ref refs/heads/main "
    '$(git -C {repo} commit-tree -p main -m "remove all" $first^{{tree}})'
)


def _small(scene: Scene) -> Iterator[Row]:
    one = Ways(scene, 1, lambda run: f"word-{run}")
    yield Row("apply one", begun(one.gitops("one")), ((begun(one.client_side()), 2.5),))
    client = Side("kubectl version --client", lambda _: ("kubectl", "version", "--client"))
    for word in ("version", "--help"):
        yield Row(word, _alone(word), ((client, 2.0),))
    written = (("python", "-m", "benchmarks.large", f"{large.TARGET}.git"),)
    in_large = begun(one.gitops(large.TARGET))
    yield Row(
        f"apply one, in {large.COMMITS:,} commits",
        replace(in_large, once=(*written, *in_large.once)),
        ((replace(begun(one.gitops("one")), name="gitops, empty branch"), 1.3),),
        long=True,
    )
    log = ("git", "-C", f"{large.TARGET}.git", "log", "-p", "main", "--", large.REVISED)
    resource = ("history", "configmap/bench-00000")
    yield Row(
        f"history of one, in {large.COMMITS:,} commits",
        Side("gitops", lambda _: gitops(*resource, target=large.TARGET)),
        ((Side("git log -p", lambda _: log), 1.5),),
        long=True,
    )


def _alone(word: str) -> Side:
    command: Command = ("kubectl-gitops", word)
    return Side("gitops", lambda _: command)
