"""`history` and `show`: the store alone is asked, no cluster."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

import click

from kubectl_gitops.cli.options import Options, shared_options
from kubectl_gitops.cli.session import open_past_of
from kubectl_gitops.errors import Exit, GitopsError

if TYPE_CHECKING:
    from kubectl_gitops.operations.past import Past, Told
    from kubectl_gitops.resource import ResourceId

__all__ = ["history_command", "named", "show_command"]


def named(past: Past, names: tuple[str, ...], namespace: str) -> ResourceId:
    """The resource that `TYPE/NAME` or `TYPE NAME` means, deleted ones included."""
    if len(names) == 1 and "/" in names[0]:
        kind, _, name = names[0].partition("/")
        return past.find(kind, name, namespace)
    if len(names) == 2:
        return past.find(names[0], names[1], namespace)
    raise GitopsError(
        f"{' '.join(names)} names no resource",
        "kubectl gitops history deployment/web",
        exit=Exit.USAGE,
    )


@click.command("history", short_help="Show the revisions of a resource, newest first")
@click.argument("names", nargs=-1, metavar="[TYPE/NAME | TYPE NAME]")
@click.option("--patch", is_flag=True, help="print the RFC 6902 patch of each revision")
@click.option("--limit", type=click.IntRange(min=1), default=None, help="at most so many")
@click.option("-o", "--output", default="", type=click.Choice(["", "json", "jsonpatch"]))
@shared_options
def history_command(
    options: Options, names: tuple[str, ...], patch: bool, limit: int | None, output: str
) -> int:
    """Show what a resource was: every revision, who made it, when and why; newest first.

    Without a name, the revisions of the whole set. Deleted resources keep their history. More in
    docs/history.md.

    \b
    Examples:
      kubectl gitops history deployment/web -n shop
      kubectl gitops history configmap/settings --patch
    """
    past = open_past_of(options)
    if names:
        found: Iterable[Told] = past.told(named(past, names, options.connection.namespace))
    else:
        found = past.of_set()
    _print(list(islice(found, limit)), output, patch=patch, whole_set=not names)
    return 0


def _print(told: list[Told], output: str, *, patch: bool, whole_set: bool) -> None:
    from kubectl_gitops.render import history_json, history_patches, history_table

    if output == "json":
        click.echo(history_json(one.revision for one in told))
    elif output == "jsonpatch" or patch:
        click.echo(history_patches(told, bare=output == "jsonpatch"), nl=False)
    else:
        click.echo(history_table(told, whole_set=whole_set), nl=False)


@click.command("show", short_help="Print a resource as it was")
@click.argument("names", nargs=-1, required=True, metavar="TYPE/NAME | TYPE NAME")
@click.option("--revision", type=click.IntRange(min=1), default=None, help="the number of history")
@click.option("-o", "--output", default="yaml", type=click.Choice(["yaml", "json"]))
@shared_options
def show_command(
    options: Options, names: tuple[str, ...], revision: int | None, output: str
) -> int:
    """Print the manifest of a resource as of a revision; values of Secrets stay sealed.

    Without a revision, the last one that was not a removal. More in docs/history.md.

    \b
    Examples:
      kubectl gitops show deployment/web
      kubectl gitops show deployment/web --revision 3
    """
    past = open_past_of(options)
    id = named(past, names, options.connection.namespace)
    manifest = past.manifest(past.revision(id, revision) if revision else past.last(id))
    if output == "json":
        from kubectl_gitops.render import as_json

        click.echo(as_json(manifest.body))
    else:
        click.echo(manifest.text, nl=not manifest.text.endswith("\n"))
    return 0
