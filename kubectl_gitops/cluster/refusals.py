"""What the API server says when it does not do as asked, as a `Refusal` safe to print; pure.

A Status may show the values it is about: server-side apply quotes a wrong value as
`.stringData.a: expected string, got &value.valueUnstructured{Value:…}`, and a JSON patch that does
not fit is answered with the whole object (both seen on Kubernetes 1.36; Argo CD leaked Secrets
this way, CVE-2025-23216). Of what is said about a Secret only sentences are kept that are known to
hold names alone. Bodies that are not a Status are dropped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from kubectl_gitops.errors import printable
from kubectl_gitops.ports import Cause, Refusal

__all__ = ["refusal_of", "status_of"]

_LONGEST = 2_000
"""Characters of a message that are kept: some answers quote the whole object."""


def status_of(data: bytes) -> Mapping[str, Any]:
    """The Status that a body holds, empty where it holds none."""
    try:
        body = json.loads(data)
    except ValueError:
        return {}
    return body if isinstance(body, dict) and body.get("kind") == "Status" else {}


def refusal_of(
    code: int, data: bytes, retry_after: str = "", *, write: bool, masked: bool
) -> Refusal:
    """What an answer of 400 and above means.

    `write`: something may have been changed, so an answer that leaves that open must say so.
    `masked`: the answer may show values that must not be printed.
    """
    status = status_of(data)
    details = status.get("details") or {}
    message = str(status.get("message") or "")
    causes = tuple(_cause(item) for item in details.get("causes") or ())
    reason = _reason(code, status)
    if masked and status:
        causes = tuple(_masked_causes(message, causes))
        message = _masked_message(message, causes)
    refusal = Refusal(
        code=code,
        reason=reason,
        message=_text(message) or f"the server answered {code} {_phrase(code)}".rstrip(),
        causes=causes,
        retry_after=_seconds(retry_after or str(details.get("retryAfterSeconds") or "")),
    )
    return _settled(refusal, write=write)


def _cause(item: Mapping[str, Any]) -> Cause:
    texts = (str(item.get(key) or "") for key in ("reason", "field", "message"))
    return Cause(*(_text(text) for text in texts))


def _text(text: str) -> str:
    """Lines are kept, for kubectl lists conflicts in lines."""
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return "\n".join(printable(line) for line in cut.split("\n"))


def _seconds(text: str) -> float | None:
    return float(text) if text.isdecimal() else None


def _phrase(code: int) -> str:
    return next((known.phrase for known in HTTPStatus if known == code), "")


_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Gone",
    413: "RequestEntityTooLarge",
    429: "TooManyRequests",
}
_STORAGE_LOST = re.compile(
    r"etcdserver: (?!request is too large)|timed out|timeout|deadline exceeded|context canceled"
    r"|connection|transport is closing|leader changed"
)


def _reason(code: int, status: Mapping[str, Any]) -> str:
    """The Status reason; empty where the answer does not even tell whether anything was done.

    The API server gives no reason for errors it did not foresee. Those of its checks come before
    anything is stored (`failed to create typed patch object`), as does etcd's size limit; those of
    a storage that did not answer leave the outcome open.
    """
    reason = str(status.get("reason") or "")
    if reason not in ("", "Unknown"):
        return printable(reason)
    if code < 500 or not status:
        return _REASONS.get(code, "")
    return "" if _STORAGE_LOST.search(str(status.get("message"))) else "InternalError"


def _settled(refusal: Refusal, *, write: bool) -> Refusal:
    if refusal.code == 401:
        return replace(refusal, message="You must be logged in to the server (Unauthorized)")
    if write and refusal.reason in ("Timeout", "ServerTimeout"):
        return replace(refusal, code=0, reason="Timeout")
    if refusal.causes and {cause.field for cause in refusal.causes} == {"metadata.uid"}:
        # Another object of that name: without a resourceVersion the uid that was asked for is
        # taken for an attempt to change it.
        message = "the object was deleted and another of its name was made"
        return replace(refusal, code=409, reason="Conflict", message=message)
    return refusal


_NAMES_ONLY = re.compile(
    r"""(?x)
    admission\ webhook\ "[^"]+"\ denied\ the\ request
    | Internal\ error\ occurred:\ failed\ calling\ webhook\ "[^"]+"
    | \S+\ "[^"]+"\ is\ forbidden:\ ValidatingAdmissionPolicy\ '[^']+'\ with\ binding\ '[^']+'
    | \S+(\ "[^"]+")?\ is\ forbidden:\ User\ "[^"]*"\ cannot\ \w+\ resource\ "[^"]*"
        \ in\ API\ group\ "[^"]*"(\ in\ the\ namespace\ "[^"]*"|\ at\ the\ cluster\ scope)?
    | \S+\ "[^"]+"\ is\ forbidden:\ unable\ to\ create\ new\ content\ in\ namespace\ \S+
        \ because\ it\ is\ being\ terminated
    | \S+\ "[^"]+"\ is\ forbidden:\ exceeded\ quota:\ [\w./:=,\ -]+
    | Operation\ cannot\ be\ fulfilled\ on\ \S+\ "[^"]+":\ the\ (object\ has\ been\ modified
        |UID\ in\ the\ precondition|ResourceVersion\ in\ the\ precondition)
    | \S+\ "[^"]+"\ (not\ found|already\ exists)
    | Apply\ failed\ with\ \d+\ conflicts?
    | Request\ entity\ too\ large:\ limit\ is\ \d+
    | etcdserver:\ request\ is\ too\ large
    """
)
"""Beginnings of messages that cannot hold a value; what stands behind them may."""

_WRONG_TYPE = re.compile(r": (\.\S+): (expected \w+|field not declared in schema)")
_BAD_BASE64 = re.compile(r"illegal base64 data at input byte \d+")
_CONFLICT = re.compile(r'conflicts? with "[^"]*"( with subresource "[^"]*")?( using \S+)?')
_WITHHELD = "refused; what the server says about it is withheld, for it may show a value"


def _masked_causes(message: str, causes: Iterable[Cause]) -> Iterable[Cause]:
    """Reasons and field paths; a webhook may write anything into those, too.

    A policy repeats its message in a cause without a field.
    """
    if message.startswith("admission webhook"):
        return
    if wrong := _WRONG_TYPE.search(message):
        yield Cause("FieldValueTypeInvalid", _text(wrong[1]), wrong[2])
    for cause in (cause for cause in causes if cause.field):
        known = _CONFLICT.match(cause.message)
        yield Cause(cause.reason, cause.field, known[0] if known else "")


def _masked_message(message: str, causes: Iterable[Cause]) -> str:
    known = _NAMES_ONLY.match(message) or _BAD_BASE64.search(message)
    about = "; ".join(_about(cause) for cause in causes)
    return ": ".join(part for part in (known[0] if known else _WITHHELD, about) if part)


def _about(cause: Cause) -> str:
    return f"{cause.field}: {cause.message or cause.reason}"
