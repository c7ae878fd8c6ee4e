"""Addresses of stores: what is a path of this machine, what a server, and what is refused.

Git's transports can run commands: `ext::sh -c …`, `ssh://-oProxyCommand=…`. So only five schemes
are let through, and nothing in an address may begin like an option. Credentials are taken out of
the address at once: what is left can be printed, stored and compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from kubectl_gitops.errors import Exit, GitopsError, printable

__all__ = ["Address", "parse_address"]

_SCHEMES = ("file", "http", "https", "git", "ssh")
_SCP = re.compile(r"(?:(?P<user>[^@/:]+)@)?(?P<host>[^/:@]+):(?P<path>[^:].*)")
_HELPER = re.compile(r"[A-Za-z0-9]+::")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


@dataclass(frozen=True, slots=True)
class Address:
    """A server's store. `url` has no credentials, it is safe to print and to store."""

    url: str
    scheme: str
    host: str
    port: int | None
    path: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


def parse_address(text: str) -> Address | Path:
    """A server, or a path of this machine; `GitopsError` for what is neither or is refused."""
    if not text or any(char < " " or char == "\x7f" for char in text):
        raise _refused(text, "is no address of a repository")
    if _HELPER.match(text):
        raise _refused(text, f"would run a helper program; use {', '.join(_SCHEMES)}")
    scp = None if _DRIVE.match(text) else _SCP.fullmatch(text)
    if "://" in text:
        return _from_url(text)
    if scp:
        return _checked(Address(text, "ssh", scp["host"], None, scp["path"], scp["user"] or ""))
    return Path(text).expanduser()


def _from_url(text: str) -> Address:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _refused(text, "is no address of a repository") from error
    if parts.scheme not in _SCHEMES:
        raise _refused(text, f"is not served over {', '.join(_SCHEMES)}")
    host = parts.hostname or ""
    if (parts.scheme == "file") is (host not in ("", "localhost")) or not parts.path.strip("/"):
        raise _refused(text, "is no address of a repository")
    return _checked(
        Address(
            url=_shown(parts),
            scheme=parts.scheme,
            host=host,
            port=port,
            path=unquote(parts.path) if parts.scheme in ("file", "ssh") else parts.path,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )
    )


def _shown(parts: SplitResult) -> str:
    """The address without credentials. Over ssh the user is a part of the place (`git@…`)."""
    place = parts.netloc.rpartition("@")[2]
    if parts.scheme == "ssh" and parts.username:
        place = f"{parts.username}@{place}"
    return parts._replace(netloc=place, query="", fragment="").geturl()


def _checked(address: Address) -> Address:
    if any(part.startswith("-") for part in (address.host, address.user, address.path.strip("/"))):
        raise _refused(address.url, "has a part that begins with a dash")
    return address


def _refused(text: str, why: str) -> GitopsError:
    # What cannot be parsed may hold a password anywhere before an @.
    shown = re.sub(r"(?<=//)[^/]*@", "", text)
    return GitopsError(f"{printable(shown)} {why}", exit=Exit.USAGE)
