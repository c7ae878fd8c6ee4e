"""The client for each kind of address, and what its failures mean."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3.exceptions
from dulwich.client import (
    GitClient,
    HttpGitClient,
    LocalGitClient,
    SSHGitClient,
    SubprocessGitClient,
    TCPGitClient,
)
from dulwich.config import Config, StackedConfig, apply_instead_of
from dulwich.errors import GitProtocolError, HangupException, NotGitRepository

from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.store.address import Address, parse_address
from kubectl_gitops.store.web import Web

__all__ = ["NETWORK_ERRORS", "Transport", "open_transport"]

_TOLD_LINES = 20

NETWORK_ERRORS = (
    OSError,
    EOFError,
    GitProtocolError,
    HangupException,
    urllib3.exceptions.HTTPError,
)
"""What a connection that breaks off raises; dulwich and urllib3 do not agree on one."""


class Transport:
    """A client and the path to give it. `told` are the lines the server had for the person."""

    def __init__(self, address: Address, client: GitClient, web: Web | None = None) -> None:
        self.address = address
        self.client = client
        self.path = address.path.encode()
        self.told: list[str] = []
        self._web = web

    @property
    def refused(self) -> bool:
        """True where the last answer was that we may not: no retry will help."""
        return self._web is not None and 400 <= self._web.status < 500

    def hear(self, message: bytes) -> None:
        """Keep what the server says, e.g. why it refuses a push."""
        text = message.decode("utf-8", "replace").replace("\r", "\n")
        lines = [printable(line.strip()) for line in text.splitlines() if line.strip()]
        self.told = [*self.told, *lines][-_TOLD_LINES:]

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Say what a broken connection means; never with the address's credentials."""
        shown = printable(self.address.url)
        try:
            yield
        except NotGitRepository as error:
            raise _no_repository(shown) from error
        except NETWORK_ERRORS as error:
            raise GitopsError(
                f"cannot reach {shown}: {_reason(error)}", f"git ls-remote {shown}"
            ) from error


def _no_repository(shown: str) -> GitopsError:
    return GitopsError(f"there is no repository at {shown}", f"git ls-remote {shown}")


def _reason(error: Exception) -> str:
    if isinstance(error, HangupException):
        lines = [line.decode("utf-8", "replace").strip() for line in error.stderr_lines or ()]
        return printable("; ".join(lines)) or "the server closed the connection"
    if isinstance(error, OSError) and error.strerror:
        return printable(error.strerror.lower())
    cause = error.__cause__
    if isinstance(cause, urllib3.exceptions.MaxRetryError) and cause.reason:
        return _reason(cause.reason)
    if isinstance(error, urllib3.exceptions.NewConnectionError) and isinstance(cause, OSError):
        return _reason(cause)
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "no answer in time"
    if isinstance(cause or error, urllib3.exceptions.ProtocolError):
        return "the server closed the connection"
    return printable(str(cause or error)) or type(error).__name__


def open_transport(address: Address, *, push: bool) -> Transport:
    """A client for an address, after the `insteadOf` rules of the person's own Git configuration.

    No repository's configuration is read: a store never names a command, a proxy or another host.
    """
    config = StackedConfig.default()
    rewritten = apply_instead_of(config, address.url, push=push)
    if rewritten != address.url:
        found = parse_address(rewritten)
        address = _file_address(found) if isinstance(found, Path) else found
    if address.scheme in ("http", "https"):
        return _http(address, config)
    return Transport(address, _client(address, config))


def _file_address(path: Path) -> Address:
    return Address(path.absolute().as_uri(), "file", "", None, str(path.absolute()))


def _http(address: Address, config: Config) -> Transport:
    web = Web(address, config)
    port = f":{address.port}" if address.port else ""
    host = f"[{address.host}]" if ":" in address.host else address.host
    base = f"{address.scheme}://{host}{port}/"
    client = HttpGitClient(base, pool_manager=web, config=config)  # type: ignore[arg-type]
    return Transport(address, client, web)


def _client(address: Address, config: Config) -> GitClient:
    if address.scheme == "ssh":
        command = os.environ.get("GIT_SSH_COMMAND")
        user = address.user or None
        return SSHGitClient(address.host, address.port, user, config=config, ssh_command=command)
    if address.scheme == "git":
        return TCPGitClient(address.host, address.port)
    if not Path(address.path).is_dir():
        raise _no_repository(printable(address.url))
    # dulwich's own client for file:// runs no hooks and knows no deny settings.
    return SubprocessGitClient() if shutil.which("git") else LocalGitClient()
