"""A control plane for the demo and for trying things out: `python -m tests.controlplane up`.

`up` prints the kubeconfig's path and leaves a supervisor behind that holds the servers; `down`
ends it. The supervisor holds a lock as long as it lives, so a process id that the system has
given to somebody else is never signalled.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TextIO

from tests.controlplane.build import BuildError, cache_directory, find
from tests.controlplane.cluster import ControlPlane, ControlPlaneError

PROJECT = Path(__file__).parents[2]


def main() -> int:
    arguments = _parser().parse_args()
    try:
        return COMMANDS[arguments.command](arguments)
    except (BuildError, ControlPlaneError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.controlplane", description=__doc__)
    what = "build: only make the programs; up, down: start and stop one in the background; "
    what += "env: print its KUBECONFIG for eval; serve: run one until interrupted"
    parser.add_argument("command", choices=sorted(COMMANDS), help=what)
    parser.add_argument("--name", default="dev", help="which one (default: %(default)s)")
    parser.add_argument("--no-nodes", action="store_true", help="no scheduler and no Node")
    return parser


def _build(_: argparse.Namespace) -> int:
    print(find(cache_directory(os.environ), os.environ))
    return 0


def _up(arguments: argparse.Namespace) -> int:
    find(cache_directory(os.environ), os.environ)
    if not _running(arguments.name):
        _start_supervisor(arguments)
    print(_kubeconfig(arguments.name))
    return 0


def _start_supervisor(arguments: argparse.Namespace) -> None:
    data = _data(arguments.name)
    data.parent.mkdir(parents=True, exist_ok=True)
    log = data.with_suffix(".log")
    command = [sys.executable, "-m", "tests.controlplane", "serve", "--name", arguments.name]
    command += ["--no-nodes"] if arguments.no_nodes else []
    with log.open("w") as errors:
        supervisor = subprocess.Popen(
            command,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    assert supervisor.stdout is not None
    if not supervisor.stdout.readline():
        raise ControlPlaneError(log.read_text().removeprefix("error: ").rstrip())


def _serve(arguments: argparse.Namespace) -> int:
    """Hold one until SIGINT or SIGTERM; the first line of stdout says that it is ready."""
    ending = {signal.SIGINT, signal.SIGTERM}
    data = _data(arguments.name)
    data.parent.mkdir(parents=True, exist_ok=True)
    with _lock_file(arguments.name) as lock:
        if not _acquire(lock):
            raise ControlPlaneError(f"{arguments.name} is running already")
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        shutil.rmtree(data, ignore_errors=True)
        programs = find(cache_directory(os.environ), os.environ)
        plane = ControlPlane.start(
            data, programs, name=arguments.name, nodes=not arguments.no_nodes
        )
        # Only now: the servers would inherit the mask. Killed before, the watchdog ends them.
        signal.pthread_sigmask(signal.SIG_BLOCK, ending)
        print(plane.kubeconfig, flush=True)
        signal.sigwait(ending)
        plane.stop()
        shutil.rmtree(data, ignore_errors=True)
    return 0


def _down(arguments: argparse.Namespace) -> int:
    if _running(arguments.name):
        with _lock_file(arguments.name) as lock:
            lock.seek(0)
            os.kill(int(lock.read()), signal.SIGTERM)
            fcntl.flock(lock, fcntl.LOCK_EX)
    return 0


def _env(arguments: argparse.Namespace) -> int:
    if not _running(arguments.name):
        raise ControlPlaneError(f"{arguments.name} is not running")
    print(f"export KUBECONFIG={_kubeconfig(arguments.name)}")
    return 0


def _running(name: str) -> bool:
    if not _data(name).parent.is_dir():
        return False
    with _lock_file(name) as lock:
        return not _acquire(lock)


def _acquire(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_file(name: str) -> TextIO:
    return _data(name).with_suffix(".lock").open("a+")


def _data(name: str) -> Path:
    return cache_directory(os.environ) / "instances" / name


def _kubeconfig(name: str) -> Path:
    return _data(name) / "admin.kubeconfig"


COMMANDS = {"build": _build, "up": _up, "down": _down, "env": _env, "serve": _serve}

if __name__ == "__main__":
    sys.exit(main())
