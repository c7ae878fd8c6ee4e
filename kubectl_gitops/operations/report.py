"""What came of an operation, for every resource, and how the process ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kubectl_gitops.errors import Exit
from kubectl_gitops.plan import Change, Outcome, Plan, Result
from kubectl_gitops.resource import ResourceId
from kubectl_gitops.sealing import SealRule

__all__ = ["Report"]


@dataclass(frozen=True, slots=True)
class Report:
    """One operation's result.

    `commit` is ours, empty where nothing was committed. `secrets` is what is secret in the
    resources that were given, by the branch's rules or because it is sealed. `refused` are the
    changes that the server refused in its dry-run: `apply` and `delete` then commit and change
    nothing at all, `pull` carries out the others. `restored` is the follow-up commit that put the
    former content of refused resources back into the branch. `findings` say what else could not be
    read or done, `hints` what to run about it. `unsettled`: the branch never came to rest while we
    looked.
    """

    operation: str
    commit: str = ""
    plan: Plan = field(default_factory=lambda: Plan(()))
    outcomes: tuple[Outcome, ...] = ()
    secrets: Mapping[ResourceId, tuple[SealRule, ...]] = field(default_factory=dict)
    refused: tuple[Change, ...] = ()
    restored: str = ""
    findings: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    unsettled: bool = False
    dry_run: bool = False

    @property
    def exit(self) -> int:
        """The exit code (`docs/exit-codes.md`)."""
        if self.unsettled:
            return Exit.AHEAD
        if self.refused:
            conflicts = any(_is_conflict(change) for change in self.refused)
            return Exit.CONFLICT if conflicts else Exit.FAILED
        # What a pull could not apply the branch still says: nothing to restore, and no surprise.
        final = bool(self.restored) or self.operation == "pull"
        ended = _exit_of(self.outcomes, final=final)
        return ended or (Exit.FAILED if self.findings else 0)


def _is_conflict(change: Change) -> bool:
    return change.refusal is not None and change.refusal.code == 409


def _exit_of(outcomes: Iterable[Outcome], *, final: bool) -> int:
    unfinished = [outcome for outcome in outcomes if not outcome.result.done]
    if not unfinished:
        return 0
    if all(outcome.result is Result.REFUSED for outcome in unfinished) and final:
        return Exit.FAILED
    return Exit.AHEAD
