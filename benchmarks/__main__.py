"""Measure and print one table: median seconds of whole processes, and ours divided by theirs."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.build import cache_directory, find
from tests.controlplane.cluster import ControlPlane

Command = Sequence[str]
BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Side:
    """One program's way to do a piece of work; the command may depend on the number of the run."""

    name: str
    command: Callable[[int], Command]


@dataclass(frozen=True, slots=True)
class Row:
    """One piece of work: ours first, then what it is held against."""

    work: str
    ours: Side
    others: tuple[Side, ...]


@dataclass(frozen=True, slots=True)
class Bench:
    """A directory and the environment that every process gets."""

    directory: Path
    environment: dict[str, str]
    count: int

    def seconds(self, command: Command) -> float:
        """One process, wall clock; a failure (for diff: more than a difference) ends the run."""
        begun = time.perf_counter()
        done = subprocess.run(
            [*command],
            env=self.environment,
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - begun
        if done.returncode > (1 if "diff" in command else 0):
            sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
        return seconds

    def medians(self, row: Row, runs: int) -> dict[str, float]:
        """The sides in turn, so that a machine that slows down slows all of them."""
        sides = (row.ours, *row.others)
        taken: dict[str, list[float]] = {side.name: [] for side in sides}
        for run in range(runs):
            for side in sides:
                taken[side.name].append(self.seconds(side.command(run)))
        return {name: statistics.median(seconds) for name, seconds in taken.items()}

    def manifests(self, word: str) -> str:
        """A file of ConfigMaps, all of them changed by another word."""
        file = self.directory / f"{word}.yaml"
        if not file.exists():
            file.write_text("---\n".join(_config_map(n, word) for n in range(self.count)))
        return str(file)


def _config_map(number: int, word: str) -> str:
    return f"""\
apiVersion: v1
kind: ConfigMap
metadata:
  name: bench-{number:05d}
  labels: {{app: bench}}
data:
  number: "{number}"
  text: |
    one line
    {word}
"""


def rows(bench: Bench) -> list[Row]:
    """What is measured; each side has a Namespace of its own."""

    def ours(*arguments: str) -> Command:
        return ("kubectl-gitops", *arguments, "-n", "ours")

    def kubectl(*arguments: str) -> Command:
        return ("kubectl", *arguments, "-n", "theirs")

    def changed(run: int) -> str:
        return bench.manifests(f"word-{run}")

    server_side = ("apply", "--server-side", "-f")
    last = changed(0)
    return [
        Row(
            f"apply {bench.count}, all changed",
            Side("kubectl gitops apply", lambda run: ours("apply", "-f", changed(run))),
            (Side("kubectl apply --server-side", lambda run: kubectl(*server_side, changed(run))),),
        ),
        Row(
            f"apply {bench.count}, nothing changed",
            Side("kubectl gitops apply", lambda _: ours("apply", "-f", last)),
            (Side("kubectl apply --server-side", lambda _: kubectl(*server_side, last)),),
        ),
        Row(
            f"pull {bench.count}, nothing changed",
            Side("kubectl gitops pull", lambda _: ours("pull")),
            (
                Side(
                    "kubectl diff --server-side",
                    lambda _: kubectl("diff", "--server-side", "-f", last),
                ),
            ),
        ),
        Row(
            "history of one resource",
            Side("kubectl gitops history", lambda _: ours("history", "cm/bench-00000")),
            (
                Side(
                    "git log -p",
                    lambda _: (
                        *("git", "-C", "store.git", "log", "-p", "main", "--"),
                        "ours/configmap/bench-00000.yaml",
                    ),
                ),
            ),
        ),
        Row(
            "start: version",
            Side("kubectl gitops version", lambda _: ("kubectl-gitops", "version")),
            (Side("kubectl version --client", lambda _: ("kubectl", "version", "--client")),),
        ),
    ]


def main() -> int:
    """Start a control plane, measure every row, print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="resources (default: 1000)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each side (default: 5)")
    arguments = parser.parse_args()
    programs = find(cache_directory(os.environ), os.environ)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        plane = ControlPlane.start(directory / "plane", programs, name="bench", nodes=False)
        try:
            measure(
                Bench(directory, environment(plane, directory), arguments.count), arguments.runs
            )
        finally:
            plane.stop()
    return 0


def environment(plane: ControlPlane, directory: Path) -> dict[str, str]:
    """A home of its own, the programs of this environment first."""
    return {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(directory),
        "KUBECONFIG": str(plane.kubeconfig),
        "GIT_AUTHOR_NAME": "Ada Lovelace",
        "GIT_AUTHOR_EMAIL": "ada@example.com",
    }


def measure(bench: Bench, runs: int) -> None:
    """Bind, fill both Namespaces once, then print a line for every pair."""
    for namespace in ("ours", "theirs"):
        bench.seconds(("kubectl", "create", "namespace", namespace))
    bench.seconds(("kubectl-gitops", "init", "--repo", "store.git", "-n", "ours"))
    first = bench.manifests("first")
    bench.seconds(("kubectl-gitops", "apply", "-f", first, "-n", "ours"))
    bench.seconds(("kubectl", "apply", "--server-side", "-f", first, "-n", "theirs"))
    print(f"{'work':34} {'ours':>8} {'theirs':>8} {'ratio':>6}   against")
    for row in rows(bench):
        taken = bench.medians(row, runs)
        mine = taken[row.ours.name]
        for other in row.others:
            theirs = taken[other.name]
            ratio = mine / theirs
            print(
                f"{row.work:34} {mine:7.2f}s {theirs:7.2f}s {ratio:6.2f}   {other.name}", flush=True
            )


if __name__ == "__main__":
    sys.exit(main())
