"""Scalars mean what they mean to kubectl: the table was read off `kubectl annotate --local`."""

from __future__ import annotations

import math

import pytest

from kubectl_gitops.manifest import scalars

REFUSED = "refused"

PLAIN = {
    "": None,
    "~": None,
    "null": None,
    "NULL": None,
    "nULL": "nULL",
    "y": True,
    "N": False,
    "yes": True,
    "No": False,
    "on": True,
    "OFF": False,
    "true": True,
    "True": True,
    "tRue": "tRue",
    "0": 0,
    "-0": 0,
    "-0.0": 0,
    "+12": 12,
    "1_000": 1000,
    "1__0": 10,
    "1_": 1,
    "_1": "_1",
    "014": 12,
    "0o14": 12,
    "0O14": 12,
    "-012": -10,
    "0o8": "0o8",
    "08": 8,
    "089": 89,
    "0_7": 7,
    "0x1F": 31,
    "-0X1f": -31,
    "0x_1": 1,
    "0x": "0x",
    "0b101": 5,
    "-0b11": -3,
    "0B1": 1,
    "0b+1": 1,
    "0b-1": -1,
    "0B+1": "0B+1",
    "-0b+1": "-0b+1",
    "0b2": "0b2",
    "1e3": 1000,
    "1E+3": 1000,
    "1.5e3": 1500,
    "12e03": 12000,
    "1.e5": 100000,
    ".e5": ".e5",
    ".5": 0.5,
    "+.5": 0.5,
    "-.5": -0.5,
    ".5_0": 0.5,
    ".5_0e1_0": 5000000000,
    "._5": "._5",
    ".5_": ".5_",
    "5.": 5,
    "1.0": 1,
    "1.10": 1.1,
    "1_000.5": 1000.5,
    "1e22": 1e22,
    "1e1000": "1e1000",
    "1.2.3": "1.2.3",
    "1.2e": "1.2e",
    "9223372036854775807": 9223372036854775807,
    "9223372036854775808": 9223372036854775808.0,
    "18446744073709551615": 18446744073709551615.0,
    "18446744073709551616": 18446744073709551616.0,
    "+18446744073709551615": 18446744073709551615.0,
    "-9223372036854775808": -9223372036854775808,
    "-9223372036854775809": -9223372036854775809.0,
    "4611686018427387904.0": 4611686018427388000,
    "9.223372036854775e18": 9223372036854775000,
    "0xffffffffffffffff": 18446744073709551615.0,
    "0x1ffffffffffffffff": "0x1ffffffffffffffff",
    "0b" + "1" * 67: "0b" + "1" * 67,
    "1:30": "1:30",
    "12:30:45": "12:30:45",
    "2001-01-01": "2001-01-01",
    "2024-01-01T00:00:00Z": "2024-01-01T00:00:00Z",
    "0.0.0.0": "0.0.0.0",
    "100m": "100m",
    "1Gi": "1Gi",
    "=": "=",
    "<<": "<<",
    "+": "+",
    "-": "-",
    ".": ".",
    "inf": "inf",
    "NaN": "NaN",
    ".inf": REFUSED,
    "-.Inf": REFUSED,
    "+.INF": REFUSED,
    ".nan": REFUSED,
}


def read(raw: scalars.Raw) -> object:
    try:
        return scalars.value(raw)
    except ValueError:
        return REFUSED


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_scalar_means_what_it_means_to_kubectl(text: str) -> None:
    value = read(scalars.plain(text))
    assert (type(value), value) == (type(PLAIN[text]), PLAIN[text])


TAG = "tag:yaml.org,2002:"
TAGGED = {
    ("str", "123"): "123",
    ("str", "~"): "~",
    ("int", "12"): 12,
    ("int", "1e3"): REFUSED,
    ("int", "1.0"): REFUSED,
    ("int", "yes"): REFUSED,
    ("bool", "yes"): True,
    ("bool", "1"): REFUSED,
    ("float", "3"): 3,
    ("float", "0x10"): 16,
    ("float", "-0"): 0,
    ("float", "2.5"): 2.5,
    ("float", "18446744073709551615"): REFUSED,
    ("float", ""): REFUSED,
    ("float", ".inf"): REFUSED,
    ("null", ""): None,
    ("null", "foo"): REFUSED,
    ("binary", "aGVs\nbG8="): "hello",
    ("binary", "aG k="): REFUSED,
    ("binary", "/w=="): REFUSED,
    ("timestamp", "2024-01-01"): "2024-01-01",
    ("timestamp", "2001-12-14t21:59:43.10-05:00"): "2001-12-14t21:59:43.10-05:00",
    ("timestamp", "2001-13-01"): REFUSED,
    ("timestamp", "foo"): REFUSED,
    ("merge", "<<"): "<<",
    ("python/object/apply:os.system", "id"): "id",
}


@pytest.mark.parametrize(("tag", "text"), TAGGED)
def test_a_tagged_scalar_means_what_it_means_to_kubectl(tag: str, text: str) -> None:
    try:
        value = read(scalars.tagged(TAG + tag, text))
    except ValueError:
        value = REFUSED
    expected = TAGGED[tag, text]
    assert (type(value), value) == (type(expected), expected)


def test_a_tag_of_a_stranger_makes_a_string() -> None:
    assert scalars.tagged("!x", "12") == "12"


KEYS = {
    "a": "a",
    "1": "1",
    "0x10": "16",
    "true": "true",
    "n": "false",
    "1e3": "1000",
    "1.5": "1.5",
    "-0.0": "-0",
    "100000.0": "100000",
    "1e6": "1e+06",
    "123456.7": "123456.7",
    "1000000.5": "1.0000005e+06",
    "16777217.0": "1.6777216e+07",
    "99999999.0": "1e+08",
    "0.0001": "0.0001",
    "0.000123456789": "0.00012345679",
    "0.00001": "1e-05",
    "-1.5e-7": "-1.5e-07",
    "1e30": "1e+30",
    "1e39": ".inf",
    "-1e39": "-.inf",
    "3.5e38": ".inf",
    "1e-50": "0",
    ".inf": ".inf",
    "-.inf": "-.inf",
    ".nan": ".nan",
}


@pytest.mark.parametrize("text", KEYS)
def test_a_key_is_written_as_go_writes_it(text: str) -> None:
    assert scalars.key(scalars.plain(text)) == KEYS[text]


@pytest.mark.parametrize("text", ["~", "18446744073709551615"])
def test_what_kubectl_refuses_as_a_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^a key is a string, a number or a boolean$"):
        scalars.key(scalars.plain(text))


@pytest.mark.parametrize("prefix", ["", "-", "0x", "0"])
def test_an_integer_of_a_million_digits_is_a_string(prefix: str) -> None:
    digits = prefix + "7" * 1_000_000
    assert scalars.plain(digits) == digits


def test_a_refusal_never_shows_the_scalar() -> None:
    with pytest.raises(ValueError, match=r"^not a !!int$"):
        scalars.tagged(TAG + "int", "hunter2")
    with pytest.raises(ValueError, match=r"^infinity and NaN have no place in JSON$"):
        scalars.value(math.nan)
