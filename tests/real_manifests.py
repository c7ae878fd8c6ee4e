"""Manifests that projects publish, where a folder of them lies beside the checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "shared" / "manifests"


def real_manifests() -> list[Path]:
    """Every YAML file there, in lexical order; none where there is no such folder."""
    return sorted(FOLDER.rglob("*.yaml"))


needs_real_manifests = pytest.mark.skipif(
    not real_manifests(), reason="no folder of real manifests beside the checkout"
)


class _Loader(yaml.CSafeLoader):
    """Reads a plain `=` as the text it is; stock PyYAML knows the tag and cannot construct it."""


_Loader.add_constructor("tag:yaml.org,2002:value", _Loader.construct_yaml_str)


@cache
def _bodies(folder: str) -> tuple[dict[str, Any], ...]:
    paths = sorted((FOLDER / folder).glob("*.yaml"))
    documents = (
        document
        for path in paths
        for document in yaml.load_all(path.read_text(), _Loader)
        if document
    )
    return tuple(item for document in documents for item in document.get("items", [document]))


def real_bodies(folder: str) -> list[dict[str, Any]]:
    """The bodies of one project, each resource once, or a skip."""
    if not FOLDER.is_dir():
        pytest.skip("no real manifests beside the checkout")
    return list({_identity(body): body for body in _bodies(folder)}.values())


def _identity(body: dict[str, Any]) -> tuple[str, ...]:
    metadata = body["metadata"]
    namespace, name = metadata.get("namespace", ""), metadata.get("name", "")
    return body["apiVersion"], body["kind"], namespace, name
