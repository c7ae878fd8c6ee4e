"""What is written can be taken for nothing else, by no reader of YAML."""

from __future__ import annotations

import pytest
import yaml

from kubectl_gitops.manifest import documents, write
from kubectl_gitops.manifest.write import flow

WORDS = """
y Y yes Yes YES yEs n N no NO on On off OFF true True TRUE tRue false null Null NULL ~ = << -
0 1 -1 +1 1.5 -.5 .5 5. 1e3 1E-3 123e4567 0e0 08 0777 0o17 0x1F 0b101 0b+1 1_000 .inf -.INF .nan
+.inf 1:30 12:30:45 190:20:30.15 2001-01-01 2001-12-14t21:59:43.10-05:00 2001-12-14T21:59:43Z
10.0.0.1 1.2.3 . + - -- --- ---x ... -. +.
"""

QUOTED = [
    "",
    " ",
    " a",
    "a ",
    "a: b",
    "a:",
    "a #b",
    "#a",
    "- a",
    "?",
    "? a",
    ":",
    ": a",
    "[a",
    "{a",
    ", a",
    "&a",
    "*a",
    "!a",
    "|",
    ">",
    "%a",
    "@a",
    "`a",
    '"a"',
    "'a'",
    "a\tb",
    "a\x85b",
    "a\u2028b",
    "a\ufeffb",
    "a\x07",
    "a\x7f",
    "a\ufffe",
    "a\r\nb",
    "\n",
    "\na",
    " a\nb",
    "\ta\nb",
    "2001-12-14 21:59:43.10 -5",
    "kgs1:AQEAAVw3weUEaeJ9",
]

PLAIN = [
    "a",
    "web-1",
    "nginx:1.25",
    "a:b",
    "a#b",
    "a b",
    "/healthz",
    "--flag=a",
    "-c",
    "$(POD_IP)",
    "100m",
    "10Gi",
    "5s",
    "10.0.0.0/8",
    "v1",
    "apps/v1",
    "deadbeef",
    "e3",
    "it's",
    'say "x"',
    "a, b",
    "é",
    "a 😀",
    "a.b.c",
    "_x",
    "nothing",
    "yesterday",
]


def value_line(text: str) -> str:
    return write({"a": text}).removeprefix("a: ").removesuffix("\n")


@pytest.mark.parametrize("text", [*WORDS.split(), *QUOTED])
def test_what_a_reader_could_mistake_is_in_double_quotes(text: str) -> None:
    written = value_line(text)
    assert (written[0], written[-1]) == ('"', '"')
    read_back({"a": text, text: "b"})


@pytest.mark.parametrize("text", PLAIN)
def test_what_nobody_can_mistake_is_plain(text: str) -> None:
    assert value_line(text) == text
    read_back({"a": text, text: "b"})


def read_back(body: dict[str, object]) -> None:
    """Ours and PyYAML, which is a reader of YAML 1.1, understand the same."""
    (document,) = documents(write(body), "f")
    assert document.body == body
    assert yaml.safe_load(write(body)) == body


BLOCKS = {
    "a\nb": "|-\n  a\n  b",
    "a\nb\n": "|\n  a\n  b",
    "a\n\n b\n\n": "|+\n  a\n\n   b\n",
    "a\n": "|\n  a",
    "a \n\tb\n": "|\n  a \n  \tb",
    "😀\n#: é": "|-\n  😀\n  #: é",
    "---\n- a": "|-\n  ---\n  - a",
}


@pytest.mark.parametrize("text", BLOCKS)
def test_text_of_several_lines_is_a_block(text: str) -> None:
    assert value_line(text) == BLOCKS[text]
    read_back({"a": text, "b": {"c": [text, [text], {"d": text}]}})


def test_keys_stand_in_the_order_of_the_api() -> None:
    body = {
        "status": {"z": 1},
        "data": {"b": "1", "a": "2"},
        "metadata": {"labels": {"x": "y"}, "namespace": "shop", "uid": "u", "name": "m"},
        "kind": "ConfigMap",
        "apiVersion": "v1",
    }
    assert (
        write(body)
        == """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: m
  namespace: shop
  labels:
    x: "y"
  uid: u
data:
  b: "1"
  a: "2"
status:
  z: 1
"""
    )


def test_collections_look_as_kubectl_prints_them() -> None:
    body = {
        "a": {},
        "b": [],
        "c": [{"d": 1, "e": [2, [3, [4]], {}, []]}, None, True],
        "f": {"g": {"h": 1.5, "i": 1e22, "j": 1.5e-7, "k": 2.0, "l": -0.0}},
    }
    assert (
        write(body)
        == """\
a: {}
b: []
c:
- d: 1
  e:
  - 2
  - - 3
    - - 4
  - {}
  - []
- null
- true
f:
  g:
    h: 1.5
    i: 1.0e+22
    j: 1.5e-07
    k: 2
    l: 0
"""
    )
    assert yaml.safe_load(write(body)) == body


def test_metadata_that_is_no_map_is_written_too() -> None:
    assert write({"kind": "A", "metadata": None}) == "kind: A\nmetadata: null\n"


def test_a_key_of_any_length_is_read_again() -> None:
    read_back(
        {"k" * 2000: {"\x07" * 300: [1, {"y" * 1001: "a\nb"}]}, "l" * 1001: [], "a" * 1000: 1}
    )


def test_flow_style_is_json() -> None:
    value = {"a": [1, 1e22, None, True, "y"], "b\u2028": {}}
    assert flow(value) == '{"a": [1, 1.0e+22, null, true, "y"], "b\\u2028": {}}'
