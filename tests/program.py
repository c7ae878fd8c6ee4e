"""The program as people run it: a process of its own, judged by what it prints and ends with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Gitops", "Run"]


@dataclass(frozen=True, slots=True)
class Run:
    """What one process left behind."""

    exit: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """stdout read as one JSON document."""
        return json.loads(self.stdout)


@dataclass(frozen=True, slots=True)
class Gitops:
    """`kubectl gitops`, in the environment of the test and whatever `env` adds to it."""

    timeout: float = 120

    def __call__(
        self,
        *arguments: str | Path,
        exit: int | None = 0,
        input: str = "",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Run:
        """Run to the end. Any exit code but `exit` is an assertion error; None accepts all."""
        answer = subprocess.run(
            _command(arguments),
            input=input,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            timeout=self.timeout,
            check=False,
            capture_output=True,
            text=True,
        )
        run = Run(answer.returncode, answer.stdout, answer.stderr)
        if exit is not None and run.exit != exit:
            said = f"--- stdout\n{run.stdout}\n--- stderr\n{run.stderr}"
            words = " ".join(map(str, arguments))
            raise AssertionError(f"kubectl gitops {words}: exit {run.exit}, not {exit}\n{said}")
        return run

    def start(
        self, *arguments: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.Popen[str]:
        """Start it and leave it running; the test waits for it or ends it."""
        return subprocess.Popen(
            _command(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            text=True,
        )


def _command(arguments: tuple[str | Path, ...]) -> list[str]:
    return [sys.executable, "-m", "kubectl_gitops", *map(str, arguments)]
