"""JSON data as block-style YAML that every reader understands alike.

Used where text must be made: resources taken from the cluster, and the parts of a person's text
that change. PyYAML's emitter is not used, for it leaves `1e3`, `123e4567`, `y`, `0o17` and `08`
plain, loses U+0085, quotes whole files for one tab, and cannot write at a given column.

A string stays plain only where no reader of YAML 1.1 or 1.2 could take it for anything else;
otherwise it is written in double quotes, as JSON writes it. Strings of several lines become `|`
blocks. Collections are indented as `kubectl get -o yaml` does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from kubectl_gitops.manifest import scalars
from kubectl_gitops.resource import Body

__all__ = ["block", "entry", "flow", "item", "key", "quoted", "scalar", "write"]

_SEALED = "kgs1:"
_LONGEST_KEY = 1000
_HEAD = ("apiVersion", "kind", "metadata")
_METADATA = ("name", "generateName", "namespace", "labels", "annotations")

# Words that YAML 1.1 readers take for booleans and null, in any spelling.
_WORDS = frozenset({"y", "yes", "n", "no", "on", "off", "true", "false", "null", ".inf", ".nan"})
# Numbers of every base, dates, sexagesimals: whatever has the letters of one and begins like one.
_NUMERIC = re.compile(r"[-+.]*[0-9][0-9a-fA-FoOxX_:.,+tTzZ -]*|[-+.]+(?:inf)?", re.IGNORECASE)
_PLAIN = re.compile(r"(?:[\w./$(]|-(?=[^\s-]|-[^\s-]))(?:[^\s:#]|:(?! )|(?<! )#| )*")
# What libyaml prints: no other control character, no line break but \n, no byte order mark.
_SPECIAL = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


def write(body: Body) -> str:
    """A resource as one YAML document, its keys in the order of the API, a newline at the end."""
    ordered = _first(_HEAD, body)
    if type(ordered.get("metadata")) is dict:
        ordered["metadata"] = _first(_METADATA, ordered["metadata"])
    if "status" in ordered:
        ordered["status"] = ordered.pop("status")
    return block(ordered, 0) + "\n"


def _first(names: Iterable[str], body: Mapping[str, Any]) -> Body:
    head = {name: body[name] for name in names if name in body}
    return {**head, **body}


def block(value: Any, column: int) -> str:
    """A value whose first line stands at `column` already; no newline at the end."""
    if type(value) is dict and value:
        lines = (entry(name, part, column) for name, part in value.items())
    elif type(value) is list and value:
        lines = (item(part, column) for part in value)
    else:
        return scalar(value, column)
    return f"\n{' ' * column}".join(lines)


def entry(name: str, value: Any, column: int) -> str:
    """`name: value` of a map whose keys stand at `column`."""
    head = key(name, column)
    if type(value) is dict and value:
        return f"{head}:\n{' ' * (column + 2)}{block(value, column + 2)}"
    if type(value) is list and value:
        return f"{head}:\n{' ' * column}{block(value, column)}"
    return f"{head}: {scalar(value, column + 2)}"


def item(value: Any, column: int) -> str:
    """`- value` of a list whose dashes stand at `column`."""
    return f"- {block(value, column + 2)}"


def key(name: str, column: int) -> str:
    """The key of a map, up to its colon. Beyond 1,024 characters YAML wants it announced."""
    written = name if _is_plain(name) else quoted(name)
    return written if len(written) <= _LONGEST_KEY else f"? {written}\n{' ' * column}"


def scalar(value: Any, column: int) -> str:
    """A scalar, `{}` or `[]`; the lines of a `|` block stand at `column`."""
    if type(value) is not str:
        return flow(value)
    if "\n" in value and _fits_block(value):
        return _literal(value, column)
    return value if _is_plain(value) else quoted(value)


def _is_plain(text: str) -> bool:
    return (
        _PLAIN.fullmatch(text) is not None
        and text.lower() not in _WORDS
        and not text.endswith((":", " "))
        and not text.startswith(_SEALED)
        and _NUMERIC.fullmatch(text) is None
        and _SPECIAL.search(text) is None
    )


def _fits_block(text: str) -> bool:
    return text[0] not in " \t\n" and _SPECIAL.search(text) is None


def _literal(text: str, column: int) -> str:
    kept = text.removesuffix("\n")
    chomping = "-" if kept == text else "+" if kept.endswith("\n") else ""
    pad = " " * column
    lines = (pad + line if line else "" for line in kept.split("\n"))
    return "\n".join((f"|{chomping}", *lines))


def quoted(text: str) -> str:
    """A string in double quotes: JSON, and read alike as YAML."""
    return _SPECIAL.sub(_escaped, json.dumps(text, ensure_ascii=False))


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def flow(value: Any) -> str:
    """Any value on one line, as JSON with a space behind `:` and `,`."""
    if type(value) is dict:
        return "{" + ", ".join(f"{quoted(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if type(value) is list:
        return "[" + ", ".join(map(flow, value)) + "]"
    if type(value) is str:
        return quoted(value)
    if type(value) is float:
        return _number(value)
    return json.dumps(value)


def _number(number: float) -> str:
    """A number that YAML 1.1 takes for one, too: it wants a point and a sign (`1.0e+22`)."""
    text = json.dumps(scalars.value(number))
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}.0e{exponent}" if e and "." not in mantissa else text
