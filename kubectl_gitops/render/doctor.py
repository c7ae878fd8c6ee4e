"""What `doctor` found: a screen for people, a document for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubectl_gitops.errors import printable
from kubectl_gitops.operations.doctor import Condition, Part
from kubectl_gitops.render.texts import document
from kubectl_gitops.resource import Body

__all__ = ["doctor_body", "doctor_text"]

_MARKS = {Condition.OK: "✓", Condition.FAILED: "✗", Condition.NOTE: "-"}
_COLOURS = {Condition.OK: "\x1b[32m", Condition.FAILED: "\x1b[31m", Condition.NOTE: "\x1b[33m"}
_RESET = "\x1b[0m"


def doctor_text(parts: Sequence[Part], *, colour: bool) -> str:
    """One line for each part, what to run below those that need it."""
    width = max(len(part.name) for part in parts)
    return "".join(line for part in parts for line in _lines(part, width, colour=colour))


def _lines(part: Part, width: int, *, colour: bool) -> Iterable[str]:
    mark = _MARKS[part.condition]
    if colour:
        mark = f"{_COLOURS[part.condition]}{mark}{_RESET}"
    message = "; ".join(map(printable, part.message.splitlines()))
    yield f"{mark} {part.name.ljust(width)}   {message}\n"
    for hint in part.hints:
        yield f"  {' ' * width}   hint: {printable(hint)}\n"


def doctor_body(parts: Iterable[Part]) -> Body:
    """A `Doctor`."""
    return document("Doctor", [_item(part) for part in parts])


def _item(part: Part) -> Body:
    return {
        "part": part.name,
        "condition": str(part.condition),
        "message": part.message,
        "hints": list(part.hints),
    }
