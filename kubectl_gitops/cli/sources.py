"""Where manifests come from: `-f` with files, directories, globs, URLs and standard input, or `-k`.

The rules and the texts are kubectl's (its resource builder), seen with 1.36: in a directory only
.json, .yaml and .yml count, an explicit file may have any ending, `-R` walks in lexical order. A
kustomization is built by kubectl or kustomize, whichever is there: what it renders is committed.
"""

from __future__ import annotations

import functools
import glob
import os
import re
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.candidates import directories, files
from kubectl_gitops.cli.flags import switch
from kubectl_gitops.errors import GitopsError, printable

__all__ = ["Source", "Sources", "read_sources", "source_options"]

_ENDINGS = (".json", ".yaml", ".yml")
_URL_TRIES = 3
_URL_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Source:
    """One input: its name as messages say it, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Sources:
    """What `-f`, `-k` and `-R` say; false where neither `-f` nor `-k` was given."""

    filenames: tuple[str, ...] = ()
    kustomize: str = ""
    recursive: bool = False

    def __bool__(self) -> bool:
        return bool(self.filenames or self.kustomize)

    def files(self) -> list[Path]:
        """The files and directories that are named, without URLs and standard input."""
        names = [part for value in self.filenames for part in value.split(",")]
        found = [path for name in names if name for path in map(Path, glob.glob(name))]  # noqa: PTH207
        return [*found, Path(self.kustomize) / "kustomization.yaml"] if self.kustomize else found

    def check(self) -> None:
        """`GitopsError`, in kubectl's words, for flags that exclude each other."""
        if self.kustomize and self.filenames:
            raise GitopsError("only one of -f or -k can be specified")
        if self.kustomize and self.recursive:
            raise GitopsError("the -k flag can't be used with -f or -R")

    def read(self) -> list[Source]:
        """Everything that they mean, in order.

        `GitopsError` with kubectl's text for what does not exist or holds no manifest file.
        """
        if self.kustomize:
            return [Source(self.kustomize, _built(self.kustomize))]
        return read_sources(self.filenames, recursive=self.recursive)


def source_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command `-f`, `-k` and `-R`; they reach it as one argument, `sources`."""

    @click.option(
        "-f",
        "--filename",
        "filenames",
        multiple=True,
        metavar="FILE|DIR|URL|-",
        shell_complete=files,
    )
    @click.option(
        "-k",
        "--kustomize",
        default="",
        metavar="DIR",
        help="build a kustomization",
        shell_complete=directories,
    )
    @switch("-R", "--recursive", help="descend into directories")
    @functools.wraps(command)
    def wrapped(filenames: tuple[str, ...], kustomize: str, recursive: bool, **rest: Any) -> int:
        named = tuple(filter(None, filenames))
        return command(sources=Sources(named, kustomize, recursive), **rest)

    return wrapped


def _built(directory: str) -> bytes:
    """What `kubectl kustomize`, or else `kustomize build`, makes of a directory."""
    import shutil
    import subprocess

    kubectl = os.environ.get("KUBECTL_PATH") or shutil.which("kubectl")
    kustomize = shutil.which("kustomize")
    if kubectl:
        command = [kubectl, "kustomize", "--", directory]
    elif kustomize:
        command = [kustomize, "build", "--", directory]
    else:
        raise GitopsError(
            "-k needs kubectl or kustomize to build the directory, and neither is on the PATH",
            "kustomize build DIR > all.yaml",
        )
    try:
        run = subprocess.run(command, capture_output=True, check=False)
    except OSError as error:
        raise GitopsError(f"{printable(command[0])} cannot be run: {error.strerror}") from error
    said = [printable(line) for line in run.stderr.decode(errors="replace").splitlines()]
    if run.returncode:
        message = "\n".join(said).removeprefix("error: ").removeprefix("Error: ")
        raise GitopsError(message or f"{command[0]} ended with exit code {run.returncode}")
    for line in said:
        talk.say(line)
    return run.stdout


def read_sources(names: Iterable[str], *, recursive: bool) -> list[Source]:
    """What the values of `-f` mean, in order; `GitopsError` as in `Sources.read`."""
    sources: list[Source] = []
    for name in (part for value in names if value for part in value.split(",")):
        if name == "-" and any(source.name == "STDIN" for source in sources):
            raise GitopsError("standard input cannot be used for multiple arguments")
        sources += _read(name, recursive=recursive)
    return sources


def _read(name: str, *, recursive: bool) -> Iterator[Source]:
    if name == "-":
        yield Source("STDIN", sys.stdin.buffer.read())
    elif name.startswith(("http://", "https://")):
        address, credentials = _parted(name)
        yield Source(address, _downloaded(address, credentials))
    else:
        for path in _expanded(name):
            yield from _from_path(path, recursive=recursive)


def _expanded(name: str) -> list[Path]:
    if os.path.lexists(name):
        return [Path(name)]
    # Path.glob takes no absolute pattern; Go's `*` matches names that begin with a dot, too.
    found = sorted(glob.glob(name, include_hidden=True))  # noqa: PTH207
    if not found:
        raise GitopsError(f'the path "{printable(name)}" does not exist')
    return [Path(one) for one in found]


def _from_path(path: Path, *, recursive: bool) -> Iterator[Source]:
    if not path.is_dir():
        yield _file(path)
        return
    try:
        found = sorted(_in_directory(path, recursive=recursive))
    except OSError as error:
        raise _unreadable(path, error) from error
    if not found:
        raise GitopsError(
            f"error reading [{printable(str(path))}]: recognized file extensions are "
            "[.json .yaml .yml]"
        )
    for file in found:
        yield _file(file)


def _in_directory(path: Path, *, recursive: bool) -> Iterator[Path]:
    entries = _below(path) if recursive else path.iterdir()
    return (entry for entry in entries if entry.name.endswith(_ENDINGS) and entry.is_file())


def _below(path: Path) -> Iterator[Path]:
    """Every file, links to directories not followed; a directory that cannot be listed raises."""

    def refuse(error: OSError) -> NoReturn:
        raise error

    for directory, _, names in os.walk(path, onerror=refuse):
        yield from (Path(directory) / name for name in names)


def _file(path: Path) -> Source:
    try:
        return Source(str(path), path.read_bytes())
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> GitopsError:
    return GitopsError(f"{printable(str(path))} cannot be read: {error.strerror}")


def _parted(url: str) -> tuple[str, str]:
    """An address without its user and password, which no message shows, and these."""
    found = re.fullmatch(r"(https?://)(?:([^/?#]*)@)?(.*)", url, re.DOTALL)
    assert found is not None
    return found[1] + found[3], unquote(found[2] or "")


def _downloaded(url: str, credentials: str) -> bytes:
    """Three attempts a second apart, again only after a network error or a 5xx, as kubectl does."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.parse import urlsplit
    from urllib.request import Request, urlopen

    problem, refused = "", False
    for attempt in range(_URL_TRIES):
        if attempt:
            time.sleep(1)
        try:
            request = Request(url)  # noqa: S310  http(s) only, above
            if credentials:
                # Another host that this one redirects to is not told.
                request.add_unredirected_header("Authorization", _basic(credentials))
            with urlopen(request, timeout=_URL_SECONDS) as answer:  # noqa: S310
                content: bytes = answer.read()
                return content
        except HTTPError as error:
            problem = f"server reported {error.code} {error.reason}, status code={error.code}"
            if error.code < 500:
                break
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            problem = str(reason)
            refused = isinstance(reason, ConnectionRefusedError)
    if refused:
        raise GitopsError(
            f"The connection to the server {printable(urlsplit(url).netloc)} was refused - did you "
            "specify the right host or port?"
        )
    raise GitopsError(f'unable to read URL "{printable(url)}", {printable(problem)}')


def _basic(credentials: str) -> str:
    user, _, password = credentials.partition(":")
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
