from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubectl_gitops.message import Message, Signature
from kubectl_gitops.ports import Tip
from kubectl_gitops.resource import ResourceId
from kubectl_gitops.store import open_store
from kubectl_gitops.store.contents import State
from kubectl_gitops.store.documents import Documents
from kubectl_gitops.store.known import known_path
from kubectl_gitops.store.saved import load, save
from tests.git import git

APPLY = Message(Signature("Ada", "ada@example.com", 1_700_000_000), "apply", operation="apply")
CRD = b"""apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tests.example.com}
spec: {group: example.com, names: {kind: Test, plural: tests}, scope: Namespaced}
"""
FILES = {
    ".gitops.toml": b'default-namespace = "shop"',
    "crd.yaml": CRD,
    "t.yaml": b"apiVersion: example.com/v1\nkind: Test\nmetadata: {name: t}\n",
    "broken.yaml": b"apiVersion: v1\nkind: [\n",
    **{
        f"c{n}.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%d}\n" % n
        for n in range(5)
    },
}


@pytest.fixture(autouse=True)
def save_soon(monkeypatch):
    monkeypatch.setattr("kubectl_gitops.store.log._UNSAVED_FILES", 2)


@pytest.fixture
def looked_at(monkeypatch):
    """The files whose documents were asked for."""
    paths = []
    content = Documents.content

    def noted(self, blob, path, context):
        paths.append(path)
        return content(self, blob, path, context)

    monkeypatch.setattr(Documents, "content", noted)
    return paths


class Repository:
    def __init__(self, path, data_dir):
        self.path, self.data_dir = path, data_dir
        self.saved = known_path(data_dir, path, "main")

    def publish(self, edits):
        """As a process of its own."""
        store = open_store(str(self.path), "main", data_dir=self.data_dir, warn=pytest.fail)
        base = store.fetch()
        done = store.publish(base, store.commit(base.commit, edits, APPLY))
        assert isinstance(done, Tip)
        return store, done


@pytest.fixture
def repository(bare_repo, tmp_path):
    return Repository(bare_repo, tmp_path / "data")


def config_map(name, value):
    return (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: '{value}'}}\n"
    ).encode()


def test_the_next_command_reads_only_what_changed(repository, looked_at):
    repository.publish(FILES)
    assert sorted(set(looked_at)) == sorted(set(FILES) - {".gitops.toml"})
    del looked_at[:]
    store, tip = repository.publish({"c1.yaml": config_map("c1", 2)})
    assert set(looked_at) == {"c1.yaml"}
    resource = ResourceId("", "ConfigMap", "shop", "c1")
    assert [r.revision for r in store.revisions(tip, resource)] == [2, 1]


def test_what_is_kept_says_what_the_files_hold(repository):
    _, tip = repository.publish(FILES)
    kept = json.loads(repository.saved.read_bytes())
    found = kept["sets"][""]
    assert kept["tree"] == git(repository.path, "rev-parse", f"{tip.commit}^{{tree}}")
    assert found["namespace"] == "shop"
    assert found["scopes"] == [["example.com", "Test", True]]
    assert found["files"]["t.yaml"][1:] == [[["example.com", "Test", "shop", "t"]], True, []]
    assert found["files"]["broken.yaml"][1:] == [[], False, []]
    assert found["files"]["crd.yaml"][3] == [["example.com", "Test", True]]


def test_a_kept_state_is_the_state(repository, tmp_path):
    store, _ = repository.publish(FILES)
    state = load(repository.saved, store._objects)
    again = tmp_path / "again"
    save(again, state)
    assert load(again, store._objects) == state
    assert again.read_bytes() == repository.saved.read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: b"",
        lambda kept: b"[]",
        lambda kept: b"{}",
        lambda kept: json.dumps({**kept, "version": "0"}).encode(),
        lambda kept: json.dumps({**kept, "tree": "f" * 40}).encode(),
        lambda kept: json.dumps({**kept, "sets": {"": {}}}).encode(),
        lambda kept: json.dumps({**kept, "sets": 7}).encode(),
        lambda kept: b"\xff" * 100,
    ],
)
def test_what_cannot_be_used_is_read_again(repository, looked_at, damage):
    repository.publish(FILES)
    repository.saved.write_bytes(damage(json.loads(repository.saved.read_bytes())))
    del looked_at[:]
    store, tip = repository.publish({"c1.yaml": config_map("c1", 2)})
    assert set(looked_at) == set(FILES) - {".gitops.toml"}
    resource = ResourceId("", "ConfigMap", "shop", "c1")
    assert [r.revision for r in store.revisions(tip, resource)] == [2, 1]


def test_where_nothing_can_be_kept_nothing_is_lost(repository):
    repository.data_dir.mkdir()
    (repository.data_dir / "index").write_text("in the way")
    for number in range(2):
        store, tip = repository.publish({**FILES, "c1.yaml": config_map("c1", number)})
    resource = ResourceId("", "ConfigMap", "shop", "c1")
    assert [r.revision for r in store.revisions(tip, resource)] == [2, 1]


def test_branches_and_stores_are_kept_apart():
    paths = {
        known_path(Path("d"), Path(url), branch) for url in ("a", "b") for branch in ("c", "d")
    }
    assert len(paths) == 4
    assert load(Path("nowhere"), None) == State()
