"""Flags as kubectl reads them: the grammar of Go's pflag, on top of click.

click and pflag differ in what scripts are full of: `--wait=true` for a switch, `-l=app=web`, a
`--dry-run` whose value may be left out and which never takes the next word for it. The words of a
`DropIn` command are put into the one form that both read the same, `--name=value`, and values that
cannot be read are refused in pflag's words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cluster.options import parse_duration
from kubectl_gitops.errors import GitopsError, printable

__all__ = [
    "BOOLEAN",
    "DURATION",
    "INTEGER",
    "DropIn",
    "boolean_of",
    "dry_run_of",
    "dry_run_option",
    "refuse_other_ways",
    "switch",
]


class DropIn(click.Command):
    """A command whose words are read as kubectl would read them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse them, spelled as click reads them."""
        return super().parse_args(ctx, list(_Spelling(ctx, self.get_params(ctx), args)))


class _Spelling:
    """The words of a command line with each flag as `--name=value`; what is unknown stays."""

    def __init__(
        self, ctx: click.Context, parameters: Iterable[click.Parameter], words: Iterable[str]
    ) -> None:
        self._ctx = ctx
        self._words = iter(words)
        options = [one for one in parameters if isinstance(one, click.Option)]
        self._options = {name: option for option in options for name in option.opts}

    def __iter__(self) -> Iterator[str]:
        for word in self._words:
            if word == "--":
                yield word
                yield from self._words
            elif word.startswith("--"):
                yield from self._long(word)
            elif word.startswith("-") and word != "-":
                yield from self._short(word)
            else:
                yield word

    def _long(self, word: str) -> Iterator[str]:
        name, given, value = word.partition("=")
        option = self._options.get(name)
        if option is None:
            yield name
        else:
            yield from self._flag(option, value if given else None, name)

    def _short(self, word: str) -> Iterator[str]:
        """`-Rf x`, `-fx`, `-f=x`: switches one after the other, then one flag with its value."""
        rest = word[1:]
        while rest:
            option, letter, rest = self._options.get(f"-{rest[0]}"), rest[0], rest[1:]
            if option is None:
                yield f"-{letter}{rest}"
                return
            said = f"'{letter}' in {word}"
            if rest[1:] and rest[0] == "=":
                yield from self._flag(option, rest[1:], said)
                return
            if rest and option.flag_activation_value is None:
                yield from self._flag(option, rest, said)
                return
            yield from self._flag(option, None, said)

    def _flag(self, option: click.Option, value: str | None, said: str) -> Iterator[str]:
        name = max(option.opts, key=len)
        if value is None:
            implied = option.flag_activation_value
            value = next(self._words, None) if implied is None else str(implied)
        if value is None and self._ctx.resilient_parsing:
            yield name  # a TAB asks for the value
            return
        if value is None:
            raise click.BadOptionUsage(name, f"flag needs an argument: {said}", self._ctx)
        if not option.is_flag:
            yield f"{name}={value}"
        elif BOOLEAN.convert(value, option, self._ctx):
            yield name


class _Value(click.ParamType[Any]):
    """A value as Go reads it; `read` raises `GitopsError` with Go's words where it cannot."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """What the text means; a default comes as what it is."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except GitopsError as error:
            names = ", ".join(sorted(param.opts, key=len)) if param else ""
            text = f'invalid argument "{printable(value)}" for "{names}" flag: {error.message}'
            raise click.BadParameter(text, ctx, param) from error


def boolean_of(text: str) -> bool | None:
    """What Go's `ParseBool` makes of a text, None where it refuses it."""
    return {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}.get(text)


def _boolean(text: str) -> bool:
    meant = boolean_of(text)
    if meant is None:
        raise GitopsError(f'strconv.ParseBool: parsing "{printable(text)}": invalid syntax')
    return meant


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise GitopsError(f'strconv.ParseInt: parsing "{printable(text)}": invalid syntax')
    return int(text)


_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")

BOOLEAN = _Value("bool", _boolean)
INTEGER = _Value("int", _integer)
DURATION = _Value("duration", parse_duration)
"""Seconds, as a float."""


def switch(
    *names: str, default: bool | None = False, **options: Any
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """A flag that is on, or says `=true` or `=false`; a default of None tells an unset one."""
    # Without a metavar the help would show a value, as if there had to be one.
    how = {"type": BOOLEAN, "is_flag": False, "flag_value": "true", "metavar": ""}
    return click.option(*names, **how, default=default, **options)  # type: ignore[arg-type]


def dry_run_option(command: Callable[..., int]) -> Callable[..., int]:
    """`--dry-run` of kubectl's commands; its text is for `dry_run_of`."""
    return click.option(
        "--dry-run",
        is_flag=False,
        flag_value="unchanged",
        default="none",
        metavar="none|client|server",
        help="say what would happen; server: as the API server says it",
        shell_complete=lambda _context, _param, start: [
            word for word in _DRY_RUNS if word.startswith(start)
        ],
    )(command)


_DRY_RUNS = ("none", "client", "server")


def dry_run_of(text: str) -> str:
    """`none`, `client` or `server` of a `--dry-run`, which kubectl once took for a switch."""
    if text in _DRY_RUNS:
        return text
    if text == "unchanged":
        talk.warning("--dry-run is deprecated and can be replaced with --dry-run=client.")
        return "client"
    switched = boolean_of(text)
    if switched is None:
        raise GitopsError(
            f'Invalid dry-run value ({printable(text)}). Must be "none", "server", or "client".'
        )
    meant = "client" if switched else "none"
    talk.warning(
        f"--dry-run={text} is deprecated (boolean value) and can be replaced with "
        f"--dry-run={meant}."
    )
    return meant


def refuse_other_ways(flags: Mapping[str, Any]) -> None:
    """`GitopsError` for kubectl's flags that would change how everything here is applied."""
    if flags["server_side"] is False:
        raise GitopsError(
            "every apply here is server-side; --server-side=false is not to be had",
            "kubectl gitops apply -f FILE",
        )
    if flags["field_manager"] not in ("", "gitops"):
        raise GitopsError(
            "the field manager is always gitops, so that apply and pull never fight each other",
            "kubectl gitops apply -f FILE",
        )
    if flags["prune_allowlist"]:
        raise GitopsError(
            "a prune looks at every kind that the branch declares; --prune-allowlist is not to be "
            "had",
            "kubectl gitops apply -f FILE --prune -l SELECTOR",
        )
