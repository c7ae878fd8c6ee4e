import copy

import pytest

from kubectl_gitops.equality import (
    Difference,
    differences,
    normalise,
    proven_equal,
    same,
    same_after_preview,
    verdict,
)
from kubectl_gitops.pointer import ABSENT

DESIRED = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
    "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "spec": {
                "containers": [
                    {"name": "web", "image": "nginx:1", "args": ["-v"]},
                    {"name": "log", "image": "fluent:2"},
                ],
                "volumes": [{"name": "tmp", "emptyDir": {}}],
            }
        },
    },
}
FIELDS = {
    "f:metadata": {"f:labels": {"f:app": {}}},
    "f:spec": {
        "f:selector": {},
        "f:template": {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"web"}': {".": {}, "f:name": {}, "f:image": {}, "f:args": {}},
                    'k:{"name":"log"}': {".": {}, "f:name": {}, "f:image": {}},
                },
                "f:volumes": {'k:{"name":"tmp"}': {".": {}, "f:name": {}, "f:emptyDir": {}}},
            }
        },
    },
}


def live_of(desired=DESIRED, fields=FIELDS, **entry):
    """The object as the server stores it: defaults, status and our entry added."""
    live = copy.deepcopy(desired)
    live["metadata"] |= {
        "uid": "u",
        "resourceVersion": "7",
        "generation": 1,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [
            {"manager": "kubelet", "operation": "Update", "apiVersion": "apps/v1"},
            {
                "manager": "gitops",
                "operation": "Apply",
                "apiVersion": "apps/v1",
                "time": "2026-01-01T00:00:00Z",
                "fieldsV1": fields,
                **entry,
            },
        ],
    }
    live["status"] = {"replicas": 1}
    return live


def changed(body, *path, to):
    """A copy with one value changed; `to` may be a function of the old value."""
    body = copy.deepcopy(body)
    inner = body
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = to(inner.get(path[-1])) if callable(to) else to
    return body


CONTAINERS = ("spec", "template", "spec", "containers")


def test_what_was_applied_and_not_touched_is_proven():
    assert proven_equal(DESIRED, live_of()) is None


def test_defaults_and_foreign_items_between_ours_do_not_matter():
    live = changed(live_of(), "spec", "replicas", to=1)
    live = changed(live, *CONTAINERS, to=lambda c: [c[0], {"name": "mesh"}, c[1]])
    assert proven_equal(DESIRED, live) is None


@pytest.mark.parametrize(
    ("live", "reason"),
    [
        (changed(live_of(), "metadata", "deletionTimestamp", to="now"), "it is being deleted"),
        (live_of(manager="kubectl"), "gitops has not applied it"),
        (live_of(operation="Update"), "gitops has not applied it"),
        (live_of(subresource="status"), "gitops has not applied it"),
        (live_of(apiVersion="apps/v1beta1"), "it was applied or read in another apiVersion"),
        (
            changed(live_of(), "apiVersion", to="apps/v1beta1"),
            "it was applied or read in another apiVersion",
        ),
        (live_of(fieldsV1=None), " differs"),
        (
            live_of(fields={**FIELDS, "f:data": {}}),
            "/data is owned or stated, not both",
        ),
        (
            live_of(fields={"f:spec": FIELDS["f:spec"]}),
            "/metadata is owned or stated, not both",
        ),
        (changed(live_of(), "metadata", "labels", to={}), "/metadata/labels/app is gone"),
        (
            changed(live_of(), "metadata", "labels", "app", to="x"),
            "/metadata/labels/app differs",
        ),
        (
            changed(live_of(), "spec", "selector", "more", to=1),
            "/spec/selector differs",
        ),
        (
            changed(live_of(), *CONTAINERS, to=lambda c: c[::-1]),
            "/spec/template/spec/containers lacks items or has them in another order",
        ),
        (
            changed(live_of(), *CONTAINERS, to=lambda c: c[:1]),
            "/spec/template/spec/containers lacks items or has them in another order",
        ),
        (
            changed(live_of(), *CONTAINERS, to=lambda c: [*c, c[0]]),
            "/spec/template/spec/containers has an item twice",
        ),
        (
            changed(live_of(), *CONTAINERS, to=lambda c: [*c, {"image": "nameless"}]),
            "/spec/template/spec/containers has an item without its key",
        ),
        (
            changed(live_of(), *CONTAINERS, to={}),
            "/spec/template/spec/containers has another shape",
        ),
        (
            changed(live_of(), "spec", "template", to="text"),
            "/spec/template has another shape",
        ),
        (
            changed(live_of(), *CONTAINERS, to=lambda c: [{**c[0], "image": "nginx:2"}, c[1]]),
            '/spec/template/spec/containers/["web"]/image differs',
        ),
        (
            changed(
                live_of(),
                "spec",
                "template",
                "spec",
                "volumes",
                to=[{"name": "tmp", "emptyDir": {"medium": "Memory"}}],
            ),
            '/spec/template/spec/volumes/["tmp"]/emptyDir differs',
        ),
    ],
)
def test_a_live_object_that_differs_is_not_proven(live, reason):
    assert proven_equal(DESIRED, live) == reason


@pytest.mark.parametrize(
    ("desired", "reason"),
    [
        (changed(DESIRED, "metadata", "labels", "app", to=None), "the manifest holds a null"),
        (changed(DESIRED, *CONTAINERS, 1, "image", to=[None]), "the manifest holds a null"),
        (changed(DESIRED, "spec", "replicas", to=1), "/spec/replicas is owned or stated, not both"),
        (
            changed(DESIRED, *CONTAINERS, to=lambda c: c[::-1]),
            "/spec/template/spec/containers lacks items or has them in another order",
        ),
        (
            changed(DESIRED, *CONTAINERS, to=lambda c: c[:1]),
            "/spec/template/spec/containers has other items than are owned",
        ),
        (
            changed(DESIRED, *CONTAINERS, to=lambda c: [*c, c[0]]),
            "/spec/template/spec/containers has an item twice",
        ),
        (
            changed(DESIRED, *CONTAINERS, to=["web"]),
            "/spec/template/spec/containers has an item without its key",
        ),
    ],
)
def test_a_manifest_that_differs_is_not_proven(desired, reason):
    assert proven_equal(desired, live_of()) == reason


def small(value, fields):
    """A body with one field and the object that has the same, owned by these fields."""
    body = {"apiVersion": "v1", "kind": "Set", "metadata": {"name": "s"}, "values": value}
    live = live_of(body, {"f:values": fields}, apiVersion="v1")
    return body, live


def test_a_body_without_metadata_of_its_own_is_proven():
    assert proven_equal(*small("x", {})) is None


def test_a_set_of_scalars_is_proven_in_its_order():
    body, live = small(["a", "b"], {'v:"a"': {}, 'v:"b"': {}})
    assert proven_equal(body, live) is None
    assert proven_equal(body, {**live, "values": ["a", "theirs", "b"]}) is None


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (["b", "a"], "/values lacks items or has them in another order"),
        (["a"], "/values lacks items or has them in another order"),
        (["a", "b", "b"], "/values has an item twice"),
    ],
)
def test_a_set_that_differs_is_not_proven(values, reason):
    body, live = small(["a", "b"], {'v:"a"': {}, 'v:"b"': {}})
    assert proven_equal(body, {**live, "values": values}) == reason


@pytest.mark.parametrize(
    ("value", "fields", "reason"),
    [
        (["a"], {"i:0": {}}, "/values has another shape"),
        (["a"], {'v:"a"': {}, "i:0": {}}, "/values has another shape"),
        (["a"], {"f:a": {}}, "/values has another shape"),
        ({"a": 1}, {'v:"a"': {}}, "/values has another shape"),
        ([1], {"v:true": {}}, "/values has other items than are owned"),
        (
            [{"a": 1}, {"b": 1}],
            {'k:{"a":1}': {"f:a": {}}, 'k:{"b":1}': {"f:b": {}}},
            "/values has items with different keys",
        ),
        (
            [{"port": 80}],
            {'k:{"port":80,"protocol":"TCP"}': {"f:port": {}}},
            "/values has an item without its key",
        ),
    ],
)
def test_an_odd_field_set_proves_nothing(value, fields, reason):
    assert proven_equal(*small(value, fields)) == reason


def test_another_manager_can_be_asked_about():
    assert proven_equal(DESIRED, live_of(manager="flux"), manager="flux") is None


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, 1, True),
        (True, 1, False),
        (False, 0, False),
        (1, 1.0, False),
        ("1", 1, False),
        (None, None, True),
        (None, {}, False),
        ({"a": None}, {}, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": [True]}, {"a": [1]}, False),
        ([1, 2], [2, 1], False),
        ([1], [1, 1], False),
        ([], {}, False),
    ],
)
def test_json_equality_is_strict(one, other, equal):
    assert same(one, other) is equal
    assert same(other, one) is equal


def secret(**parts):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, **parts}


@pytest.mark.parametrize(
    ("parts", "sent"),
    [
        ({"stringData": {"a": "clear"}}, {"data": {"a": "Y2xlYXI="}}),
        (
            {"data": {"a": "b2xk", "b": "Yg=="}, "stringData": {"a": "ü"}},
            {"data": {"a": "w7w=", "b": "Yg=="}},
        ),
        ({"data": None, "stringData": {"a": "x"}}, {"data": {"a": "eA=="}}),
        ({"data": {"a": "eA=="}}, {"data": {"a": "eA=="}}),
        ({"stringData": None}, {}),
        ({"stringData": {}}, {"data": {}}),
        ({"stringData": {"a": 1}}, {"stringData": {"a": 1}}),
        ({"stringData": ["a"]}, {"stringData": ["a"]}),
        ({"stringData": {"a": "x"}, "data": ["y"]}, {"stringData": {"a": "x"}, "data": ["y"]}),
    ],
)
def test_the_clear_values_of_a_secret_are_sent_as_data(parts, sent):
    before = copy.deepcopy(parts)
    assert normalise(secret(**parts)) == secret(**sent)
    assert parts == before


@pytest.mark.parametrize("kind", [("v1", "ConfigMap"), ("example.com/v1", "Secret")])
def test_string_data_of_another_kind_is_its_own_affair(kind):
    body = {**secret(stringData={"a": "x"}), "apiVersion": kind[0], "kind": kind[1]}
    assert normalise(body) == body


def test_status_and_an_empty_creation_time_are_not_sent():
    body = {**DESIRED, "metadata": {**DESIRED["metadata"], "creationTimestamp": None}, "status": {}}
    assert normalise(body) == DESIRED


def test_a_preview_that_only_moves_what_every_write_moves_is_the_same():
    live = live_of()
    preview = changed(live, "metadata", "resourceVersion", to="8")
    preview = changed(preview, "metadata", "generation", to=2)
    preview = changed(preview, "metadata", "managedFields", 1, "time", to="2026-02-02T00:00:00Z")
    preview = changed(preview, "metadata", "managedFields", 0, "fieldsV1", to={"f:x": {}})
    preview = changed(preview, "status", to={"replicas": 2})
    assert same_after_preview(live, preview)


@pytest.mark.parametrize(
    "preview",
    [
        changed(live_of(), "metadata", "uid", to="another"),
        changed(live_of(), "metadata", "labels", "team", to="x"),
        changed(live_of(), "spec", "paused", to=False),
        live_of(fields={"f:spec": FIELDS["f:spec"]}),
        live_of(manager="kubectl"),
        changed(live_of(), "metadata", "managedFields", 1, "apiVersion", to="apps/v1beta1"),
    ],
)
def test_a_preview_with_other_content_or_ownership_is_a_change(preview):
    assert not same_after_preview(live_of(), preview)


def test_two_objects_that_nobody_of_ours_owns_can_be_the_same():
    assert same_after_preview(live_of(manager="x"), live_of(manager="x"))


def test_differences_name_fields_by_the_names_of_their_items():
    before, after = live_of(), live_of()
    after["metadata"] |= {"resourceVersion": "8", "annotations": {"a/b": "c"}}
    after["status"] = {}
    containers = after["spec"]["template"]["spec"]["containers"]
    containers[0]["image"] = "nginx:2"
    containers[0]["args"] = ["-v", "-x"]
    containers.append({"name": "new"})
    del after["spec"]["selector"]
    assert differences(before, after) == (
        Difference("/metadata/annotations", ABSENT, {"a/b": "c"}),
        Difference("/spec/selector", {"matchLabels": {"app": "web"}}, ABSENT),
        Difference("/spec/template/spec/containers/name=web/image", "nginx:1", "nginx:2"),
        Difference("/spec/template/spec/containers/name=web/args", ["-v"], ["-v", "-x"]),
        Difference("/spec/template/spec/containers/name=new", ABSENT, {"name": "new"}),
    )


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (["a", "b"], ["a", "c"], [("/values/1", "b", "c")]),
        (["a"], ["a", "b"], [("/values", ["a"], ["a", "b"])]),
        (
            [{"name": "a"}, {"name": "b"}],
            [{"name": "b"}, {"name": "a"}],
            [("/values", [{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}])],
        ),
        (
            [{"name": "a"}, {"x": 1}],
            [{"x": 2}, {"name": "a"}],
            [
                ("/values/0/name", "a", ABSENT),
                ("/values/0/x", ABSENT, 2),
                ("/values/1/x", 1, ABSENT),
                ("/values/1/name", ABSENT, "a"),
            ],
        ),
        ([], [{"name": "a"}], [("/values/name=a", ABSENT, {"name": "a"})]),
        ({"a/b": 1}, {"a/b": True}, [("/values/a~1b", 1, True)]),
        ([], {}, [("/values", [], {})]),
        ("same", "same", []),
    ],
)
def test_differences_of_lists_and_scalars(before, after, found):
    one, other = small(before, {})[1], small(after, {})[1]
    assert differences(one, other) == tuple(Difference(*parts) for parts in found)


def test_a_verdict_depends_on_all_that_a_dry_run_answers_from():
    sent = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"x": 1}}
    entry = {"manager": "gitops", "operation": "Apply", "time": "T1", "fieldsV1": {"f:x": {}}}
    status = {"manager": "kubelet", "operation": "Update", "time": "T1", "subresource": "status"}
    live = {
        **sent,
        "metadata": {"name": "a", "resourceVersion": "1", "managedFields": [entry, status]},
        "status": {"phase": "Pending"},
    }
    same_state = {
        **live,
        "metadata": {
            "name": "a",
            "resourceVersion": "2",
            "managedFields": [{**entry, "time": "T2"}],
        },
        "status": {"phase": "Running"},
    }
    found = verdict(sent, live, "v1.36.3", "Strict")
    assert verdict(sent, same_state, "v1.36.3", "Strict") == found
    owned = {**live["metadata"], "managedFields": [{**entry, "fieldsV1": {}}]}
    others = [
        verdict({**sent, "spec": {"x": 2}}, live, "v1.36.3", "Strict"),
        verdict(sent, {**live, "spec": {"x": 1.0}}, "v1.36.3", "Strict"),
        verdict(sent, {**live, "metadata": owned}, "v1.36.3", "Strict"),
        verdict(sent, live, "v1.37.0", "Strict"),
        verdict(sent, live, "v1.36.3", "Ignore"),
    ]
    assert len({found, *others}) == 6
    bare = {**live, "metadata": {"name": "a"}}
    assert verdict(sent, bare, "") != found
