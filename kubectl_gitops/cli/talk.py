"""What is said to a person goes to stderr, in one form each: a note, a warning, an error, a hint.

Lower case, no final full stop. Output that is data never comes through here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from kubectl_gitops.errors import GitopsError

__all__ = [
    "asks",
    "error",
    "failure",
    "hidden",
    "hint",
    "is_showing",
    "is_terminal",
    "note",
    "say",
    "showing",
    "warning",
]


def say(text: str) -> None:
    """A line as it is."""
    click.echo(text, err=True)


def note(text: str) -> None:
    """What we did, where the result lines do not say it."""
    say(f"kubectl-gitops: {text}")


def warning(text: str) -> None:
    """Something to know that stops nothing; spelled as kubectl spells the server's warnings."""
    label = click.style("Warning:", fg="yellow", bold=True) if sys.stderr.isatty() else "Warning:"
    say(f"{label} {text}")


def error(text: str) -> None:
    """Why it was not done; what the API server said has kubectl's heading, and no other."""
    if text.startswith(_SERVERS):
        say(text)
        return
    label = click.style("error:", fg="red", bold=True) if sys.stderr.isatty() else "error:"
    say(f"{label} {text}")


_SERVERS = "Error from server"


def hint(text: str) -> None:
    """A command to run next."""
    say(f"hint: {text}")


def failure(problem: GitopsError) -> None:
    """An error with what to do about it."""
    error(problem.message)
    for line in problem.hints:
        hint(line)


def is_terminal() -> bool:
    """Whether there is a person to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


_shown: list[tuple[Callable[[], None], Callable[[], None]]] = []
"""What lives on the last line of the terminal: how to take it off and how to show it again."""


@contextmanager
def showing(stop: Callable[[], None], start: Callable[[], None]) -> Iterator[None]:
    """While something is shown there, a question waits until it is out of the way."""
    _shown.append((stop, start))
    try:
        yield
    finally:
        _shown.pop()


def is_showing() -> bool:
    """Whether the last line of the terminal is taken."""
    return bool(_shown)


def asks(question: str) -> bool:
    """A yes or no from the person at the terminal; no where there is none."""
    if not is_terminal():
        return False
    with hidden():
        return click.confirm(question, default=False, err=True)


@contextmanager
def hidden() -> Iterator[None]:
    """While a person is asked, nothing else is shown on the last line."""
    for stop, _ in _shown:
        stop()
    try:
        yield
    finally:
        for _, start in _shown:
            start()
