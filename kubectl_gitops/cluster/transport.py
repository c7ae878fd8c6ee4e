"""Sends requests to one API server: credentials, retries, warnings, counting.

urllib3's own retries are off, for it repeats a DELETE whose answer was lost and follows redirects
with credentials; `exchange` decides what is sent again.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from threading import Lock
from typing import TYPE_CHECKING

import urllib3
from urllib3.exceptions import HTTPError

from kubectl_gitops import __version__
from kubectl_gitops.cluster.exchange import Answer, Lost, Request, lost, pause, warning_texts
from kubectl_gitops.ports import Refusal

if TYPE_CHECKING:
    from kubectl_gitops.cluster.link import Link

__all__ = ["Transport"]

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 65.0
"""The API server itself gives up after 60 s (`--request-timeout`)."""
_PATIENCE_SECONDS = 30.0
"""After this no request is sent again, whatever `Retry-After` says."""


class Transport:
    """The requests of one process to one API server, from any thread.

    `requests` counts what was sent, by method and dry run, repetitions included.
    """

    def __init__(
        self,
        link: Link,
        *,
        warn: Callable[[str], None] | None = None,
        trace: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.requests: Counter[str] = Counter()
        self._link = link
        self._warn = warn
        self._trace = trace
        self._warned: set[str] = set()
        self._clock, self._sleep, self._chance = clock, sleep, chance
        self._reached = False
        self._counting, self._renewing = Lock(), Lock()

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._link.server

    def send(self, request: Request) -> Answer | Refusal:
        """Send it, again if need be. A `Refusal` (of code 0) means that no answer came."""
        deadline = self._clock() + _PATIENCE_SECONDS
        attempt = 0
        while True:
            attempt += 1
            answer = self._authenticated(request)
            seconds = pause(attempt, request, answer, self._chance(), reached=self._reached)
            if seconds is None or self._clock() + seconds > deadline:
                return answer.refusal if isinstance(answer, Lost) else answer
            self._sleep(seconds)

    def _authenticated(self, request: Request) -> Answer | Lost:
        """A 401 means that nothing was done, and perhaps only that a token has expired."""
        link = self._link
        answer = self._once(link, request)
        if isinstance(answer, Answer) and answer.status == 401 and self._renew(link):
            return self._once(self._link, request)
        return answer

    def _renew(self, refused: Link) -> bool:
        """Read the credentials anew, once for all threads that were refused with the same ones."""
        with self._renewing:
            if self._link is refused:
                self._link = refused.renewed() or refused
            return self._link is not refused

    def stream(self, request: Request, silence: float) -> urllib3.BaseHTTPResponse | Refusal:
        """An answer that is still to be read, and closed; after `silence` s of nothing it fails."""
        link = self._link
        timeout = urllib3.Timeout(connect=_CONNECT_SECONDS, read=silence)
        response = self._asked(link, request, timeout, whole=False)
        if not isinstance(response, Lost) and response.status == 401 and self._renew(link):
            response.close()
            response = self._asked(self._link, request, timeout, whole=False)
        return response.refusal if isinstance(response, Lost) else response

    def _once(self, link: Link, request: Request) -> Answer | Lost:
        if self._trace is None:
            return self._sent(link, request)
        began = self._clock()
        answer = self._sent(link, request)
        status = answer.status if isinstance(answer, Answer) else answer.refusal.reason
        spent = (self._clock() - began) * 1000
        # Never a header, never a body: those hold tokens and the values of Secrets.
        self._trace(f"{request.method} {link.server}{request.path} {status} in {spent:.0f} ms")
        return answer

    def _sent(self, link: Link, request: Request) -> Answer | Lost:
        response = self._asked(link, request, _timeout(link.options.request_timeout), whole=True)
        if isinstance(response, Lost):
            return response
        self._pass_on(response.headers.getlist("Warning"))
        return Answer(response.status, response.data, response.headers.get("Retry-After", ""))

    def _asked(
        self, link: Link, request: Request, timeout: urllib3.Timeout, *, whole: bool
    ) -> urllib3.BaseHTTPResponse | Lost:
        with self._counting:
            self.requests[request.counted_as] += 1
        try:
            response = link.pool.request(
                request.method,
                link.server + request.path,
                body=request.body,
                headers=_headers(link, request),
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=whole,
            )
        except HTTPError as error:
            return lost(error, link.server)
        self._reached = True
        return response

    def _pass_on(self, headers: Iterable[str]) -> None:
        """Each warning once, however many objects it is about."""
        if self._warn is None:
            return
        for text in (text for header in headers for text in warning_texts(header)):
            with self._counting:
                known = text in self._warned
                self._warned.add(text)
            if not known:
                self._warn(text)


def _headers(link: Link, request: Request) -> urllib3.HTTPHeaderDict:
    headers = urllib3.HTTPHeaderDict(
        {"Accept": request.accept, "User-Agent": f"kubectl-gitops/{__version__}"}
    )
    if request.body is not None:
        headers["Content-Type"] = request.content_type
    if not link.options.disable_compression:
        headers["Accept-Encoding"] = "gzip"
    for name, value in link.headers:
        headers.add(name, value)
    return headers


def _timeout(seconds: float | None) -> urllib3.Timeout:
    if seconds is None:
        return urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS)
    return urllib3.Timeout(connect=min(seconds, _CONNECT_SECONDS), read=seconds, total=seconds)
