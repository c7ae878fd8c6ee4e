"""Measure and print one table: median seconds of whole processes, and ours divided by theirs."""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path

from benchmarks.peers import find_peers
from benchmarks.rows import Row, prepare, rows
from benchmarks.scene import Scene, Taken, far_away, open_scene
from benchmarks.sides import Side
from tests.controlplane.build import cache_directory, find
from tests.controlplane.cluster import ControlPlane

FAR_MILLISECONDS = 10


def main() -> None:
    """Start a control plane, measure every row, print the table."""
    arguments = _arguments()
    cache = cache_directory(os.environ)
    programs, peers = find(cache, os.environ), find_peers(cache, os.environ)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        plane = ControlPlane.start(directory / "plane", programs, name="bench", nodes=False)
        try:
            near = open_scene(directory, plane, peers)
            prepare(near)
            with far_away(near, plane, FAR_MILLISECONDS) as far:
                _print_table(near, far, arguments)
        finally:
            plane.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs of each side (default: 5)")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="rows with one of these in them")
    parser.add_argument("--long", action="store_true", help="rows of 10,000 resources, too")
    return parser.parse_args()


def _print_table(near: Scene, far: Scene, arguments: argparse.Namespace) -> None:
    print(f"{'work':38} {'against':26} {'ours':>8} {'theirs':>8} {'ratio':>6} {'goal':>5}")
    for row in rows(near):
        wanted = not arguments.only or any(word in row.work for word in arguments.only)
        if wanted and (arguments.long or not row.long):
            _print_row(row, _measured(far if row.far else near, row, arguments.runs))


def _measured(scene: Scene, row: Row, runs: int) -> dict[str, list[Taken]]:
    """The sides in turn, so that a machine that slows down slows all of them."""
    sides = (row.ours, *(side for side, _ in row.against))
    for command in (command for side in sides for command in side.once):
        scene.run(command)
    taken: dict[str, list[Taken]] = {side.name: [] for side in sides}
    for run in range(runs):
        for side in sides:
            if run == 0 or not side.slow:
                taken[side.name].append(_measure(scene, side, run))
    return taken


def _measure(scene: Scene, side: Side, run: int) -> Taken:
    for command in side.before:
        scene.run(command)
    return scene.run(side.command(run))


def _print_row(row: Row, taken: dict[str, list[Taken]]) -> None:
    def median(side: Side) -> float:
        return statistics.median(one.seconds for one in taken[side.name])

    ours = median(row.ours)
    for side, goal in row.against:
        theirs = median(side)
        ratio = ours / theirs
        times = f"{ours:7.2f}s {theirs:7.2f}s {ratio:6.2f} {goal:5.2f}"
        print(f"{row.work:38} {side.name:26} {times}{_verdict(ratio, goal)}", flush=True)
    if row.memory:
        highest = max(one.memory for one in taken[row.ours.name])
        sizes = f"{highest:5.0f}MiB {row.memory:5.0f}MiB {'':12}"
        print(f"{row.work:38} {'memory at its highest':26} {sizes}{_verdict(highest, row.memory)}")


def _verdict(reached: float, goal: float) -> str:
    return "" if reached <= goal else "  missed"


if __name__ == "__main__":
    main()
