"""What a removal takes away, shown to the person before anything is written."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.operations.delete import Losses
from kubectl_gitops.resource import ResourceId

__all__ = ["confirmation", "continues"]

Confirm = Callable[[Losses], None]


def confirmation(*, yes: bool, interactive: bool = False, dry_run: bool = False) -> Confirm:
    """List what goes along, and ask: with `-i` whoever is there, else the person at a terminal.

    A dry run asks only where `-i` says so, as kubectl's. The same losses are not asked about twice,
    however often the push is tried.
    """
    agreed: set[Losses] = set()

    def confirm(losses: Losses) -> None:
        if losses in agreed:
            return
        _show(losses)
        if interactive and not yes:
            continues(losses.named)
        elif not yes and not dry_run:
            _ask(losses)
        agreed.add(losses)

    return confirm


def _show(losses: Losses) -> None:
    along = losses.along
    if along:
        talk.note("this goes along:" if len(along) == 1 else f"these {len(along)} go along:")
    for id in along:
        talk.say(f"  - {id} (recorded first)" if id in losses.unrecorded else f"  - {id}")


def _ask(losses: Losses) -> None:
    """Only at a terminal, and only about what holds data or takes others along."""
    at_stake = losses.risky or losses.along
    if not at_stake or losses.refused or not talk.is_terminal():
        return
    if not talk.asks(f"Remove {', '.join(map(str, at_stake))} with all that is in there?"):
        raise GitopsError("deletion is cancelled; nothing was changed")


def continues(named: Iterable[ResourceId]) -> None:
    """kubectl's own prompt of `delete -i`; anything but a `y` ends the command, as a success."""
    ids = list(named)
    lines = [f"You are about to delete the following {len(ids)} resource(s):"]
    question = "Do you want to continue? (y/N): "
    with talk.hidden():
        click.echo("\n".join([*lines, *(id.short for id in ids), question]), nl=False)
        answer = sys.stdin.readline()
    if answer.strip().lower() != "y":
        click.echo("deletion is cancelled")
        raise click.exceptions.Exit(0)
