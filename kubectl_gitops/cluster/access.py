"""What proves to one API server who we are: TLS, and the value of a header.

Key files that have to be written live for a moment in a private directory, on a tmpfs where there
is one: TLS is set up once, before the first request.
"""

from __future__ import annotations

import os
import shutil
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import urllib3

from kubectl_gitops.errors import GitopsError, printable

__all__ = ["POOL_SIZE", "VIEW_CONFIG", "Access", "explained", "private_directory", "tls_context"]

POOL_SIZE = 16
"""How many threads may talk to the API server at once without opening connections anew."""

VIEW_CONFIG = "kubectl config view"


@dataclass(frozen=True, slots=True)
class Access:
    """A pool of connections to one server, its TLS set up, and the `Authorization` header."""

    server: str
    authorization: str = field(repr=False)
    pool: urllib3.PoolManager


def tls_context(
    authority: str | None, certificate: str | None, key: str | None, *, verify: bool
) -> ssl.SSLContext:
    """TLS with these PEM files. Raises `GitopsError` where they cannot be used."""
    with explained("the certificates"):
        context = ssl.create_default_context(cafile=authority)
        if certificate:
            # A password of ours, or OpenSSL asks for one on the terminal.
            context.load_cert_chain(certificate, key, lambda: "")
    # Python 3.13 insists on key identifiers that the certificate authorities of many clusters
    # lack (kubernetes-client/python#2394); Go does not, and nothing else is relaxed.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return context


@contextmanager
def explained(source: str) -> Iterator[None]:
    """Turn whatever a bad file makes a library raise into the one exception.

    That is its own exception, the YAML parser's or the system's, or a `KeyError` or the like over
    entries of another shape than expected, whose text helps nobody.
    """
    try:
        yield
    except GitopsError:
        raise
    except (AttributeError, KeyError, TypeError) as error:
        raise GitopsError(f"{source} cannot be used: it is malformed", VIEW_CONFIG) from error
    except Exception as error:
        reason = printable(" ".join(str(error).split())) or type(error).__name__
        raise GitopsError(f"{source} cannot be used: {reason}", VIEW_CONFIG) from error


@contextmanager
def private_directory() -> Iterator[str]:
    """A directory for key files that is gone afterwards, and so are those of killed processes."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    places = [place for place in (runtime, "/dev/shm") if os.access(place, os.W_OK)]  # noqa: S108
    place = Path(next(iter(places), tempfile.gettempdir()))
    for left in place.glob(f"{_PREFIX}*"):
        if _is_left_behind(left):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", dir=place) as it:
        yield it


_PREFIX = "kubectl-gitops-keys-"
_LONG_AGO = 60.0
"""Seconds: key files are needed for a moment, also by a process whose number is not seen here."""


def _is_left_behind(directory: Path) -> bool:
    """Whether it is ours, old, and its process gone."""
    pid = directory.name.removeprefix(_PREFIX).partition("-")[0]
    try:
        found = directory.lstat()
        if not pid.isdecimal() or found.st_uid != os.getuid():
            return False
        if time.time() - found.st_mtime < _LONG_AGO:
            return False
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
