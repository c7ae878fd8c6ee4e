"""`import`."""

from __future__ import annotations

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.candidates import files, kinds
from kubectl_gitops.cli.flags import DropIn
from kubectl_gitops.cli.options import ALLOW_PLAIN, Options, shared_options
from kubectl_gitops.cli.session import open_session, open_vault
from kubectl_gitops.errors import Exit, GitopsError

__all__ = ["import_command"]


@click.command(
    "import", cls=DropIn, short_help="Record live resources that the branch does not have"
)
@click.argument("types", nargs=-1, metavar="[TYPE…]", shell_complete=kinds)
@click.option("-A", "--all-namespaces", is_flag=True, help="from every namespace")
@click.option("-l", "--selector", default="", help="only resources with these labels")
@click.option("-m", "--message", "reason", default="", help="why: the body of the commit")
@click.option("--dry-run", is_flag=True, help="show what would be recorded")
@click.option(
    "--legacy-key",
    default="",
    metavar="FILE",
    help="the 2019 predecessor's passphrase",
    shell_complete=files,
)
@ALLOW_PLAIN
@shared_options
def import_command(
    options: Options,
    types: tuple[str, ...],
    all_namespaces: bool,
    selector: str,
    reason: str,
    dry_run: bool,
    legacy_key: str,
    allow_plain: tuple[str, ...],
) -> int:
    """Record live resources that the branch does not have, and make them the set's.

    What servers and controllers added is left out, by field ownership; what a controller owns or
    the cluster makes by itself is not imported. More in docs/moving.md.

    With --legacy-key, instead: the Secrets that the 2019 predecessor encrypted in the branch are
    opened with its passphrase and sealed with your key. The cluster is not asked.

    \b
    Examples:
      kubectl gitops import -n shop
      kubectl gitops import deployments,services -A -l team=shop
      kubectl gitops import --legacy-key old-passphrase.txt
    """
    if legacy_key:
        if types or all_namespaces or selector or dry_run:
            raise GitopsError(
                "--legacy-key is about the Secrets of the branch, all of them",
                "kubectl gitops import --legacy-key FILE",
                exit=Exit.USAGE,
            )
        return _adopted(options, legacy_key, reason)
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
    importing = ApplyOptions(
        reason=reason, operation="import", dry_run=dry_run, adopts=True, allow_plain=allow_plain
    )
    return print_report(apply(session, manifests, importing), session.store)


def _adopted(options: Options, legacy_key: str, reason: str) -> int:
    from kubectl_gitops.cli.results import print_resealed
    from kubectl_gitops.operations.vault import adopt, reseal
    from kubectl_gitops.settings import read_passphrase

    passphrase = read_passphrase({}, key_file=legacy_key)
    vault = open_vault(options)
    done = reseal(vault, "import", reason, lambda branch: adopt(passphrase, branch))
    if not done.commit and not done.findings:
        talk.note("nothing to import: the branch holds no Secrets of the predecessor")
    return print_resealed(done, vault.store)
