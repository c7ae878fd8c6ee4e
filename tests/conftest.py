"""The world the tests run in: nothing of the machine's own, except PATH, reaches a test.

The control planes are real and started when the first test asks for one; with pytest-xdist every
worker has its own, so tests of one control plane never run side by side.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml
from hypothesis import settings

from tests.bound import Bound, bind
from tests.controlplane.build import cache_directory, find
from tests.controlplane.cluster import ControlPlane
from tests.git import fsck, init_bare
from tests.githttp import GitServer, serving
from tests.program import Gitops

# Nothing fails because a machine is slow.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

# As pytest was started. The control plane is built with it: Go and pip have settings there.
OUTSIDE = dict(os.environ)
CACHE = cache_directory(OUTSIDE)
KEPT = ("TMPDIR", "PYTEST_", "COV_", "COVERAGE_")
BIN = Path(sys.executable).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write tests/transcripts/*.txt anew")


@pytest.fixture(autouse=True)
def world(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A private HOME to stand in, a fixed Git identity, UTC, and no setting of the machine's."""
    base = tmp_path_factory.getbasetemp()
    with tempfile.TemporaryDirectory("", "home-", base, ignore_cleanup_errors=True) as home:
        for name in OUTSIDE.keys() | os.environ.keys():
            if not name.startswith(KEPT):
                monkeypatch.delenv(name, raising=False)
        for name, value in _environment(Path(home)).items():
            monkeypatch.setenv(name, value)
        time.tzset()
        monkeypatch.chdir(home)
        umask = os.umask(0o022)
        yield
        os.umask(umask)
        monkeypatch.undo()
        time.tzset()


def _environment(home: Path) -> dict[str, str]:
    return {
        "PATH": os.pathsep.join([str(BIN), OUTSIDE.get("PATH", os.defpath)]),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "Ada Lovelace",
        "GIT_AUTHOR_EMAIL": "ada@example.com",
        "GIT_COMMITTER_NAME": "Ada Lovelace",
        "GIT_COMMITTER_EMAIL": "ada@example.com",
    }


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The control plane of this session: controllers, a scheduler and a Node whose Pods run."""
    yield from _started(tmp_path_factory.mktemp("control-plane"), "first")


@pytest.fixture(scope="session")
def second_control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Another cluster beside the first."""
    yield from _started(tmp_path_factory.mktemp("second-control-plane"), "second")


def _started(data: Path, name: str) -> Iterator[ControlPlane]:
    plane = ControlPlane.start(data, find(CACHE, OUTSIDE), name=name)
    try:
        yield plane
        plane.check()
    finally:
        plane.stop()


@pytest.fixture
def kubeconfig(
    control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A private copy of the administrator's, in $KUBECONFIG for every process of the test."""
    path = tmp_path / "kubeconfig"
    path.write_bytes(control_plane.kubeconfig.read_bytes())
    path.chmod(0o600)
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


@pytest.fixture
def namespace(control_plane: ControlPlane, kubeconfig: Path) -> Iterator[str]:
    """A new Namespace, the default one of `kubeconfig`; left to the controllers to delete."""
    name = f"test-{uuid.uuid4().hex[:10]}"
    control_plane.create_namespace(name)
    config = yaml.safe_load(kubeconfig.read_text())
    config["contexts"][0]["context"]["namespace"] = name
    kubeconfig.write_text(yaml.safe_dump(config, sort_keys=False))
    yield name
    control_plane.delete_namespace(name)


@pytest.fixture
def kubectl(
    control_plane: ControlPlane, kubeconfig: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The real kubectl: `kubectl(*arguments, input="", check=True, kubeconfig=…, env=…)`."""
    return partial(control_plane.kubectl, kubeconfig=kubeconfig)


@pytest.fixture
def gitops() -> Gitops:
    """The program: `gitops("apply", "-f", path, exit=0, input="", env={}, cwd=…) -> Run`."""
    return Gitops()


@pytest.fixture
def bare_repo(tmp_path: Path) -> Iterator[Path]:
    """An empty bare repository, which `git fsck --strict` still accepts after the test."""
    path = init_bare(tmp_path / "store.git")
    yield path
    fsck(path)


@pytest.fixture
def http_repo(tmp_path: Path) -> Iterator[GitServer]:
    """The same behind HTTP and a password."""
    with serving(tmp_path / "served") as server:
        yield server
        fsck(server.path)


@pytest.fixture
def bound(
    gitops: Gitops, control_plane: ControlPlane, kubeconfig: Path, namespace: str, bare_repo: Path
) -> Bound:
    """A set of its own, bound to a repository of its own; its home is the test's Namespace."""
    return bind(gitops, control_plane, kubeconfig, bare_repo, namespace)


@pytest.fixture
def key_file(gitops: Gitops, tmp_path: Path) -> Path:
    """A key, in a file that only its owner reads."""
    path = tmp_path / "cluster.key"
    gitops("secret", "keygen", "--out", path)
    return path
