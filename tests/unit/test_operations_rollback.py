"""What a rollback brings back, decided on the tip it is tried on: a real repository, no cluster."""

from __future__ import annotations

import pytest

from kubectl_gitops.errors import Exit, GitopsError
from kubectl_gitops.message import Message, Signature
from kubectl_gitops.operations.past import open_past
from kubectl_gitops.operations.rollback import of_revision, revision_before
from kubectl_gitops.operations.session import read_branch
from kubectl_gitops.resource import ResourceId
from kubectl_gitops.store import open_store

ADA = Message(Signature("Ada", "ada@example.com", 1_700_000_000), "apply", operation="apply")
WEB = ResourceId("", "ConfigMap", "shop", "web")
SETTINGS = (
    b'format = 1\nset = "s"\nhome-namespace = "shop"\ndefault-namespace = "shop"\n'
    b'[clusters]\nuid = "here"\n'
)


def config_map(**data):
    lines = "".join(f"  {key}: '{value}'\n" for key, value in data.items())
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: web}}\ndata:\n{lines}".encode()


@pytest.fixture
def publish(bare_repo):
    """Publishes file edits and gives the store."""
    store = open_store(str(bare_repo), "main", data_dir=bare_repo.parent, warn=pytest.fail)

    def published(edits):
        base = store.fetch()
        store.publish(base, store.commit(base.commit, edits, ADA))
        return store

    return published


def test_somebody_who_changes_the_resource_meanwhile_stops_a_rollback(publish):
    publish({".gitops.toml": SETTINGS, "web.yaml": config_map(x="1")})
    store = publish({"web.yaml": config_map(x="2")})
    past = open_past(store, "")
    before = revision_before(past, WEB)
    former = of_revision(past, read_branch(store, store.fetch(), ""), before)
    assert former[WEB].body["data"] == {"x": "1"}

    publish({"other.yaml": b"# of no concern\n", "web.yaml": b"# why\n" + config_map(x="2")})
    assert of_revision(past, read_branch(store, store.fetch(), ""), before) == former

    publish({"web.yaml": config_map(x="3")})
    with pytest.raises(GitopsError, match="was changed meanwhile") as stopped:
        of_revision(past, read_branch(store, store.fetch(), ""), before)
    assert stopped.value.exit is Exit.CONFLICT


def test_a_rollback_to_a_removal_removes(publish):
    publish({".gitops.toml": SETTINGS, "web.yaml": config_map(x="1")})
    publish({"web.yaml": None})
    store = publish({"web.yaml": config_map(x="2")})
    past = open_past(store, "")
    former = of_revision(past, read_branch(store, store.fetch(), ""), revision_before(past, WEB))
    assert former == {WEB: None}
