"""The one exception of the program, and the one way to make foreign text safe to print.

A `GitopsError` is raised where the cause is known and caught once, in the command line. Its
message is lower case, has no final full stop, names the resource and never holds the value of a
Secret or a raw response body; its hints are commands to run.
"""

from __future__ import annotations

import unicodedata
from enum import IntEnum

__all__ = ["Exit", "GitopsError", "printable"]


class Exit(IntEnum):
    """What a process ends with; the table of `docs/exit-codes.md`."""

    FAILED = 1
    USAGE = 2
    CONFLICT = 3
    AHEAD = 4
    INTERRUPTED = 130
    TERMINATED = 143


class GitopsError(Exception):
    """Something the person must know: how the process ends, what happened, what to run next."""

    def __init__(self, message: str, *hints: str, exit: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.hints = hints
        self.exit = exit


# Explicit directional formatting and isolates: text that reads differently from what it is
# (CVE-2021-42574). C0, C1 and DEL move the cursor or colour the terminal (CVE-2021-25743).
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CONTROL = frozenset({"Cc", "Cs", "Zl", "Zp"})


def printable(text: str) -> str:
    r"""Escape what a terminal would obey instead of show, e.g. ESC as `\x1b`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) for c in text)


def _escaped(char: str) -> str:
    if char in _BIDI or unicodedata.category(char) in _CONTROL:
        return char.encode("unicode_escape", "surrogatepass").decode("ascii")
    return char
