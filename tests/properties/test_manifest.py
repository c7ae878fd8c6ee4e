"""What holds for every manifest: kubectl agrees, text comes back, edits touch what they name.

kubectl itself is the judge: thousands of texts are given to one call of it, so these tests draw
from a generator with a fixed seed rather than one example after the other.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest import documents, edit_text, flatten, path_of, read_snapshot, write
from kubectl_gitops.manifest.files import Replacement, edit_file, parse_file
from kubectl_gitops.manifest.splice import same
from kubectl_gitops.resource import Body, ResourceId
from tests.kubectl_reading import (
    as_json_reads,
    read_by_kubectl,
    read_each_by_kubectl,
    without_mark,
)
from tests.real_manifests import FOLDER, needs_real_manifests, real_manifests

HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: n{}}}\n"

PLAIN_PARTS = """
0 1 9 7 8 12 000 e E + - . _ x X o O b B 0x 0b 0o 1e inf nan .inf : a f F y n yes no on off true
null ~ T Z 2001-01-01 9223372036854775807 9223372036854775808 18446744073709551615
99999999999999999999999 << = # % @ ` | > { } [ ] , ? é 😀
"""
TAGS = ["!!str ", "!!int ", "!!float ", "!!bool ", "!!null ", "!x "]
SCALAR_PARTS = [*PLAIN_PARTS.split(), *TAGS, " ", "\t", '"', "'"]

SCALAR_FORMS = (
    "data:\n  a: {}\n",
    "data:\n  {}: v\n",
    "data:\n- {}\n",
    "data: {{a: {}}}\n",
    "data: [{}, b]\n",
    'data: "{}"\n',
    "data: '{}'\n",
    "data: |\n  {}\n  x\n",
    "data: >\n  {}\n\n  x\n",
)


def ours(text: str) -> Body | None:
    """What we read in a text of one resource, None where we refuse it."""
    try:
        (document,) = documents(text, "f.yaml")
    except (GitopsError, ValueError):
        return None
    return without_mark(document.body)


def agree(one: Body | None, other: Body | None) -> bool:
    """True where two readings are equal; nothing is said where only one of them refuses.

    libyaml and go-yaml differ at the margins of what they accept (`{a: b:}`, `"\\/"`).
    """
    return one is None or other is None or same(as_json_reads(one), as_json_reads(other))


@pytest.mark.parametrize("seed", range(2))
def test_every_scalar_means_to_us_what_it_means_to_kubectl(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    texts = []
    for number in range(3000):
        scalar = "".join(draw.choices(SCALAR_PARTS, k=draw.randint(1, 5)))
        texts.append(HEAD.format(number) + draw.choice(SCALAR_FORMS).format(scalar))
    theirs = read_each_by_kubectl(tmp_path, texts)
    mine = [ours(text) for text in texts]
    both = [(one, two) for one, two in zip(mine, theirs, strict=True) if one and two]
    assert len(both) > 1000
    assert [t for t, a, b in zip(texts, mine, theirs, strict=True) if not agree(a, b)] == []


FEATURES = """\
# c
labels:
  a: {a: "b", c: d, 'e': f}   # x
spec:
  - a: 1
    b: [1, 2, {c: d}]
  -   c: |
        lit
          more

  - >-
    folded
    text

    para
  - - x
    - y: z
  - "dq \\n \\
     cont"
  - 'sq
     two'
  -
    d: &a
      e: f
    g: *a
    h:
      <<: *a
      i: j
? k
: l
"m": !!str 5
n:
- o
-
- p: q
apiVersion: v1
kind: ConfigMap
"""
NAMED = "metadata: {{name: n{}}}\n"
MUTATIONS = [
    *["\n", "  ", " ", "- ", "? ", ": ", ":", "#", " # c", '"', "'", "|", ">", "|+", ">-", "|2"],
    *["{", "}", "[", "]", ",", "&b ", "*a", "<<: ", "!!str ", "\t", "\r\n", "\r", "---\n"],
    *["\n---\n", "...\n", "a: ", "b", "null", "yes", "\ufeff", "\u2028", "\x85", "é", "0x1", "\\"],
]


def mutated(draw: random.Random, text: str) -> str:
    for _ in range(draw.randint(1, 2)):
        at = draw.randrange(len(text))
        if draw.random() < 0.7:
            text = text[:at] + draw.choice(MUTATIONS) + text[at:]
        else:
            text = text[:at] + text[at + draw.randint(1, 4) :]
    return text


def first_named(text: str, name: str) -> Body | None:
    try:
        bodies = [document.body for document in documents(text, "f.yaml")]
    except GitopsError:
        return None
    named = (b for b in bodies if isinstance(b.get("metadata"), dict) and b.get("kind"))
    return next((without_mark(b) for b in named if b["metadata"].get("name") == name), None)


def test_every_document_means_to_us_what_it_means_to_kubectl(tmp_path: Path) -> None:
    draw = random.Random(7)
    texts = [mutated(draw, FEATURES) + NAMED.format(number) for number in range(4000)]
    theirs = read_each_by_kubectl(tmp_path, texts)
    mine = [first_named(text, f"n{number}") for number, text in enumerate(texts)]
    both = [(one, two) for one, two in zip(mine, theirs, strict=True) if one and two]
    assert len(both) > 500
    assert [t for t, a, b in zip(texts, mine, theirs, strict=True) if not agree(a, b)] == []


CHARACTERS = st.characters(exclude_categories=["Cs"])
STRINGS = st.one_of(
    st.text(CHARACTERS, max_size=12),
    st.text("ab \n\t:#-'\"|>{}[],&*!%@`y0.e\r\x85\u2028\ufeff😀", max_size=12),
    st.lists(st.sampled_from(SCALAR_PARTS), max_size=4).map("".join),
)
NUMBERS = st.one_of(
    st.integers(-(1 << 63), (1 << 63) - 1), st.floats(allow_nan=False, allow_infinity=False)
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, STRINGS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(STRINGS, inner, max_size=4)
    ),
    max_leaves=12,
)
BODIES = st.dictionaries(STRINGS, VALUES, min_size=1, max_size=4)


@given(BODIES)
@settings(deadline=None)
def test_what_is_written_is_read_again(body: Body) -> None:
    (document,) = documents(write(body), "f.yaml")
    assert same(document.body, as_json_reads(document.body | body))


def test_what_is_written_means_to_kubectl_what_was_meant(tmp_path: Path) -> None:
    draw = random.Random(3)
    strings = ["".join(draw.choices(SCALAR_PARTS, k=draw.randint(0, 4))) for _ in range(2000)]
    texts = [
        "".join(draw.choices("ab \n\t:#-'\"|y0\r\x85\u2028\ufeff\x07", k=12)) for _ in range(2000)
    ]
    chunks = [iter(strings), iter(texts)]
    bodies: list[Body] = []
    while data := {f"k{n}": text for n, text in enumerate(islice(chunks[0], 20))}:
        blocks = list(islice(chunks[1], 20))
        keys = dict.fromkeys(data.values(), "v")
        bodies.append({"kind": "ConfigMap", "data": data, "keys": keys, "list": blocks})
    for number, body in enumerate(bodies):
        body |= {"apiVersion": "v1", "metadata": {"name": f"n{number}"}, "map": {"x": body["list"]}}
    assert read_each_by_kubectl(tmp_path, map(write, bodies)) == bodies


@st.composite
def changed(draw: st.DrawFn, body: Body) -> Body:
    """The body with a value exchanged, added or removed somewhere."""
    new = copy.deepcopy(body)
    place: Any = new
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw(st.sampled_from(keys))
        inner = place[key]
        if not (isinstance(inner, dict | list) and inner) or draw(st.booleans()):
            break
        place = inner
    what = draw(st.sampled_from(["exchange", "add", "remove"]))
    if what == "exchange" or (what == "remove" and place is new):
        place[key] = draw(VALUES)
    elif what == "remove":
        del place[key]
    elif isinstance(place, list):
        place.insert(key, draw(VALUES))
    else:
        place[draw(STRINGS)] = draw(VALUES)
    return new


TEXT = FEATURES.replace("*a", "1").replace("<<: 1\n", "z: 1\n").replace("? k\n: l\n", "")


@given(changed(documents(TEXT, "f.yaml")[0].body), st.booleans())
@settings(deadline=None, max_examples=200)
def test_an_edit_says_what_was_meant_and_keeps_comments(new: Body, windows: bool) -> None:
    text = TEXT.replace("\n", "\r\n") if windows else TEXT
    edited, warning = edit_text(text, documents(text, "f.yaml")[0].body, new)
    (document,) = documents(edited, "f.yaml")
    assert same(document.body, new)
    # `|+` before blank lines cannot be told from them: the only thing that resists.
    assert warning is None or "\n\n" in json.dumps(new).replace("\\n", "\n")
    assert warning is not None or edited.startswith("# c")


@given(changed(documents(TEXT, "f.yaml")[0].body["spec"][6]))
@settings(deadline=None)
def test_an_edit_touches_no_line_outside_of_what_it_names(new: Body) -> None:
    (document,) = documents(TEXT, "f.yaml")
    body = copy.deepcopy(document.body)
    body["spec"][6] = new
    edited, warning = edit_text(TEXT, document.body, body)
    before, _, behind = TEXT.partition("  -\n    d:")
    behind = behind[behind.index('"m"') :]
    assert warning is not None or (edited.startswith(before), edited.endswith(behind)) == (
        True,
        True,
    )


PASSWORD = "correct-horse-battery"
NOTES = st.lists(st.sampled_from(["", f"# {PASSWORD}", f"  # {PASSWORD}", f"#  x: {PASSWORD}"]))
FIELDS = st.sampled_from(
    [
        f"  KEY: {PASSWORD} # {PASSWORD}",
        f"  KEY: |\n    {PASSWORD}\n",
        f"  KEY: >-\n    {PASSWORD}\n\n",
        f'  "KEY": "{PASSWORD}"',
        f"  KEY:\n    {PASSWORD} # {PASSWORD}",
        f"  KEY: '{PASSWORD}\n\n    more'",
    ]
)


@st.composite
def secrets(draw: st.DrawFn) -> str:
    """A Secret whose values are noted down all over its data."""
    parts = ["kind: Secret # kept", "apiVersion: v1", "metadata: {name: a}"]
    for number, key in enumerate(draw(st.permutations(["data", "stringData"]))):
        parts.insert(draw(st.integers(number, 3)), f"{key}: # {PASSWORD}\n" + draw(_values(key)))
    return "\n".join(parts) + draw(st.sampled_from(["", "\n", "\n...\n"]))


def _values(key: str) -> st.SearchStrategy[str]:
    first, second = (FIELDS.map(_named(f"{key}{n}")) for n in (1, 2))
    return st.tuples(NOTES, first, NOTES, second, NOTES).map(_lines)


def _named(key: str) -> Callable[[str], str]:
    return lambda field: field.replace("KEY", key)


def _lines(parts: tuple[list[str] | str, ...]) -> str:
    return "\n".join(line for part in parts for line in ([part] if isinstance(part, str) else part))


@given(secrets())
@settings(deadline=None)
def test_no_value_of_a_secret_is_left_in_what_is_sealed(text: str) -> None:
    (document,) = documents(text, "f.yaml")
    values = {**document.body["data"], **document.body["stringData"]}
    sealed = {key: f"kgs1:{key}" for key in values}
    new = {k: v for k, v in document.body.items() if k != "stringData"} | {"data": sealed}
    edited, warning = edit_text(text, document.body, new, drop_comments_in=("data", "stringData"))
    assert (documents(edited, "f.yaml")[0].body, warning) == (new, None)
    assert (PASSWORD in edited, edited.count("# kept")) == (False, 1)


NAMES = st.one_of(
    st.text("abAB01.-_%:~/ é", min_size=1, max_size=6),
    st.sampled_from(["con", "CON", "nul.a", "com1", "..", ".", "a" * 240, "a" * 253, "A" * 100]),
    st.text(min_size=1, max_size=4),
)
KINDS = st.one_of(
    st.sampled_from(
        ["Foo", "FOO", "fOO", "FoO", "FOo", "FooBar", "Foobar", "FOOBar", "F1", "FF1", "Ff1"]
    ),
    st.sampled_from(["ConfigMap", "Configmap", "CONFIGMAP", "configmap", "Con"]),
    st.text("aAbB1-_.%", min_size=1, max_size=6),
    st.text(min_size=1, max_size=3),
)
IDS = st.builds(
    ResourceId,
    st.one_of(st.just(""), st.sampled_from(["apps", "x.io"]), NAMES),
    KINDS,
    st.one_of(st.just(""), st.just("_cluster"), NAMES),
    NAMES,
)


@given(st.lists(IDS, min_size=2, max_size=40, unique=True))
@settings(deadline=None, max_examples=200)
def test_different_resources_have_different_paths_also_ignoring_case(ids: list[ResourceId]) -> None:
    paths = [path_of(id) for id in ids]
    assert len({path.casefold() for path in paths}) == len(ids)


@given(IDS)
@settings(deadline=None)
def test_a_path_can_be_checked_out_anywhere(id: ResourceId) -> None:
    path = path_of(id)
    assert path == path.lower() == path.encode("ascii").decode()
    parts = path.split("/")
    assert len(parts) == 3
    for part in parts:
        assert len(part) <= 255
        assert not part.startswith(".")
        assert not part.endswith((".", " "))
        assert part.split(".")[0] not in {"con", "prn", "aux", "nul", "com1", "lpt1"}
        assert set(part) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-%~")


PIECES = st.sampled_from(
    [
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME} # c\n",
        "# words\n\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: NAME\na: |\n    x\n",
        '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "NAME"}}\n',
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: NAME}}\n",
        "# nothing\n",
    ]
)
SEPARATORS = st.sampled_from(["---\n", "--- # next\n", "---\n---\n", "---\r\n"])


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A file of several documents, with whatever may stand between them."""
    pieces = draw(st.lists(PIECES, min_size=1, max_size=5))
    text = draw(st.sampled_from(["", "---\n", "\ufeff"]))
    for number, piece in enumerate(pieces):
        text += (draw(SEPARATORS) if number else "") + piece.replace("NAME", f"n{number}")
    return (text.rstrip("\n") if draw(st.booleans()) else text).encode()


@given(files(), st.data())
@settings(deadline=None)
def test_the_neighbours_of_a_document_stay_byte_for_byte(data: bytes, more: st.DataObject) -> None:
    file = parse_file(data, "f.yaml")
    holding = [n for n, chunk in enumerate(file.chunks) if chunk.value is not None]
    if not holding:
        return
    texts = [file.text[chunk.start : chunk.end] for chunk in file.chunks]
    number = more.draw(st.sampled_from(holding))
    new = more.draw(st.sampled_from([None, Replacement("kind: New # new\n", {"kind": "New"})]))
    edited = edit_file(data, "f.yaml", {number: new})
    if edited is None:
        assert (new, holding) == (None, [number])
        return
    after = parse_file(edited, "f.yaml")
    kept = [text for n, text in enumerate(texts) if n != number and n in holding]
    found = [
        after.text[c.start : c.end] for c in after.chunks if c.value not in (None, {"kind": "New"})
    ]
    assert [text.strip() for text in found] == [text.strip() for text in kept]


@needs_real_manifests
def test_real_manifests_mean_to_us_what_they_mean_to_kubectl() -> None:
    mine = [
        without_mark(item.body)
        for path in real_manifests()
        for document in documents(path.read_bytes(), path.name)
        for item in flatten(document)
    ]
    assert len(mine) > 300
    theirs = read_by_kubectl(FOLDER)
    assert sorted(map(_canonical, mine)) == sorted(map(_canonical, theirs))


def _canonical(body: Body) -> str:
    return json.dumps(as_json_reads(body), sort_keys=True)


@needs_real_manifests
def test_kubectl_reads_real_manifests_as_we_write_them(tmp_path: Path) -> None:
    bodies = [
        item.body
        for path in real_manifests()
        for document in documents(path.read_bytes(), path.name)
        for item in flatten(document)
    ]
    (tmp_path / "all.yaml").write_text("---\n".join(map(write, bodies)))
    assert read_by_kubectl(tmp_path) == [without_mark(body) for body in bodies]


@needs_real_manifests
def test_real_manifests_are_edited_in_place() -> None:
    draw = random.Random(1)
    for path in real_manifests():
        for document in documents(path.read_bytes(), path.name):
            if len(document.text) < 20_000 and "metadata" in document.body:
                _relabelled(draw, document.text, document.body)


def _relabelled(draw: random.Random, text: str, body: Body) -> None:
    """A label comes, and goes again: the text is the same as before."""
    metadata = body["metadata"]
    labels = {**metadata.get("labels", {}), "z": draw.choice(["yes", "a: b", "1", "x"])}
    new = {**body, "metadata": {**metadata, "labels": labels}}
    edited, warning = edit_text(text, body, new)
    assert (documents(edited, "f")[0].body, warning) == (new, None)
    assert edit_text(edited, new, body) == (text, None)


@needs_real_manifests
def test_a_branch_of_real_manifests_loses_one_resource_at_a_time() -> None:
    files = {
        path.name: path.read_bytes() for path in real_manifests() if path.stat().st_size < 50_000
    }
    snapshot = read_snapshot("", files)
    for id in list(snapshot.entries)[::5]:
        edits = snapshot.edit([], [id])
        ((path, data),) = edits.items()
        after = read_snapshot("", {path: data} if data else {})
        before = [i for i, e in snapshot.entries.items() if e.place.path == path and i != id]
        assert sorted(after.entries) == sorted(before)
