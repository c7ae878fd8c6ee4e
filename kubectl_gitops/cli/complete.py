"""What kubectl asks for a TAB: `kubectl_complete-gitops WORD… LAST`.

Candidates go to stdout, one a line as `value<TAB>help`, then `:N`, what the shell does with them.
They are click's; those that only this machine's files can tell come from `candidates`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import click
from click.shell_completion import CompletionItem, ShellComplete

from kubectl_gitops.cli import commands, talk
from kubectl_gitops.errors import GitopsError, printable

__all__ = ["answer"]

# cobra's ShellCompDirective.
_FILES, _ERROR, _NO_SPACE, _NO_FILES, _DIRECTORIES = 0, 1, 2, 4, 16

_TOP = click.Context(commands)
_FORGIVING = {"resilient_parsing": True}


def answer(words: Sequence[str]) -> int:
    """Print the candidates for the last word; always exit code 0, as kubectl's own."""
    try:
        lines, directive = _answered(words)
    except (GitopsError, click.ClickException) as error:
        talk.error(getattr(error, "message", str(error)))  # kubectl shows it to nobody
        lines, directive = [], _ERROR
    for line in lines:
        click.echo(line)
    click.echo(f":{directive}")
    return 0


def _answered(words: Sequence[str]) -> tuple[list[str], int]:
    *before, last = words or [""]
    if before and not before[0].startswith("-") and commands.get_command(_TOP, before[0]) is None:
        return [], _NO_FILES
    found = list(_found(before, last))
    kinds = {item.type for item in found}
    if kinds & {"file", "dir"}:
        return [], _DIRECTORIES if kinds == {"dir"} else _FILES
    values = [str(item.value) for item in found]
    open_end = bool(values) and all(value.endswith(("/", "=", "..")) for value in values)
    return list(map(_line, found)), _NO_FILES | (_NO_SPACE if open_end else 0)


def _found(before: list[str], last: str) -> Iterator[CompletionItem]:
    with suppress(click.exceptions.NoArgsIsHelpError):
        yield from ShellComplete(commands, _FORGIVING, "kubectl gitops", "").get_completions(
            before, last
        )


def _line(item: CompletionItem) -> str:
    value, about = printable(str(item.value)), printable(str(item.help or ""))
    return f"{value}\t{about}" if about else value
