"""What the tests of the writing commands begin with."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.bound import Bound
from tests.controlplane.cluster import ControlPlane
from tests.githttp import GitServer
from tests.live.beside_kubectl import Beside
from tests.place import Place
from tests.program import Gitops


@pytest.fixture
def place(
    control_plane: ControlPlane, kubeconfig: Path, namespace: str, bare_repo: Path, gitops: Gitops
) -> Place:
    """A new namespace, the home of a set whose branch is `main` of a new bare repository."""
    gitops("init", "--repo", bare_repo, "--home-namespace", namespace)
    return Place(namespace, bare_repo, str(bare_repo), control_plane, kubeconfig, gitops)


@pytest.fixture
def distant(
    control_plane: ControlPlane,
    kubeconfig: Path,
    namespace: str,
    http_repo: GitServer,
    gitops: Gitops,
) -> Place:
    """The same with a repository behind HTTP, whose server can be made slow or forgetful."""
    gitops("init", "--repo", http_repo.url_with_password, "--home-namespace", namespace)
    return Place(namespace, http_repo.path, http_repo.url, control_plane, kubeconfig, gitops)


@pytest.fixture
def beside(bound: Bound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Beside]:
    """A Namespace for the program and one for kubectl, and a directory to stand in."""
    namespace = f"twin-{uuid.uuid4().hex[:10]}"
    bound.plane.create_namespace(namespace)
    config = yaml.safe_load(bound.kubeconfig.read_text())
    config["contexts"][0]["context"]["namespace"] = namespace
    theirs = tmp_path / "their-kubeconfig"
    theirs.write_text(yaml.safe_dump(config))
    directory = tmp_path / "files"
    directory.mkdir()
    monkeypatch.chdir(directory)
    yield Beside(bound, theirs, namespace, directory)
    bound.plane.delete_namespace(namespace)
