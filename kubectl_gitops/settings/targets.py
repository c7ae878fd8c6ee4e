"""Targets: which cluster is recorded in which repository, as this person configured it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path, PurePosixPath

from kubectl_gitops.errors import Exit, GitopsError, printable
from kubectl_gitops.settings import document, files
from kubectl_gitops.settings.directories import config_file
from kubectl_gitops.settings.urls import redact_url

__all__ = [
    "Target",
    "check_target",
    "load_target",
    "read_targets",
    "select_target",
    "write_target",
]

INIT = "kubectl gitops init --repo URL"

_FORMAT = 1
"""Of the file; one without a `format` is of the first."""
_TABLE = "targets"
_NAME = re.compile(r"[^\s-]\S{0,252}")
"""As contexts are called, which give targets their names: also `arn:aws:eks:…:cluster/prod`."""
_DIRECT = ("repo", "branch", "path")
"""What a flag or a variable may say in place of the file; `key_file` has an order of its own."""


@dataclass(frozen=True, slots=True)
class Target:
    """One cluster bound to one store.

    `name` is empty for a target that no file names; `context` is kubectl's; `cluster` the UID that
    `init` saw, empty where none was noted; `path` the directory of the set in the repository,
    empty for its root. `repo` may hold a password: print `url`.
    """

    name: str
    repo: str
    branch: str = "main"
    path: str = ""
    context: str = ""
    cluster: str = ""
    key_file: str = ""

    @property
    def url(self) -> str:
        """The repository, safe to print."""
        return printable(redact_url(self.repo))

    def __repr__(self) -> str:
        return f"Target({self.name!r}, {self.url!r}, {self.branch!r}, {self.path!r})"


_SETTINGS = {
    field.name.replace("_", "-"): field.name for field in fields(Target) if field.name != "name"
}


def read_targets(path: Path | None = None) -> tuple[Target, ...]:
    """The targets of the person's file, in its order; none where there is no file."""
    file = path or config_file()
    return _parse(_source(file), file)


def _source(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise GitopsError(f"{printable(str(file))} is not UTF-8") from error
    except OSError as error:
        raise files.failure(file, "read", error) from error


def _parse(source: str, file: Path) -> tuple[Target, ...]:
    """The targets of a text; what is wrong with it is for the person to mend in an editor."""
    where = printable(str(file))
    try:
        return _targets(source, where)
    except GitopsError as error:
        mend = f"${{EDITOR:-vi}} {shlex.quote(where)}"
        raise GitopsError(error.message, *(error.hints or (mend,)), exit=error.exit) from error


def _targets(source: str, where: str) -> tuple[Target, ...]:
    content = document.read(source, where)
    document.check_format(content, _FORMAT, where)
    document.check_keys(content, [_TABLE, "format"], where, source)
    targets = document.table(content.get(_TABLE, {}), f"{where}: {_TABLE}")
    return tuple(_target(name, value, where, source) for name, value in targets.items())


def _target(name: str, value: object, file: str, source: str) -> Target:
    where = f"{file}: target {printable(name)}"
    settings = document.table(value, where)
    document.check_keys(settings, _SETTINGS, where, source)
    texts = {
        _SETTINGS[key]: text
        for key, item in settings.items()
        if (text := document.text(item, f"{where}: {key}"))
    }
    if "repo" not in texts:
        raise GitopsError(f"{where} names no repo", INIT)
    _check_name(name)
    return _checked(Target(**{"name": name, **texts}))


def _check_name(name: str) -> None:
    shown = printable(name)
    if shown != name or not _NAME.fullmatch(name):
        raise GitopsError(f"'{shown}' is no name for a target", exit=Exit.USAGE)


def check_target(target: Target) -> Target:
    """The target as it would be written; `GitopsError` (exit 2) for what can be none."""
    _check_name(target.name)
    return _checked(target)


def _checked(target: Target) -> Target:
    """The target with its path in one spelling; `GitopsError` for what can be no target."""
    path = PurePosixPath(target.path)
    if path.is_absolute() or ".." in path.parts or printable(target.path) != target.path:
        raise GitopsError(
            f"{printable(target.path)} is no path inside a repository", exit=Exit.USAGE
        )
    return replace(target, path="" if path == PurePosixPath() else str(path))


def load_target(
    name: str | None,
    context: str,
    overrides: Mapping[str, str],
    environ: Mapping[str, str],
    path: Path | None = None,
) -> Target:
    """The target of this command: flag, then environment, then file.

    `overrides` holds the flags that were given, of `repo`, `branch` and `path`. With a repository
    but no name nothing is read from the file: a job needs no state. Otherwise `select_target`.
    """
    wanted = name or environ.get("KUBECTL_GITOPS_TARGET", "")
    given = {
        option: value
        for option in _DIRECT
        if (value := overrides.get(option) or environ.get(f"KUBECTL_GITOPS_{option.upper()}", ""))
    }
    if "repo" in given and not wanted:
        return _checked(Target(**{"name": "", "context": context, **given}))
    return _checked(replace(select_target(read_targets(path), wanted, context), **given))


def select_target(targets: Sequence[Target], name: str, context: str) -> Target:
    """The named target, else the one of the current context, else the only one there is."""
    if not targets:
        raise GitopsError("no cluster is recorded yet", INIT)
    if name:
        return _only([t for t in targets if t.name == name], f"no target is named {name}", targets)
    here = [target for target in targets if target.context == context]
    return _only(here or targets, f"no single target is for context {context}", targets)


def _only(found: Sequence[Target], otherwise: str, all_targets: Iterable[Target]) -> Target:
    if len(found) == 1:
        return found[0]
    names = ", ".join(target.name for target in all_targets)
    raise GitopsError(
        f"{printable(otherwise)}; configured: {names}",
        "kubectl gitops status --target NAME",
        exit=Exit.USAGE,
    )


def write_target(target: Target, path: Path | None = None) -> None:
    """Add the target to the person's file, or change the one of that name.

    A key file is stored with its whole path. Comments and other targets stay.
    """
    key_file = str(Path(target.key_file).expanduser().absolute()) if target.key_file else ""
    kept = check_target(replace(target, key_file=key_file))
    settings = {key: getattr(kept, field) or None for key, field in _SETTINGS.items()}
    file = path or config_file()
    with files.locked(file):
        source = _source(file)
        _parse(source, file)  # never writes on top of what cannot be read
        changes: dict[document.Path, str | None] = {
            (_TABLE, target.name, key): value for key, value in settings.items()
        }
        files.replace(file, document.edit(source, changes))
