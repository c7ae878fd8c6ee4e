"""The documents of a file are those that kubectl sees in it."""

from __future__ import annotations

import pytest

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest.documents import MAX_DOCUMENT, MAX_DOCUMENTS, MAX_INPUT, documents
from kubectl_gitops.manifest.parse import MAX_NODES


def read(text: str | bytes) -> list[tuple[object, ...]]:
    return [(d.body, d.text, d.line, d.index) for d in documents(text, "f.yaml")]


SPLITS = {
    "a: 1\n": [({"a": 1}, "a: 1\n", 1, 0)],
    "a: 1": [({"a": 1}, "a: 1", 1, 0)],
    "": [],
    "---\n": [],
    "# only words\n---\n---\nnull\n": [],
    "---\na: 1\n": [({"a": 1}, "a: 1\n", 2, 0)],
    "a: 1\n---\nb: 2\n": [({"a": 1}, "a: 1\n", 1, 0), ({"b": 2}, "b: 2\n", 3, 1)],
    "# c\n---\nb: 2\n": [({"b": 2}, "b: 2\n", 3, 1)],
    "a: 1\n---   # next\nb: 2": [({"a": 1}, "a: 1\n", 1, 0), ({"b": 2}, "b: 2", 3, 1)],
    "a: 1\n---#x\nb: 2": [({"a": 1}, "a: 1\n", 1, 0), ({"b": 2}, "b: 2", 3, 1)],
    "a: 1\n---\n---\nb: 2": [({"a": 1}, "a: 1\n", 1, 0), ({"b": 2}, "b: 2", 4, 1)],
    "---\n---\n---\nb: 2": [({"b": 2}, "b: 2", 4, 1)],
    "a: 1\r\n---\r\nb: 2\r\n": [({"a": 1}, "a: 1\r\n", 1, 0), ({"b": 2}, "b: 2\r\n", 3, 1)],
    "a: |\n  ---\n  x\n": [({"a": "---\nx\n"}, "a: |\n  ---\n  x\n", 1, 0)],
    "\ufeff---\na: 1\n": [({"a": 1}, "a: 1\n", 2, 0)],
    "{a: 1}": [({"a": 1}, "{a: 1}", 1, 0)],
    '{"a":1}{"b":2}\n': [({"a": 1}, '{"a":1}', 1, 0), ({"b": 2}, '{"b":2}\n', 1, 1)],
    '{"a":1}\n{"b":2}': [({"a": 1}, '{"a":1}', 1, 0), ({"b": 2}, '\n{"b":2}', 1, 1)],
    '{"a":1}\n---\n{"b":2}\n': [({"a": 1}, '{"a":1}\n', 1, 0), ({"b": 2}, '{"b":2}\n', 3, 1)],
    '{"a":1}\n---\nb: yes\n': [({"a": 1}, '{"a":1}\n', 1, 0), ({"b": True}, "b: yes\n", 3, 1)],
    'a: 1\n---\n{"b":2}': [({"a": 1}, "a: 1\n", 1, 0), ({"b": 2}, '{"b":2}', 3, 1)],
}


@pytest.mark.parametrize("text", SPLITS)
def test_a_file_is_cut_where_kubectl_cuts_it(text: str) -> None:
    assert read(text) == SPLITS[text]
    assert read(text.encode()) == SPLITS[text]


JSON = {
    '{"a": "\\/\\ud83d\\ude00\\u00e9"}': {"a": "/😀é"},
    '\n\t{"a": [1, 1.0, 1e3, -0.0, 2.5, true, null]}': {"a": [1, 1, 1000, 0, 2.5, True, None]},
    '{"a": 18446744073709551616}': {"a": 18446744073709551616.0},
    '{"a": 1,}': {"a": 1},
    '{"a": NaN, "b": yes}': {"a": "NaN", "b": True},
}


@pytest.mark.parametrize("text", JSON)
def test_json_is_read_as_json(text: str) -> None:
    (document,) = documents(text, "f.json")
    assert repr(document.body) == repr(JSON[text])


BROKEN = {
    "[1]": "line 1, column 1: a manifest is a map of keys and values",
    "a: 1\n---\n\nfoo": "line 3, column 1: a manifest is a map of keys and values",
    "a: 1\n--- b: 2": "line 2, column 4: nothing may stand behind `---` in its line",
    "---#x\na: 1": "line 2, column 2: mapping values are not allowed in this context",
    "a: 1\n---\nb: [": "line 4, column 1: did not find expected node content",
    '{"a": 1,\n "a": 2}': 'line 2, column 2: duplicate key "a", first given in line 1',
    '{"a": "\\ud800"}': "line 1, column 10: found invalid Unicode character escape code",
    '{"\\ud800": 1}': "line 1, column 5: found invalid Unicode character escape code",
    '{"a": 1e1000}': "line 1, column 1: a number out of range",
    '{"a": ' + "1" * 5000 + "}": "line 1, column 1: a number out of range",
    '{"a":1}\ngarbage': "line 1, column 1: a manifest is a map of keys and values",
    '{"a": ' + "[" * 65 + "]" * 65 + "}": "line 1, column 70: nested more than 64 levels deep",
    '{"a": ' + "[" * 200_000: "line 1, column 70: nested more than 64 levels deep",
    '{"a": [' + "0," * MAX_NODES + "0]}": "line 1, column 500002: a document of more than 250,000"
    " values, aliases included",
    '{"a":1}\n{"a":"'
    + "x" * MAX_DOCUMENT
    + '"}': "line 1, column 1: a document of 1,572,873 bytes; the limit is 1,572,864",
    "a:\n---\n" * (MAX_DOCUMENTS + 1): "line 100001, column 1: more than 50,000 documents",
    "a: " + "x" * MAX_DOCUMENT: "line 1, column 1: a document of 1,572,867 bytes; the limit is"
    " 1,572,864",
}
NO_TEXT = {
    "a: \ud800": "f.yaml holds a lone surrogate, which no UTF-8 can hold",
    b"a: 1\nb: \xff": "f.yaml is not UTF-8 in line 2",
    "a: 1".encode("utf-16"): "f.yaml is UTF-16; manifests are kept in UTF-8",
    b"\xfe\xff\x00a": "f.yaml is UTF-16; manifests are kept in UTF-8",
}
REFUSALS = {text: f"broken YAML in f.yaml, {message}" for text, message in BROKEN.items()} | NO_TEXT


@pytest.mark.parametrize("text", REFUSALS, ids=range(len(REFUSALS)))
def test_what_cannot_be_read_is_refused(text: str | bytes) -> None:
    with pytest.raises(GitopsError) as caught:
        documents(text, "f.yaml")
    assert caught.value.message == REFUSALS[text]


def test_utf_16_is_refused_with_the_command_that_changes_it() -> None:
    with pytest.raises(GitopsError) as caught:
        documents("a: 1".encode("utf-16"), "f.yaml")
    assert caught.value.hints == ("iconv -f UTF-16 -t UTF-8 f.yaml",)


def test_input_beyond_all_measure_is_refused_unread() -> None:
    with pytest.raises(GitopsError, match=r"^f\.yaml is larger than 64 MiB$"):
        documents(b" " * (MAX_INPUT + 1), "f.yaml")


def test_a_large_document_within_the_limit_is_read() -> None:
    (document,) = documents("a: " + "é" * (MAX_DOCUMENT // 2 - 2), "f.yaml")
    assert len(document.body["a"]) == MAX_DOCUMENT // 2 - 2


def test_a_stream_of_small_values_may_be_larger_than_one_document() -> None:
    text = ('{"a": "' + "x" * 1000 + '"}\n') * 2000
    assert len(documents(text, "f.json")) == 2000


def test_a_document_shows_neither_its_text_nor_its_body() -> None:
    (document,) = documents("a: hunter2", "s\x1b.yaml")
    assert "hunter2" not in repr(document)
    assert document.place == "s\\x1b.yaml, line 1"
