import pytest

from kubectl_gitops import pointer
from kubectl_gitops.errors import Exit, GitopsError
from kubectl_gitops.pointer import ABSENT, assign, join, matches, parse, remove, segment_of, selects

POD = {
    "spec": {
        "containers": [{"name": "web", "image": "nginx:1"}, {"name": "log", "image": "fluent:2"}],
        "args": ["-v", "--port=80"],
    }
}


def test_a_pointer_and_its_segments_are_each_others_inverse():
    path = ("metadata", "annotations", "example.com/a~b")
    assert join(path) == "/metadata/annotations/example.com~1a~0b"
    assert parse(join(path)) == path


@pytest.mark.parametrize("text", ["", "spec/replicas", ".spec.replicas", "$.spec"])
def test_what_is_no_pointer_to_a_field_is_refused(text):
    with pytest.raises(GitopsError) as raised:
        parse(text)
    assert raised.value.exit is Exit.USAGE
    assert raised.value.message == (
        f"not a pointer to a field: {text!r}; it looks like /spec/replicas"
    )


@pytest.mark.parametrize(
    ("segment", "item", "position", "chosen"),
    [
        ("*", {"name": "web"}, 0, True),
        ("*", "x", 3, True),
        ("3", "x", 3, True),
        ("2", "x", 3, False),
        ("name=web", {"name": "web"}, 0, True),
        ("name=log", {"name": "web"}, 0, False),
        ("name", {"name": "web"}, 0, False),
        ("port=80", {"port": 80}, 0, True),
        ("enabled=true", {"enabled": True}, 0, True),
        ("port=80,protocol=TCP", {"port": 80, "protocol": "TCP"}, 0, True),
        ("port=80,protocol=UDP", {"port": 80, "protocol": "TCP"}, 0, False),
        ("name=a,b", {"name": "a,b"}, 0, True),
        ("example.com/finalizer", "example.com/finalizer", 0, True),
        ("x", ["x"], 0, False),
    ],
)
def test_a_segment_selects_items_by_position_key_or_value(segment, item, position, chosen):
    assert selects(segment, item, position) is chosen


def test_an_item_is_named_by_its_name_or_else_by_its_position():
    items = [{"name": "a"}, {"name": "b"}, {"name": "b"}, {"port": 80}, "text"]
    assert [segment_of(items, n) for n in range(5)] == ["name=a", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/spec/args/0", {"/spec/args/0": "-v"}),
        ("/spec/containers/0/image", {"/spec/containers/name=web/image": "nginx:1"}),
        ("/spec/containers/name=log/image", {"/spec/containers/name=log/image": "fluent:2"}),
        (
            "/spec/containers/*/image",
            {
                "/spec/containers/name=web/image": "nginx:1",
                "/spec/containers/name=log/image": "fluent:2",
            },
        ),
        ("/spec/containers/*/env", {}),
        ("/spec/replicas/deeper", {}),
        ("/spec/args/0/deeper", {}),
    ],
)
def test_a_pointer_finds_fields_and_names_them_exactly(text, found):
    assert matches(POD, text) == found


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("/spec/args", {"containers": POD["spec"]["containers"]}),
        ("/spec/args/0", {**POD["spec"], "args": ["--port=80"]}),
        (
            "/spec/containers/*/image",
            {**POD["spec"], "containers": [{"name": "web"}, {"name": "log"}]},
        ),
        (
            "/spec/containers/name=log",
            {**POD["spec"], "containers": [{"name": "web", "image": "nginx:1"}]},
        ),
        ("/spec/nothing/here", POD["spec"]),
        ("/spec/args/0/deeper", POD["spec"]),
    ],
)
def test_removing_copies_the_body_without_what_the_pointer_means(text, spec):
    before = repr(POD)
    assert remove(POD, text) == {"spec": spec}
    assert repr(POD) == before


def test_assigning_replaces_a_value_and_makes_the_maps_on_the_way():
    live = {"spec": {"template": {"metadata": {"annotations": {"a": "1"}}}}}
    place = "/spec/template/metadata/annotations/a"
    assert assign({}, place, "1", live) == live
    assert assign({"spec": {"template": {"x": 1}}}, place, "1", live) == {
        "spec": {"template": {"x": 1, "metadata": {"annotations": {"a": "1"}}}}
    }


def test_assigning_finds_the_item_where_it_stands_now():
    desired = {"spec": {"containers": [{"name": "log"}, {"name": "web"}]}}
    assert assign(desired, "/spec/containers/name=web/image", "nginx:1", POD) == {
        "spec": {"containers": [{"name": "log"}, {"name": "web", "image": "nginx:1"}]}
    }


@pytest.mark.parametrize(
    "desired",
    [
        {"spec": {"containers": [{"name": "log"}]}},
        {"spec": {"containers": {}}},
        {"spec": {}},
        {"spec": "text"},
    ],
)
def test_assigning_never_brings_a_list_item_back(desired):
    assert assign(desired, "/spec/containers/name=web/image", "nginx:1", POD) == desired


def test_assigning_to_an_item_that_the_model_lacks_changes_nothing():
    desired = {"spec": {"containers": [{"name": "new"}]}}
    assert assign(desired, "/spec/containers/name=new/image", "x", POD) == desired


def test_a_field_that_is_not_there_is_not_null():
    assert matches({"a": None}, "/a") == {"/a": None}
    assert matches({}, "/a") == {}
    assert ABSENT is pointer.ABSENT
