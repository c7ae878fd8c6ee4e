"""What a change costs in documents read and objects written; the numbers are meant to be exact.

Whoever makes one of them smaller changes it here; whoever makes one larger is told.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kubectl_gitops.manifest import documents, files, prepare
from kubectl_gitops.manifest.nodes import tree_of
from kubectl_gitops.manifest.parse import yaml_value
from kubectl_gitops.message import Message, Signature
from kubectl_gitops.operations.session import Branch, read_branch
from kubectl_gitops.ports import Tip
from kubectl_gitops.sealing import places, seal_manifest
from kubectl_gitops.store import objects, open_store
from kubectl_gitops.store.local import create_bare
from kubectl_gitops.store.repository import GitStore
from tests.counting import calls

APPLY = Message(Signature("Ada", "ada@example.com", 1_700_000_000), "apply", operation="apply")
MANY = 200


def config_maps(word: str, count: int = MANY) -> bytes:
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n"
    texts = (f"{head}  name: c{number:03}\ndata:\n  a: {word}\n" for number in range(count))
    return "---\n".join(texts).encode()


class Process:
    """A command that begins with nothing read: it applies a text to a branch, without a cluster."""

    def __init__(self, folder: Path) -> None:
        files._parsed.cache_clear()
        self.store: GitStore = open_store(
            str(folder / "store.git"), "main", data_dir=folder / "data", warn=pytest.fail
        )

    def apply(self, text: bytes) -> Branch:
        prepared = [prepare(document, "shop") for document in documents(text, "f.yaml")]
        tip = self.store.fetch()
        branch = read_branch(self.store, tip, "")
        sealed = [seal_manifest(p.manifest, None, branch.manifest(p.manifest.id)) for p in prepared]
        edits = branch.snapshot.edit(sealed, ())
        published = self.store.publish(tip, self.store.commit(tip.commit, edits, APPLY))
        assert isinstance(published, Tip)
        return read_branch(self.store, published, "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_bare(tmp_path / "store.git")
    process = Process(tmp_path)
    first = process.store.commit("", {".gitops.toml": b'set = "s"\n'}, APPLY)
    process.store.publish(Tip("", ""), first)
    Process(tmp_path).apply(config_maps("one"))
    return tmp_path


def test_a_changed_document_is_read_five_times(folder: Path) -> None:
    """As given, before and after its namespace is added, as it stood, and as it stands."""
    process = Process(folder)
    read, composed = calls(lambda: process.apply(config_maps("two")), yaml_value, tree_of)
    assert (read, composed) == (5 * MANY, MANY)


def test_a_change_reads_two_blobs_of_a_resource_and_its_record(folder: Path) -> None:
    """The document as it stood and its last record, and the settings every time they are asked."""
    process = Process(folder)
    (blobs,) = calls(lambda: process.apply(config_maps("two")), objects.blob_at)
    assert 2 * MANY <= blobs <= 2 * MANY + 10


def test_what_holds_no_secret_is_not_walked_through(folder: Path) -> None:
    process = Process(folder)
    (walks,) = calls(lambda: process.apply(config_maps("two")), places._Walk.copy)
    assert walks == 0


def test_one_change_in_a_large_branch_reads_no_other_file(folder: Path) -> None:
    Process(folder).apply(config_maps("two"))  # leaves behind what files hold
    process = Process(folder)
    branch: list[Branch] = []
    read, blobs = calls(
        lambda: branch.append(process.apply(config_maps("three", count=1))),
        yaml_value,
        objects.blob_at,
    )
    assert read == 5
    assert blobs < 20
    assert len(branch[0].snapshot.entries) == MANY


def test_a_change_of_many_is_written_as_two_packs(folder: Path) -> None:
    packs = folder / "store.git" / "objects" / "pack"
    before = {*packs.glob("*.pack")}
    Process(folder).apply(config_maps("two"))
    assert len({*packs.glob("*.pack")} - before) == 2
