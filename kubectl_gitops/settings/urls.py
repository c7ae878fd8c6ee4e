"""Repository URLs that carry a password or a token, and how they are shown."""

from __future__ import annotations

import re

__all__ = ["holds_credentials", "redact_url"]

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_HIDDEN = "***"
_WEB = ("http", "https")


def redact_url(url: str) -> str:
    """The URL without what opens it: `https://***@git.example.com/team/shop.git`.

    For http every user name goes, because tokens stand there; for the rest, as `ssh://git@host`,
    only a password. A query goes whole. `git@host:path` and local paths have nothing to hide.
    """
    match = _URL.fullmatch(url)
    if not match:
        return url
    user, at, place = _split(match["rest"])
    shown = user if match["scheme"].lower() not in _WEB else _HIDDEN
    name, colon, _ = shown.partition(":")
    user_info = f"{name}:{_HIDDEN}" if colon else shown
    path, query, _ = place.partition("?")
    return f"{match['scheme']}://{user_info if at else ''}{at}{path}" + (
        f"?{_HIDDEN}" if query else ""
    )


def holds_credentials(url: str) -> bool:
    """True for a URL that is better not stored: whoever reads the file could push."""
    return redact_url(url) != url


def _split(rest: str) -> tuple[str, str, str]:
    """User info, `@` and the place.

    A password with an unescaped `/` or `@` ends early for a URL parser, which would then print its
    tail. So where there is a password, or a colon that starts no port, all up to the last `@` goes.
    """
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if ":" in user or (not at and _is_no_port(authority)):
        return rest.rpartition("@")
    return user, at, host + slash + path


def _is_no_port(authority: str) -> bool:
    _, colon, port = authority.rpartition(":")
    return bool(colon) and not port.isdigit() and not authority.endswith("]")
