"""`rollback` and `undo`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.candidates import commits, resources, revisions
from kubectl_gitops.cli.flags import DropIn
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


@click.command("rollback", cls=DropIn, short_help="Bring back what a resource, or the set, was")
@click.argument("names", nargs=-1, metavar="[TYPE/NAME | TYPE NAME]", shell_complete=resources)
@click.option(
    "--to-revision",
    type=click.IntRange(min=1),
    default=None,
    help="see history",
    shell_complete=revisions,
)
@click.option(
    "--to-commit",
    default="",
    metavar="COMMIT",
    help="the whole set as of a commit",
    shell_complete=commits,
)
@click.option("-l", "--selector", default="", help="with --to-commit: only what has these labels")
@_common
@shared_options
def rollback_command(options: Options, **flags: Any) -> int:
    """Bring back what a resource was: a new commit with the old content, applied like any other.

    Without a number, the state before its last change. With --to-commit, everything (with -n, of
    one namespace; with -l, with these labels then or now) as the branch declared it then. Works
    for any kind. More in docs/history.md.

    \b
    Examples:
      kubectl gitops rollback deployment/web -n shop --to-revision 3 -m "1.4 loses orders"
      kubectl gitops rollback --to-commit 9eeecaf -n shop --dry-run
    """
    names, commit = flags["names"], flags["to_commit"]
    if bool(names) == bool(commit) or (commit and flags["to_revision"]):
        raise _usage("name one resource, or --to-commit for the whole set")
    if flags["selector"] and not commit:
        raise _usage("-l goes with --to-commit")
    connected = open_session(options)
    if commit:
        return _to_commit(connected, options, flags)
    return _to_revision(connected, options, flags)


def _usage(message: str) -> GitopsError:
    hint = "kubectl gitops rollback deployment/web -n shop"
    return GitopsError(message, hint, exit=Exit.USAGE)


def _to_commit(connected: Connected, options: Options, flags: dict[str, Any]) -> int:
    from kubectl_gitops.operations.rollback import of_commit

    session, namespace = connected.session, options.connection.namespace
    session.store.fetch()
    commit = session.store.resolve(flags["to_commit"])

    def former(branch: Branch) -> Former:
        return of_commit(session, branch, commit, namespace, flags["selector"])

    return _brought_back(connected, former, flags, "rollback", f"back to {commit[:7]}")


def _to_revision(connected: Connected, options: Options, flags: dict[str, Any]) -> int:
    from kubectl_gitops.operations.past import open_past
    from kubectl_gitops.operations.rollback import of_revision, revision_before

    past = open_past(connected.session.store, connected.session.path)
    id, number = named(past, flags["names"], options.connection.namespace), flags["to_revision"]
    revision = past.revision(id, number) if number else revision_before(past, id)

    def former(branch: Branch) -> Former:
        return of_revision(past, branch, revision)

    said = f"back to revision {revision.revision} ({revision.commit[:7]})"
    return _brought_back(connected, former, flags, "rollback", said)


@click.command("undo", cls=DropIn, short_help="Take back a whole operation")
@click.argument("operation", default="", metavar="[COMMIT]", shell_complete=commits)
@_common
@shared_options
def undo_command(options: Options, operation: str, **flags: Any) -> int:
    """Take back a whole operation, what it created and deleted included, in a new commit.

    An operation is named by its commit; without one, the newest that changed a resource. What
    somebody has changed again since stops it (exit code 3). More in docs/history.md.

    \b
    Examples:
      kubectl gitops undo
      kubectl gitops undo 9eeecaf -m "the wrong cluster"
    """
    from kubectl_gitops.operations.rollback import newest_operation, of_operation

    connected = open_session(options)
    session = connected.session
    session.store.fetch()
    commit = session.store.resolve(operation) if operation else newest_operation(session)

    def former(branch: Branch) -> Former:
        return of_operation(session, branch, commit)

    return _brought_back(connected, former, flags, "undo", f"takes back {commit[:7]}")


def _brought_back(
    connected: Connected,
    former: Callable[[Branch], Former],
    flags: dict[str, Any],
    operation: str,
    said: str,
) -> int:
    """`said` is what the commit tells beside the person's reason, or instead of it."""
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
            reason=f"{flags['reason']}\n\n{said}" if flags["reason"] else said,
            rights=Rights.ALL if flags["force_conflicts"] else Rights.OWN,
            dry_run=dry_run,
            how=how,
            removal=DeleteOptions(
                ignore_not_found=True, confirm=confirmation(yes=flags["yes"], dry_run=dry_run)
            ),
        )
        report = bring_back(connected.session, former, options)
    if not report.plan.changes:
        talk.note("nothing differs: nothing was changed")
    return connected.ended(print_report(report, connected.session.store))
