"""Where the keys come from. Never from an argument of a command, never from the branch.

A command line is seen by every process of a machine and kept by shells, so there is no flag that
takes a key; and a branch is written by others, so nothing in it can name a file or a command.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
import subprocess
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from kubectl_gitops.envelope import check_key
from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.settings import files
from kubectl_gitops.settings.targets import Target

__all__ = ["load_keys", "read_passphrase", "write_key_file"]

_LARGEST = 64 * 1024
_COMMAND_SECONDS = 30.0
_OTHERS = 0o077
_MOUNTED = 0o440
"""The mode of a projected Secret, which a Pod's group has to read; only where nobody can write."""


def load_keys(
    target: Target,
    environ: Mapping[str, str],
    *,
    key_file: str = "",
    read_secret: Callable[[str, str], str] | None = None,
) -> tuple[str, ...]:
    """The key strings, the sealing one first; none where no source is named.

    The first of: `key_file` (the flag), `KUBECTL_GITOPS_KEY_FILE`, `KUBECTL_GITOPS_KEY`,
    `KUBECTL_GITOPS_KEY_CMD`, `KUBECTL_GITOPS_KEY_SECRET` (a Secret of the cluster, which
    `read_secret(namespace, name)` reads), the target's key file. One key a line. `GitopsError`
    names the source of a key that the policy refuses, and never the key.
    """
    source = _source(environ, key_file)
    if source is None and read_secret and (name := environ.get("KUBECTL_GITOPS_KEY_SECRET")):
        source = _from_secret(name, read_secret)
    if source is None and target.key_file:
        source = _from_file(target.key_file)
    return _lines(*source) if source else ()


def read_passphrase(environ: Mapping[str, str], *, key_file: str = "") -> str:
    """The predecessor's passphrase, from the same sources but a target's; it knew no policy."""
    source = _source(environ, key_file)
    if source is None:
        raise GitopsError("no passphrase is given", "export KUBECTL_GITOPS_KEY_FILE=FILE")
    return source[0].removesuffix("\n").removesuffix("\r")


def _from_secret(named: str, read_secret: Callable[[str, str], str]) -> tuple[str, str]:
    namespace, slash, name = named.partition("/")
    if not slash or not namespace or not name:
        raise GitopsError(
            f"KUBECTL_GITOPS_KEY_SECRET: {printable(named)} names no Secret",
            "export KUBECTL_GITOPS_KEY_SECRET=NAMESPACE/NAME",
        )
    return read_secret(namespace, name), printable(f"secret/{namespace}/{name}")


def _source(environ: Mapping[str, str], key_file: str) -> tuple[str, str] | None:
    """The text of the first source that is named, and its name."""
    file = key_file or environ.get("KUBECTL_GITOPS_KEY_FILE")
    if file:
        return _from_file(file)
    if key := environ.get("KUBECTL_GITOPS_KEY"):
        return key, "KUBECTL_GITOPS_KEY"
    if command := environ.get("KUBECTL_GITOPS_KEY_CMD"):
        return _output(command), "KUBECTL_GITOPS_KEY_CMD"
    return None


def _lines(text: str, where: str) -> tuple[str, ...]:
    """The lines of a source: exactly one trailing newline is not part of a key."""
    keys = tuple(line.removesuffix("\r") for line in text.removesuffix("\n").split("\n"))
    for number, key in enumerate(keys, 1):
        place = where if len(keys) == 1 else f"{where}: line {number}"
        try:
            check_key(key)
        except GitopsError as error:
            raise GitopsError(f"{place}: {error.message}", *error.hints) from error
    return keys


def _from_file(name: str) -> tuple[str, str]:
    path = Path(name).expanduser()
    where = printable(str(path))
    try:
        return _read(path, where).decode(), where
    except UnicodeDecodeError as error:
        raise GitopsError(f"{where} is not UTF-8") from error
    except OSError as error:
        raise files.failure(path, "read", error) from error


def _read(path: Path, where: str) -> bytes:
    """The file's bytes, once the file that was opened is seen to be fit to hold a key.

    Links are followed, for a mounted Secret is one; what counts is the file behind them. Without
    waiting: to open a FIFO for reading would block for ever.
    """
    # Windows has only O_BINARY of the three, everything else only the other two.
    names = ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY")
    flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in names)
    handle = os.open(path, flags)
    try:
        _check_file(handle, path, where)
        return os.read(handle, _LARGEST)
    finally:
        os.close(handle)


def _check_file(handle: int, path: Path, where: str) -> None:
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        raise GitopsError(f"{where} is not a file that can hold a key")
    if status.st_size > _LARGEST:
        raise GitopsError(f"{where} is longer than {_LARGEST // 1024} KiB: it holds no keys")
    if os.name == "nt":  # has no such modes; the directory's rights are inherited
        return
    if status.st_mode & _OTHERS and not _is_mounted(handle, status):
        raise GitopsError(
            f"{where} can be read by others", f"chmod 600 {shlex.quote(printable(str(path)))}"
        )
    if status.st_uid not in (os.geteuid(), 0):
        raise GitopsError(f"{where} belongs to another user")


def _is_mounted(handle: int, status: os.stat_result) -> bool:
    read_only = os.fstatvfs(handle).f_flag & os.ST_RDONLY
    return bool(read_only) and stat.S_IMODE(status.st_mode) == _MOUNTED


@cache
def _output(command: str) -> str:
    """What the person's command prints; run once in a process, for it may ask for a touch.

    No shell. Its standard error is ours, so that it can say what it waits for; what it printed is
    never shown.
    """
    arguments = _arguments(command)
    name = printable(arguments[0])
    try:
        with subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        ) as process:
            output = _wait(process, name)
    except OSError as error:
        raise GitopsError(f"cannot run the key command {name}: {_reason(error)}") from error
    if process.returncode:
        raise GitopsError(f"the key command {name} ended with {process.returncode}")
    try:
        return output.decode()
    except UnicodeDecodeError as error:
        raise GitopsError(f"the key command {name} printed no text") from error


def _arguments(command: str) -> list[str]:
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise GitopsError(f"KUBECTL_GITOPS_KEY_CMD: {str(error).lower()}") from error
    if not arguments:
        raise GitopsError("KUBECTL_GITOPS_KEY_CMD names no command")
    return arguments


def _wait(process: subprocess.Popen[bytes], name: str) -> bytes:
    """The command's output. A child it left behind may hold the pipe: that is not waited for."""
    try:
        return process.communicate(timeout=_COMMAND_SECONDS)[0]
    except subprocess.TimeoutExpired as error:
        process.kill()
        raise GitopsError(
            f"the key command {name} said nothing for {_COMMAND_SECONDS:.0f} s"
        ) from error


def _reason(error: OSError) -> str:
    return printable((error.strerror or type(error).__name__).lower())


def write_key_file(path: Path, key: str) -> None:
    """Write a new key where only its owner reads it; never over a file that is there.

    It is on the disk when this returns: what is sealed next is lost with it.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(f"{key}\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise GitopsError(
            f"{printable(str(path))} is there already; a key is never replaced"
        ) from error
    except OSError as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: OSError) -> GitopsError:
    failed = files.failure(path, "write", error)
    if error.errno != errno.ENOENT:
        return failed
    return GitopsError(
        failed.message, f"mkdir -p -m 700 {shlex.quote(printable(str(path.parent)))}"
    )
