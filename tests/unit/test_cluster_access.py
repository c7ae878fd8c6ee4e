"""Key files live for a moment, and a killed process's not much longer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kubectl_gitops.cluster.access import private_directory


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def left(runtime: Path, pid: int, *, age: float) -> Path:
    """What a process left there so many seconds ago."""
    directory = runtime / f"kubectl-gitops-keys-{pid}-x"
    directory.mkdir()
    (directory / "key.pem").write_text("key")
    when = directory.stat().st_mtime - age
    os.utime(directory, (when, when))
    return directory


def ended() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_it_is_gone_afterwards(runtime):
    with private_directory() as directory:
        assert Path(directory).parent == runtime
        assert Path(directory).stat().st_mode & 0o777 == 0o700
        Path(directory, "key.pem").write_text("key")
    assert list(runtime.iterdir()) == []


def test_what_a_killed_process_left_goes_and_nothing_else(runtime):
    gone = left(runtime, ended(), age=120)
    kept = [left(runtime, os.getppid(), age=120), left(runtime, ended(), age=5)]
    other = runtime / "kubectl-gitops-keys-notes"
    other.mkdir()
    with private_directory():
        assert not gone.exists()
        assert all(directory.exists() for directory in (*kept, other))
