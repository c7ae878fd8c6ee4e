"""`pull`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.drift import drift_teller
from kubectl_gitops.cli.flags import DURATION, DropIn
from kubectl_gitops.cli.options import Options, shared_options
from kubectl_gitops.cli.session import open_session
from kubectl_gitops.cli.waiting import waited
from kubectl_gitops.errors import Exit, GitopsError

if TYPE_CHECKING:
    from kubectl_gitops.operations.report import Report
    from kubectl_gitops.plan import PruneVerdict

__all__ = ["pull_command"]


_ON_DRIFT = click.Choice(["revert", "record", "report"])


@click.command("pull", cls=DropIn, short_help="Make the cluster equal to the branch")
@click.option(
    "--prune",
    type=bool,
    is_flag=False,
    flag_value=True,
    default=True,
    metavar="BOOL",
    help="remove what the branch has no more; false: only say so",
)
@click.option("--allow-prune", type=int, default=None, metavar="N", help="remove up to N resources")
@click.option("--accept-rewrite", is_flag=True, help="prune although the branch was rewritten")
@click.option(
    "--require-signatures",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[COMMIT]",
    help="every commit since the last pull, or since this one, must be signed and trusted",
)
@click.option("--dry-run", is_flag=True, help="show what would be done")
@click.option("--yes", "-y", is_flag=True, help="answer every question with yes")
@click.option("--on-drift", default="revert", type=_ON_DRIFT, help="what becomes of manual edits")
@click.option("--watch", is_flag=True, help="go on: follow the branch and the cluster")
@click.option(
    "--interval", type=DURATION, default="15s", metavar="TIME", help="how often, with --watch"
)
@click.option("--wait", is_flag=True, help="wait until everything applied is healthy")
@click.option(
    "--timeout", type=DURATION, default="5m", metavar="TIME", help="how long, with --wait"
)
@shared_options
def pull_command(options: Options, **flags: Any) -> int:
    """Make the cluster equal to the branch.

    Applies in order, reverts drift and says from whom, and removes last what the branch has no
    more. On a terminal it asks before it removes anything. With --watch it goes on until it is
    stopped. More in docs/pull.md.

    \b
    Examples:
      kubectl gitops pull
      kubectl gitops pull --dry-run
      kubectl gitops pull --watch --on-drift=report
    """
    from kubectl_gitops.cli.progress import progress
    from kubectl_gitops.cli.results import print_report
    from kubectl_gitops.operations.pull import OnDrift, PullOptions, pull

    if flags["watch"]:
        return _watched(options, flags)
    connected = open_session(options)
    with progress() as how:
        pulling = PullOptions(
            prune=flags["prune"],
            allow_prune=flags["allow_prune"],
            accept_rewrite=flags["accept_rewrite"],
            signed_since=flags["require_signatures"],
            dry_run=flags["dry_run"],
            confirm=_confirmation(yes=flags["yes"]),
            on_drift=OnDrift(flags["on_drift"]),
            drifted=drift_teller(),
            how=how,
        )
        report = pull(connected.session, pulling)
    if report.dry_run:
        return _print_plan(report)
    code = print_report(report, connected.session.store, quiet_unchanged=True)
    if code == 0 and flags["wait"]:
        code = waited(connected, report, flags["timeout"] or float("inf"))
    if (
        code == 0
        and flags["prune"]
        and not any(outcome.change.writes for outcome in report.outcomes)
    ):
        talk.note(f"nothing to do: the cluster stands at {report.commit[:7]}")
    return connected.ended(code)


def _watched(options: Options, flags: dict[str, Any]) -> int:
    """`--watch`: asks nothing, and ends with the signal that ends it."""
    from kubectl_gitops.cli.results import print_report
    from kubectl_gitops.operations.pull import OnDrift, PullOptions
    from kubectl_gitops.operations.watch import WatchOptions, watch

    if flags["dry_run"] or flags["wait"]:
        raise GitopsError(
            "--watch goes with neither --dry-run nor --wait",
            "kubectl gitops pull --watch --on-drift=report",
            exit=Exit.USAGE,
        )
    connected = open_session(options)
    session, yes = connected.session, flags["yes"]
    pulling = PullOptions(
        prune=flags["prune"],
        allow_prune=flags["allow_prune"],
        accept_rewrite=flags["accept_rewrite"],
        signed_since=flags["require_signatures"],
        confirm=lambda _, beyond: yes or not beyond,
        on_drift=OnDrift(flags["on_drift"]),
        drifted=drift_teller(),
    )

    def report(done: Report) -> None:
        print_report(done, session.store, quiet_unchanged=True)

    talk.note(f"following {session.store.branch} of {session.store.url}")
    interval = max(flags["interval"], 1.0)  # seconds: a Git server is not to be asked in a loop
    watch(session, WatchOptions(pulling, interval, report, _trouble))
    return 0


def _trouble(error: GitopsError | None) -> None:
    if error is None:
        talk.note("it works again")
    else:
        talk.failure(error)


def _confirmation(*, yes: bool) -> Callable[[tuple[PruneVerdict, ...], bool], bool]:
    def confirm(removals: tuple[PruneVerdict, ...], beyond: bool) -> bool:
        if yes or not (talk.is_terminal() or beyond):
            return True
        for verdict in removals:
            talk.say(f"  - {verdict.id}")
        what = "this resource" if len(removals) == 1 else f"these {len(removals)} resources"
        return talk.asks(f"Remove {what}?")

    return confirm


def _print_plan(report: Report) -> int:
    from kubectl_gitops.cli.results import tell_findings, tell_refusals
    from kubectl_gitops.render import planned_line

    for change in report.plan.changes:
        if change.writes and not change.refusal:
            click.echo(planned_line(change))
    tell_refusals(report.refused)
    tell_findings(report)
    return report.exit
