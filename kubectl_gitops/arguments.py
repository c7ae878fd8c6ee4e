"""What kubectl's TYPE and NAME arguments say, before any cluster is asked; pure.

The rules, their order and their words are those of kubectl's resource builder, seen with 1.36.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubectl_gitops.errors import GitopsError

__all__ = ["NOTHING_NAMED", "NO_NAME", "Arguments", "parse_arguments"]

NOTHING_NAMED = (
    "You must provide one or more resources by argument or filename.\n"
    "Example resource specifications include:\n"
    "   '-f rsrc.yaml'\n"
    "   '--filename=rsrc.json'\n"
    "   '<resource> <name>'\n"
    "   '<resource>'"
)
NO_NAME = "resource(s) were provided, but no name was specified"
"""Said once the types are known to exist: an unknown one is the greater mistake."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """Types as they were written, and what was named of them.

    `pairs` are single resources, each (type, name); `types` stand alone, and a selector says which
    of their resources are meant.
    """

    pairs: tuple[tuple[str, str], ...] = ()
    types: tuple[str, ...] = ()


def parse_arguments(
    words: Sequence[str], *, selecting: bool = False, files: bool = False
) -> Arguments:
    """Read `TYPE NAME…`, `TYPE1,TYPE2 NAME…`, `TYPE/NAME…` or `TYPE1,TYPE2`.

    `selecting`: a selector or `--all` is given, `files`: paths are. Raises `GitopsError` for
    arguments that do not go together, in kubectl's words.
    """
    types = _types(words[0]) if words else ()
    combined = len(types) > 1 and len(words) > 1
    slashed = combined or any("/" in word for word in words)
    arguments = _read(words, types, combined=combined)
    if files and slashed:
        raise GitopsError("resource/name arguments cannot be provided when a path is specified")
    if files and words:
        raise GitopsError(
            "when paths, URLs, or stdin is provided as input, you may not specify resource "
            "arguments as well"
        )
    if selecting and not files:
        _check_selected(arguments, slashed=slashed)
    if not words and not files:
        raise GitopsError(NOTHING_NAMED)
    return arguments


def _types(word: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.split(",")))


def _read(words: Sequence[str], types: tuple[str, ...], *, combined: bool) -> Arguments:
    if combined:
        return Arguments(tuple(_pair(f"{kind}/{name}") for kind in types for name in words[1:]))
    slashes = sum("/" in word for word in words)
    if slashes and slashes < len(words):
        raise GitopsError(
            "there is no need to specify a resource type as a separate argument when passing "
            "arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' "
            "instead of 'kubectl get resource resource/<resource_name>'"
        )
    if slashes:
        return Arguments(tuple(map(_pair, words)))
    if len(words) > 1:
        return Arguments(tuple((types[0], name) for name in words[1:]))
    return Arguments(types=types)


def _pair(word: str) -> tuple[str, str]:
    kind, _, name = word.partition("/")
    if "/" in name:
        raise GitopsError("arguments in resource/name form may not have more than one slash")
    if not kind or not name or len(_types(kind)) > 1:
        raise GitopsError("arguments in resource/name form must have a single resource and name")
    return kind, name


def _check_selected(arguments: Arguments, *, slashed: bool) -> None:
    if slashed:
        raise GitopsError(
            "selectors and the all flag cannot be used when passing resource/name arguments"
        )
    if arguments.pairs:
        raise GitopsError("name cannot be provided when a selector is specified")
    if not arguments.types:
        raise GitopsError("at least one resource must be specified to use a selector")
