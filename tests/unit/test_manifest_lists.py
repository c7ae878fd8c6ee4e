"""A List becomes resources of their own, as kubectl takes it apart."""

from __future__ import annotations

import pytest

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest import documents, flatten
from kubectl_gitops.resource import Body


def flat(text: str) -> list[tuple[tuple[int, ...], Body, str]]:
    (document,) = documents(text, "l.yaml")
    return [(one.item, one.body, one.text) for one in flatten(document)]


def test_a_document_that_is_no_list_stays_as_it_is() -> None:
    text = "kind: Secret # mine\n"
    assert flat(text) == [((), {"kind": "Secret"}, text)]


def test_the_items_of_a_list_are_written_anew() -> None:
    text = """\
kind: List
apiVersion: v1
items:
- {kind: Secret, apiVersion: v1}  # one
- kind: List
  items:
  - kind: Role
"""
    assert flat(text) == [
        ((0,), {"kind": "Secret", "apiVersion": "v1"}, "apiVersion: v1\nkind: Secret\n"),
        ((1, 0), {"kind": "Role"}, "kind: Role\n"),
    ]


def test_items_without_a_kind_inherit_kind_and_version() -> None:
    text = "{kind: RoleList, apiVersion: g/v1, items: [{apiVersion: x}, {kind: A}, {kind: ''}]}"
    assert [body for _, body, _ in flat(text)] == [
        {"apiVersion": "g/v1", "kind": "Role"},
        {"kind": "A"},
        {"apiVersion": "g/v1", "kind": "Role"},
    ]


def test_items_of_a_plain_list_inherit_nothing() -> None:
    assert [body for _, body, _ in flat("{kind: List, items: [{a: b}]}")] == [{"a": "b"}]
    assert [body for _, body, _ in flat("{items: [{a: b}]}")] == [{"a": "b"}]


@pytest.mark.parametrize("items", ["[]", "null", ""])
def test_an_empty_list_holds_no_resource(items: str) -> None:
    assert flat(f"kind: List\nitems: {items}") == []


def test_an_item_that_is_no_map_is_refused() -> None:
    with pytest.raises(
        GitopsError, match=r"^item 1\.0 of the list in l\.yaml, line 1 is not a map$"
    ):
        flat("items: [{kind: A}, {items: [5]}]")


def test_items_that_are_no_list_are_refused() -> None:
    with pytest.raises(GitopsError, match=r"^items of the list in l\.yaml, line 1 is not a list$"):
        flat("items: {a: b}")
