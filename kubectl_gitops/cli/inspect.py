"""`diff` and `status`: the plan of a pull, shown."""

from __future__ import annotations

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.options import Options, shared_options
from kubectl_gitops.cli.session import Connected, open_session
from kubectl_gitops.errors import Exit, GitopsError
from kubectl_gitops.manifest import OpenManifest

__all__ = ["diff_command", "status_command"]


@click.command("diff", short_help="Show what pull, or apply -f, would change")
@click.option("-f", "--filename", "filenames", multiple=True, metavar="FILE|DIR|URL|-")
@click.option("-R", "--recursive", is_flag=True, help="descend into directories")
@shared_options
def diff_command(options: Options, filenames: tuple[str, ...], recursive: bool) -> int:
    """Show what pull would change, or with -f what apply would.

    Values of Secrets are masked. Exit code 0: no differences, 1: differences, 2: an error, as
    kubectl diff. More in docs/pull.md.

    \b
    Examples:
      kubectl gitops diff
      kubectl gitops diff -f shop.yaml
    """
    try:
        return _diff(options, filenames, recursive=recursive)
    except GitopsError as error:
        talk.failure(error)
        return max(error.exit, Exit.USAGE)


def _diff(options: Options, filenames: tuple[str, ...], *, recursive: bool) -> int:
    from kubectl_gitops.cli.results import tell_refusals
    from kubectl_gitops.operations.inspect import diff
    from kubectl_gitops.render import diff_text

    connected = open_session(options)
    manifests = _manifests(connected, filenames, recursive=recursive) if filenames else None
    items, refused, findings = diff(connected.session, manifests)
    text = diff_text(items)
    click.echo(text, nl=False)
    tell_refusals(refused)
    for finding in findings:
        talk.error(finding)
    if refused or findings:
        return Exit.USAGE
    return Exit.FAILED if text else 0


def _manifests(
    connected: Connected, filenames: tuple[str, ...], *, recursive: bool
) -> tuple[OpenManifest, ...]:
    from kubectl_gitops.cli.sources import read_sources

    sources = read_sources(filenames, recursive=recursive)
    return connected.manifests([(source.name, source.content) for source in sources])


@click.command("status", short_help="Tell how every resource of the set stands")
@click.option("-o", "--output", default="", type=click.Choice(["", "json"]))
@shared_options
def status_command(options: Options, output: str) -> int:
    """Tell how every resource of the set stands: in sync, drifted, ahead, missing or extra.

    Exit code 0 only when everything is in sync. More in docs/pull.md.

    \b
    Examples:
      kubectl gitops status
      kubectl gitops status -o json
    """
    from kubectl_gitops.operations.inspect import status
    from kubectl_gitops.render import status_json, status_table

    try:
        report = status(open_session(options).session)
    except GitopsError as error:
        talk.failure(error)
        return max(error.exit, Exit.USAGE)
    click.echo(status_json(report) if output == "json" else status_table(report).rstrip("\n"))
    for finding in report.picture.unread:
        talk.error(finding)
    if (by := report.picture.parent.suspended) is not None:
        talk.note("the set is suspended" + (f" by {by}" if by else "") + ": pull does nothing")
        talk.hint("kubectl gitops resume")
    return 0 if report.in_sync else Exit.FAILED
