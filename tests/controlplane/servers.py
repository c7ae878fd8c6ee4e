"""The server processes of one control plane, none of which outlives its starter.

All are in one process group, and a watchdog in that group kills it when the pipe to its starter
closes, however the starter ended.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

__all__ = ["ControlPlaneError", "PortTaken", "Servers"]

START_SECONDS = 120.0
STOP_SECONDS = 10.0


class ControlPlaneError(Exception):
    """A server ended, or did not become ready in time; ends with the end of its log."""


class PortTaken(ControlPlaneError):
    """Another process took the port between our choice and the server's bind."""


@dataclass(slots=True)
class Servers:
    """What runs, by name of the program; the watchdog leads their process group."""

    programs: Path
    logs: Path
    watchdog: subprocess.Popen[bytes]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @classmethod
    def start(cls, programs: Path, logs: Path) -> Self:
        logs.mkdir(parents=True, exist_ok=True)
        watchdog = subprocess.Popen(
            ["sh", "-c", "cat; kill -KILL 0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            process_group=0,
        )
        return cls(programs, logs, watchdog)

    def spawn(self, program: str, *flags: str) -> None:
        with self.log(program).open("wb") as log:
            self.running[program] = subprocess.Popen(
                [str(self.programs / program), *flags],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": os.defpath, "HOME": str(self.logs.parent)},
                process_group=self.watchdog.pid,
            )

    def log(self, program: str) -> Path:
        return self.logs / f"{program}.log"

    def tail(self, program: str) -> str:
        lines = self.log(program).read_text(errors="replace").splitlines()
        return "\n".join(lines[-20:])

    def check(self) -> None:
        for program, process in self.running.items():
            if process.poll() is not None:
                tail = self.tail(program)
                kind = PortTaken if "address already in use" in tail else ControlPlaneError
                raise kind(f"{program} ended with {process.returncode}; its log ends:\n{tail}")

    def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            self.check()
            if time.monotonic() > deadline:
                tails = [f"--- {program}\n{self.tail(program)}" for program in self.running]
                raise ControlPlaneError(
                    "\n".join([f"{what}: not within {START_SECONDS} s", *tails])
                )
            time.sleep(0.05)

    def stop(self) -> None:
        """End every process. The data is thrown away, so none is asked to finish anything."""
        assert self.watchdog.stdin is not None
        self.watchdog.stdin.close()
        for process in (*self.running.values(), self.watchdog):
            process.wait(STOP_SECONDS)
