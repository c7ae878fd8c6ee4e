"""Merging two people's changes: what does not touch is kept, what touches is named."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_gitops.merge import Merge, merge
from kubectl_gitops.pointer import join
from kubectl_gitops.resource import same

Path = tuple[str, ...]

KEYS = st.sampled_from(["a", "b", "c/d", "e~f", ""])
SCALARS = st.sampled_from([None, True, False, 0, 1, 1.0, "", "x", "1"])
LEAVES = SCALARS | st.lists(SCALARS, max_size=3)
BODIES = st.dictionaries(
    KEYS,
    st.recursive(LEAVES, lambda values: st.dictionaries(KEYS, values, max_size=4), max_leaves=12),
    max_size=5,
)
GONE = object()
NEW = st.sampled_from(["ours", "theirs", 7, [7], GONE])


def leaves(value: Any, at: Path = ()) -> list[Path]:
    if isinstance(value, dict) and (value or not at):
        return [path for key in value for path in leaves(value[key], (*at, key))]
    return [at]


def edited(body: dict[str, Any], edits: dict[Path, Any]) -> dict[str, Any]:
    body = copy.deepcopy(body)
    for path, value in edits.items():
        around = body
        for key in path[:-1]:
            around = around[key]
        if value is GONE:
            del around[path[-1]]
        else:
            around[path[-1]] = value
    return body


@st.composite
def edits_of(draw: st.DrawFn) -> tuple[dict[str, Any], dict[Path, Any], dict[Path, Any]]:
    """A body, and what each side makes of some of its fields."""
    base = draw(BODIES)
    changes = st.dictionaries(st.sampled_from(leaves(base)), NEW) if base else st.just({})
    return base, draw(changes), draw(changes)


@settings(max_examples=300, deadline=None)
@given(edits_of())
def test_what_two_people_changed_is_kept_and_where_they_met_is_named(
    drawn: tuple[dict[str, Any], dict[Path, Any], dict[Path, Any]],
) -> None:
    base, mine, other = drawn
    theirs = {path: value for path, value in other.items() if path not in mine}

    merged = merge(base, edited(base, mine), edited(base, theirs))
    assert merged.overlaps == ()
    assert same(merged.body, edited(base, {**mine, **theirs}))

    met = merge(base, edited(base, mine), edited(base, other))
    clashes = {join(path) for path in mine.keys() & other.keys() if mine[path] != other[path]}
    assert set(met.overlaps) == clashes
    assert same(met.body, edited(base, {**other, **mine}))


@settings(max_examples=200, deadline=None)
@given(st.none() | BODIES, st.none() | BODIES)
def test_one_side_alone_and_both_alike_change_what_they_changed(
    base: dict[str, Any] | None, new: dict[str, Any] | None
) -> None:
    for merged in (merge(base, new, base), merge(base, base, new), merge(base, new, new)):
        assert merged.overlaps == ()
        assert same(merged.body, new)


@settings(max_examples=200, deadline=None)
@given(BODIES, BODIES, BODIES)
def test_the_sides_can_be_exchanged(
    base: dict[str, Any], one: dict[str, Any], other: dict[str, Any]
) -> None:
    here, there = merge(base, one, other), merge(base, other, one)
    assert set(here.overlaps) == set(there.overlaps)
    assert here.overlaps or same(here.body, there.body)


def test_the_inputs_are_not_changed() -> None:
    bodies = {"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}
    before = copy.deepcopy(bodies)
    assert merge(*bodies) == Merge({"a": {"b": 3, "c": 2}}, ())
    assert bodies == before
