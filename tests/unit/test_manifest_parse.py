"""One YAML document becomes what kubectl makes of it, or is refused with its place."""

from __future__ import annotations

import pytest

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest.parse import MAX_DEPTH, MAX_NODES, yaml_value

VALUES = {
    "a: [1, two, 3.5, {b: yes}]": {"a": [1, "two", 3.5, {"b": True}]},
    "a: 'yes'\nb: \"1\"\nc: |\n  x\n": {"a": "yes", "b": "1", "c": "x\n"},
    "1: a\ntrue: b\n~x: c\n": {"1": "a", "true": "b", "~x": "c"},
    "{? a, b, c: , d}": {"a": None, "b": None, "c": None, "d": None},
    "? a\n: b": {"a": "b"},
    "!!set {a}": {"a": None},
    "!foo [a]": ["a"],
    "a: ! 12": {"a": "12"},
    "a: =": {"a": "="},
    "a: <<": {"a": "<<"},
    '"<<": {a: 1}': {"<<": {"a": 1}},
    "a: !!python/object/apply:os.system [id]": {"a": ["id"]},
    "a: &x foo\nb: *x": {"a": "foo", "b": "foo"},
    "a: &x 1\nb: &x 2\nc: *x": {"a": 1, "b": 2, "c": 2},
    "&k key: v\nb: *k": {"key": "v", "b": "key"},
    "a: &k key\n*k : v": {"a": "key", "key": "v"},
    "!!str 1: a\n!!int '2': b\n! 3: c": {"1": "a", "2": "b", "3": "c"},
    "a: &x {b: [1]}\nc: *x": {"a": {"b": [1]}, "c": {"b": [1]}},
    "a: &x {b: 1, c: 2}\nd: {c: 3, <<: *x}": {"a": {"b": 1, "c": 2}, "d": {"c": 2, "b": 1}},
    "a: &x {b: 1}\nd: {<<: *x, b: 3}": {"a": {"b": 1}, "d": {"b": 3}},
    "a: &x {b: 1}\nd: {!!merge <<: *x}": {"a": {"b": 1}, "d": {"b": 1}},
    "d: {<<: [{a: 1, b: 1}, {a: 2, c: 2}]}": {"d": {"a": 1, "b": 1, "c": 2}},
    "d: {<<: {a: 1}, <<: {a: 2}}": {"d": {"a": 2}},
    "# nothing\n": None,
    "": None,
    "~": None,
    "a: 1\n...\n": {"a": 1},
    "a: 😀 é": {"a": "😀 é"},
}


@pytest.mark.parametrize("text", VALUES)
def test_a_document_is_read_as_kubectl_reads_it(text: str) -> None:
    assert yaml_value(text, "f.yaml") == VALUES[text]


REFUSALS = {
    "a: 1\na: 2": 'line 2, column 1: duplicate key "a", first given in line 1',
    "a: {b: 1,\n 'b': 2}": 'line 2, column 2: duplicate key "b", first given in line 1',
    "1: a\n0x1: b": 'line 2, column 1: duplicate key "1", first given in line 1',
    "d: {a: 1, <<: {b: 1}, a: 2}": 'line 1, column 23: duplicate key "a", first given in line 1',
    '"\\e": 1\n"\\e": 2': 'line 2, column 1: duplicate key "\\x1b", first given in line 1',
    "~: a": "line 1, column 1: a key is a string, a number or a boolean",
    "{[a]: b}": "line 1, column 2: a key is a string, a number or a boolean",
    "!!int x: b": "line 1, column 1: not a !!int",
    "a: .nan": "line 1, column 4: infinity and NaN have no place in JSON",
    "a: !!binary x": "line 1, column 4: !!binary without valid base64",
    "a: *b": "line 1, column 4: unknown anchor b",
    "a: &b [*b]": "line 1, column 8: anchor b contains itself",
    "a: &b 1\n*b : c": "line 2, column 1: an alias as a key stands for a string",
    "<<: 1": "line 1, column 5: a merge key takes a map or a sequence of maps",
    "<<: [1]": "line 1, column 5: a merge key takes a map or a sequence of maps",
    "a: &b [{c: 1}]\n<<: *b": "line 2, column 5: a merge key takes a map or a sequence of maps",
    "<<:": "line 1, column 4: a merge key takes a map or a sequence of maps",
    "[!a, b]": "line 1, column 2: a comma directly behind a tag",
    "a: 1\n...\nb: 2": "line 3, column 1: did not find expected <document start>",
    "a: 1\r---\rb: 2": "line 2, column 1: a second document without a line `---` before it",
    "a: [": "line 2, column 1: did not find expected node content",
    "a: b: c": "line 1, column 5: mapping values are not allowed in this context",
    "%YAML 1.1\n": "line 2, column 1: did not find expected <document start>",
    "é: 1\nb: é\x07": "line 2, column 5: control characters are not allowed",
    "a: \x7f": "line 1, column 4: control characters are not allowed",
    'a: "\\ud800"': "line 1, column 7: found invalid Unicode character escape code",
}


@pytest.mark.parametrize("text", REFUSALS)
def test_a_broken_document_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(GitopsError) as caught:
        yaml_value(text, "f.yaml")
    assert caught.value.message == f"broken YAML in f.yaml, {REFUSALS[text]}"


def test_lines_are_counted_in_the_file_not_in_the_document() -> None:
    with pytest.raises(GitopsError, match=r"^broken YAML in a/b\.yaml, line 11, column 4: unknown"):
        yaml_value("x: 1\na: *b", "a/b.yaml", line=10)


def test_what_an_alias_stands_for_is_not_shared() -> None:
    value = yaml_value("a: &x {b: [1, {c: 2}]}\nd: *x\n<<: *x", "f")
    value["a"]["b"][1]["c"] = 3
    value["d"]["b"].append(4)
    assert value["b"] == [1, {"c": 2}]


DEEP = {
    "brackets": "[" * 200_000,
    "braces": "{a: " * 200_000,
    "dashes": "- " * 200_000,
    "lines": "\n".join(" " * n + "a:" for n in range(200)),
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_a_deep_document_is_refused_and_the_process_lives(text: str) -> None:
    with pytest.raises(GitopsError, match=f": nested more than {MAX_DEPTH} levels deep$"):
        yaml_value(text, "f.yaml")


def test_as_many_levels_as_are_allowed_are_read() -> None:
    value = yaml_value("[" * MAX_DEPTH + "]" * MAX_DEPTH, "f.yaml")
    for _ in range(MAX_DEPTH - 1):
        (value,) = value
    assert value == []


def bomb(reference: str) -> str:
    """Each line stands for ten of the line before it."""
    lines = ["a0: &a0 {k: v}"]
    for number in range(1, 12):
        parts = ", ".join([f"*a{number - 1}"] * 10)
        lines.append(reference.format(number=number, parts=parts))
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        bomb("a{number}: &a{number} [{parts}]"),
        bomb("a{number}: &a{number} {{<<: [{parts}], k{number}: v}}"),
        "[" + "a," * (MAX_NODES + 1) + "]",
    ],
    ids=["aliases", "merges", "items"],
)
def test_a_document_that_would_grow_beyond_all_bounds_is_refused(text: str) -> None:
    with pytest.raises(GitopsError, match=": a document of more than 250,000 values, aliases inc"):
        yaml_value(text, "f.yaml")
