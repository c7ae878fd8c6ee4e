"""What the tests of the writing commands begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.githttp import GitServer
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
