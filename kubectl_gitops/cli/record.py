"""`record`."""

from __future__ import annotations

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.candidates import resources
from kubectl_gitops.cli.drift import drift_teller
from kubectl_gitops.cli.flags import DropIn
from kubectl_gitops.cli.options import ALLOW_PLAIN, DRY_RUN, Options, shared_options
from kubectl_gitops.cli.session import open_session

__all__ = ["record_command"]


@click.command("record", cls=DropIn, short_help="Commit what was changed in the cluster by hand")
@click.argument("names", nargs=-1, metavar="[TYPE NAME… | TYPE/NAME…]", shell_complete=resources)
@click.option("--dry-run", is_flag=False, flag_value="server", default="none", type=DRY_RUN)
@click.option("-m", "--message", "reason", default="", help="why: the body of the commit")
@ALLOW_PLAIN
@shared_options
def record_command(
    options: Options,
    names: tuple[str, ...],
    dry_run: str,
    reason: str,
    allow_plain: tuple[str, ...],
) -> int:
    """Commit the live state of drifted resources: the emergency edit becomes history.

    The text in the branch is edited in place. Without names everything that drifted (with -n, in
    one namespace). What Git changed since the last pull is refused: pull first. More in
    docs/pull.md.

    \b
    Examples:
      kubectl gitops record deployment/web -n shop -m "four were not enough"
      kubectl gitops record --dry-run
    """
    from kubectl_gitops.arguments import parse_arguments
    from kubectl_gitops.cli.progress import progress
    from kubectl_gitops.cli.results import print_report
    from kubectl_gitops.operations.record import RecordOptions, record
    from kubectl_gitops.operations.targets import named_resources

    connected = open_session(options)
    session = connected.session
    ids = named_resources(session, parse_arguments(names), connected.namespace) if names else []
    with progress() as how:
        recording = RecordOptions(
            reason,
            namespace=options.connection.namespace,
            dry_run=dry_run != "none",
            how=how,
            allow_plain=allow_plain,
            found=drift_teller(),
        )
        report = record(session, ids, recording)
    if not report.plan.changes:
        talk.note("nothing to record")
    dry = " (server dry run)"
    return connected.ended(
        print_report(
            report,
            session.store,
            lambda outcome: f"{outcome.id.short} recorded",
            lambda change: f"{change.id.short} recorded{dry}",
        )
    )
