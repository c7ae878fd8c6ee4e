"""One HTTP exchange as data, and what may be done about one that failed; pure.

A read is sent again when the connection fails or the server asks for patience; a write only when
it was certainly not carried out: never sent, or answered 429. A write whose answer was lost has an
unknown outcome, and the caller must look.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from urllib3 import exceptions

from kubectl_gitops.errors import printable
from kubectl_gitops.ports import Refusal

__all__ = ["Answer", "Lost", "Request", "lost", "pause", "warning_texts"]

_ATTEMPTS = 6
_FIRST_PAUSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. `path` includes the query; `safe`: it changes nothing."""

    method: str
    path: str
    body: bytes | None = None
    content_type: str = "application/json"
    accept: str = "application/json"
    safe: bool = False
    dry_run: bool = False

    @property
    def counted_as(self) -> str:
        """`GET`, `PATCH`, `PATCH (dry run)`."""
        return f"{self.method} (dry run)" if self.dry_run else self.method


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. `retry_after` is the header's text, empty where there is none."""

    status: int
    data: bytes
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer came. `sent`: the request may have arrived; `hopeless`: it would fail again."""

    refusal: Refusal
    sent: bool
    hopeless: bool = False


def pause(
    attempt: int, request: Request, answer: Answer | Lost, chance: float, *, reached: bool
) -> float | None:
    """Seconds to wait before the request is sent again, None where it must not or need not be.

    `attempt` counts from 1; `chance` in [0, 1) spreads clients out. A server that never answered
    (`reached`) is taken for a wrong address: nobody wants to wait half a minute to hear of a typo.
    """
    if attempt >= _ATTEMPTS or not _may_repeat(request, answer, reached=reached):
        return None
    asked = answer.retry_after if isinstance(answer, Answer) else ""
    growing: float = _FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1) * (0.5 + chance)
    return max(growing, float(asked) * (1 + chance / 10) if asked.isdecimal() else 0.0)


def _may_repeat(request: Request, answer: Answer | Lost, *, reached: bool) -> bool:
    if isinstance(answer, Answer):
        not_now = answer.status == 503 and bool(answer.retry_after)
        return answer.status == 429 or (request.safe and not_now)
    if answer.hopeless or not (answer.sent or reached):
        return False
    return request.safe or not answer.sent


def lost(error: exceptions.HTTPError, server: str) -> Lost:
    """What the failure of a connection means, in kubectl's words where it has any."""
    place = printable(_place(server))
    if isinstance(error, exceptions.NewConnectionError):
        return Lost(_not_connected(error, place), sent=False)
    if isinstance(error, exceptions.ConnectTimeoutError):
        return Lost(_unreachable("Timeout", f"{place} takes no connection"), sent=False)
    if isinstance(error, exceptions.ProxyError):
        cause = error.original_error.__cause__ or error.original_error
        reason = f"the proxy: {_reason(cause)}"
        return Lost(_unreachable("Unreachable", reason), sent=False)
    if isinstance(error, exceptions.SSLError):
        # A certificate of ours that the server does not like is refused after the request went
        # out (TLS 1.3), so only a failure to verify theirs is known to come before it.
        sent = not isinstance(error.args[0], ssl.SSLCertVerificationError)
        return Lost(_unreachable("Unreachable", _reason(error.args[0])), sent, hopeless=True)
    if isinstance(error, exceptions.TimeoutError):
        return Lost(_refusal("Timeout", f"{place} did not answer in time"), sent=True)
    if isinstance(error, exceptions.ProtocolError):
        message = f"the connection to {place} was lost before an answer came"
        return Lost(_refusal("Unreachable", message), sent=True)
    return Lost(_unreachable("Unreachable", _reason(error)), sent=True, hopeless=True)


def _place(server: str) -> str:
    url = urlsplit(server)
    host = url.netloc.rpartition("@")[2]
    if ":" in host.rpartition("]")[2]:
        return host
    return f"{host}:{80 if url.scheme == 'http' else 443}"


def _not_connected(error: exceptions.NewConnectionError, place: str) -> Refusal:
    if isinstance(error.__cause__, ConnectionRefusedError):
        return _refusal(
            "Unreachable",
            f"The connection to the server {place} was refused"
            " - did you specify the right host or port?",
        )
    return _unreachable("Unreachable", f"{place}: {_reason(error.__cause__)}")


def _unreachable(reason: str, why: str) -> Refusal:
    return _refusal(reason, f"Unable to connect to the server: {why}")


def _refusal(reason: str, message: str) -> Refusal:
    return Refusal(0, reason, message)


def _reason(error: BaseException | None) -> str:
    """What went wrong, without Python's file names and numbers."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {printable(error.verify_message)}"
    text = getattr(error, "strerror", None) or str(error)
    return printable(text.partition(" (_ssl.c")[0])


_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')


def warning_texts(header: str) -> list[str]:
    """The texts of a `Warning` header (RFC 9111 5.5, code 299), safe to print."""
    return [printable(re.sub(r"\\(.)", r"\1", text)) for text in _WARNING.findall(header)]
