"""What changes of a kind, from now on: a WATCH that knows when it has missed something.

Only names are read (PartialObjectMetadata): whoever hears of a change looks at the object anyway,
so nothing is trusted that an event says, and values of Secrets do not travel. A watch is closed by
the server about once a minute, after a bookmark, and goes on from there; a socket that is silent
for longer is dead. 410, or a server that is away, ends it: what was missed nobody knows.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from kubectl_gitops.catalog import Api
from kubectl_gitops.cluster.exchange import Request
from kubectl_gitops.cluster.refusals import refusal_of
from kubectl_gitops.ports import Refusal
from kubectl_gitops.resource import ResourceId

if TYPE_CHECKING:
    from kubectl_gitops.cluster.transport import Transport

__all__ = ["watch"]

_SERVED_SECONDS = 60
_SILENCE = 75.0
"""Longer than the server serves a watch: who says nothing for so long is gone."""
_AT_ONCE_SECONDS = 0.5
_NAMES_ONLY = "application/json;as={};g=meta.k8s.io;v=v1"
_LIST = _NAMES_ONLY.format("PartialObjectMetadataList")
_EVENTS = _NAMES_ONLY.format("PartialObjectMetadata")


def watch(
    transport: Transport, api: Api, path: Callable[..., str], stopped: Callable[[], bool]
) -> Iterator[ResourceId | Refusal | None]:
    """None once nothing is missed any more, then an id for each change; at the end a `Refusal`.

    `path` makes the kind's path with query parameters. Ends without one where `stopped` says so.
    """
    since = _version_now(transport, path)
    if isinstance(since, Refusal):
        yield since
        return
    yield None
    while not stopped():
        began = time.monotonic()
        for event in _events(transport, path, since):
            if isinstance(event, Refusal):
                yield event
                return
            since = event.version or since
            if event.name:
                yield ResourceId(api.group, api.kind, event.namespace, event.name)
        if time.monotonic() - began < _AT_ONCE_SECONDS:
            yield Refusal(0, "Unreachable", f"a watch of {api.plural} ends at once")
            return


def _version_now(transport: Transport, path: Callable[..., str]) -> str | Refusal:
    """The resourceVersion of the kind as it is now, for the price of a LIST of one."""
    answer = transport.send(Request("GET", path(limit="1"), accept=_LIST, safe=True))
    if isinstance(answer, Refusal):
        return answer
    if answer.status != 200:
        return refusal_of(answer.status, answer.data, write=False, masked=True)
    version: str = json.loads(answer.data)["metadata"]["resourceVersion"]
    return version


@dataclass(frozen=True, slots=True)
class _Event:
    """What changed and the version to go on from; a bookmark has no name."""

    name: str
    namespace: str
    version: str


def _events(
    transport: Transport, path: Callable[..., str], since: str
) -> Iterator[_Event | Refusal]:
    """One connection's events. It may end at any time; only what the server refuses is told."""
    asked = path(
        watch="true",
        resourceVersion=since,
        allowWatchBookmarks="true",
        timeoutSeconds=str(_SERVED_SECONDS),
    )
    response = transport.stream(Request("GET", asked, accept=_EVENTS, safe=True), _SILENCE)
    if isinstance(response, Refusal):
        yield response
        return
    with contextlib.closing(response):
        if response.status != 200:
            data = response.read(decode_content=True)
            yield refusal_of(response.status, data, write=False, masked=True)
            return
        # A line that is cut off or a connection that is: what came whole counts, then it goes on.
        with contextlib.suppress(HTTPError, ValueError):
            yield from map(_event, map(json.loads, _lines(response)))


def _lines(response: BaseHTTPResponse) -> Iterator[bytes]:
    rest = b""
    for chunk in response.stream(65536, decode_content=True):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines


def _event(said: Any) -> _Event | Refusal:
    body = said["object"]
    if said["type"] == "ERROR":
        code = int(body.get("code") or 0)
        return Refusal(code, str(body.get("reason") or ""), "the watch has expired")
    metadata = body["metadata"]
    if said["type"] == "BOOKMARK":
        return _Event("", "", metadata["resourceVersion"])
    return _Event(metadata["name"], metadata.get("namespace", ""), metadata["resourceVersion"])
