"""Of a file of several documents only those change that are named."""

from __future__ import annotations

import pytest

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest.documents import documents
from kubectl_gitops.manifest.files import Replacement, edit_file, parse_file
from kubectl_gitops.resource import Body


def to(text: str) -> Replacement:
    (document,) = documents(text, "f")
    return Replacement(text, document.body)


def edited(text: str, edits: dict[int, Replacement | None]) -> str | None:
    data = edit_file(text.encode(), "f.yaml", edits)
    return None if data is None else data.decode()


THREE = "# first\na: 1\n---  # one\nb: 2 # b\n---\n\nc: 3\n# end\n"

EDITS: dict[str, tuple[str, dict[int, Replacement | None], str | None]] = {
    "the only document": ("a: 1 # x\n", {0: to("a: 2 # y\n")}, "a: 2 # y\n"),
    "the first": (THREE, {0: to("a: 9")}, "a: 9\n---  # one\nb: 2 # b\n---\n\nc: 3\n# end\n"),
    "the second": (
        THREE,
        {1: to("b: 9 #")},
        "# first\na: 1\n---  # one\nb: 9 #\n---\n\nc: 3\n# end\n",
    ),
    "the last": (THREE, {2: to("c: 9")}, "# first\na: 1\n---  # one\nb: 2 # b\n---\nc: 9"),
    "the first goes": (THREE, {0: None}, "b: 2 # b\n---\n\nc: 3\n# end\n"),
    "the second goes": (THREE, {1: None}, "# first\na: 1\n---\n\nc: 3\n# end\n"),
    "the last goes": (THREE, {2: None}, "# first\na: 1\n---  # one\nb: 2 # b\n"),
    "two go and one changes": (THREE, {0: None, 2: None, 1: to("x: y\n")}, "x: y\n"),
    "all go": (THREE, {0: None, 1: None, 2: None}, None),
    "comments alone are no file": ("# c\n---\na: 1\n---\n# d\n", {1: None}, None),
    "comments beside a document stay": (
        "# c\n---\na: 1\n---\n# d\n---\nb: 2\n",
        {1: None},
        "# c\n---\n# d\n---\nb: 2\n",
    ),
    "dashes in front stay": ("---\na: 1\n---\nb: 2\n", {0: None}, "---\nb: 2\n"),
    "a byte order mark stays": ("\ufeffa: 1\n---\nb: 2\n", {0: None}, "\ufeffb: 2\n"),
    "line ends of Windows stay": (
        "a: 1\r\n---\r\nb: 2\r\n---\r\nc: 3\r\n",
        {1: to("b: 9")},
        "a: 1\r\n---\r\nb: 9\n---\r\nc: 3\r\n",
    ),
    "a last line without its end": ("a: 1\n---\nb: 2", {0: to("a: 9")}, "a: 9\n---\nb: 2"),
    "a block that a newline would change": (
        "a: 1\n---\nb: 2\n",
        {0: to("# c\na: |\n  x")},
        "a: x\n---\nb: 2\n",
    ),
    "JSON in the place of YAML": ("a: 1\n", {0: to('{"a": 2}')}, '{"a": 2}'),
    "JSON in front of YAML": (
        "a: 1\n---\nb: 2\n",
        {0: to('{"a": 2}')},
        '---\n{"a": 2}\n---\nb: 2\n',
    ),
    "JSON behind YAML": ("a: 1\n---\nb: 2\n", {1: to('{"b": 3}\n')}, 'a: 1\n---\n{"b": 3}\n'),
    "JSON that is no YAML": (
        "a: 1\n---\nb: 2 # c\n",
        {1: to('{"b": "\\ud83d\\ude00"}')},
        'a: 1\n---\nb: "😀" # c\n',
    ),
    "YAML in the place of JSON": (
        '{\n  "a": 1,\n  "b": 2\n}\n',
        {0: to("a: 3 # c\nb: 2\n")},
        '{\n  "a": 3,\n  "b": 2\n}\n',
    ),
    "JSON in the place of JSON": ('{"a":1}\n', {0: to('{"a": 2}\n')}, '{"a": 2}\n'),
    "one of several values": (
        '{"a":1}\n{"b":2}\n{"c":3}\n',
        {1: to("b: 9"), 2: None},
        '{"a":1}\n{"b":9}',
    ),
    "the first of several values goes": ('{"a":1} {"b":2}\n', {0: None}, ' {"b":2}\n'),
    "YAML behind JSON": ('{"a":1}\n---\nb: 2\n', {1: to("b: 3\n")}, '{"a":1}\n---\nb: 3\n'),
    "flow style comes first": ("a: 1\n---\n{b: 2}\n", {0: None}, "{b: 2}\n"),
}


@pytest.mark.parametrize("what", EDITS)
def test_a_file_changes_where_it_is_told_to(what: str) -> None:
    text, edits, expected = EDITS[what]
    assert edited(text, edits) == expected


def test_a_change_that_would_change_a_neighbour_is_refused() -> None:
    # As the first document it is JSON, where such a number is refused; behind another it is YAML.
    text = 'a: 1\n---\n{"b": 1e1000}\n'
    with pytest.raises(GitopsError, match=r"^f\.yaml cannot be changed in part$") as caught:
        edited(text, {0: None})
    assert caught.value.hints == ("git log -- f.yaml",)


def test_a_file_is_read_once_however_often_it_is_asked_for() -> None:
    data = b"a: 1\nb: [2]\n"
    first = parse_file(data, "one.yaml")
    assert parse_file(bytes(bytearray(data)), "two.yaml") is first
    assert [chunk.value for chunk in first.chunks] == [{"a": 1, "b": [2]}]


@pytest.mark.parametrize("path", ["one.yaml", "two.yaml"])
def test_a_file_that_cannot_be_read_is_told_by_its_own_name(path: str) -> None:
    with pytest.raises(GitopsError) as caught:
        parse_file(b"a: *b", path)
    assert caught.value.message == f"broken YAML in {path}, line 1, column 4: unknown anchor b"


def test_a_replacement_shows_nothing() -> None:
    body: Body = {"a": "hunter2"}
    assert "hunter2" not in repr(Replacement("a: hunter2", body))
