"""What `apply -f` makes of a document before anything else sees it."""

from __future__ import annotations

import pytest

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest import Prepared, documents, prepare, unique
from kubectl_gitops.resource import ResourceId


def prepared(text: str, namespace: str | None = "shop", source: str = "f.yaml") -> Prepared:
    (document,) = documents(text, source)
    return prepare(document, namespace)


CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: # who\n  name: a  # this\n"


def test_the_namespace_is_added_where_it_was_implied() -> None:
    one = prepared(CONFIG)
    assert one == Prepared(one.manifest, "f.yaml, line 1")
    assert one.manifest.id == ResourceId("", "ConfigMap", "shop", "a")
    assert one.manifest.api_version == "v1"
    assert one.manifest.text == (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: # who\n  namespace: shop\n  name: a  # this\n"
    )
    assert one.manifest.body["metadata"] == {"namespace": "shop", "name": "a"}


NAMESPACES = {
    "metadata: {name: a}": 'metadata: {"namespace": "shop", name: a}',
    "metadata: {name: a, namespace: }": 'metadata: {name: a, namespace: "shop"}',
    "metadata:\n  name: a\n  namespace: # none\n": (
        "metadata:\n  name: a\n  namespace: shop # none\n"
    ),
    "metadata:\n  name: a\n  namespace: ''\n": "metadata:\n  name: a\n  namespace: 'shop'\n",
    "metadata:\n  namespace: null\n  name: a\n": "metadata:\n  namespace: shop\n  name: a\n",
    "metadata:\n  name: a\n  namespace: own\n": "metadata:\n  name: a\n  namespace: own\n",
}


@pytest.mark.parametrize("metadata", NAMESPACES)
def test_a_namespace_fits_the_style_of_the_text(metadata: str) -> None:
    head = "kind: Foo\napiVersion: x/v1\n"
    one = prepared(head + metadata)
    assert (one.manifest.text, one.warnings) == (head + NAMESPACES[metadata], ())


def test_a_resource_without_a_namespace_loses_the_one_it_names() -> None:
    text = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  namespace: b # no\n"
    one = prepared(text, None)
    assert one.manifest.id == ResourceId("", "Namespace", "", "a")
    assert one.manifest.text == "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n"
    assert prepared(CONFIG, None).manifest.text == CONFIG


def test_what_a_server_wrote_does_not_enter() -> None:
    text = """\
apiVersion: v1
kind: Service
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {"apiVersion":"v1"}
  creationTimestamp: "2024-01-01T00:00:00Z"
  name: web # the shop
  namespace: shop
  resourceVersion: "5"
  uid: 6b1c
  generation: 2
  selfLink: /x
  managedFields:
  - manager: kubectl
spec: # as it is
  clusterIP: 10.0.0.1
status:
  loadBalancer: {}
"""
    assert (
        prepared(text).manifest.text
        == """\
apiVersion: v1
kind: Service
metadata:
  name: web # the shop
  namespace: shop
spec: # as it is
  clusterIP: 10.0.0.1
"""
    )


def test_other_annotations_stay() -> None:
    text = CONFIG + (
        "  annotations:\n    a: b # c\n    kubectl.kubernetes.io/last-applied-configuration: '{}'\n"
    )
    assert prepared(text, None).manifest.text == CONFIG + "  annotations:\n    a: b # c\n"
    assert prepared(CONFIG + "  annotations: {}\n", None).manifest.body["metadata"] == {
        "name": "a",
        "annotations": {},
    }


def test_a_text_that_resists_is_written_anew_with_a_warning() -> None:
    one = prepared("apiVersion: v1\nkind: ConfigMap\nmetadata: &m\n  name: a\ncopy: *m\n")
    assert one.manifest.text == (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: shop\n"
        "copy:\n  name: a\n"
    )
    assert one.warnings == (
        "f.yaml, line 1: configmap/shop/a: the text could not be changed in place and was written "
        "anew; its comments are lost",
    )


REFUSALS = {
    "kind: A\nmetadata: {name: a}": "f.yaml, line 1: apiVersion not set",
    "apiVersion: ''\nkind: A": "f.yaml, line 1: apiVersion not set",
    "apiVersion: 1\nkind: A": "f.yaml, line 1: apiVersion not set",
    "# c\n---\n\napiVersion: v1\nmetadata: {name: a}": "f.yaml, line 3: kind not set",
    "apiVersion: v1\nkind: A": "f.yaml, line 1: A has no metadata",
    "apiVersion: v1\nkind: A\nmetadata: [a]": "f.yaml, line 1: A has no metadata",
    "apiVersion: v1\nkind: A\nmetadata: {}": "f.yaml, line 1: A has no metadata.name",
    "apiVersion: v1\nkind: A\nmetadata: {name: 5}": "f.yaml, line 1: A has no metadata.name",
    "apiVersion: v1\nkind: A\nmetadata: {name: a, namespace: 5}": (
        "f.yaml, line 1: metadata.namespace is not a string"
    ),
    "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: a-}": (
        "from a-: cannot use generate name with apply (f.yaml, line 1)"
    ),
}


@pytest.mark.parametrize("text", REFUSALS)
def test_what_is_no_resource_is_refused(text: str) -> None:
    with pytest.raises(GitopsError) as caught:
        prepared(text)
    assert caught.value.message == REFUSALS[text]


def test_a_name_beside_a_generated_one_wins() -> None:
    text = "apiVersion: v1\nkind: A\nmetadata: {generateName: a-, name: a-1}"
    assert prepared(text, None).manifest.id.name == "a-1"


def test_identical_copies_count_once() -> None:
    first, other = prepared(CONFIG), prepared(CONFIG + "# copy", source="g.yaml")
    third = prepared(CONFIG.replace("name: a", "name: b"))
    assert unique([first, other, third]) == (
        (first, third),
        ("configmap/shop/a is given twice: f.yaml, line 1 and g.yaml, line 1",),
    )


def test_different_content_for_one_resource_is_refused() -> None:
    changed = prepared(CONFIG + "data: {a: b}", source="g.yaml")
    with pytest.raises(GitopsError) as caught:
        unique([prepared(CONFIG), changed])
    assert caught.value.message == (
        "configmap/shop/a is given twice with different content: f.yaml, line 1 and g.yaml, line 1"
    )
