"""The table of built-in kinds is what the API server's discovery says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kubectl_gitops.builtin import builtin
from kubectl_gitops.catalog import Api, Catalog
from kubectl_gitops.cluster import ConnectionOptions, connect


def shown(api: Api) -> Api:
    """What the table says of a kind: categories and further verbs are left out."""
    return replace(api, categories=(), verbs=frozenset())


def test_every_kind_that_can_be_listed_and_patched_is_in_the_table_as_it_is_served(
    kubeconfig: Path,
) -> None:
    served = connect(ConnectionOptions()).catalog()
    assert isinstance(served, Catalog)
    kept = {api for api in served.apis if api.preferred and {"list", "patch"} <= api.verbs}
    assert {shown(api) for api in builtin().apis} == {shown(api) for api in kept}
