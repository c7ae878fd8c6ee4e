"""`apply`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kubectl_gitops.cli.options import DRY_RUN, Options, shared_options
from kubectl_gitops.cli.waiting import waited
from kubectl_gitops.errors import GitopsError

if TYPE_CHECKING:
    from kubectl_gitops.cli.session import Connected

__all__ = ["apply_command"]

_VALIDATION = {
    "strict": "Strict",
    "true": "Strict",
    "warn": "Warn",
    "ignore": "Ignore",
    "false": "Ignore",
}


@click.command("apply", short_help="Commit manifests to the branch and apply them")
@click.argument("unexpected", nargs=-1, metavar="")
@click.option("-f", "--filename", "filenames", multiple=True, metavar="FILE|DIR|URL|-")
@click.option("-R", "--recursive", is_flag=True, help="descend into directories")
@click.option("-m", "--message", "reason", default="", help="why: the body of the commit")
@click.option("-l", "--selector", default="", help="only resources with these labels")
@click.option("--force-conflicts", is_flag=True, help="take fields over from their managers")
@click.option("--validate", default="strict", type=click.Choice(sorted(_VALIDATION)))
@click.option("--dry-run", is_flag=False, flag_value="server", default="none", type=DRY_RUN)
@click.option("--server-side", type=bool, is_flag=False, flag_value=True, default=True, hidden=True)
@click.option("--field-manager", default="gitops", hidden=True)
@click.option("-o", "--output", default="", type=click.Choice(["", "name"]), help="only names")
@click.option("--wait", is_flag=True, help="wait until everything applied is healthy")
@click.option("--timeout", default="5m", metavar="TIME", help="how long to wait, with --wait")
@shared_options
def apply_command(options: Options, **flags: Any) -> int:
    """Commit manifests to the branch, then apply them to the cluster.

    A drop-in for kubectl apply: the same files, the same lines of output. The whole command is
    checked by a server dry-run first; if one resource is refused, nothing is committed and
    nothing changes. More in docs/start.md.

    \b
    Examples:
      kubectl gitops apply -f shop.yaml -m "raise replicas before the sale"
      kubectl gitops apply -R -f deploy/ --dry-run=server
    """
    _check(flags)
    from kubectl_gitops.cli.session import open_session
    from kubectl_gitops.cli.sources import read_sources

    sources = read_sources(flags["filenames"], recursive=flags["recursive"])
    contents = [(source.name, source.content) for source in sources]
    return _applied(open_session(options), contents, flags)


def _check(flags: dict[str, Any]) -> None:
    if flags["unexpected"]:
        raise click.UsageError(f"Unexpected args: [{' '.join(flags['unexpected'])}]")
    if not flags["filenames"]:
        raise GitopsError("must specify one of -f and -k")
    if not flags["server_side"]:
        raise GitopsError(
            "every apply here is server-side; --server-side=false is not to be had",
            "kubectl gitops apply -f FILE",
        )
    if flags["field_manager"] != "gitops":
        raise GitopsError(
            "the field manager is always gitops, so that apply and pull never fight each other",
            "kubectl gitops apply -f FILE",
        )


def _applied(connected: Connected, contents: list[tuple[str, bytes]], flags: dict[str, Any]) -> int:
    from kubectl_gitops.cli.progress import progress
    from kubectl_gitops.cli.results import print_report
    from kubectl_gitops.operations.apply import ApplyOptions, apply
    from kubectl_gitops.plan import Rights
    from kubectl_gitops.render import applied_line, planned_line

    manifests = connected.manifests(contents, selector=flags["selector"])
    with progress() as how:
        options = ApplyOptions(
            reason=flags["reason"],
            rights=Rights.ALL if flags["force_conflicts"] else Rights.OWN,
            validation=_VALIDATION[flags["validate"]],
            dry_run=flags["dry_run"] != "none",
            how=how,
        )
        report = apply(connected.session, manifests, options)
    as_name = flags["output"] == "name"
    code = print_report(
        report,
        connected.session.store,
        (lambda outcome: outcome.id.short) if as_name else applied_line,
        (lambda change: change.id.short) if as_name else planned_line,
    )
    if code == 0 and flags["wait"] and not report.dry_run:
        code = waited(connected, report, flags["timeout"])
    return connected.ended(code)
