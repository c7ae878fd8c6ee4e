import pytest

from kubectl_gitops.fields import (
    Owner,
    difference,
    entries,
    entry_of,
    owned,
    owned_at,
    owners,
    pointers,
    remove_pointers,
    union,
)
from kubectl_gitops.pointer import ABSENT

WEB, PORT = 'k:{"name":"web"}', 'k:{"containerPort":80,"protocol":"TCP"}'


def entry(manager, fields, operation="Update", time="2026-01-01T00:00:00Z", **more):
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "apps/v1",
        "time": time,
        "fieldsV1": fields,
        **more,
    }


def deployment(*managed, **content):
    metadata = {"name": "web", "namespace": "shop", "managedFields": list(managed)}
    metadata |= content.pop("metadata", {})
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, **content}


LIVE = deployment(
    entry(
        "gitops",
        {
            "f:spec": {
                "f:template": {
                    "f:spec": {
                        "f:containers": {
                            WEB: {
                                ".": {},
                                "f:name": {},
                                "f:image": {},
                                "f:ports": {PORT: {".": {}, "f:containerPort": {}}},
                            }
                        },
                        "f:volumes": {'k:{"name":"tmp"}': {"f:emptyDir": {}, "f:name": {}}},
                    }
                },
                "f:selector": {},
            },
            "f:metadata": {"f:labels": {"f:app": {}}, "f:finalizers": {'v:"a/b"': {}}},
        },
        operation="Apply",
        time="2026-01-01T00:00:00Z",
    ),
    entry(
        "kubectl-edit", {"f:metadata": {"f:labels": {"f:team": {}}}}, time="2026-01-03T00:00:00Z"
    ),
    entry(
        "kube-controller-manager",
        {"f:spec": {"f:replicas": {}}},
        subresource="scale",
        time="2026-01-02T00:00:00Z",
    ),
    metadata={"labels": {"app": "web", "team": "x"}, "finalizers": ["c/d", "a/b"], "uid": "1"},
    spec={
        "replicas": 3,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "spec": {
                "containers": [
                    {"name": "side", "image": "injected"},
                    {
                        "imagePullPolicy": "Always",
                        "image": "nginx:1",
                        "name": "web",
                        "ports": [{"containerPort": 80, "protocol": "TCP"}],
                    },
                ],
                "volumes": [{"name": "tmp", "emptyDir": {}}],
            }
        },
    },
    status={"replicas": 3},
)
OURS = LIVE["metadata"]["managedFields"][0]["fieldsV1"]


def test_an_object_without_managed_fields_has_no_entries():
    assert entries({"metadata": {}}) == []
    assert entries({"metadata": {"managedFields": None}}) == []


def test_an_entry_is_found_by_manager_operation_and_subresource():
    assert entry_of(LIVE, "gitops") is LIVE["metadata"]["managedFields"][0]
    assert entry_of(LIVE, "gitops", "Update") is None
    assert entry_of(LIVE, "kube-controller-manager", "Update") is None
    scale = entry_of(LIVE, "kube-controller-manager", "Update", "scale")
    assert scale is LIVE["metadata"]["managedFields"][2]


@pytest.mark.parametrize(
    ("left", "right", "both"),
    [
        ({}, {}, {}),
        ({"f:a": {}}, {}, {"f:a": {}}),
        ({"f:a": {}}, {"f:a": {}}, {"f:a": {}}),
        ({"f:a": {}}, {"f:a": {".": {}}}, {"f:a": {}}),
        ({"f:a": {}}, {"f:a": {"f:b": {}}}, {"f:a": {".": {}, "f:b": {}}}),
        ({"f:a": {"f:b": {}}}, {"f:a": {"f:c": {}}}, {"f:a": {"f:b": {}, "f:c": {}}}),
    ],
)
def test_a_union_has_the_members_of_both(left, right, both):
    assert union(left, right) == both


@pytest.mark.parametrize(
    ("left", "right", "rest"),
    [
        ({}, {"f:a": {}}, {}),
        ({"f:a": {}}, {}, {"f:a": {}}),
        ({"f:a": {}}, {"f:a": {}}, {}),
        ({"f:a": {}}, {"f:a": {"f:b": {}}}, {"f:a": {}}),
        ({"f:a": {"f:b": {}}}, {"f:a": {}}, {"f:a": {"f:b": {}}}),
        ({"f:a": {".": {}, "f:b": {}}}, {"f:a": {"f:b": {}}}, {"f:a": {}}),
        ({"f:a": {".": {}, "f:b": {}}}, {"f:a": {}}, {"f:a": {"f:b": {}}}),
        ({"f:a": {"f:b": {}}}, {"f:a": {"f:b": {}}}, {}),
    ],
)
def test_a_difference_has_the_members_of_the_left_alone(left, right, rest):
    assert difference(left, right) == rest


@pytest.mark.parametrize(
    ("pointer", "rest"),
    [
        ("/a", {"f:c": {"f:d": {}}}),
        ("/a/b", {"f:a": {}, "f:c": {"f:d": {}}}),
        ("/c/d", {"f:a": {".": {}, "f:b": {}}}),
        ("/c/d/inside", {"f:a": {".": {}, "f:b": {}}, "f:c": {"f:d": {}}}),
        ("/x", {"f:a": {".": {}, "f:b": {}}, "f:c": {"f:d": {}}}),
    ],
)
def test_a_pointer_removes_a_member_and_all_below_but_nothing_from_an_atomic_one(pointer, rest):
    fields = {"f:a": {".": {}, "f:b": {}}, "f:c": {"f:d": {}}}
    assert remove_pointers(fields, [pointer], {}) == rest


@pytest.mark.parametrize("segment", ["0", "*", "name=web"])
def test_a_list_item_is_removed_by_position_wildcard_or_key(segment):
    body = {"items": [{"name": "web", "image": "x"}]}
    fields = {"f:items": {WEB: {".": {}, "f:name": {}, "f:image": {}}}}
    kept = remove_pointers(fields, [f"/items/{segment}/image"], body)
    assert kept == {"f:items": {WEB: {".": {}, "f:name": {}}}}


def test_items_by_position_and_by_value_are_removed_too():
    body = {"a": ["x", "y"], "b": ["p", "q"]}
    fields = {"f:a": {'v:"x"': {}, 'v:"y"': {}}, "f:b": {"i:0": {}, "i:1": {}}}
    kept = remove_pointers(fields, ["/a/1", "/b/0"], body)
    assert kept == {"f:a": {'v:"x"': {}}, "f:b": {"i:1": {}}}


def test_leaves_are_spelled_as_pointers_that_find_them():
    assert pointers(OURS) == (
        "/metadata/finalizers/a~1b",
        "/metadata/labels/app",
        "/spec/selector",
        "/spec/template/spec/containers/name=web/image",
        "/spec/template/spec/containers/name=web/name",
        "/spec/template/spec/containers/name=web/ports/containerPort=80,protocol=TCP/containerPort",
        "/spec/template/spec/volumes/name=tmp/emptyDir",
        "/spec/template/spec/volumes/name=tmp/name",
    )
    assert pointers({"f:list": {"i:3": {}}}) == ("/list/3",)


def test_the_owned_part_keeps_identity_keys_order_and_empty_maps():
    assert owned(LIVE, OURS) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "labels": {"app": "web"},
            "finalizers": ["a/b"],
        },
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "spec": {
                    "containers": [
                        {
                            "image": "nginx:1",
                            "name": "web",
                            "ports": [{"containerPort": 80, "protocol": "TCP"}],
                        }
                    ],
                    "volumes": [{"name": "tmp", "emptyDir": {}}],
                }
            },
        },
    }


def test_an_empty_map_is_owned_without_what_others_put_into_it():
    live = deployment(
        entry("gitops", {"f:metadata": {"f:annotations": {}}}, operation="Apply"),
        entry("other", {"f:metadata": {"f:annotations": {"f:x": {}}}}),
        metadata={"annotations": {"x": "theirs"}},
    )
    fields = live["metadata"]["managedFields"][0]["fieldsV1"]
    assert owned(live, fields)["metadata"] == {
        "name": "web",
        "namespace": "shop",
        "annotations": {},
    }


def test_what_a_set_names_and_the_body_lacks_is_not_invented():
    live = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "a": [1], "b": 2}
    fields = {"f:gone": {}, "f:a": {"v:2": {}, "i:7": {}, WEB: {}}, "f:b": {"f:c": {}}}
    assert owned(live, fields) == {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n"},
        "a": [],
        "b": 2,
    }


def test_items_by_position_are_owned():
    live = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n"}, "a": ["p", "q"]}
    assert owned(live, {"f:a": {"i:1": {}}})["a"] == ["q"]


def test_true_is_not_the_key_1():
    live = {
        "apiVersion": "v1",
        "kind": "X",
        "metadata": {"name": "n"},
        "a": [{"k": True}, {"k": 1}],
    }
    assert owned(live, {"f:a": {'k:{"k":1}': {}}})["a"] == [{"k": 1}]


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/metadata/labels/app", "web"),
        ("/metadata/labels", {"app": "web"}),
        ("/metadata/labels/team", ABSENT),
        ("/spec/selector/matchLabels/app", "web"),
        ("/spec/selector/matchLabels/none", ABSENT),
        ("/spec/template/spec/containers/name=web/image", "nginx:1"),
        ("/spec/template/spec/containers/name=side/image", ABSENT),
        ("/spec/replicas", ABSENT),
    ],
)
def test_the_owned_part_of_one_field(pointer, value):
    assert owned_at(LIVE, OURS, pointer) == value


def test_nothing_is_owned_of_a_field_that_the_body_lost():
    live = deployment(entry("gitops", {"f:a": {"f:b": {"f:c": {}}}, "f:l": {WEB: {"f:x": {}}}}))
    fields = live["metadata"]["managedFields"][0]["fieldsV1"]
    assert owned_at(live, fields, "/a/b/c") is ABSENT
    assert owned_at(live, fields, "/a") is ABSENT
    assert owned_at({**live, "a": 1, "l": []}, fields, "/a/b/c") is ABSENT
    assert owned_at({**live, "l": []}, fields, "/l/name=web/x") is ABSENT


def test_inside_an_empty_map_that_others_fill_nothing_is_owned():
    live = deployment(
        entry("gitops", {"f:a": {}}, operation="Apply"),
        entry("other", {"f:a": {"f:b": {}}}),
        a={"b": 1},
    )
    assert owned_at(live, {"f:a": {}}, "/a/b") is ABSENT
    assert owned_at(live, {"f:a": {}}, "/a") == {}


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        (
            "/spec/replicas",
            [Owner("kube-controller-manager", "Update", "scale", "2026-01-02T00:00:00Z")],
        ),
        (
            "/metadata/labels",
            [
                Owner("kubectl-edit", "Update", "", "2026-01-03T00:00:00Z"),
                Owner("gitops", "Apply", "", "2026-01-01T00:00:00Z"),
            ],
        ),
        ("/metadata/labels/team", [Owner("kubectl-edit", "Update", "", "2026-01-03T00:00:00Z")]),
        ("/spec/selector/matchLabels/app", [Owner("gitops", "Apply", "", "2026-01-01T00:00:00Z")]),
        ("/spec/template/spec/containers/name=side/image", []),
        ("/status/replicas", []),
    ],
)
def test_the_owners_of_a_field_are_named_newest_first(pointer, found):
    assert owners(LIVE, pointer) == tuple(found)


def test_an_empty_granular_map_does_not_own_what_others_put_into_it():
    live = deployment(
        entry("gitops", {"f:metadata": {"f:annotations": {}}}, operation="Apply"),
        entry("other", {"f:metadata": {"f:annotations": {"f:x": {}}}}),
        metadata={"annotations": {"x": "theirs"}},
    )
    assert [owner.manager for owner in owners(live, "/metadata/annotations/x")] == ["other"]
    assert {owner.manager for owner in owners(live, "/metadata/annotations")} == {"gitops", "other"}


def test_owners_survive_an_entry_without_fields():
    live = deployment({"manager": "odd", "operation": "Update"}, metadata={"labels": {"a": "b"}})
    assert owners(live, "/metadata/labels/a") == ()
