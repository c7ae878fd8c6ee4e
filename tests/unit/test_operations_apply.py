"""On a tip that moved meanwhile, what others changed in our manifests is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from kubectl_gitops.errors import Exit, GitopsError
from kubectl_gitops.manifest import Manifest, OpenManifest, read_snapshot
from kubectl_gitops.operations.apply import _merged
from kubectl_gitops.operations.session import Branch, Session, Wanted
from kubectl_gitops.ports import Cluster, Tip
from kubectl_gitops.settings import StoreSettings
from kubectl_gitops.store import open_store

BASE = """\
apiVersion: example.com/v1
kind: Voucher
metadata: {name: welcome, namespace: shop}
spec:
  percent: 1  # of the price
  uses: 5
"""
COMMIT = "c" * 40


def branch(text: str) -> Branch:
    snapshot = read_snapshot(COMMIT, {"welcome.yaml": text.encode()})
    return Branch(Tip(COMMIT, ""), "", StoreSettings("shop"), "", snapshot)


@pytest.fixture
def session(bare_repo: Path, tmp_path: Path) -> Session:
    """One that is asked for its store's name only: there is no cluster, no key, and nobody."""
    store = open_store(str(bare_repo), "main", data_dir=tmp_path / "data", warn=print)
    nobody = cast(Cluster, None)
    return Session(nobody, store, "", lambda _: None, lambda user: (user, user), print)


def replayed(session: Session, mine: str, theirs: str) -> OpenManifest:
    """What `mine`, planned on BASE, becomes where the tip holds `theirs`."""
    (entry,) = branch(mine).snapshot.entries.values()
    manifest: Manifest = entry.manifest
    parts: dict[str, Any] = {
        "id": manifest.id,
        "api_version": manifest.api_version,
        "text": manifest.text,
        "body": manifest.body,
    }
    wanted = Wanted(manifest, OpenManifest(**parts))
    return _merged(session, branch(BASE), branch(theirs), wanted)


def test_their_change_of_another_field_is_kept_in_their_text(session: Session):
    merged = replayed(
        session, BASE.replace("uses: 5", "uses: 6"), BASE.replace("percent: 1", "percent: 2")
    )
    assert merged.text == BASE.replace("uses: 5", "uses: 6").replace("percent: 1", "percent: 2")
    assert merged.body["spec"] == {"percent": 2, "uses": 6}


def test_ours_stays_where_they_changed_something_else(session: Session):
    ours = BASE.replace("uses: 5", "uses: 6")
    assert replayed(session, ours, BASE).text == ours


def test_true_for_one_is_a_change_of_theirs_too(session: Session):
    merged = replayed(session, BASE, BASE.replace("percent: 1", "percent: true"))
    assert merged.body["spec"]["percent"] is True


def test_a_version_that_they_moved_to_is_the_manifests(session: Session):
    ours = BASE.replace("uses: 5", "uses: 6")
    merged = replayed(session, ours, BASE.replace("example.com/v1", "example.com/v2"))
    assert (merged.api_version, merged.body["apiVersion"]) == ("example.com/v2", "example.com/v2")


def test_the_same_field_changed_by_both_stops_the_operation(session: Session):
    ours, theirs = BASE.replace("uses: 5", "uses: 6"), BASE.replace("uses: 5", "uses: 7")
    with pytest.raises(GitopsError) as caught:
        replayed(session, ours, theirs)
    assert caught.value.exit == Exit.CONFLICT
    assert caught.value.message == (
        "voucher/shop/welcome: somebody changed /spec/uses on main (commit ccccccc) while you did; "
        "nothing was changed"
    )
