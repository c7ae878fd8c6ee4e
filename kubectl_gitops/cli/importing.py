"""`import`."""

from __future__ import annotations

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.options import Options, shared_options
from kubectl_gitops.cli.session import open_session

__all__ = ["import_command"]


@click.command("import", short_help="Record live resources that the branch does not have")
@click.argument("types", nargs=-1, metavar="[TYPE…]")
@click.option("-A", "--all-namespaces", is_flag=True, help="from every namespace")
@click.option("-l", "--selector", default="", help="only resources with these labels")
@click.option("-m", "--message", "reason", default="", help="why: the body of the commit")
@click.option("--dry-run", is_flag=True, help="show what would be recorded")
@shared_options
def import_command(
    options: Options,
    types: tuple[str, ...],
    all_namespaces: bool,
    selector: str,
    reason: str,
    dry_run: bool,
) -> int:
    """Record live resources that the branch does not have, and make them the set's.

    What servers and controllers added is left out, by field ownership; what a controller owns or
    the cluster makes by itself is not imported. More in docs/moving.md.

    \b
    Examples:
      kubectl gitops import -n shop
      kubectl gitops import deployments,services -A -l team=shop
    """
    from kubectl_gitops.cli.results import print_report
    from kubectl_gitops.operations.apply import ApplyOptions, apply
    from kubectl_gitops.operations.importing import Selection, importable

    connected = open_session(options)
    session = connected.session
    branch = session.read(session.store.fetch())
    session.bound(branch)
    words = tuple(word for value in types for word in value.split(",") if word)
    namespace = "" if all_namespaces else connected.namespace
    manifests = importable(session, branch, Selection(words, namespace, selector))
    if not manifests:
        talk.note("nothing to import: the branch has it all")
        return 0
    report = apply(
        session, manifests, ApplyOptions(reason=reason, operation="import", dry_run=dry_run)
    )
    return print_report(report, session.store)
