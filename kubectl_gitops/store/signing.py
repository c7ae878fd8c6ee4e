"""Signatures of the branch's commits: made as the person's Git is configured to, and verified.

Commits of the history are never signed: anybody may extend the log, or make it anew. Only the
system's and the person's configuration counts: that of a repository would let its owner name a
program for us to run. Nothing here needs git; gpg, gpgsm or ssh-keygen do the work, as for Git.
"""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from dulwich.config import StackedConfig
from dulwich.objects import Commit
from dulwich.signature import get_signature_vendor

from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.store.identity import git_setting

__all__ = ["distrusted", "sign"]

_STATUS = "[GNUPG:] "
_BAD = {
    "BADSIG": "its signature does not fit it",
    "EXPSIG": "its signature has expired",
    "EXPKEYSIG": "it is signed with a key that has expired",
    "REVKEYSIG": "it is signed with a key that was revoked",
    "ERRSIG": "it is signed with a key that is not known here",
}
_LEVELS = ("never", "undefined", "marginal", "fully", "ultimate")
"""Of gpg's trust in a key, from none to full (`gpg.minTrustLevel`)."""


def sign(commit: Commit) -> None:
    """Sign a commit, where the person's Git says so (`commit.gpgsign`).

    `GitopsError` where it cannot be done: nothing unsigned is committed instead.
    """
    config = StackedConfig.default()
    if not config.get_boolean((b"commit",), b"gpgsign", default=False):
        return
    form = (git_setting("gpg", "format") or "openpgp").lower()
    try:
        vendor = get_signature_vendor(form, config=config)
        with _signing_key(form, commit) as key:
            commit.gpgsig = vendor.sign(commit.as_raw_string(), key)
    except (subprocess.CalledProcessError, OSError, ValueError) as error:
        raise GitopsError(
            f"the commit cannot be signed ({form}): {_last_words(error)}; nothing was changed",
            "git config --global --get-regexp 'gpg|sign'",
        ) from error


def _last_words(error: Exception) -> str:
    said = getattr(error, "stderr", None) or b""
    lines = said.decode("utf-8", "replace").strip().splitlines() if said else []
    return printable(lines[-1] if lines else str(error))


@contextmanager
def _signing_key(form: str, commit: Commit) -> Iterator[str]:
    """What the program is told to sign with: a name, for ssh a file with a key."""
    configured = git_setting("user", "signingKey")
    if form != "ssh":
        yield configured or commit.committer.decode("utf-8", "replace")
        return
    key = configured or _default_key()
    if not key.startswith(("key::", "ssh-", "ecdsa-", "sk-")):
        yield str(Path(key).expanduser())
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "key.pub")  # the agent has the other half
        file.write_text(f"{key.removeprefix('key::')}\n", "utf-8")
        yield str(file)


def _default_key() -> str:
    """The first key that `gpg.ssh.defaultKeyCommand` names."""
    command = git_setting("gpg", "ssh", "defaultKeyCommand")
    if not command:
        raise ValueError("neither user.signingKey nor gpg.ssh.defaultKeyCommand is set")
    lines = _run(shlex.split(command), b"").stdout.decode("utf-8", "replace").splitlines()
    keys = [line for line in lines if line.startswith(("key::", "ssh-"))]
    if not keys:
        raise ValueError("gpg.ssh.defaultKeyCommand names no key")
    return keys[0]


def distrusted(commit: Commit) -> str:
    """Why a commit is not to be trusted, empty where it is.

    `GitopsError` where nobody can tell: the program is missing, no signers are configured.
    """
    signature = commit.gpgsig
    if not signature:
        return "it is not signed"
    payload = commit.raw_without_sig()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "signature")
        file.write_bytes(signature)
        if signature.startswith(b"-----BEGIN SSH SIGNATURE-----"):
            return _ssh_distrusts(payload, file, commit.commit_time)
        if signature.startswith(b"-----BEGIN PGP "):
            return _gpg_distrusts(git_setting("gpg", "program") or "gpg", payload, file)
        program = git_setting("gpg", "x509", "program") or "gpgsm"
        return _gpg_distrusts(program, payload, file)


def _gpg_distrusts(program: str, payload: bytes, signature: Path) -> str:
    """gpg ends with 0 for expired and revoked keys, too: its status lines are what counts."""
    run = _run([program, "--status-fd=1", "--verify", str(signature), "-"], payload)
    lines = run.stdout.decode("utf-8", "replace").splitlines()
    said = [line.removeprefix(_STATUS).split()[0] for line in lines if line.startswith(_STATUS)]
    verdicts = [word for word in said if word == "GOODSIG" or word in _BAD]
    if len(verdicts) != 1 or (verdicts == ["GOODSIG"] and "VALIDSIG" not in said):
        return "its signature cannot be read"
    if verdicts != ["GOODSIG"]:
        return _BAD[verdicts[0]]
    least = (git_setting("gpg", "minTrustLevel") or "undefined").lower()
    levels = [word.removeprefix("TRUST_").lower() for word in said if word.startswith("TRUST_")]
    level = levels[0] if levels else "undefined"
    if least not in _LEVELS or _LEVELS.index(level) < max(_LEVELS.index(least), 1):
        return "it is signed with a key that is not trusted"
    return ""


def _ssh_distrusts(payload: bytes, signature: Path, time: int) -> str:
    """As Git does it: who may sign with this key, by the file of signers, when it was made."""
    signers = git_setting("gpg", "ssh", "allowedSignersFile")
    if not signers:
        raise GitopsError(
            "who may sign with which ssh key is not known: gpg.ssh.allowedSignersFile is not set",
            "git config --global gpg.ssh.allowedSignersFile FILE",
        )
    program = git_setting("gpg", "ssh", "program") or "ssh-keygen"
    when = f"-Overify-time={datetime.fromtimestamp(time).astimezone():%Y%m%d%H%M%S}"
    known = ["-f", str(Path(signers).expanduser()), "-s", str(signature), when]
    found = _run([program, "-Y", "find-principals", *known], payload)
    revoked = git_setting("gpg", "ssh", "revocationFile")
    more = ["-r", str(Path(revoked).expanduser())] if revoked else []
    principals = (
        found.stdout.decode("utf-8", "replace").splitlines() if not found.returncode else []
    )
    for principal in principals:
        command = [program, "-Y", "verify", "-n", "git", "-I", principal, *known, *more]
        if not _run(command, payload).returncode:
            return ""
    if principals:
        return "its signature does not fit it, or its key was revoked"
    return "it is signed with a key that is not one of the allowed signers'"


def _run(command: Sequence[str], payload: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, input=payload, capture_output=True, check=False)
    except OSError as error:
        raise GitopsError(
            f"signatures cannot be checked: {printable(command[0])}: {error.strerror}",
            "git config --global --get-regexp gpg",
        ) from error
