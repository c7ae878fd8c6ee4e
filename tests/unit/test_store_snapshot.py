"""A set as a store reads it: what is known of its files beforehand changes nothing about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubectl_gitops.manifest import read_snapshot
from kubectl_gitops.message import Message, Signature
from kubectl_gitops.ports import Tip
from kubectl_gitops.store import open_store
from kubectl_gitops.store.local import create_bare
from kubectl_gitops.store.repository import GitStore
from tests.git import git

APPLY = Message(Signature("Ada", "ada@example.com", 1_700_000_000), "apply", operation="apply")
CRD = b"""apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tests.example.com}
spec: {group: example.com, names: {kind: Test, plural: tests}, scope: Cluster}
"""
TEST = b"apiVersion: example.com/v1\nkind: Test\nmetadata: {name: t, namespace: ignored}\n"


def config_map(name: str) -> bytes:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n".encode()


FILES = {
    ".gitops.toml": b'set = "s"\ndefault-namespace = "shop"\n',
    "a.yaml": config_map("a") + b"---\n" + config_map("twice"),
    "b.yaml": config_map("twice"),
    "broken.yaml": b"apiVersion: v1\nkind: [\n",
    "crd.yaml": CRD,
    "t.yaml": TEST,
    "kustomization.yaml": b"resources: [a.yaml]\n",
    "README.md": b"hello\n",
    ".hidden/c.yaml": config_map("hidden"),
    "other/.gitops.toml": b'set = "other"\n',
    "other/c.yaml": config_map("c"),
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "store.git"
    create_bare(path)
    store = opened(path)
    store.publish(Tip("", ""), store.commit("", FILES, APPLY))
    return path


def opened(repository: Path) -> GitStore:
    return open_store(
        str(repository), "main", data_dir=repository.parent / "data", warn=pytest.fail
    )


@pytest.mark.parametrize("root", ["", "other"])
def test_a_set_is_what_its_files_say(repository: Path, root: str) -> None:
    store = opened(repository)
    tip = store.fetch().commit
    namespace = "default" if root else "shop"
    found = store.snapshot(tip, root, namespace)
    inside = {path: data for path, data in FILES.items() if path.startswith(root)}
    expected = read_snapshot(tip, inside, root=root, default_namespace=namespace)
    assert list(found.entries.items()) == list(expected.entries.items())
    assert found.duplicates == expected.duplicates
    assert found.warnings == expected.warnings
    assert {path: str(error) for path, error in found.unreadable.items()} == {
        path: str(error) for path, error in expected.unreadable.items()
    }
    assert dict(found.files) == dict(expected.files)
    assert (found.commit, found.root) == (tip, root)


def test_a_resource_that_stands_twice_is_none_of_the_entries(repository: Path) -> None:
    store = opened(repository)
    found = store.snapshot(store.fetch().commit, "", "shop")
    (twice,) = found.duplicates
    assert twice not in found.entries
    assert found.entries.get(twice) is None
    assert len(found.entries) == len([*found.entries]) == 3


def test_a_snapshot_stays_as_it_was_when_the_branch_goes_on(repository: Path) -> None:
    store = opened(repository)
    tip = store.fetch()
    before = store.snapshot(tip.commit, "", "shop")
    edits = {"a.yaml": None, "b.yaml": config_map("new")}
    after = store.snapshot(store.commit(tip.commit, edits, APPLY), "", "shop")
    assert sorted(id.name for id in before.entries) == ["a", "t", "tests.example.com"]
    assert sorted(id.name for id in after.entries) == ["new", "t", "tests.example.com"]
    assert {id.name: entry.place.path for id, entry in before.entries.items()}["a"] == "a.yaml"


def test_a_set_whose_neighbour_was_removed_is_read_as_a_whole(repository: Path) -> None:
    store = opened(repository)
    tip = store.fetch()
    tip = store.publish(tip, store.commit(tip.commit, {"other/.gitops.toml": None}, APPLY))
    assert isinstance(tip, Tip)
    found = store.snapshot(tip.commit, "", "shop")
    assert "c" in {id.name for id in found.entries}


def test_what_is_behind_a_link_is_not_known(repository: Path) -> None:
    git(repository, "read-tree", "main")
    blob = git(repository, "hash-object", "-w", "--stdin", input="a.yaml")
    git(repository, "update-index", "--add", "--cacheinfo", f"120000,{blob},link.yaml")
    tree = git(repository, "write-tree")
    commit = git(repository, "commit-tree", "-p", "main", "-m", "a link", tree)
    for _ in range(2):  # read, and known from before
        found = opened(repository).snapshot(commit, "", "shop")
        assert str(found.unreadable["link.yaml"]) == (
            "link.yaml is a link: links in a branch are not followed"
        )
    without = opened(repository).snapshot(git(repository, "rev-parse", "main"), "", "shop")
    assert [*without.unreadable] == ["broken.yaml"]
