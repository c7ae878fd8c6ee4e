"""HTTP for dulwich: time limits, one origin, and a login where the server asks for one.

dulwich takes anything with `headers` and `request` as its connection pool. This one sends nothing,
least of all credentials, to another origin than the store's: a redirect that leaves it is refused,
also one from https to http.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3
from dulwich.client import default_urllib3_manager
from dulwich.config import Config
from dulwich.errors import NotGitRepository

from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.store.address import Address
from kubectl_gitops.store.credentials import Login, ask_git, known_login, tell_git

__all__ = ["Web"]

_CONNECT_SECONDS = 10
_IDLE_SECONDS = 60
_MAX_REDIRECTS = 5


class Web:
    """The requests to one store. `status` is that of the last answer, 0 before any."""

    def __init__(self, address: Address, config: Config) -> None:
        self._address = address
        self._login = known_login(address)
        self._pool = default_urllib3_manager(config, base_url=address.url)
        self._asked = False
        self.status = 0

    @property
    def headers(self) -> Mapping[str, str]:
        """What every request carries."""
        return {**self._pool.headers}

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | Iterator[bytes] | None = None,
        **_options: Any,
    ) -> urllib3.BaseHTTPResponse:
        """Send a request; raises NotGitRepository for a 404, GitopsError for all but a 200."""
        response = self._followed(method, url, headers, body)
        if response.status == HTTPStatus.UNAUTHORIZED and self._log_in():
            response.drain_conn()
            response = self._followed(method, url, headers, body)
        self.status = response.status
        self._note(response.status)
        if response.status == HTTPStatus.OK:
            return response
        response.close()
        if response.status == HTTPStatus.NOT_FOUND:
            raise NotGitRepository
        raise self._failure(response.status)

    def _followed(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | Iterator[bytes] | None,
    ) -> urllib3.BaseHTTPResponse:
        for _ in range(_MAX_REDIRECTS):
            response = self._sent(method, url, headers, body)
            location = response.get_redirect_location()
            if not location:
                return response
            response.drain_conn()
            url = self._same_origin(urljoin(url, location), method)
        raise GitopsError(f"{printable(self._address.url)} redirects without end")

    def _sent(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | Iterator[bytes] | None,
    ) -> urllib3.BaseHTTPResponse:
        secret = {"authorization": self._login.basic} if self._login else {}
        # A push must not be sent twice: whether the first one arrived is for us to find out.
        return self._pool.request(
            method,
            url,
            headers={**headers, **secret},
            body=body,
            preload_content=False,
            redirect=False,
            retries=False if body is not None else 2,
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_IDLE_SECONDS),
        )

    def _same_origin(self, target: str, method: str) -> str:
        parts = urlsplit(target)
        if method != "GET" or _origin(target) != _origin(self._address.url):
            raise GitopsError(
                f"{printable(self._address.url)} redirects to "
                f"{printable(f'{parts.scheme}://{parts.hostname}')}, which is not followed"
            )
        return target

    def _log_in(self) -> bool:
        """After a 401: True where there is a login to try that was not tried yet."""
        if self._asked:
            return False
        self._asked = True
        found = ask_git(self._address)
        self._login = found or self._login
        return found is not None

    def _note(self, status: int) -> None:
        """Tell Git's helpers once whether their login was right."""
        login = self._login
        if login is None or not login.from_git:
            return
        if status == HTTPStatus.UNAUTHORIZED:
            tell_git(self._address, login, right=False)
        elif status == HTTPStatus.OK:
            tell_git(self._address, login, right=True)
            self._login = Login(login.user, login.password)

    def _failure(self, status: int) -> GitopsError:
        shown = printable(self._address.url)
        if status == HTTPStatus.UNAUTHORIZED:
            return GitopsError(
                f"{shown} does not accept the credentials"
                if self._login
                else f"{shown} asks for credentials",
                "export KUBECTL_GITOPS_GIT_USER=USER KUBECTL_GITOPS_GIT_PASSWORD=TOKEN",
                f"git credential fill <<< url={shown}",
            )
        reason = HTTPStatus(status).phrase if status in {*HTTPStatus} else "no known status"
        return GitopsError(f"{shown} answers {status} {reason}", f"git ls-remote {shown}")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, parts.port or default
