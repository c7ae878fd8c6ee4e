"""`edit`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.candidates import resources
from kubectl_gitops.cli.editor import Sheet, sheet
from kubectl_gitops.cli.flags import DropIn
from kubectl_gitops.cli.options import ALLOW_PLAIN, Options, shared_options
from kubectl_gitops.cli.session import Connected, open_session
from kubectl_gitops.errors import Exit, GitopsError

if TYPE_CHECKING:
    from kubectl_gitops.operations.apply import ApplyOptions
    from kubectl_gitops.operations.edit import Draft
    from kubectl_gitops.operations.report import Report

__all__ = ["edit_command"]


@click.command("edit", cls=DropIn, short_help="Change what the branch declares in your editor")
@click.argument(
    "names", nargs=-1, required=True, metavar="TYPE/NAME | TYPE NAME", shell_complete=resources
)
@click.option("-m", "--message", "reason", default="", help="why: the body of the commit")
@click.option("--force-conflicts", is_flag=True, help="take fields over from their managers")
@ALLOW_PLAIN
@shared_options
def edit_command(
    options: Options,
    names: tuple[str, ...],
    reason: str,
    force_conflicts: bool,
    allow_plain: tuple[str, ...],
) -> int:
    """Open the branch's own text of a resource in your editor, then commit and apply it.

    The editor is $KUBE_EDITOR, else $EDITOR, else vi. What cannot be read or is refused is shown
    again with the reason on top; saved unchanged, nothing happens. A Secret is opened for you on
    memory-backed storage and committed sealed. More in docs/start.md.

    \b
    Examples:
      kubectl gitops edit deployment/web -n shop -m "a fourth for the sale"
      KUBE_EDITOR="code --wait" kubectl gitops edit secret/db
    """
    from kubectl_gitops.arguments import parse_arguments
    from kubectl_gitops.operations.apply import ApplyOptions
    from kubectl_gitops.operations.edit import draft_of
    from kubectl_gitops.operations.targets import named_resources
    from kubectl_gitops.plan import Rights

    connected = open_session(options)
    session = connected.session
    ids = named_resources(session, parse_arguments(names), connected.namespace)
    if len(ids) != 1:
        raise GitopsError(
            "name one resource", "kubectl gitops edit deployment/web", exit=Exit.USAGE
        )
    branch = session.read(session.store.fetch())
    session.bound(branch)
    draft = draft_of(session, branch, ids[0])
    rights = Rights.ALL if force_conflicts else Rights.OWN
    how = ApplyOptions(
        reason=reason, operation="edit", rights=rights, allow_plain=allow_plain, base=branch
    )
    suffix = ".json" if draft.text.lstrip().startswith("{") else ".yaml"
    with sheet(private=draft.private, suffix=suffix) as it:
        try:
            return _edited(connected, draft, it, how)
        except BaseException as error:
            # What a person wrote outlives everything but the commit that holds it.
            ahead = isinstance(error, GitopsError) and error.exit is Exit.AHEAD
            it.kept = not ahead and it.text() not in ("", draft.text)
            if it.kept:
                talk.note(f"what you wrote is in {it.path}")
            raise


def _edited(connected: Connected, draft: Draft, it: Sheet, how: ApplyOptions) -> int:
    """Through the editor until it is done or given up; returns the exit code."""
    shown, problem = draft.text, ""
    while True:
        text = it.edited(shown, _remarks(connected, draft, problem))
        if text == draft.text or not text.strip():
            talk.say(f"Edit cancelled, {'no changes made' if text else 'saved file was empty'}.")
            return 0
        if problem and text == shown:
            raise GitopsError(problem, f"kubectl gitops edit {draft.id.argument}")
        shown = text
        try:
            report = _applied(connected, draft, text, how)
        except GitopsError as error:
            if error.exit not in (Exit.FAILED, Exit.USAGE):
                raise
            problem = error.message
            continue
        problem = _refusals(report)
        if not problem:
            return _printed(connected, report)


def _remarks(connected: Connected, draft: Draft, problem: str) -> Sequence[str]:
    store = connected.session.store
    said = f"{draft.id} in {store.branch} of {store.url}"
    if not problem:
        return [f"{said}; saved unchanged or empty, nothing happens"]
    return [
        said,
        f"error: {problem}",
        "nothing was changed; saved as it is, that is the end; line 1 is below",
    ]


def _applied(connected: Connected, draft: Draft, text: str, how: ApplyOptions) -> Report:
    from kubectl_gitops.cli.progress import progress
    from kubectl_gitops.operations.apply import apply
    from kubectl_gitops.operations.edit import manifest_of

    manifest = manifest_of(draft, text)
    with progress() as execution:
        return apply(connected.session, [manifest], replace(how, how=execution))


def _refusals(report: Report) -> str:
    """Why the server refuses it; empty where it does not."""
    from kubectl_gitops.render import refusal_lines

    if report.outcomes:
        return ""
    lines = [
        line
        for change in report.refused
        if change.refusal
        for line in refusal_lines(change.id, change.refusal)
    ]
    return "\n".join(lines)


def _printed(connected: Connected, report: Report) -> int:
    from kubectl_gitops.cli.results import print_report
    from kubectl_gitops.render import edited_line

    return connected.ended(print_report(report, connected.session.store, edited_line))
