"""What the flags of `delete` ask for, checked as kubectl checks them and in its words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kubectl_gitops.arguments import Arguments, parse_arguments
from kubectl_gitops.cli import talk
from kubectl_gitops.cli.flags import boolean_of, dry_run_of
from kubectl_gitops.cli.sources import Sources
from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.reconcile import Removal

__all__ = ["Asked", "asked"]

_WEEK = 7 * 24 * 3600.0
"""kubectl's own limit for a wait without `--timeout`."""

_CASCADES = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One command line of `delete`.

    `given`: by `-f` or `-k`. `labels` and `fields` are selectors; `selecting`: one of them, or
    `--all`, says what is meant. `everywhere` is `-A`, `timeout` is in seconds, `dry_run` is `none`,
    `client` or `server`.
    """

    arguments: Arguments
    given: bool
    labels: str
    fields: str
    selecting: bool
    everywhere: bool
    ignore_not_found: bool
    removal: Removal
    dry_run: str
    wait: bool
    timeout: float
    as_name: bool
    interactive: bool

    @property
    def forced(self) -> bool:
        """Whether the objects get no time at all to end."""
        return self.removal.grace_period == 0


def asked(sources: Sources, flags: dict[str, Any]) -> Asked:
    """Read the flags; `GitopsError` where they contradict each other."""
    if flags["raw"]:
        raise GitopsError(
            "--raw is not to be had: what a path deletes, no commit can tell",
            "kubectl gitops delete TYPE NAME",
        )
    propagation = _propagation(flags["cascade"])
    grace = _grace(flags)
    dry_run = dry_run_of(flags["dry_run"])
    labels, fields = flags["selector"].strip(), flags["field_selector"].strip()
    if flags["all"] and (labels or fields):
        raise GitopsError("setting 'all' parameter but found a non empty selector. ")
    selecting = bool(flags["all"] or labels or fields)
    sources.check()
    arguments = parse_arguments(flags["names"], selecting=selecting, files=bool(sources))
    if flags["output"] not in ("", "name"):
        output = printable(flags["output"])
        raise GitopsError(f"unexpected -o output mode: {output}. We only support '-o name'")
    _check_force(grace, forced=flags["force"])
    told = flags["ignore_not_found"]
    return Asked(
        arguments=arguments,
        given=bool(sources),
        labels=labels,
        fields=fields,
        selecting=selecting,
        everywhere=flags["all_namespaces"],
        ignore_not_found=selecting if told is None else told,
        removal=Removal(propagation, None if grace < 0 else grace),
        dry_run=dry_run,
        wait=flags["wait"],
        timeout=flags["timeout"] or _WEEK,
        as_name=flags["output"] == "name",
        interactive=flags["interactive"],
    )


def _propagation(cascade: str) -> str:
    """The API's word for `--cascade`, which was a switch once."""
    switched = boolean_of(cascade)
    if switched is not None:
        meant = "background" if switched else "orphan"
        talk.say(
            f"warning: --cascade={cascade} is deprecated (boolean value) and can be replaced with "
            f"--cascade={meant}."
        )
        return _CASCADES[meant]
    if cascade not in _CASCADES:
        raise GitopsError(
            f"invalid cascade value ({printable(cascade)}). "
            'Must be "background", "foreground", or "orphan"'
        )
    return _CASCADES[cascade]


def _grace(flags: dict[str, Any]) -> int:
    """Seconds an object gets to end, negative for its own; 0 only with `--force`."""
    grace: int = flags["grace_period"]
    if flags["now"]:
        if grace != -1:
            raise GitopsError("--now and --grace-period cannot be specified together")
        return 1
    if flags["force"]:
        return max(grace, 0)
    return 1 if grace == 0 else grace


def _check_force(grace: int, *, forced: bool) -> None:
    if not forced:
        return
    if grace > 0:
        raise GitopsError("--force and --grace-period greater than 0 cannot be specified together")
    talk.warning(
        "Immediate deletion does not wait for confirmation that the running resource has been "
        "terminated. The resource may continue to run on the cluster indefinitely."
    )
