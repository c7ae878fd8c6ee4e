"""Whatever the value and the place: it opens there, nowhere else, and not once changed."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kubectl_gitops.envelope import Key, Keyring, Place, find_place, new_key, open_sealed, seal
from kubectl_gitops.envelope.layout import pad, unpad
from kubectl_gitops.errors import GitopsError

RING = Keyring.of([new_key(), new_key()])
KEY = RING.primary()

names = st.text(st.characters(codec="utf-8"), max_size=12)
places = st.builds(Place, names, names, names, names, names.map("/data/{}".format))
values = st.binary(max_size=300)


@given(values, places, st.booleans())
def test_a_value_opens_where_it_was_sealed(value: bytes, place: Place, json_value: bool) -> None:
    text = seal(KEY, value, place, json_value=json_value)
    assert open_sealed(RING, text, place, json_value=json_value) == value
    assert seal(KEY, value, place, json_value=json_value) == text


@given(values, places, places)
def test_it_opens_nowhere_else(value: bytes, place: Place, other: Place) -> None:
    assume(place != other)
    text = seal(KEY, value, place)
    with pytest.raises(GitopsError):
        open_sealed(RING, text, other)
    assert find_place(RING, text, [other, place]) == place


@given(values, places, st.sampled_from([f.name for f in fields(Place)]), names)
def test_changing_one_part_of_the_place_is_enough(
    value: bytes, place: Place, part: str, new: str
) -> None:
    other = replace(place, **{part: new})
    assume(place != other)
    with pytest.raises(GitopsError):
        open_sealed(RING, seal(KEY, value, place), other)


@given(values, places, st.data())
def test_a_changed_text_is_refused_and_its_value_not_named(
    value: bytes, place: Place, data: st.DataObject
) -> None:
    text = seal(KEY, value, place)
    index = data.draw(st.integers(5, len(text) - 1))
    char = data.draw(st.characters(codec="utf-8"))
    assume(text[index] != char)
    with pytest.raises(GitopsError) as raised:
        open_sealed(RING, text[:index] + char + text[index + 1 :], place)
    assert raised.value.message.startswith(str(place))


@given(values, places, places)
def test_equal_values_at_different_places_share_nothing(
    value: bytes, place: Place, other: Place
) -> None:
    assume(place != other)
    header = len("kgs1:") + 16
    assert seal(KEY, value, place)[header:] != seal(KEY, value, other)[header:]


@given(values, places, st.binary(min_size=32, max_size=32))
def test_another_key_does_not_open_it(value: bytes, place: Place, raw: bytes) -> None:
    with pytest.raises(GitopsError, match="which is not held"):
        open_sealed(RING, seal(Key.generated(raw), value, place), place)


@settings(max_examples=50)
@given(st.binary(max_size=5000))
def test_padding_is_undone(value: bytes) -> None:
    padded = pad(value)
    assert unpad(padded) == value
    assert len(padded) <= max(64, (len(value) + 1) * 1.125)
