"""`pull --watch` beside a test: what it says, as it says it, and how it ends."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.bound import Bound

__all__ = ["Watching", "eventually", "watching"]


def eventually(true: Callable[[], bool], seconds: float = 30.0) -> float:
    """Wait until something is true; how long that took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it never came true"
        time.sleep(0.02)
    return time.monotonic() - began


@dataclass(frozen=True, slots=True)
class Watching:
    """The process, and the lines it has written so far."""

    process: subprocess.Popen[str]
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)

    def says(self, text: str) -> bool:
        """Whether a line with this text was written, to either stream."""
        return any(text in line for line in (*self.out, *self.err))

    @property
    def memory(self) -> int:
        """Resident memory in KiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1])

    def end(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; the exit code, and the seconds until it came."""
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        return code, time.monotonic() - began


@contextmanager
def watching(bound: Bound, *flags: str) -> Iterator[Watching]:
    """`pull --watch` in a cluster, looking at the branch every second."""
    env = {"KUBECONFIG": str(bound.kubeconfig), "PYTHONUNBUFFERED": "1"}
    process = bound.program.start("pull", "--watch", "--interval", "1s", *flags, env=env)
    found = Watching(process)
    assert process.stdout is not None
    assert process.stderr is not None
    readers = [
        threading.Thread(target=_read, args=(stream, lines), daemon=True)
        for stream, lines in ((process.stdout, found.out), (process.stderr, found.err))
    ]
    for reader in readers:
        reader.start()
    try:
        eventually(lambda: found.says("following"))
        yield found
        assert process.poll() is None or process.returncode in (130, 143), (found.out, found.err)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for reader in readers:
            reader.join(5)
        process.stdout.close()
        process.stderr.close()


def _read(stream: IO[str], lines: list[str]) -> None:
    for line in stream:
        lines.append(line.rstrip("\n"))
