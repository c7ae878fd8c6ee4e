"""Tables for people: columns as kubectl aligns them, nothing wrapped; long values are cut."""

from __future__ import annotations

import json
from collections.abc import Mapping

from kubectl_gitops.errors import printable
from kubectl_gitops.operations.inspect import Drift, StatusItem, StatusReport
from kubectl_gitops.operations.keys import KeyReport, KeyUse
from kubectl_gitops.pointer import ABSENT
from kubectl_gitops.render.texts import table
from kubectl_gitops.resource import ResourceId

__all__ = ["drift_line", "key_table", "status_message", "status_table", "waiting_table"]


def status_table(report: StatusReport) -> str:
    """Every resource of the set, one line each."""
    if not report.items:
        return "the set holds no resources\n"
    rows = [_status_row(item) for item in report.items]
    return table(["RESOURCE", "STATE", "HEALTH", "REVISION", "AUTHOR", "MESSAGE"], rows)


def _status_row(item: StatusItem) -> list[str]:
    latest = item.latest
    return [
        str(item.id),
        item.state,
        item.health.status if item.health else "-",
        str(latest.revision) if latest else "-",
        latest.author if latest else "-",
        status_message(item),
    ]


def status_message(item: StatusItem) -> str:
    """What differs, field by field, or what the resource waits for."""
    return item.message or "; ".join(drift_line(drift) for drift in item.drift)


_WAITING_ROWS = 10


def waiting_table(left: Mapping[ResourceId, str], most: int, seconds: float) -> str:
    """What is waited for and why; `most` is how many that were at the beginning.

    No line feed at the end: it is shown on a terminal, and rewritten.
    """
    minutes, rest = divmod(int(seconds), 60)
    head = f"waiting for {len(left)} of {most}, {minutes}m{rest:02d}s"
    rows = [(f"  {id}", why or "-") for id, why in list(left.items())[:_WAITING_ROWS]]
    width = max((len(name) for name, _ in rows), default=0)
    lines = [printable(f"{name.ljust(width)}   {why}") for name, why in rows]
    more = [f"  and {len(left) - _WAITING_ROWS} more"] if len(left) > _WAITING_ROWS else []
    return "\n".join((head, *lines, *more))


def drift_line(drift: Drift) -> str:
    """`/spec/replicas 2 → 5 by kubectl-edit at 2026-01-02T03:04:05Z`: the branch, then live."""
    difference, owner = drift.difference, drift.owner
    said = f"{difference.pointer} {_value(difference.after)} → {_value(difference.before)}"
    if owner is None:
        return said
    return f"{said} by {owner.manager}" + (f" at {owner.time}" if owner.time else "")


def _value(value: object) -> str:
    if value is ABSENT:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}…"


def key_table(report: KeyReport) -> str:
    """Every key, what it seals, and what can be done with it here."""
    if not report.keys:
        return "no key is held, listed or in use\n"
    rows = [
        [key.kid, str(key.values), str(key.resources), _key_state(report, key)]
        for key in report.keys
    ]
    return table(["KEY", "VALUES", "RESOURCES", "STATE"], rows)


def _key_state(report: KeyReport, key: KeyUse) -> str:
    if not key.held:
        return "not held"
    if key.kid != report.primary:
        return "opens"
    return "seals" if key.listed or not any(other.listed for other in report.keys) else "not listed"
