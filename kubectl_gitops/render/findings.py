"""What `verify` found: one line each, or one document."""

from __future__ import annotations

from collections.abc import Iterable

from kubectl_gitops.errors import printable
from kubectl_gitops.operations.verify import Finding, Verified
from kubectl_gitops.render.texts import document, resource
from kubectl_gitops.resource import Body

__all__ = ["finding_line", "findings_body", "looked_at"]


def finding_line(finding: Finding) -> str:
    """`history: configmap/shop/web: revision 3: its patch does not lead to …`."""
    place = [str(finding.resource)] if finding.resource else []
    return printable(": ".join([finding.check, *place, finding.message]))


def findings_body(findings: Iterable[Finding]) -> Body:
    """A `Findings`."""
    return document(
        "Findings",
        [
            {
                "check": str(one.check),
                "resource": resource(one.resource) if one.resource else None,
                "commit": one.commit,
                "message": one.message,
            }
            for one in findings
        ],
    )


def looked_at(done: Verified) -> str:
    """`4 revisions of 2 resources in 3 commits, 1 sealed value`."""
    parts = [
        f"{_counted(done.revisions, 'revision')} of {_counted(done.resources, 'resource')} in "
        f"{_counted(done.commits, 'commit')}"
    ]
    if done.values:
        unopened = "" if done.opened else " (not opened: no key is known)"
        parts.append(f"{_counted(done.values, 'sealed value')}{unopened}")
    return ", ".join(parts)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
