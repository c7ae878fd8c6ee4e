"""`record`: what was changed in the cluster by hand is committed instead of reverted.

The text of the manifest is edited in place, so its comments and its order stay. What Git changed
after the last `pull` is *ahead*, not drifted: the live state of it may be older than the branch,
so it is refused (the model of the protocol finds the loss otherwise).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kubectl_gitops import fields
from kubectl_gitops.applyset import unlabelled
from kubectl_gitops.equality import differences
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest import OpenManifest, edit_text
from kubectl_gitops.operations.change import Intent, Request, carry
from kubectl_gitops.operations.inspect import Drift, drifts, is_ahead, noted_bodies
from kubectl_gitops.operations.picture import Picture, take_picture
from kubectl_gitops.operations.report import Report
from kubectl_gitops.operations.session import Branch, Session, conflict
from kubectl_gitops.plan import Action, Change, Plan, Rights
from kubectl_gitops.ports import Refusal
from kubectl_gitops.reconcile import Execution, Rules, observe
from kubectl_gitops.recording import with_drift
from kubectl_gitops.resource import Body, ResourceId, is_terminating, same

__all__ = ["RecordOptions", "record"]


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """What the flags ask for; `found` hears what is recorded, Secret values masked."""

    reason: str = ""
    namespace: str = ""
    dry_run: bool = False
    how: Execution = field(default_factory=Execution)
    allow_plain: tuple[str, ...] = ()
    found: Callable[[ResourceId, tuple[Drift, ...]], None] = lambda _, __: None


def record(session: Session, names: Sequence[ResourceId], options: RecordOptions) -> Report:
    """Commit the live state of these resources, or of all that drifted.

    A named one that is gone from the cluster leaves the branch; without names it is only told.
    `GitopsError` for a named one that the branch lacks, that is ahead (exit 3) or cannot be read.
    """

    def rules(branch: Branch) -> Rules:
        return replace(session.rules(branch), adopts=True)

    def intend(_: Branch) -> Intent:
        # The picture reads the tip after the cluster; where that has moved the push loses, and this
        # is asked again. All rights, only to look: the dry-run says what the branch would make.
        picture = take_picture(session, Rights.ALL)
        looking = _Looking(session, picture, noted_bodies(session, picture), options)
        return looking.intent(names, rules(picture.branch))

    request = Request(
        "record",
        options.reason,
        intend,
        rules,
        options.how,
        options.dry_run,
        allow_plain=options.allow_plain,
    )
    return carry(session, request)


@dataclass(frozen=True, slots=True)
class _Looking:
    session: Session
    picture: Picture
    noted: Mapping[ResourceId, Body]
    options: RecordOptions

    def intent(self, names: Sequence[ResourceId], rules: Rules) -> Intent:
        chosen = list(self._named(names, rules) if names else self._drifted())
        gone = [change for change in chosen if change.live is None]
        manifests = [one for change in chosen if (one := self._recorded(change)) is not None]
        session, branch = self.session, self.picture.branch
        wanted = session.sealed(branch, manifests)
        plan = observe(session.cluster, [one.open for one in wanted], rules)
        return Intent(
            Plan((*plan.changes, *map(_unwanted, gone))),
            puts=tuple(one.sealed for one in wanted),
            removals=tuple(change.id for change in gone),
            key_id=session.sealing_key(branch, wanted),
            tripwire=session.tripwire(branch, wanted),
        )

    def _named(self, names: Iterable[ResourceId], rules: Rules) -> Iterator[Change]:
        changes = {change.id: change for change in self.picture.plan.changes}
        for id in dict.fromkeys(names):
            if id not in changes:
                raise _not_declared(self.picture, id)
            change = changes[id]
            if change.action is Action.SKIP and change.live is not None:
                change = self._suspended(change, rules)
            self._check(change)
            yield change

    def _suspended(self, change: Change, rules: Rules) -> Change:
        """What `pull` is kept away from, compared all the same."""
        session, branch = self.session, self.picture.branch
        manifest = session.opened(branch, branch.snapshot.entries[change.id].manifest)
        looking = replace(rules, rights=Rights.ALL)
        (found,) = observe(session.cluster, [manifest], looking, {change.id: change.live}).changes
        return found

    def _check(self, change: Change) -> None:
        refusal = change.refusal
        if refusal is not None and change.sent is None:
            raise GitopsError(f"{change.id}: {refusal.message}", "kubectl gitops status")
        if change.action is not Action.UNCHANGED and self._is_ahead(change):
            raise conflict(
                f"{change.id} was changed on the branch since the last pull: what is live may be "
                "older than that; nothing was recorded",
                f"kubectl gitops history {change.id.argument} --patch",
                "kubectl gitops pull",
            )

    def _drifted(self) -> Iterator[Change]:
        """What `status` calls drifted, in the namespace asked for; the rest is told."""
        for change in self.picture.plan.changes:
            if not change.writes or self.options.namespace not in ("", change.id.namespace):
                continue
            if self._is_ahead(change):
                self.session.tell(f"{change.id} is ahead, not drifted: kubectl gitops pull")
            elif change.live is None:
                hint = f"kubectl gitops record {change.id.argument}"
                self.session.tell(f"{change.id} is missing; to take it off the branch: {hint}")
            elif change.sent is not None and not is_terminating(change.live):
                yield change

    def _is_ahead(self, change: Change) -> bool:
        return is_ahead(change.id, self.picture.branch, self.noted)

    def _recorded(self, change: Change) -> OpenManifest | None:
        """The branch's manifest as it reads with the edit in it; None where there is none."""
        if change.live is None or change.sent is None:
            return None
        branch = self.picture.branch
        was = self.session.opened(branch, branch.snapshot.entries[change.id].manifest)
        live, wanted = unlabelled(change.live), unlabelled(_wanted(change))
        ignored = self.picture.rules.ignored(change.sent, change.live)
        body = with_drift(was.body, wanted, live, _editors(live, wanted), ignored)
        if same(body, was.body):
            return None
        self.options.found(change.id, drifts(change, branch.secrets(change.id)))
        text, warning = edit_text(was.text, was.body, body)
        if warning:
            self.session.tell(f"warning: {change.id}: {warning}")
        return replace(was, text=text, body=body)


def _wanted(change: Change) -> Body:
    """What the server would store of the manifest; the live object where that is proven.

    The manifest itself where the server cannot put its items beside those that were edited.
    """
    answer = change.preview.answer if change.preview else change.live
    if isinstance(answer, Refusal) and answer.reason == "Invalid" and change.sent is not None:
        return change.sent
    if answer is None or isinstance(answer, Refusal):
        raise GitopsError(
            f"{change.id}: what differs cannot be told: "
            f"{answer.message if answer else change.unchecked}",
            "kubectl gitops diff",
        )
    return answer


def _editors(live: Body, wanted: Body) -> set[str]:
    """Whose edit it was: who owns what differs, and kubectl, the hand that edits."""
    drifted = {
        owner.manager
        for difference in differences(live, wanted)
        for owner in fields.owners(live, difference.pointer)[:1]
    }
    by_hand = {
        entry["manager"]
        for entry in fields.entries(live)
        if entry.get("manager", "").startswith("kubectl")
    }
    return drifted | by_hand


def _unwanted(change: Change) -> Change:
    reason = "removed from the branch only; the cluster did not have it"
    return Change(change.id, Action.SKIP, change.api, None, None, reason=reason)


def _not_declared(picture: Picture, id: ResourceId) -> GitopsError:
    """Left out of the picture: not declared, unreadable, or outside of the scope."""
    if picture.branch.is_unknown(id):
        return GitopsError(f"{id} cannot be read in the branch", "kubectl gitops status")
    if id in picture.branch.snapshot.entries:
        return GitopsError(f"{id} cannot be opened, or is out of scope", "kubectl gitops status")
    where = f" -n {id.namespace}" if id.namespace else ""
    kind = id.group_kind.lower()
    return GitopsError(
        f"{id} is not in the branch; record is for what is", f"kubectl gitops import {kind}{where}"
    )
