"""Long output on a terminal goes through a pager, in colour, as that of `git log` does.

`GIT_PAGER`, `core.pager`, `PAGER`, else `less`; an empty one or `cat` means none. Where stdout is
no terminal, nothing is paged and nothing coloured.
"""

from __future__ import annotations

import os
import sys

import click

__all__ = ["page", "wants_colour"]

_LESS = {"LESS": "FRX", "LV": "-c"}
"""What Git sets for the pagers where the person has not: quit on one screen, show colours."""


def wants_colour() -> bool:
    """Whether stdout is a terminal whose person has not said otherwise (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def page(text: str) -> None:
    """Print a text that ends in a line feed, or is empty."""
    pager = _pager() if sys.stdout.isatty() and text else ""
    if not pager:
        click.echo(text, nl=False)
        return
    import subprocess

    running = subprocess.Popen(  # noqa: S602  the person's own setting, run as Git runs it
        pager,
        shell=True,
        stdin=subprocess.PIPE,
        env={**_LESS, **os.environ},
        text=True,
        encoding="utf-8",
    )
    try:
        running.communicate(text)
    except KeyboardInterrupt:
        running.wait()  # less ignores it; so do we, or the terminal is left as it is


def _pager() -> str:
    import shutil

    from kubectl_gitops.store.identity import git_setting

    said = os.environ.get("GIT_PAGER")
    if said is None:
        said = git_setting("core", "pager")
    if said is None:
        said = os.environ.get("PAGER")
    if said is None:
        said = "less" if shutil.which("less") else ""
    return "" if said == "cat" else said
