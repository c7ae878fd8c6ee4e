"""The history of one resource in repositories of several sizes, beside `git log -p -- FILE`.

`python -m benchmarks.history [--size N]…` makes each repository (as many commits as resources),
indexes it for the first time, asks for the twenty revisions of one resource, and verifies it all.
Processor seconds of whole processes, the least of several runs, so that a busy machine does not
count; no cluster is needed.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.generated import WATCHED, WATCHED_PATH, generate

_SIZES = (1_000, 10_000)
_RUNS = 10


def seconds(command: Sequence[str], environment: dict[str, str], runs: int = 1) -> float:
    """The least processor time of one process; a failure ends the run."""
    least = float("inf")
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=environment, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        least = min(least, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return least


def measure(size: int, directory: Path) -> None:
    """One line of the table."""
    repo = generate(directory / f"{size}.git", commits=size, resources=size)
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(directory),
        "KUBECONFIG": os.devnull,
    }
    ours = ("kubectl-gitops", "history", *WATCHED, "--repo", str(repo))
    git = ("git", "-C", str(repo), "log", "-p", "main", "--", WATCHED_PATH)
    first = seconds(ours, environment)
    again, theirs = (seconds(command, environment, _RUNS) for command in (ours, git))
    verified = seconds(("kubectl-gitops", "verify", "--repo", str(repo)), environment)
    print(
        f"{size:9,} {first:15.1f} s {again:8.3f} s {theirs:13.3f} s {again / theirs:6.1f} "
        f"{verified:8.1f} s",
        flush=True,
    )


def main() -> int:
    """Print one line for each size."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("--size", type=int, action="append", help="commits and resources")
    arguments = parser.parse_args()
    print("  commits    first indexing    history    git log -p -- F  ratio     verify")
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        for size in arguments.size or _SIZES:
            measure(size, Path(name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
