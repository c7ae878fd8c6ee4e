"""What one YAML scalar means to kubectl: the rules of go-yaml v2, and of the JSON made of it.

kubectl reads manifests with sigs.k8s.io/yaml: go-yaml v2 resolves each scalar (`resolve.go`), the
result is written as JSON, and that JSON is read again. PyYAML's own rules differ in a dozen places
(pyyaml#860), so they are not used at all.

A scalar is read in two steps, because a key and a value of the same spelling differ: `1e6` is the
number 1000000 as a value and the text `1e+06` as a key. `plain` and `tagged` give what go-yaml
gives (*raw*), `value` and `key` what becomes of it. Every refusal is a `ValueError` whose text
never holds the scalar, which may be a Secret's.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from collections.abc import Iterable
from decimal import Decimal

__all__ = ["Raw", "Scalar", "key", "plain", "tagged", "value"]

Scalar = str | int | float | bool | None
Raw = Scalar
"""Like `Scalar`, but 1.0 is still a float, and integers reach up to 2^64 - 1."""

_INT64 = range(-(1 << 63), 1 << 63)
_UINT64 = range(1 << 64)

# An integer of this many characters is out of every range; int() refuses one of 5,000 digits.
_LONGEST_INTEGER = 80


def _words(meanings: Iterable[tuple[Scalar, str]]) -> dict[str, Scalar]:
    return {word: meaning for meaning, words in meanings for word in words.split()}


_WORDS = _words(
    (
        (True, "y Y yes Yes YES true True TRUE on On ON"),
        (False, "n N no No NO false False FALSE off Off OFF"),
        (None, "~ null Null NULL"),
        (math.nan, ".nan .NaN .NAN"),
        (math.inf, ".inf .Inf .INF +.inf +.Inf +.INF"),
        (-math.inf, "-.inf -.Inf -.INF"),
    )
)
_NUMERIC = frozenset("+-0123456789")
_SPECIAL = _NUMERIC | frozenset("yYnNtTfFoO~.")

# strconv.ParseInt with base 0. The last form is go-yaml's own fallback, which also takes `0b+1`.
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[oO](?P<oct>[0-7]+)|0[bB](?P<bin>[01]+)"
    r"|0(?P<old>[0-7]+)|(?P<dec>0|[1-9][0-9]*))|0b(?P<odd>[-+][01]+)"
)
_BASES = {"hex": 16, "oct": 8, "bin": 2, "old": 8, "dec": 10, "odd": 2}
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
# strconv.ParseFloat of what begins with a point; it takes underscores between digits.
_POINT_FLOAT = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-(?:0?[1-9]|1[0-2])-(?:0?[1-9]|[12][0-9]|3[01])"
    r"(?:(?:[Tt ]) *[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})?)?"
)


def plain(text: str) -> Raw:
    """What a plain scalar without a tag resolves to."""
    if not text:
        return None
    first = text[0]
    if first not in _SPECIAL:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if first in _NUMERIC:
        return _number(text)
    if first == "." and _POINT_FLOAT.fullmatch(text):
        return _float(text)
    return text


def _number(text: str) -> Raw:
    digits = text.replace("_", "")
    if match := _INTEGER.fullmatch(digits):
        integer = _integer(match)
        if integer is not None:
            return integer
    if not _FLOAT.fullmatch(digits):
        return text
    number = _float(digits)
    return text if number == digits else number


def _integer(match: re.Match[str]) -> int | None:
    """The integer if Go holds it: an int64, or an uint64 that was written without a sign."""
    base = str(match.lastgroup)
    if len(match[0]) > _LONGEST_INTEGER:
        return None
    number = int(match[base], _BASES[base])
    if match["sign"] == "-":
        number = -number
    if number in _INT64 or (number in _UINT64 and not match["sign"]):
        return number
    return None


def _float(text: str) -> float | str:
    """A float, or the text itself where it is out of range, as strconv's ErrRange makes it."""
    number = float(text)
    return text if math.isinf(number) else number


_PREFIX = "tag:yaml.org,2002:"
_TYPES: dict[str, tuple[type, ...]] = {
    _PREFIX + "int": (int,),
    _PREFIX + "bool": (bool,),
    _PREFIX + "float": (float,),
    _PREFIX + "null": (type(None),),
}


def tagged(tag: str, text: str) -> Raw:
    """What a scalar with an explicit tag resolves to; an unknown tag makes it a string.

    Raises ValueError where the text is not what its tag says.
    """
    if tag == _PREFIX + "binary":
        return _binary(text)
    if tag == _PREFIX + "timestamp" and not _TIMESTAMP.fullmatch(text):
        raise ValueError("not a !!timestamp")
    if tag not in _TYPES:
        return text
    raw = plain(text)
    if tag == _PREFIX + "float" and type(raw) is int and raw in _INT64:
        return float(raw)
    if type(raw) not in _TYPES[tag]:
        raise ValueError(f"not a !!{tag.removeprefix(_PREFIX)}")
    return raw


def _binary(text: str) -> str:
    """The text behind base64. kubectl writes U+FFFD for bytes that are no text; we refuse them."""
    try:
        return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True).decode()
    except binascii.Error as error:
        raise ValueError("!!binary without valid base64") from error
    except UnicodeDecodeError as error:
        raise ValueError("!!binary that is not UTF-8 text") from error


def value(raw: Raw) -> Scalar:
    """A raw scalar as JSON data: whole floats become integers, integers beyond int64 floats.

    go-yaml's float is written by encoding/json with the fewest digits, without an exponent below
    1e21, and what then looks like an int64 is read as one. Raises ValueError for `.inf`, `.nan`.
    """
    if type(raw) is int:
        return raw if raw in _INT64 else float(raw)
    if type(raw) is not float:
        return raw
    if not math.isfinite(raw):
        raise ValueError("infinity and NaN have no place in JSON")
    if abs(raw) >= 1e21 or raw != int(raw):
        return raw
    whole = int(Decimal(repr(raw)))
    return whole if whole in _INT64 else raw


def key(raw: Raw) -> str:
    """A raw scalar as the key of a map. Raises ValueError for null and for what exceeds int64."""
    if type(raw) is str:
        return raw
    if type(raw) is bool:
        return "true" if raw else "false"
    if type(raw) is int and raw in _INT64:
        return str(raw)
    if type(raw) is float:
        return _float_key(raw)
    raise ValueError("a key is a string, a number or a boolean")


def _float_key(number: float) -> str:
    """`strconv.FormatFloat(number, 'g', -1, 32)`: the fewest digits that name the same float32."""
    if not math.isfinite(number):
        return ".nan" if math.isnan(number) else ".inf" if number > 0 else "-.inf"
    single = _float32(number)
    if not math.isfinite(single):
        return ".inf" if single > 0 else "-.inf"
    digits = next(d for p in range(9) if _float32(float(d := f"{single:.{p}e}")) == single)
    mantissa, _, exponent = digits.partition("e")
    if -4 <= int(exponent) < 6:
        return f"{Decimal(digits):f}"
    return f"{mantissa}e{int(exponent):+03d}"


def _float32(number: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", number))[0])
    except OverflowError:
        return math.copysign(math.inf, number)
