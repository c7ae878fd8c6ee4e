"""`verify`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.counting import counting
from kubectl_gitops.cli.flags import DropIn
from kubectl_gitops.cli.options import Options, shared_options
from kubectl_gitops.cli.session import keyring_for, open_target_store
from kubectl_gitops.errors import Exit

if TYPE_CHECKING:
    from kubectl_gitops.operations.verify import Verified

__all__ = ["verify_command"]


@click.command(
    "verify", cls=DropIn, short_help="Check the history, the sealed values and the commits"
)
@click.option("--signatures", is_flag=True, help="every commit must be signed and trusted, too")
@click.option("--repair", is_flag=True, help="make a history with findings anew from the branch")
@click.option("-o", "--output", default="", type=click.Choice(["", "json", "yaml"]))
@shared_options
def verify_command(options: Options, signatures: bool, repair: bool, output: str) -> int:
    """Check that the store is what it says: one line per finding, exit code 1 where there is any.

    Every patch is replayed from a resource's creation on and held against the blobs of the branch,
    every record against its commit; sealed values are looked at, and opened where a key is known.
    More in docs/history.md.

    \b
    Examples:
      kubectl gitops verify
      kubectl gitops verify --signatures
      kubectl gitops verify --repair
    """
    from kubectl_gitops.cluster import current_context
    from kubectl_gitops.operations.verify import Check, mend, verify

    target, store = open_target_store(options, current_context(options.connection))
    keys = keyring_for(target, options)
    with counting("replaying the history of resources") as told:
        look = partial(verify, store, target.path, keys, signatures=signatures, told=told)
        done = look()
        broken = any(finding.check is Check.HISTORY for finding in done.findings)
        if repair and broken:
            mend(store, done.tip)
            done = look()
    _print(done, output)
    if repair:
        talk.note("the history was made anew" if broken else "the history needs no repair")
    elif any(finding.check is Check.HISTORY for finding in done.findings):
        talk.hint("kubectl gitops verify --repair   # make the history anew from the branch")
    return Exit.FAILED if done.findings else 0


def _print(done: Verified, output: str) -> None:
    from kubectl_gitops.render.findings import finding_line, findings_body, looked_at
    from kubectl_gitops.render.texts import printed

    if output:
        click.echo(printed(findings_body(done.findings), output), nl=False)
    else:
        for finding in done.findings:
            click.echo(finding_line(finding))
    talk.note(f"verified {looked_at(done)}")
