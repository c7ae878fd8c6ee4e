"""`secret status`: which keys the values of the branch are sealed with. Opens nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kubectl_gitops.envelope import Keyring, is_held, kid_of
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.operations.session import Branch
from kubectl_gitops.resource import ResourceId
from kubectl_gitops.sealing import place_of, sealed_values, unsealed

__all__ = ["KeyReport", "KeyUse", "key_report"]


@dataclass(frozen=True, slots=True)
class KeyUse:
    """One key: how many values of how many resources it seals, whether it is held and listed."""

    kid: str
    values: int
    resources: int
    held: bool
    listed: bool


@dataclass(frozen=True, slots=True)
class KeyReport:
    """All keys that are held, listed or in use; `primary` is the first one held, if any.

    `clear` are the places of values that somebody committed in the clear, `damaged` says of others
    that they are no whole envelope, or in a file that cannot be read.
    """

    primary: str
    keys: tuple[KeyUse, ...]
    clear: tuple[str, ...]
    damaged: tuple[str, ...]

    @property
    def others(self) -> int:
        """How many values another key than the first one seals."""
        return sum(key.values for key in self.keys if key.kid != self.primary)

    @property
    def settled(self) -> bool:
        """Whether all is sealed, and with the first key."""
        return not (self.others or self.clear or self.damaged)


def key_report(branch: Branch, keyring: Keyring | None) -> KeyReport:
    """The keys of the branch at its tip, the first one held first, the others by id."""
    used: dict[str, list[tuple[ResourceId, str]]] = {}
    damaged = [error.message for error in branch.snapshot.unreadable.values()]
    for id, entry in branch.snapshot.entries.items():
        for place, text in sealed_values(entry.manifest).items():
            try:
                used.setdefault(kid_of(text, place), []).append((id, text))
            except GitopsError as error:
                damaged.append(error.message)
    held = _held(keyring, used)
    primary = next(iter(held), "")
    kids = dict.fromkeys((primary, *sorted({*used, *held, *branch.settings.key_ids})))
    keys = tuple(
        KeyUse(
            kid,
            len(used.get(kid, ())),
            len({id for id, _ in used.get(kid, ())}),
            kid in held,
            kid in branch.settings.key_ids,
        )
        for kid in kids
        if kid
    )
    return KeyReport(primary, keys, tuple(_in_the_clear(branch)), tuple(damaged))


def _held(
    keyring: Keyring | None, used: dict[str, list[tuple[ResourceId, str]]]
) -> dict[str, None]:
    """The ids of keys that are held, the first one first; a free-form key has one per salt."""
    if keyring is None:
        return {}
    opened = [kid for kid, values in used.items() if is_held(keyring, values[0][1])]
    return dict.fromkeys((*keyring.kids(), *opened))


def _in_the_clear(branch: Branch) -> Iterable[str]:
    for id, entry in branch.snapshot.entries.items():
        for pointer in unsealed(entry.manifest, branch.settings.seals):
            yield str(place_of(id, pointer))
