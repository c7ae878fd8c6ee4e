"""What the tests of the writing commands begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.place import Place
from tests.program import Gitops


@pytest.fixture
def place(
    control_plane: ControlPlane, kubeconfig: Path, namespace: str, bare_repo: Path, gitops: Gitops
) -> Place:
    """A new namespace, the home of a set whose branch is `main` of a new bare repository."""
    gitops("init", "--repo", bare_repo, "--home-namespace", namespace)
    return Place(namespace, bare_repo, control_plane, kubeconfig, gitops)
