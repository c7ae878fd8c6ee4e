from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.history import (
    REBUILD,
    Change,
    Recorded,
    Revision,
    apply_patch,
    decode,
    diff,
    encode,
    next_revision,
    summary,
)
from kubectl_gitops.history.patch import MAX_OPERATIONS, _leads_to
from kubectl_gitops.message import Message, Signature
from kubectl_gitops.resource import ResourceId

WEB = ResourceId("apps", "Deployment", "shop", "web")
SECRET = ResourceId("", "Secret", "shop", "db")
ONE, TWO, COMMIT, BLOB = "1" * 40, "2" * 40, "c" * 40, "b" * 40
MESSAGE = Message(
    Signature("Alice", "alice@example.com", 1_700_000_000, 3600),
    "apply deployment/shop/web: more",
    reason="more",
    operation="apply",
    user="alice",
)
REVISION = Revision(
    resource=WEB,
    path="shop/deployment.apps/web.yaml",
    revision=2,
    commit=COMMIT,
    time="2023-11-14T23:13:20+01:00",
    author="Alice <alice@example.com>",
    user="alice",
    operation="apply",
    reason="more",
    patch=({"op": "replace", "path": "/spec/replicas", "value": 3},),
    before=ONE,
    after=TWO,
    previous=BLOB,
)
RECORD = {
    "format": 1,
    "resource": {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"},
    "path": "shop/deployment.apps/web.yaml",
    "revision": 2,
    "commit": COMMIT,
    "time": "2023-11-14T23:13:20+01:00",
    "author": "Alice <alice@example.com>",
    "user": "alice",
    "operation": "apply",
    "reason": "more",
    "patch": [{"op": "replace", "path": "/spec/replicas", "value": 3}],
    "before": ONE,
    "after": TWO,
    "previous": BLOB,
}


def never(body):
    return False


def pod(*containers, **spec):
    return {"kind": "Pod", "spec": {"containers": [*containers], **spec}}


def container(name, image, **more):
    return {"name": name, "image": image, **more}


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        ({"a": 1, "b": 2}, {"b": 3, "c": 4}, ["remove /a", "replace /b 3", "add /c 4"]),
        ({"a": 1}, {"a": True}, ["replace /a true"]),
        ({"a/b": 1, "~": 1}, {"a/b": 2, "~": 2}, ["replace /a~1b 2", "replace /~0 2"]),
        ({"a": [1, 3]}, {"a": [1, 2, 3]}, ["add /a/1 2"]),
        ({"a": [1, 2, 3]}, {"a": [3]}, ["remove /a/0", "remove /a/0"]),
        ({"a": [1, 2]}, {"a": [2, 1]}, ["add /a/0 2", "remove /a/2"]),
        (
            pod(container("web", "web:1"), container("log", "log:1")),
            pod(container("mesh", "mesh:1"), container("web", "web:2"), container("log", "log:1")),
            [
                'add /spec/containers/0 {"name": "mesh", "image": "mesh:1"}',
                'replace /spec/containers/1/image "web:2"',
            ],
        ),
        ({"a": {"b": 1}}, {"a": [1]}, ["replace /a [1]"]),
        ({"a": 1}, {"a": 1}, []),
    ],
)
def test_a_patch_says_what_a_person_would_say(before, after, patch):
    words = [
        " ".join([op["op"], op["path"], *([json.dumps(op["value"])] if "value" in op else [])])
        for op in diff(before, after)
    ]
    assert words == patch


def test_a_patch_of_too_many_operations_is_one_replacement():
    before = {"data": {str(n): 1 for n in range(MAX_OPERATIONS + 1)}}
    after = {"data": {str(n): 2 for n in range(MAX_OPERATIONS + 1)}}
    assert diff(before, after) == ({"op": "replace", "path": "", "value": after},)


def test_very_long_lists_are_compared_by_position():
    before = {"a": list(range(1500))}
    after = {"a": [-1, *range(1, 1500), 7]}
    assert diff(before, after) == (
        {"op": "replace", "path": "/a/0", "value": -1},
        {"op": "add", "path": "/a/1500", "value": 7},
    )


def test_the_order_of_a_patch_does_not_depend_on_the_hash_seed():
    script = (
        "import json; from kubectl_gitops.history import diff;"
        "print(json.dumps(diff({c: 1 for c in 'qwerty'}, {c: [c] for c in 'tyuiop'})))"
    )
    printed = {
        subprocess.check_output([sys.executable, "-c", script], env={"PYTHONHASHSEED": seed})
        for seed in ("1", "2")
    }
    assert len(printed) == 1


def test_a_patch_that_does_not_lead_there_is_noticed():
    assert not _leads_to(({"op": "remove", "path": "/a"},), {}, {})
    assert not _leads_to(({"op": "add", "path": "/a", "value": 1},), {}, {"a": True})


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("operations", "error"),
    [
        ([{"op": "copy", "path": "/b", "from": "/a"}], "has an operation that none of ours has"),
        ([{"op": "move", "path": "/b", "from": "/a"}], "has an operation that none of ours has"),
        (["add"], "is not a list of operations"),
        ([{"op": "remove", "path": "/b"}], "does not fit its document"),
        ([{"op": "test", "path": "/a", "value": 2}], "does not fit its document"),
        ([{"op": "add", "path": "/b"}], "does not fit its document"),
        ([{"op": "remove", "path": 7}], "has an operation that none of ours has"),
        ([{"op": "remove"}], "has an operation that none of ours has"),
        ([{"op": "replace", "path": "", "value": []}], "does not leave a document"),
        ([{"op": "add", "path": "/b", "value": nested(1000)}], "is larger than any document"),
        ([{"op": "add", "path": "/b" * 1000, "value": 1}], "is larger than any document"),
        ([{"op": "add", "path": "/b", "value": [0] * 300_000}], "is larger than any document"),
        ([{"op": "add", "path": "/b", "value": 1}] * 10_001, "has over 10,000 operations"),
    ],
)
def test_a_hostile_patch_is_refused(operations, error):
    with pytest.raises(GitopsError) as refused:
        apply_patch({"a": 1}, operations)
    assert refused.value.message == f"the patch of a history record {error}"


def test_applying_a_patch_changes_neither_the_body_nor_the_patch():
    body, patch = {"a": 1}, ({"op": "add", "path": "/b", "value": {}},)
    more = (*patch, {"op": "add", "path": "/b/c", "value": 1})
    assert apply_patch(body, more) == {"a": 1, "b": {"c": 1}}
    assert (body, patch) == ({"a": 1}, ({"op": "add", "path": "/b", "value": {}},))


def test_a_record_is_one_line_of_json():
    assert json.loads(encode(REVISION)) == RECORD
    assert list(json.loads(encode(REVISION))) == list(RECORD)
    assert encode(REVISION).endswith(b"}\n")


def test_a_record_reads_back_as_it_was():
    assert decode(encode(REVISION)) == REVISION
    created = replace(REVISION, patch=None, before=None, previous=None, user="", operation="")
    assert decode(encode(created)) == created


@pytest.mark.parametrize(
    "change",
    [
        {"revision": 0},
        {"revision": True},
        {"revision": "2"},
        {"commit": None},
        {"commit": "../../etc/passwd"},
        {"after": "HEAD"},
        {"previous": 7},
        {"patch": 7},
        {"resource": {"kind": "Deployment"}},
        {"resource": {**RECORD["resource"], "kind": 1}},
        {"resource": []},
        {"time": "yesterday"},
        {"author": None},
        {"reason": float("nan")},
        {"path": []},
    ],
)
def test_a_record_that_is_not_ours_is_refused(change):
    with pytest.raises(GitopsError) as refused:
        decode(json.dumps({**RECORD, **change}).encode())
    assert refused.value.message == "a record of the history cannot be read"
    assert refused.value.hints == (REBUILD,)


@pytest.mark.parametrize(
    ("patch", "error"),
    [
        ({"op": "add"}, "is not a list of operations"),
        ([1], "is not a list of operations"),
        ([{"op": "replace"}], "has an operation that none of ours has"),
        ([{"op": "copy", "from": "", "path": "/a"}] * 18, "has an operation that none of ours has"),
        ([{"op": "add", "path": "/b", "value": nested(200)}], "is larger than any document"),
        ([{"op": "remove", "path": "/b"}] * 10_001, "has over 10,000 operations"),
    ],
)
def test_a_record_with_a_hostile_patch_is_refused_before_anybody_uses_it(patch, error):
    with pytest.raises(GitopsError) as refused:
        decode(json.dumps({**RECORD, "patch": patch}).encode())
    assert refused.value.message == f"the patch of a history record {error}"
    assert refused.value.hints == (REBUILD,)


def test_a_record_larger_than_any_is_not_even_parsed():
    with pytest.raises(GitopsError, match="larger than any document"):
        decode(b"[" * ((16 << 20) + 1))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b"1" * 5000])
def test_what_is_no_record_is_refused(data):
    with pytest.raises(GitopsError, match="a record of the history cannot be read"):
        decode(data)


def test_a_record_of_a_newer_format_is_not_read():
    with pytest.raises(GitopsError, match="the history has format 2, this version reads 1"):
        decode(json.dumps({**RECORD, "format": 2}).encode())


def test_what_a_record_says_is_safe_to_print():
    read = decode(json.dumps({**RECORD, "author": "\x1b[31m", "reason": "a\n\tb\x07"}).encode())
    assert (read.author, read.reason) == ("\\x1b[31m", "a\n\tb\\x07")


def test_a_change_becomes_the_next_revision():
    last = Recorded(BLOB, replace(REVISION, revision=1, patch=None, before=None, after=ONE))
    change = Change(WEB, REVISION.path, TWO, {"spec": {"replicas": 2}}, {"spec": {"replicas": 3}})
    made = next_revision(change, last, commit=COMMIT, message=MESSAGE, is_open=never)
    assert made == REVISION


def test_the_first_revision_and_a_removal_carry_no_patch():
    created = next_revision(
        Change(WEB, "web.yaml", ONE, None, {"a": 1}),
        None,
        commit=COMMIT,
        message=MESSAGE,
        is_open=never,
    )
    removed = next_revision(
        Change(WEB, "web.yaml", None, {"a": 1}, None),
        Recorded(BLOB, created),
        commit=COMMIT,
        message=MESSAGE,
        is_open=never,
    )
    numbers = [(r.revision, r.patch, r.before, r.after, r.previous) for r in (created, removed)]
    assert numbers == [(1, None, None, ONE, None), (2, None, ONE, None, BLOB)]
    assert (summary(created), summary(removed)) == ("created", "removed")


def test_a_body_with_open_values_gets_no_patch():
    change = Change(SECRET, "db.yaml", TWO, {"data": {"a": "x"}}, {"data": {"a": "y"}})
    last = Recorded(BLOB, replace(REVISION, resource=SECRET))
    for opened in ("x", "y"):
        made = next_revision(
            change,
            last,
            commit=COMMIT,
            message=MESSAGE,
            is_open=lambda body, value=opened: body["data"]["a"] == value,
        )
        assert (made.patch, summary(made)) == (None, "changed")


def test_a_long_reason_is_cut_and_a_clock_nobody_has_is_zero():
    odd = replace(MESSAGE, reason="r" * 5000, author=Signature("A", "a@x", 10**15, 400_000))
    made = next_revision(
        Change(WEB, "web.yaml", ONE, None, {}), None, commit=COMMIT, message=odd, is_open=never
    )
    assert (made.reason, made.time) == ("r" * 1000, "1970-01-01T00:00:00+00:00")


@pytest.mark.parametrize(
    ("patch", "before", "words"),
    [
        (["replace /spec/replicas 3"], {"spec": {"replicas": 2}}, "spec.replicas 2 → 3"),
        (["replace /spec/replicas 3"], None, "spec.replicas → 3"),
        (
            ['replace /spec/template/spec/containers/0/image "web:1.5"'],
            {"spec": {"template": {"spec": {"containers": [container("web", "web:1.4")]}}}},
            "image web:1.4 → web:1.5",
        ),
        (
            ['add /spec/containers/0 {"name": "mesh"}', 'replace /spec/containers/1/image "w:2"'],
            pod(container("web", "w:1")),
            "spec.containers[0] added: mesh, image w:1 → w:2",
        ),
        (["remove /spec/paused"], None, "spec.paused removed"),
        (["add /spec/paused true"], None, "spec.paused added: true"),
        (['add /spec/strategy {"type": "x"}'], None, "spec.strategy added"),
        (["replace /spec/ports []"], None, "spec.ports changed"),
        (['replace /data/a ""'], {"data": {"a": "x"}}, 'data.a x → ""'),
        (['add /metadata/labels/a.b~1c "x"'], None, "metadata.labels[a.b/c] added: x"),
        (['replace /data/a "' + "x" * 50 + '"'], None, "data.a → " + "x" * 39 + "…"),
        (['replace /data/a "\\u001b"'], None, "data.a → \\x1b"),
        (["remove /a", "remove /b", "remove /c", "remove /d"], None,
         "a removed, b removed, c removed, 1 more"),
        (['replace  {"a": 1}'], {"b": 1}, "everything changed"),
        ([], {}, "no change"),
    ],
)  # fmt: skip
def test_a_revision_in_words(patch, before, words):
    operations = []
    for op, path, *value in (line.split(" ", 2) for line in patch):
        operations.append(
            {"op": op, "path": path, **({"value": json.loads(*value)} if value else {})}
        )
    assert summary(replace(REVISION, patch=tuple(operations)), before) == words


def test_another_body_than_the_one_before_tells_no_old_values():
    patch = (
        {"op": "remove", "path": "/spec/paused"},
        {"op": "replace", "path": "/spec/replicas", "value": 3},
        {"op": "replace", "path": "/data/a", "value": "x"},
    )
    words = "spec.paused removed, spec.replicas → 3, data.a → x"
    assert summary(replace(REVISION, patch=patch), {"spec": [], "data": {"a": "old"}}) == words


def test_words_about_a_secret_hold_no_value_of_it():
    patch = (
        {"op": "replace", "path": "/data/password", "value": "kgs1:abc"},
        {"op": "add", "path": "/data/user", "value": "kgs1:def"},
        {"op": "remove", "path": "/data/old"},
    )
    revision = replace(REVISION, resource=SECRET, patch=patch)
    before = {"data": {"password": "kgs1:old", "old": "kgs1:x"}}
    words = "data.password changed, data.user added, data.old removed"
    assert summary(revision, before) == summary(revision) == words
