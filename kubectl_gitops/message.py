"""Commit messages: a short subject, the person's reason, and trailers nobody can forge.

Shape of ours::

    apply deployment/shop/web: raise replicas

    raise replicas before the sale

    Gitops-Operation: apply
    Gitops-Cluster: 6b1c…
    Gitops-User: alice@example.com
    Gitops-Resource: deployment.apps/shop/web
    Gitops-Plain: configmap/shop/banner

Git reads trailers from the last paragraph only, and so does `parse`. The last paragraph is always
ours and every value in it is one line, so text from outside (a reason, a name, a user) stays what
it is: text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from kubectl_gitops.errors import printable
from kubectl_gitops.resource import ResourceId

__all__ = ["MAX_RESOURCES", "Message", "Signature", "parse", "render", "subject"]

MAX_RESOURCES = 50
"""More resources than this are counted, not listed: a message must stay readable."""

_OPERATION = "Gitops-Operation"
_CLUSTER = "Gitops-Cluster"
_USER = "Gitops-User"
_RESOURCE = "Gitops-Resource"
_COUNT = "Gitops-Resource-Count"
_PLAIN = "Gitops-Plain"

# What `git log --oneline` and the forges show without cutting.
_SUBJECT_WIDTH = 72
_SHORTEST_REASON = 12


@dataclass(frozen=True, slots=True)
class Signature:
    """Who and when: `time` in seconds since the epoch (UTC), `zone` in seconds east of UTC."""

    name: str
    email: str
    time: int
    zone: int = 0

    @property
    def person(self) -> str:
        """`Ada Lovelace <ada@example.com>`."""
        return f"{self.name} <{self.email}>"

    @property
    def moment(self) -> datetime:
        """When, with the offset; the epoch for a clock that nobody has.

        Git stores any number: a clock in the year 60000, a zone of +9959.
        """
        try:
            zone = timezone(timedelta(seconds=self.zone)) if self.zone else UTC
            return datetime.fromtimestamp(self.time, zone)
        except (ValueError, OverflowError, OSError):
            return datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Message:
    """What a commit says. For a commit by hand `operation` is empty and `reason` its whole text.

    `plain` are resources in which a person let stand in the clear what looks like a secret.
    """

    author: Signature
    subject: str
    reason: str = ""
    operation: str = ""
    cluster: str = ""
    user: str = ""
    resources: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()


def subject(operation: str, ids: Sequence[ResourceId], reason: str = "") -> str:
    """`apply deployment/shop/web: raise replicas`, `apply 12 resources in shop`.

    Only the first line of the reason is shown, and only as much of it as fits.
    """
    head = f"{operation} {_called(ids)}".rstrip()
    first = next((line.strip() for line in reason.splitlines() if line.strip()), "")
    room = _SUBJECT_WIDTH - len(head) - len(": ")
    if not first or room < _SHORTEST_REASON:
        return printable(head)
    return printable(f"{head}: {first if len(first) <= room else first[: room - 1].rstrip() + '…'}")


def _called(ids: Sequence[ResourceId]) -> str:
    if len(ids) < 2:
        return "".join(map(str, ids))
    namespaces = {id.namespace for id in ids}
    place = f" in {namespaces.pop()}" if len(namespaces) == 1 and "" not in namespaces else ""
    return f"{len(ids)} resources{place}"


def render(message: Message) -> bytes:
    """The text of a commit. Control characters are written escaped, as `printable` does.

    A message without an operation is one by hand: its reason is the whole text.
    """
    if not message.operation:
        return _paragraphs(message.reason).encode()
    body = [_paragraphs(message.reason)] if message.reason else []
    trailers = "".join(f"{key}: {printable(value)}\n" for key, value in _trailers(message))
    return "\n\n".join([printable(message.subject), *body, trailers]).encode()


def _trailers(message: Message) -> Iterable[tuple[str, str]]:
    yield _OPERATION, message.operation
    if message.cluster:
        yield _CLUSTER, message.cluster
    if message.user:
        yield _USER, message.user
    for resource in message.resources[:MAX_RESOURCES]:
        yield _RESOURCE, resource
    if len(message.resources) > MAX_RESOURCES:
        yield _COUNT, str(len(message.resources))
    for resource in message.plain:
        yield _PLAIN, resource


def parse(text: bytes, author: Signature) -> Message:
    """What a commit says; the reverse of `render` for at most `MAX_RESOURCES` resources.

    Every text of the result is safe to print. A commit is ours when its last paragraph is made of
    trailers and names an operation; anything else is a commit by hand.
    """
    message = _paragraphs(text.decode("utf-8", "replace"))
    above, gap, last = message.rstrip("\n").rpartition("\n\n")
    found = [line.partition(": ") for line in last.split("\n")]
    values = {key: value for key, _, value in found}
    if not gap or not values.get(_OPERATION) or not all(_is_trailer(*line) for line in found):
        return _by_hand(message, author)
    title, _, reason = above.partition("\n\n")
    return Message(
        author=author,
        subject=printable(title),
        reason=reason,
        operation=values[_OPERATION],
        cluster=values.get(_CLUSTER, ""),
        user=values.get(_USER, ""),
        resources=tuple(value for key, _, value in found if key == _RESOURCE),
        plain=tuple(value for key, _, value in found if key == _PLAIN),
    )


def _is_trailer(key: str, colon: str, _value: str) -> bool:
    return bool(colon) and key.replace("-", "").isalnum()


def _by_hand(message: str, author: Signature) -> Message:
    whole = message.strip("\n")
    return Message(author=author, subject=printable(whole.partition("\n")[0]), reason=whole)


def _paragraphs(text: str) -> str:
    """Text of several lines, safe to print: only line breaks and tabs stay as they are."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in lines)
