"""Manifests that projects publish, where a folder of them lies beside the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "manifests"


def real_manifests() -> list[Path]:
    """Every YAML file there, in lexical order; none where there is no such folder."""
    return sorted(FOLDER.rglob("*.yaml"))


needs_real_manifests = pytest.mark.skipif(
    not real_manifests(), reason="no folder of real manifests beside the checkout"
)
