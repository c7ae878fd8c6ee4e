"""`history`, `show`, `log`, `diff --revision`: the store alone is asked, no cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.candidates import commits, resources, revisions
from kubectl_gitops.cli.flags import DropIn
from kubectl_gitops.cli.options import Options, shared_options
from kubectl_gitops.cli.pager import page, wants_colour
from kubectl_gitops.cli.session import open_past_of
from kubectl_gitops.cli.sources import Sources, source_options
from kubectl_gitops.cli.when import WHEN
from kubectl_gitops.errors import Exit, GitopsError, printable

if TYPE_CHECKING:
    from kubectl_gitops.operations.past import Past, Told
    from kubectl_gitops.operations.revisions import Asked, Sieve
    from kubectl_gitops.resource import ResourceId

__all__ = ["history_command", "log_command", "named", "print_states", "show_command"]


def named(past: Past, names: tuple[str, ...], namespace: str) -> ResourceId:
    """The resource that `TYPE/NAME` or `TYPE NAME` means, deleted ones included."""
    found = _pairs(names)
    if len(found) != 1:
        raise _usage(f"{' '.join(names)} names no resource")
    return past.find(*found[0], namespace)


def _pairs(words: Sequence[str]) -> list[tuple[str, str]]:
    """(kind, name) of `TYPE/NAME…` and of `TYPE NAME…`; nothing for a type alone."""
    if any("/" in word for word in words):
        pairs = [tuple(word.split("/")) for word in words]
        if any(len(pair) != 2 or not all(pair) for pair in pairs):
            raise _usage(f"{' '.join(words)} names no resource")
        return [(kind, name) for kind, name in pairs]
    return [(words[0], name) for name in words[1:]]


def _usage(message: str) -> GitopsError:
    return GitopsError(printable(message), "kubectl gitops history deployment/web", exit=Exit.USAGE)


def _sieve_options(command: Callable[..., int]) -> Callable[..., int]:
    for option in (
        click.option("--reverse", is_flag=True, help="oldest first"),
        click.option(
            "--limit", type=click.IntRange(min=1), default=None, help="the newest so many"
        ),
        click.option("--author", default="", help="those whose author's name or address has this"),
        click.option("--until", type=WHEN, default=None, metavar="TIME", help="not after"),
        click.option("--since", type=WHEN, default=None, metavar="TIME", help="not before"),
    ):
        command = option(command)
    return command


def _sieve(flags: dict[str, Any]) -> Sieve:
    from kubectl_gitops.operations.revisions import Sieve

    return Sieve(flags["since"], flags["until"], flags["author"], flags["limit"])


@click.command("history", cls=DropIn, short_help="Show the revisions of resources, newest first")
@click.argument("names", nargs=-1, metavar="[TYPE/NAME… | TYPE [NAME…]]", shell_complete=resources)
@source_options
@click.option("-l", "--selector", default="", help="label query: those that have these labels")
@click.option("--patch", "-p", is_flag=True, help="print the RFC 6902 patch of each revision")
@click.option("--diff", is_flag=True, help="print each revision as a diff")
@_sieve_options
@click.option(
    "-o",
    "--output",
    default="",
    type=click.Choice(["", "json", "yaml", "wide", "jsonpatch"]),
)
@shared_options
def history_command(
    options: Options, names: tuple[str, ...], sources: Sources, **flags: Any
) -> int:
    """Show what resources were: every revision, who made it, when and why; newest first.

    Without a name: all of a type, of a namespace (-n), with some labels (-l), or of the whole set.
    Deleted resources keep their history. TIME is RFC 3339, a date, or how long ago (90m, 3d).
    More in docs/history.md.

    \b
    Examples:
      kubectl gitops history deployment/web -n shop
      kubectl gitops history -f shop.yaml --diff
      kubectl gitops history -n shop -l app=web --since 3d
    """
    from kubectl_gitops.operations.revisions import revisions

    sources.check()
    past = open_past_of(options)
    asked = _asked(past, options, names, sources, flags)
    told = revisions(past, asked)
    if flags["reverse"]:
        told.reverse()
    page(_history_text(past, told, flags, whole_set=len(asked.resources) != 1))
    return 0


def _asked(
    past: Past,
    options: Options,
    names: tuple[str, ...],
    sources: Sources,
    flags: dict[str, Any],
) -> Asked:
    from kubectl_gitops.operations.revisions import Asked, named_in

    namespace, sieve = options.connection.namespace, _sieve(flags)
    pairs = _pairs(names) if names else []
    if (sources and (names or flags["selector"])) or (pairs and flags["selector"]):
        raise _usage("name resources, or give files, or a selector")
    if sources:
        contents = [(one.name, one.content) for one in sources.read()]
        return Asked(named_in(past, contents, namespace), sieve=sieve)
    if pairs:
        ids = tuple(past.find(kind, name, namespace) for kind, name in pairs)
        return Asked(ids, sieve=sieve)
    kinds = tuple(kind for kind in (names or ("",))[0].split(",") if kind)
    return Asked((), kinds, namespace, flags["selector"], sieve)


def _history_text(past: Past, told: list[Told], flags: dict[str, Any], *, whole_set: bool) -> str:
    from kubectl_gitops.render import past as render
    from kubectl_gitops.render import texts

    output, colour = flags["output"], wants_colour()
    if output in ("json", "yaml"):
        return texts.printed(render.history_body(told), output)
    if output == "jsonpatch":
        return render.history_patches(told, bare=True)
    if flags["patch"]:
        return render.history_patches(told, named=whole_set, colour=colour)
    if flags["diff"]:
        sides = ((one, *past.bodies(one.revision)) for one in told)
        return render.history_diffs(sides, named=whole_set, colour=colour)
    return render.history_table(told, whole_set=whole_set, wide=output == "wide")


@click.command("show", cls=DropIn, short_help="Print a resource as it was")
@click.argument(
    "names", nargs=-1, required=True, metavar="TYPE/NAME | TYPE NAME", shell_complete=resources
)
@click.option(
    "--revision",
    type=click.IntRange(min=1),
    default=None,
    help="the number of history",
    shell_complete=revisions,
)
@click.option("--at", type=WHEN, default=None, metavar="TIME", help="what was in force then")
@click.option(
    "--commit", default="", metavar="COMMIT", help="as a commit holds it", shell_complete=commits
)
@click.option("-o", "--output", default="yaml", type=click.Choice(["yaml", "json"]))
@shared_options
def show_command(
    options: Options,
    names: tuple[str, ...],
    revision: int | None,
    at: datetime | None,
    commit: str,
    output: str,
) -> int:
    """Print the manifest of a resource as of a revision; values of Secrets stay sealed.

    Without a revision, the last one that was not a removal. TIME is RFC 3339, a date, or how long
    ago (90m, 3d). More in docs/history.md.

    \b
    Examples:
      kubectl gitops show deployment/web
      kubectl gitops show deployment/web --revision 3
      kubectl gitops show deployment/web --at 2026-03-01T09:00:00Z
    """
    if (revision is not None) + (at is not None) + bool(commit) > 1:
        raise _usage("say when by one of --revision, --at and --commit")
    past = open_past_of(options)
    id = named(past, names, options.connection.namespace)
    if commit:
        manifest = past.at_commit(id, past.store.resolve(commit))
    elif at:
        manifest = past.manifest(past.at(id, at))
    else:
        manifest = past.manifest(past.revision(id, revision) if revision else past.last(id))
    text, body, exposed = past.shown(manifest)
    for place in exposed:
        talk.warning(f"{id} {place} stands in the clear in the branch, and is masked here")
    if output == "json":
        from kubectl_gitops.render.texts import printed

        page(printed(body, output))
    else:
        page(text if text.endswith("\n") else f"{text}\n")
    return 0


@click.command("log", cls=DropIn, short_help="Show the operations of the set, newest first")
@click.argument("operation", default="", metavar="[COMMIT]", shell_complete=commits)
@_sieve_options
@click.option("-o", "--output", default="", type=click.Choice(["", "json", "yaml"]))
@shared_options
def log_command(options: Options, operation: str, output: str, **flags: Any) -> int:
    """Show what was done to the set, one line for each operation; with a commit, all of that one.

    Commits made by hand count like any other. More in docs/history.md.

    \b
    Examples:
      kubectl gitops log --limit 20
      kubectl gitops log --author anna --since yesterday
      kubectl gitops log 9eeecaf
    """
    from kubectl_gitops.operations import journal
    from kubectl_gitops.render import past as render
    from kubectl_gitops.render.texts import printed

    past = open_past_of(options)
    if operation:
        one, told = journal.operation(past, operation)
        body = render.operations_body([one])
        text = render.operation_text(one, told, colour=wants_colour())
    else:
        found = journal.operations(past, _sieve(flags))
        if flags["reverse"]:
            found.reverse()
        body, text = render.operations_body(found), render.operations_table(found)
    page(printed(body, output) if output else text)
    return 0


@dataclass(frozen=True, slots=True)
class _Side:
    """One end of `A..B`: a number, or empty for what is open."""

    number: int | None

    @classmethod
    def of(cls, text: str) -> _Side:
        if text and not (text.isascii() and text.isdecimal() and int(text)):
            raise _usage(f"{text} is no revision: --revision 3..5, 3.., ..5 or 5")
        return cls(int(text) if text else None)


def print_states(options: Options, names: tuple[str, ...], span: str) -> int:
    """How revisions `A..B` differ, or one from the one before it; 1 where they do."""
    from kubectl_gitops.render.past import states_diff

    first, dots, last = span.partition("..")
    older, newer = _Side.of(first), _Side.of(last if dots else first)
    past = open_past_of(options)
    id = named(past, names, options.connection.namespace)
    latest = next(past.of(id)).revision
    end = newer.number or latest
    start = older.number or max(end - 1, 1)
    if not dots:
        start = end - 1
    sides = [past.state(id, number) if number else None for number in (start, end)]
    before, after = past.masked(*sides)
    text = states_diff(
        id,
        (f"revision {start}", before),
        (f"revision {end}", after),
        colour=wants_colour(),
    )
    page(text)
    return Exit.FAILED if text else 0
