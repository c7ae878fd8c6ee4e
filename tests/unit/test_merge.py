from __future__ import annotations

import pytest

from kubectl_gitops.merge import Merge, merge

BASE = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "labels": {"app.kubernetes.io/name": "web"}},
    "spec": {"replicas": 2, "template": {"containers": [{"name": "web", "image": "web:1"}]}},
}


def changed(**spec: object) -> dict:
    return {**BASE, "spec": {**BASE["spec"], **spec}}


def labelled(**labels: object) -> dict:
    return {**BASE, "metadata": {"name": "web", "labels": labels}}


def test_changes_of_different_fields_are_both_kept():
    ours, theirs = changed(replicas=3), changed(paused=True)
    assert merge(BASE, ours, theirs) == Merge(changed(replicas=3, paused=True), ())


def test_the_same_change_by_both_is_one_change():
    assert merge(BASE, changed(replicas=3), changed(replicas=3)) == Merge(changed(replicas=3), ())


def test_a_field_that_one_removed_is_gone():
    without = {**BASE, "spec": {"template": BASE["spec"]["template"]}}
    merged = merge(BASE, without, changed(paused=True))
    assert merged.body["spec"] == {"template": BASE["spec"]["template"], "paused": True}
    assert merged.overlaps == ()


def test_a_field_that_both_changed_is_named_and_ours_stands():
    assert merge(BASE, changed(replicas=3), changed(replicas=4)) == Merge(
        changed(replicas=3), ("/spec/replicas",)
    )


def test_a_field_removed_here_and_changed_there_is_named():
    without = {**BASE, "spec": {"template": BASE["spec"]["template"]}}
    assert merge(BASE, without, changed(replicas=4)) == Merge(without, ("/spec/replicas",))


def test_true_is_not_one():
    base, ours, theirs = changed(replicas=1), changed(replicas=True), changed(replicas=1.0)
    assert merge(base, ours, theirs).overlaps == ("/spec/replicas",)


def test_null_is_not_absent():
    ours, theirs = changed(paused=None), changed(paused=True)
    assert merge(BASE, ours, theirs).overlaps == ("/spec/paused",)


def test_lists_are_not_merged():
    image = [{"name": "web", "image": "web:2"}]
    port = [{"name": "web", "image": "web:1", "port": 80}]
    ours, theirs = changed(template={"containers": image}), changed(template={"containers": port})
    assert merge(BASE, ours, theirs) == Merge(ours, ("/spec/template/containers",))


def test_every_overlap_is_named_and_escaped_as_a_pointer():
    ours, theirs = labelled(**{"a/b": "1", "c~d": "1"}), labelled(**{"a/b": "2", "c~d": "2"})
    assert merge(BASE, ours, theirs).overlaps == (
        "/metadata/labels/a~1b",
        "/metadata/labels/c~0d",
    )


def test_keys_stand_in_their_order_and_new_ones_of_ours_behind():
    ours, theirs = {"z": 1, "b": 1, "a": 1}, {"b": 1, "c": 1, "a": 1}
    merged = merge({"a": 1, "b": 1}, ours, theirs)
    assert list(merged.body) == ["b", "c", "a", "z"]


def test_a_resource_that_both_made_is_merged_like_one_that_was_empty():
    ours, theirs = changed(replicas=3), changed(paused=True)
    assert merge(None, ours, theirs) == Merge(changed(replicas=3, paused=True), ("/spec/replicas",))


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        (BASE, None, BASE, Merge(None, ())),
        (BASE, BASE, None, Merge(None, ())),
        (BASE, None, None, Merge(None, ())),
        (None, None, None, Merge(None, ())),
        (None, BASE, None, Merge(BASE, ())),
        (None, None, BASE, Merge(BASE, ())),
        (BASE, None, changed(replicas=3), Merge(None, ("/",))),
        (BASE, changed(replicas=3), None, Merge(changed(replicas=3), ("/",))),
    ],
)
def test_a_removal_is_a_change_like_any_other(base, ours, theirs, merged):
    assert merge(base, ours, theirs) == merged
