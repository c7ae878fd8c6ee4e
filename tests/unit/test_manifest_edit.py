"""A text changes where its body changes, and nowhere else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from kubectl_gitops.manifest import documents, edit_text
from kubectl_gitops.resource import Body

ANEW = "the text could not be changed in place and was written anew; its comments are lost"


def body_of(text: str) -> Body:
    (document,) = documents(text, "f.yaml")
    return document.body


def edited(text: str, new: Body, *bare: str) -> tuple[str, str | None]:
    result = edit_text(text, body_of(text), new, drop_comments_in=bare)
    assert body_of(result[0]) == new
    return result


DEPLOYMENT = """\
# The shop's front.
apiVersion: apps/v1   # stable
kind: Deployment
metadata:
  name: web
  labels: {app: "web", tier: 'front'}   # who

  # Keep in step with the chart.
  annotations:
    note: >-
      folded
      text
spec:
  replicas: 3 # sale
  template:
    spec:
      containers:
        # the first
        - name: web
          image: 'nginx:1.25'   # pinned
          args: [ "-c", run ]
          env:
          - name: A
            value: "1"
          - {name: B, value: "2"}
        -   name: side   # car
            command:
              - sh
# the end
"""


def change(function: Callable[[Any], None]) -> tuple[str, str | None]:
    body = body_of(DEPLOYMENT)
    new = copy.deepcopy(body)
    function(new)
    return edited(DEPLOYMENT, new)


def containers(body: Body) -> Any:
    return body["spec"]["template"]["spec"]["containers"]


Change = tuple[Callable[[Any], None], str, str]

CHANGES: dict[str, Change] = {
    "a plain scalar": (
        lambda b: b["spec"].update(replicas=5),
        "replicas: 3 # sale",
        "replicas: 5 # sale",
    ),
    "a number becomes text": (
        lambda b: b["spec"].update(replicas="5"),
        "replicas: 3 # sale",
        'replicas: "5" # sale',
    ),
    "a quoted scalar keeps its quotes": (
        lambda b: containers(b)[0].update(image="nginx:1.26"),
        "'nginx:1.25'   # pinned",
        "'nginx:1.26'   # pinned",
    ),
    "single quotes give way where they cannot say it": (
        lambda b: containers(b)[0].update(image="a\tb"),
        "'nginx:1.25'   # pinned",
        '"a\\tb"   # pinned',
    ),
    "single quotes are doubled": (
        lambda b: containers(b)[0].update(image="it's"),
        "'nginx:1.25'   # pinned",
        "'it''s'   # pinned",
    ),
    "double quotes stay": (
        lambda b: containers(b)[0]["env"][0].update(value="plain"),
        'value: "1"\n',
        'value: "plain"\n',
    ),
    "a block scalar": (
        lambda b: b["metadata"]["annotations"].update(note="a\nb\n"),
        "note: >-\n      folded\n      text\n",
        "note: |\n      a\n      b\n",
    ),
    "lines beside a comment": (
        lambda b: b["spec"].update(replicas="a\nb\n"),
        "replicas: 3 # sale",
        'replicas: "a\\nb\\n" # sale',
    ),
    "an entry in flow style": (
        lambda b: b["metadata"]["labels"].update(tier="back"),
        "tier: 'front'}",
        'tier: "back"}',
    ),
    "an entry in flow style comes": (
        lambda b: b["metadata"]["labels"].update(zone=["a", {"b": 1}]),
        "tier: 'front'}",
        'tier: \'front\', "zone": ["a", {"b": 1}]}',
    ),
    "the first entry in flow style goes": (
        lambda b: b["metadata"]["labels"].pop("app"),
        '{app: "web", tier',
        "{tier",
    ),
    "the last entry in flow style goes": (
        lambda b: b["metadata"]["labels"].pop("tier"),
        "\"web\", tier: 'front'}",
        '"web"}',
    ),
    "an item in flow style": (
        lambda b: containers(b)[0].update(args=["-c", "walk", "far"]),
        '[ "-c", run ]',
        '[ "-c", "walk", "far" ]',
    ),
    "an item in flow style in front": (
        lambda b: containers(b)[0]["args"].insert(0, "-x"),
        '[ "-c", run ]',
        '[ "-x", "-c", run ]',
    ),
    "an entry comes": (
        lambda b: b["metadata"]["annotations"].update(more="yes"),
        "      text\n",
        '      text\n    more: "yes"\n',
    ),
    "entries come at the end": (
        lambda b: b.update(x=1, y={"z": []}),
        "              - sh\n",
        '              - sh\nx: 1\n"y":\n  z: []\n',
    ),
    "an entry comes behind a key of the new order": (
        lambda b: b.update(kind=b.pop("kind"), immutable=True),
        "kind: Deployment\n",
        "kind: Deployment\nimmutable: true\n",
    ),
    "an entry goes with its comment": (
        lambda b: b["spec"].pop("replicas"),
        "  replicas: 3 # sale\n",
        "",
    ),
    "a map goes": (
        lambda b: b["metadata"].pop("annotations"),
        "  annotations:\n    note: >-\n      folded\n      text\n",
        "",
    ),
    "the entry behind a dash goes": (
        lambda b: containers(b)[0].pop("name"),
        "        - name: web\n          image:",
        "        - image:",
    ),
    "an entry comes behind a dash": (
        lambda b: containers(b).__setitem__(0, {"tty": True, **containers(b)[0]}),
        "        - name: web\n",
        "        - tty: true\n          name: web\n",
    ),
    "an item comes behind a map": (
        lambda b: containers(b)[0]["env"].insert(1, {"name": "C", "value": "3"}),
        '            value: "1"\n',
        '            value: "1"\n          - name: C\n            value: "3"\n',
    ),
    "an item comes in front": (
        lambda b: containers(b)[1]["command"].insert(0, "env"),
        "              - sh\n",
        "              - env\n              - sh\n",
    ),
    "an item goes": (
        lambda b: containers(b)[0]["env"].pop(0),
        '          - name: A\n            value: "1"\n',
        "",
    ),
    "the last item goes": (
        lambda b: containers(b).pop(1),
        "        -   name: side   # car\n            command:\n              - sh\n",
        "",
    ),
    "an item becomes another kind of thing": (
        lambda b: containers(b)[0]["env"].__setitem__(1, ["x", ["y"]]),
        '- {name: B, value: "2"}',
        '- - x\n            - - "y"',
    ),
    "a map becomes a scalar": (
        lambda b: b["metadata"].update(annotations=None),
        "annotations:\n    note: >-\n      folded\n      text\n",
        "annotations: null\n",
    ),
    "a scalar becomes a map": (
        lambda b: b["spec"].update(replicas={"min": 1, "max": [2]}),
        "replicas: 3 # sale\n",
        "replicas: # sale\n    min: 1\n    max:\n    - 2\n",
    ),
    "a map in flow style becomes a list": (
        lambda b: b["metadata"].update(labels=["a"]),
        "labels: {app: \"web\", tier: 'front'}   # who\n",
        "labels:   # who\n  - a\n",
    ),
    "a map is exchanged for another": (
        lambda b: b["metadata"].update(annotations={"a": "b"}),
        "annotations:\n    note: >-\n      folded\n      text\n",
        "annotations:\n    a: b\n",
    ),
    "a list becomes empty": (
        lambda b: containers(b)[1].update(command=[]),
        "            command:\n              - sh\n",
        "            command: []\n",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_only_what_changed_changes(what: str) -> None:
    function, old, new = CHANGES[what]
    assert DEPLOYMENT.count(old) == 1
    assert change(function) == (DEPLOYMENT.replace(old, new), None)


@pytest.mark.parametrize("what", CHANGES)
def test_line_ends_of_windows_stay(what: str) -> None:
    function, old, new = CHANGES[what]
    text = DEPLOYMENT.replace("\n", "\r\n")
    body = body_of(text)
    function(body)
    after = DEPLOYMENT.replace(old, new).replace("\n", "\r\n")
    assert edited(text, body) == (after, None)


def test_a_body_that_is_the_same_changes_nothing() -> None:
    text = "b: 1.0 # x\na: [1]"
    assert edit_text(text, body_of(text), {"a": [1.0], "b": 1}) == (text, None)


def test_true_is_not_one() -> None:
    assert edited("a: 1 # x", {"a": True}) == ("a: true # x", None)


SMALL: dict[str, tuple[str, Body, str]] = {
    "no newline at the end": ("a: 1", {"a": 1, "b": 2}, "a: 1\nb: 2"),
    "removed without a newline": ("a: 1\nb: 2", {"a": 1}, "a: 1\n"),
    "a value that is not there": ("a:\nb: 1\n", {"a": "x", "b": 1}, "a: x\nb: 1\n"),
    "a value that is not there, behind a blank": (
        "a: \nb: 1\n",
        {"a": "x", "b": 1},
        "a: x \nb: 1\n",
    ),
    "a value that is not there, before a comment": ("a: # c\n", {"a": 5}, "a: 5 # c\n"),
    "a map for nothing": ("a:\nb: 1\n", {"a": {"c": [1]}, "b": 1}, "a:\n  c:\n  - 1\nb: 1\n"),
    "an item that is not there": ("a:\n-\n- 1\n", {"a": ["x", 1]}, "a:\n- x\n- 1\n"),
    "a map for an item that is not there": (
        "a:\n-\n- 1\n",
        {"a": [{"b": 1, "c": 2}, 1]},
        "a:\n- b: 1\n  c: 2\n- 1\n",
    ),
    "an item below its dash": (
        "a:\n-\n  # c\n  b: 1\n- 2\n",
        {"a": [{"b": 3}, 4]},
        "a:\n-\n  # c\n  b: 3\n- 4\n",
    ),
    "an item below its dash goes": ("a:\n- 1\n-\n  # c\n  b: 1\n", {"a": [1]}, "a:\n- 1\n"),
    "nested dashes": ("a:\n- - 1\n  - 2\n- 3\n", {"a": [[2, 4], 3]}, "a:\n- - 2\n  - 4\n- 3\n"),
    "the first of nested dashes goes": (
        "a:\n- - 1\n  - 2\n  - 3\n",
        {"a": [[2, 3]]},
        "a:\n- - 2\n  - 3\n",
    ),
    "a number as a key": ("1: a # c\ny: b\n", {"1": "x", "true": "b"}, "1: x # c\ny: b\n"),
    "a quoted key": ("\"a b\" : 1 # c\n'd': 2\n", {"a b": 3, "d": 2}, "\"a b\" : 3 # c\n'd': 2\n"),
    "a tagged key": ("!!str 1: a # c\n", {"1": "b"}, "!!str 1: b # c\n"),
    "a tagged value": ("a: !!str 1 # c\n", {"a": 2}, "a: 2 # c\n"),
    "a key in quotes called merge": ('"<<": {a: 1}\n', {"<<": {"a": 2}}, '"<<": {a: 2}\n'),
    "an alias goes": ("a: &x 1 # c\nb: *x\n", {"a": 1, "b": 2}, "a: &x 1 # c\nb: 2\n"),
    "a merged key is set": (
        "a: &x {b: 1}\nc:\n  <<: *x # c\n",
        {"a": {"b": 1}, "c": {"b": 2}},
        "a: &x {b: 1}\nc:\n  <<: *x # c\n  b: 2\n",
    ),
    "a merged key stays": (
        "a: &x {b: 1}\nc:\n  d: 1 # c\n  <<: *x\n",
        {"a": {"b": 1}, "c": {"b": 1, "d": 2}},
        "a: &x {b: 1}\nc:\n  d: 2 # c\n  <<: *x\n",
    ),
    "a key comes in front of a merge": (
        "a: &x {b: 1}\nc:\n  d: 1 # c\n  <<: *x\n",
        {"a": {"b": 1}, "c": {"e": 2, "d": 1, "b": 1}},
        "a: &x {b: 1}\nc:\n  d: 1 # c\n  <<: *x\n  e: 2\n",
    ),
    "two items of three": ("a:\n- 1\n- 2 # c\n- 3\n", {"a": [9, 2, 8]}, "a:\n- 9\n- 2 # c\n- 8\n"),
    "a merged key goes": (
        "a: &x {b: 1} # c\nc:\n  <<: *x\n",
        {"a": {"b": 1}, "c": {}},
        "a: &x {b: 1} # c\nc: {}\n",
    ),
    "one of two merged keys goes": (
        "a: &x {b: 1, d: 2} # c\nc:\n  <<: *x\n",
        {"a": {"b": 1, "d": 2}, "c": {"d": 2}},
        "a: &x {b: 1, d: 2} # c\nc:\n  d: 2\n",
    ),
    "behind a block": ("a: |\n  x\n\n# c\n", {"a": "x\n", "b": 1}, "a: |\n  x\nb: 1\n\n# c\n"),
    "behind a block that keeps its end": (
        "a: |+ # k\n  x\n\n# c\n",
        {"a": "x\n\n", "b": 1},
        "a: |+ # k\n  x\n\nb: 1\n# c\n",
    ),
    "a block with a plus in its comment": (
        "a: | # +\n  x\n\nc: 1\n",
        {"a": "x\n", "b": 1, "c": 1},
        "a: | # +\n  x\nb: 1\n\nc: 1\n",
    ),
    "inner lines before outer ones": (
        "a:\n  b:\n    c: 1\n",
        {"a": {"b": {"c": 1, "d": 2}, "e": 3}, "f": 4},
        "a:\n  b:\n    c: 1\n    d: 2\n  e: 3\nf: 4\n",
    ),
    "before the end of the document": ("a: 1\n...\n", {"a": 1, "b": 2}, "a: 1\nb: 2\n...\n"),
    "a comment in front of it": ("# c\n---\na: 1\n", {"a": 2}, "# c\n---\na: 2\n"),
    "flow style over lines": (
        "{\n  a: 1, # c\n  b: 2\n}\n",
        {"a": 1, "b": 2, "c": 3},
        '{\n  a: 1, # c\n  b: 2,\n  "c": 3\n}\n',
    ),
    "several in flow style go": (
        "a: {b: 1, c: 2, d: 3, e: 4, f: 5}",
        {"a": {"c": 2, "d": 3}},
        "a: {c: 2, d: 3}",
    ),
    "a flow value that is not there": ("{a: , b: 1}", {"a": 2, "b": 1}, "{a: 2, b: 1}"),
    "an item in flow style becomes a map": ("[a]: b\n".replace("[a]", "a"), {"a": []}, "a: []\n"),
    "a list of lists in flow style": ("a: [[1], 2]", {"a": [[1, 3], 4]}, "a: [[1, 3], 4]"),
    "a key in two places": ("a: 1\n", {"b": 0, "a": 1}, "b: 0\na: 1\n"),
}


@pytest.mark.parametrize("what", SMALL)
def test_an_edit_fits_its_place(what: str) -> None:
    text, new, expected = SMALL[what]
    assert edited(text, new) == (expected, None)


RESISTING: dict[str, tuple[str, Body]] = {
    "nothing stays": ("a: 1 # c\n", {"b": 2}),
    "an anchored value": ("a: &x {b: 1}\nc: *x\n", {"a": {"b": 2}, "c": {"b": 1}}),
    "an explicit key": ("? a\n: 1\nb: 2\n", {"a": {"c": 1}, "b": 2}),
    "an alias as a key": ("a: &k b\n*k : 1\n", {"a": "b", "b": 2}),
    "line ends of an old Mac": ("a:\r- 1\r- 2\r", {"a": [1, 2, 3]}),
    "a block scalar without its newline": ("a: |\n  x", {"a": "x", "b": 1}),
    "lines that follow a block": ("a: 1\n\n\n", {"a": "x\n\n"}),
    "a key without a colon": ("{a, b: 1}", {"a": 2, "b": 1}),
}


@pytest.mark.parametrize("what", RESISTING)
def test_a_text_that_resists_is_written_anew(what: str) -> None:
    text, new = RESISTING[what]
    written, warning = edited(text, new)
    assert (warning, "#" in written) == (ANEW, False)


def test_a_text_that_reads_otherwise_than_it_is_said_to_is_written_anew() -> None:
    assert edit_text("a: 1 # c", {"a": 2}, {"a": 3}) == ("a: 3\n", ANEW)
    assert edit_text("a: [", {"a": 2}, {"a": 3}) == ("a: 3\n", ANEW)
    assert edit_text("a: 1\n---\na: 1\n", {"a": 1}, {"a": 3}) == ("a: 3\n", ANEW)


JSON = """\
{
    "apiVersion": "v1",
    "metadata": {"name": "a"},
    "data": {
        "a": "1",
        "b": 2.50
    },
    "l": [
        1
    ]
}
"""


def test_json_stays_json() -> None:
    new = {
        "apiVersion": "v1",
        "metadata": {"namespace": "s", "name": "a"},
        "data": {"b": 2.5, "c": "y"},
        "l": [1, {"x": None}],
    }
    assert edited(JSON, new) == (
        """\
{
    "apiVersion": "v1",
    "metadata": {"namespace": "s", "name": "a"},
    "data": {
        "b": 2.50,
        "c": "y"
    },
    "l": [
        1,
        {"x": null}
    ]
}
""",
        None,
    )


def test_json_that_is_no_yaml_is_written_anew_as_json() -> None:
    text = '{"a": "\\ud83d\\ude00", "b": 1}'
    assert edited(text, {"a": "😀", "b": 2}) == ('{\n  "a": "😀",\n  "b": 2\n}\n', ANEW)


def test_json_in_the_middle_of_blanks_is_edited() -> None:
    assert edited('\n {"a": 1}', {"a": 2}) == ('\n {"a": 2}', None)


SECRET = """\
# db of the shop
apiVersion: v1
kind: Secret
metadata:
  name: db # keep
# values
data: # hunter2
  # password: hunter2
  password: aHVudGVyMg== # hunter2
  user: |
    YWRh
#  old: hunter2

  # the old one was hunter2
type: Opaque # last
"""
SEALED = {"password": "kgs1:AA", "user": "kgs1:BB"}


def sealed(text: str, **changes: object) -> Body:
    return {**body_of(text), **changes}


def test_comments_inside_the_values_of_a_secret_go() -> None:
    text, warning = edited(SECRET, sealed(SECRET, data=SEALED), "data", "stringData")
    assert warning is None
    assert (
        text
        == """\
# db of the shop
apiVersion: v1
kind: Secret
metadata:
  name: db # keep
# values
data:
  password: "kgs1:AA"
  user: "kgs1:BB"

type: Opaque # last
"""
    )


def test_comments_go_even_where_no_value_changes() -> None:
    text = 'kind: Secret\ndata: # x\n  a: "kgs1:AA" # y\n# z'
    after = 'kind: Secret\ndata:\n  a: "kgs1:AA"'
    assert edited(text, body_of(text), "data") == (after, None)
    assert edited(after, body_of(text), "data") == (after, None)


def test_values_given_as_text_move_to_the_data() -> None:
    text = "kind: Secret # a\nstringData: # b\n  a: hunter2 # c\n  # d\n"
    assert edited(text, {"kind": "Secret", "data": {"a": "kgs1:AA"}}, "data", "stringData") == (
        'kind: Secret # a\ndata:\n  a: "kgs1:AA"\n',
        None,
    )


def test_values_given_as_text_join_the_data() -> None:
    text = "data:\n  a: YQ==\nkind: Secret # a\nstringData:\n  b: hunter2\n# hunter2\n...\n"
    new = {"data": {"a": "kgs1:AA", "b": "kgs1:BB"}, "kind": "Secret"}
    assert edited(text, new, "data", "stringData") == (
        'data:\n  a: "kgs1:AA"\n  b: "kgs1:BB"\nkind: Secret # a\n...\n',
        None,
    )


def test_values_that_are_not_there_stay_away() -> None:
    text = "kind: Secret\ndata: # none\ntype: Opaque\n"
    assert edited(text, body_of(text), "data") == ("kind: Secret\ndata: null\ntype: Opaque\n", None)


def test_what_is_not_text_in_the_values_is_kept() -> None:
    text = "kind: Secret\ndata:\n  a: [1] # x\n"
    new = {"kind": "Secret", "data": {"a": [1], "b": "y"}}
    assert edited(text, new, "data") == (
        'kind: Secret\ndata:\n  a:\n  - 1\n  b: "y"\n',
        None,
    )


@pytest.mark.parametrize(
    "text",
    [
        "kind: Secret\nx: &p aHVudGVyMg==\ndata:\n  a: *p # hunter2\n",
        "{kind: Secret, data: {a: aHVudGVyMg==}} # hunter2\n",
        "kind: Secret\n? data # hunter2\n: a: aHVudGVyMg==\n",
    ],
    ids=["anchor", "flow style", "explicit key"],
)
def test_a_secret_that_could_hide_a_value_is_written_anew(text: str) -> None:
    new = {"kind": "Secret", "data": {"a": "kgs1:AA"}}
    assert edited(text, new, "data") == ('kind: Secret\ndata:\n  a: "kgs1:AA"\n', ANEW)


def test_a_secret_in_json_is_edited_in_place() -> None:
    text = '{"kind": "Secret",\n "data": {"a": "aHVudGVyMg=="}}\n'
    new = {"kind": "Secret", "data": {"a": "kgs1:AA"}}
    assert edited(text, new, "data") == ('{"kind": "Secret",\n "data": {"a": "kgs1:AA"}}\n', None)
