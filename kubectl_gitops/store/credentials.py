"""Names and passwords for HTTP: from the address, the environment, `~/.netrc`, or Git's helpers.

dulwich does not ask Git's credential helpers, so where git is installed `git credential` is asked,
as Git would: only after the server demanded it, and told afterwards whether that was right.
"""

from __future__ import annotations

import netrc
import os
import shutil
import subprocess
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path

from kubectl_gitops.store.address import Address

__all__ = ["Login", "ask_git", "known_login", "tell_git"]

_USER = "KUBECTL_GITOPS_GIT_USER"
_PASSWORD = "KUBECTL_GITOPS_GIT_PASSWORD"  # noqa: S105 — the name of a variable


@dataclass(frozen=True, slots=True)
class Login:
    """A name and a password. `from_git` says that Git's helpers gave them."""

    user: str = field(repr=False)
    password: str = field(repr=False)
    from_git: bool = False

    @property
    def basic(self) -> str:
        """The Authorization header of RFC 7617, in UTF-8 as the forges read it."""
        return "Basic " + b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")


def known_login(address: Address) -> Login | None:
    """What can be sent without asking anybody."""
    if address.password:
        return Login(address.user, address.password)
    user, password = os.environ.get(_USER, address.user), os.environ.get(_PASSWORD, "")
    return Login(user, password) if password else _from_netrc(address)


def _from_netrc(address: Address) -> Login | None:
    file = Path(os.environ.get("NETRC") or "~/.netrc").expanduser()
    try:
        found = netrc.netrc(file).authenticators(address.host)
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return None
    if found is None or (address.user and found[0] != address.user):
        return None
    return Login(found[0], found[2] or "")


def ask_git(address: Address) -> Login | None:
    """What Git's credential helpers know; a prompt of theirs respects `GIT_TERMINAL_PROMPT`."""
    answer = _git_credential("fill", _described(address))
    fields = dict(line.split("=", 1) for line in answer.splitlines() if "=" in line)
    if not fields.get("password"):
        return None
    return Login(fields.get("username", ""), fields["password"], from_git=True)


def tell_git(address: Address, login: Login, *, right: bool) -> None:
    """Let the helpers keep what the server took, or forget what it refused."""
    told = f"username={login.user}\npassword={login.password}\n"
    _git_credential("approve" if right else "reject", _described(address) + told)


def _described(address: Address) -> str:
    port = f":{address.port}" if address.port else ""
    user = f"username={address.user}\n" if address.user else ""
    path = address.path.lstrip("/")
    return f"protocol={address.scheme}\nhost={address.host}{port}\npath={path}\n{user}"


def _git_credential(action: str, description: str) -> str:
    """Run `git credential`. In the root directory, so that no repository's configuration counts."""
    if shutil.which("git") is None:
        return ""
    done = subprocess.run(
        ["git", "credential", action],
        input=description + "\n",
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
        cwd=Path(Path.cwd().anchor),
    )
    return done.stdout if done.returncode == 0 else ""
