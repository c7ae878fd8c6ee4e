"""How a person says which cluster to talk to: kubectl's connection flags as data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from kubectl_gitops.errors import Exit, GitopsError, printable

__all__ = ["ConnectionOptions", "parse_duration", "parse_timeout"]


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """kubectl's connection flags, named as there; empty means not given.

    `as_user` is None when not given: an empty user to act as is an error, for it would otherwise
    mean our own rights (CVE-2026-23990). `as_user_extra` holds `key=value`. `request_timeout` is
    in seconds, None for no limit of the user's own.
    """

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    user: str = ""
    namespace: str = ""
    server: str = ""
    token: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    as_user: str | None = None
    as_groups: tuple[str, ...] = ()
    as_uid: str = ""
    as_user_extra: tuple[str, ...] = ()
    certificate_authority: str = ""
    client_certificate: str = ""
    client_key: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""
    disable_compression: bool = False
    request_timeout: float | None = None


_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)([^\d.]*)", re.ASCII)


def parse_timeout(text: str) -> float | None:
    """Seconds of `30`, `30s`, `1m30s`; None for 0, which kubectl takes for no limit.

    The grammar is that of Go's `time.ParseDuration`, and a bare number of seconds.
    """
    if text.isascii() and text.isdecimal():
        return float(text) or None
    try:
        seconds = parse_duration(text)
    except GitopsError as error:
        raise _no_timeout() from error
    if seconds < 0:
        raise _no_timeout()
    return seconds or None


def _no_timeout() -> GitopsError:
    return GitopsError(
        "invalid timeout value: it must be a single integer in seconds, or an integer "
        "followed by a time unit (1s | 2m | 3h)",
        exit=Exit.USAGE,
    )


def parse_duration(text: str) -> float:
    """Seconds of `30s`, `1m30s`, `-1s`, `0`: the grammar and the words of Go's `ParseDuration`."""
    number = text[1:] if text[:1] in ("+", "-") else text
    parts = _PART.findall(number)
    if number != "0" and (not parts or "".join(map("".join, parts)) != number):
        raise GitopsError(f'time: invalid duration "{printable(text)}"')
    for _, unit in parts if number != "0" else ():
        if not unit:
            raise GitopsError(f'time: missing unit in duration "{printable(text)}"')
        if unit not in _SECONDS:
            unknown = f'time: unknown unit "{printable(unit)}" in duration "{printable(text)}"'
            raise GitopsError(unknown)
    seconds = sum(float(amount) * _SECONDS[unit] for amount, unit in parts if unit)
    return -seconds if text.startswith("-") else seconds
