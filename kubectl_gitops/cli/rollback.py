"""`rollback` and `undo`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from kubectl_gitops.cli.options import DRY_RUN, Options, shared_options
from kubectl_gitops.cli.past import named
from kubectl_gitops.cli.session import Connected, open_session
from kubectl_gitops.errors import Exit, GitopsError

if TYPE_CHECKING:
    from kubectl_gitops.operations.rollback import Former
    from kubectl_gitops.operations.session import Branch

__all__ = ["rollback_command", "undo_command"]


def _common(command: Callable[..., int]) -> Callable[..., int]:
    for option in (
        click.option("--dry-run", is_flag=False, flag_value="server", default="none", type=DRY_RUN),
        click.option("--force-conflicts", is_flag=True, help="take fields over"),
        click.option("--yes", "-y", is_flag=True, help="answer every question with yes"),
        click.option("-m", "--message", "reason", default="", help="why: the body of the commit"),
    ):
        command = option(command)
    return command


@click.command("rollback", short_help="Bring back what a resource, or the set, was")
@click.argument("names", nargs=-1, metavar="[TYPE/NAME | TYPE NAME]")
@click.option("--to-revision", type=click.IntRange(min=1), default=None, help="see history")
@click.option("--to-commit", default="", metavar="COMMIT", help="the whole set as of a commit")
@_common
@shared_options
def rollback_command(options: Options, **flags: Any) -> int:
    """Bring back what a resource was: a new commit with the old content, applied like any other.

    Without a number, the state before its last change. With --to-commit, everything (with -n, of
    one namespace) as the branch declared it then. Works for any kind. More in docs/history.md.

    \b
    Examples:
      kubectl gitops rollback deployment/web -n shop --to-revision 3 -m "1.4 loses orders"
      kubectl gitops rollback --to-commit 9eeecaf -n shop --dry-run
    """
    names, commit = flags["names"], flags["to_commit"]
    if bool(names) == bool(commit) or (commit and flags["to_revision"]):
        raise GitopsError(
            "name one resource, or --to-commit for the whole set",
            "kubectl gitops rollback deployment/web -n shop",
            exit=Exit.USAGE,
        )
    connected = open_session(options)
    if commit:
        return _brought_back(connected, _commits(connected, commit, options), flags, "rollback")
    return _brought_back(connected, _revisions(connected, options, flags), flags, "rollback")


@click.command("undo", short_help="Take back a whole operation")
@click.argument("operation", default="", metavar="[COMMIT]")
@_common
@shared_options
def undo_command(options: Options, operation: str, **flags: Any) -> int:
    """Take back a whole operation, what it created and deleted included, in a new commit.

    An operation is named by its commit; without one, the newest on the branch. What somebody has
    changed again since stops it (exit code 3). More in docs/history.md.

    \b
    Examples:
      kubectl gitops undo
      kubectl gitops undo 9eeecaf -m "the wrong cluster"
    """
    from kubectl_gitops.operations.rollback import of_operation

    connected = open_session(options)
    session = connected.session
    tip = session.store.fetch()
    commit = session.store.resolve(operation) if operation else tip.commit

    def former(branch: Branch) -> Former:
        return of_operation(session, branch, commit)

    return _brought_back(connected, former, flags, "undo")


def _commits(connected: Connected, name: str, options: Options) -> Callable[[Branch], Former]:
    from kubectl_gitops.operations.rollback import of_commit

    session = connected.session
    session.store.fetch()
    commit = session.store.resolve(name)
    return lambda branch: of_commit(session, branch, commit, options.connection.namespace)


def _revisions(
    connected: Connected, options: Options, flags: dict[str, Any]
) -> Callable[[Branch], Former]:
    from kubectl_gitops.operations.past import open_past
    from kubectl_gitops.operations.rollback import of_revision

    session = connected.session
    past = open_past(session.store, session.path)
    id = named(past, flags["names"], options.connection.namespace)
    former = of_revision(past, id, flags["to_revision"])
    return lambda _: former


def _brought_back(
    connected: Connected,
    former: Callable[[Branch], Former],
    flags: dict[str, Any],
    operation: str,
) -> int:
    from kubectl_gitops.cli.losses import confirmation
    from kubectl_gitops.cli.progress import progress
    from kubectl_gitops.cli.results import print_report
    from kubectl_gitops.operations.delete import DeleteOptions
    from kubectl_gitops.operations.rollback import RollbackOptions, bring_back
    from kubectl_gitops.plan import Rights

    dry_run = flags["dry_run"] != "none"
    with progress() as how:
        options = RollbackOptions(
            operation,
            reason=flags["reason"],
            rights=Rights.ALL if flags["force_conflicts"] else Rights.OWN,
            dry_run=dry_run,
            how=how,
            removal=DeleteOptions(
                ignore_not_found=True, confirm=confirmation(yes=flags["yes"], dry_run=dry_run)
            ),
        )
        report = bring_back(connected.session, former, options)
    return connected.ended(print_report(report, connected.session.store))
