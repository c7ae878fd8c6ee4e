"""`.gitops.toml`: what everyone who uses a set must agree on, kept in the branch.

::

    format = 1
    set = "shop"
    home-namespace = "default"
    default-namespace = "shop"

    [scope]
    namespaces = ["shop", "shop-jobs"]
    selector = "team=shop"

    [clusters]
    "6b1c8f0e-…" = "prod-eu"

    [keys]
    ids = ["5c37c1e50469e27d"]
    salt = "000102030405060708090a0b0c0d0e0f"

    [[seal]]
    kind = "ConfigMap"
    name = "smtp"
    paths = ["/data/password"]

    [[ignore]]
    group = "apps"
    kind = "Deployment"
    pointers = ["/spec/replicas"]

Anyone who may push writes this file, so there is no setting here that runs, reads or sends
anything, and rules can only seal more. A part of a rule that is not said fits any resource; an
empty `group` is the core group.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kubectl_gitops.envelope import SALT_SIZE
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.fields import entries, pointers
from kubectl_gitops.resource import Body, ResourceId, ResourcePattern
from kubectl_gitops.sealing import SealRule
from kubectl_gitops.selector import parse_selector
from kubectl_gitops.settings import document
from kubectl_gitops.settings.document import Path, Table

__all__ = [
    "FORMAT",
    "SETTINGS_FILE",
    "IgnoreRule",
    "StoreSettings",
    "parse_store_settings",
    "render_store_settings",
    "settings_path",
    "settings_text",
    "update_store_settings",
]

SETTINGS_FILE = ".gitops.toml"
FORMAT = 1

_HEADER = """\
# What everyone who uses this branch with kubectl gitops shares. Keys and commands are never named
# here; they belong to each person's own configuration.
"""
_OWN = frozenset({"repo", "branch", "path", "key-file", "key", "key-cmd", "context", "kubeconfig"})
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_KID = re.compile(r"[0-9a-f]{16}")
_PATTERN = ("group", "kind", "namespace", "name")


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """Fields that the set leaves to others: by JSON pointer, by who owns them, or both."""

    pattern: ResourcePattern
    pointers: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()

    def pointers_for(self, id: ResourceId, live: Body) -> tuple[str, ...]:
        """The fields of a live object that the rule means, if it is for this resource.

        With managers only what those own: below the rule's pointers, or all of it without any.
        """
        if not self.pattern.fits(id):
            return ()
        if not self.managers:
            return self.pointers
        owned = [p for entry in entries(live) if self._is_theirs(entry) for p in _owned_by(entry)]
        if not self.pointers:
            return tuple(owned)
        return tuple(p for p in owned if any(_is_below(p, top) for top in self.pointers))

    def _is_theirs(self, entry: Body) -> bool:
        return entry.get("manager") in self.managers


def _owned_by(entry: Body) -> tuple[str, ...]:
    return pointers(entry.get("fieldsV1") or {})


def _is_below(pointer: str, top: str) -> bool:
    return pointer == top or pointer.startswith(f"{top}/")


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """The settings of one set.

    `clusters` maps the UID of a cluster it may be applied to to a name for people. No `namespaces`
    means all. `key_ids` are the keys that may seal (none yet: the first one adds itself), `salt`
    what makes a free-form key this store's own.
    """

    set_name: str
    format: int = FORMAT
    home_namespace: str = "default"
    default_namespace: str = "default"
    namespaces: tuple[str, ...] = ()
    selector: str = ""
    clusters: Mapping[str, str] = field(default_factory=dict)
    key_ids: tuple[str, ...] = ()
    salt: bytes | None = None
    seals: tuple[SealRule, ...] = ()
    ignores: tuple[IgnoreRule, ...] = ()

    @property
    def origin(self) -> str:
        """What tells this set from one of the same name in another branch: made of the salt."""
        return hashlib.sha256(self.salt).hexdigest()[:16] if self.salt else ""

    def outside(self, id: ResourceId, labels: Mapping[str, str] | None) -> str:
        """Why a resource is outside of the scope; empty where it is inside.

        A scope of namespaces holds what lives in them and the Namespaces themselves, nothing else
        that is cluster-scoped.
        """
        home = id.name if id.group_kind == "Namespace" else id.namespace
        if self.namespaces and home not in self.namespaces:
            where = f"namespace {home}" if home else "a cluster-scoped resource"
            return f"{where} is outside of the set's scope ({', '.join(self.namespaces)})"
        if not parse_selector(self.selector).selects(labels):
            return f"its labels are outside of the set's scope ({self.selector})"
        return ""


def settings_path(path: str) -> str:
    """Where the settings of the set in a directory of the branch stand; empty: its root."""
    return f"{path}/{SETTINGS_FILE}" if path else SETTINGS_FILE


def settings_text(content: bytes) -> str:
    """The text of a settings file; `GitopsError` where it is none."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise GitopsError(f"{SETTINGS_FILE} is not UTF-8") from error


_PATHS: Mapping[str, Path] = {
    "format": ("format",),
    "set_name": ("set",),
    "home_namespace": ("home-namespace",),
    "default_namespace": ("default-namespace",),
    "namespaces": ("scope", "namespaces"),
    "selector": ("scope", "selector"),
    "clusters": ("clusters",),
    "key_ids": ("keys", "ids"),
    "salt": ("keys", "salt"),
    "seals": ("seal",),
    "ignores": ("ignore",),
}
"""Where in the file each field stands, in the order of a new file."""


def parse_store_settings(text: str) -> StoreSettings:
    """The settings a text holds.

    `GitopsError` names the setting for anything unknown, misspelt or not of its kind, and the
    upgrade for a format that a newer version wrote.
    """
    content = document.read(text, SETTINGS_FILE)
    document.check_format(content, FORMAT, SETTINGS_FILE)
    _check_settings(content, text)
    said = {name: _at(content, path) for name, path in _PATHS.items()}
    decoded = {
        name: _DECODERS[name](value, f"{SETTINGS_FILE}: {'.'.join(_PATHS[name])}")
        for name, value in said.items()
        if value is not None
    }
    if "set_name" not in decoded:
        raise GitopsError(f"{SETTINGS_FILE} names no set", 'set = "NAME"')
    return StoreSettings(**decoded)


def _check_settings(content: Table, text: str) -> None:
    for key in sorted(_OWN & content.keys()):
        raise GitopsError(
            f"{SETTINGS_FILE} may not set {key}: that is for each person's own configuration"
        )
    document.check_keys(content, {path[0] for path in _PATHS.values()}, SETTINGS_FILE, text)
    for name in ("scope", "keys"):
        where = f"{SETTINGS_FILE}: {name}"
        known = [path[1] for path in _PATHS.values() if path[0] == name]
        document.check_keys(document.table(content.get(name, {}), where), known, where, text)


def _at(content: Table, path: Path) -> Any:
    value: Any = content
    for key in path:
        value = value.get(key) if value is not None else None
    return value


def _number(value: Any, _where: str) -> int:
    return int(value)


def _label(value: object, where: str) -> str:
    text = document.text(value, where)
    if not _LABEL.fullmatch(text):
        raise document.wrong(where, "a name as Kubernetes has them: a-z, 0-9 and '-', up to 63")
    return text


def _selector(value: object, where: str) -> str:
    text = document.text(value, where)
    try:
        parse_selector(text)
    except GitopsError as error:
        raise GitopsError(f"{where}: {error.message}", *error.hints) from error
    return text


def _labels(value: object, where: str) -> tuple[str, ...]:
    return tuple(_label(item, where) for item in document.texts(value, where))


def _clusters(value: object, where: str) -> dict[str, str]:
    return {
        document.text(uid, where): document.text(name, where)
        for uid, name in document.table(value, where).items()
    }


def _kids(value: object, where: str) -> tuple[str, ...]:
    kids = document.texts(value, where)
    if not all(_KID.fullmatch(kid) for kid in kids):
        raise document.wrong(where, "a list of key ids, 16 hex digits each")
    return kids


def _salt(value: object, where: str) -> bytes:
    text = document.text(value, where)
    if not re.fullmatch(rf"[0-9a-f]{{{2 * SALT_SIZE}}}", text):
        raise document.wrong(where, f"{2 * SALT_SIZE} hex digits")
    return bytes.fromhex(text)


def _seal_rules(value: object, where: str) -> tuple[SealRule, ...]:
    return tuple(_seal_rule(table, where) for table in document.tables(value, where))


def _seal_rule(value: Table, where: str) -> SealRule:
    document.check_keys(value, (*_PATTERN, "paths"), where)
    paths = _pointers(value.get("paths", []), f"{where}.paths")
    if not paths:
        raise GitopsError(f"{where} names no paths")
    return SealRule(_pattern(value, where), paths)


def _ignore_rules(value: object, where: str) -> tuple[IgnoreRule, ...]:
    return tuple(_ignore_rule(table, where) for table in document.tables(value, where))


def _ignore_rule(value: Table, where: str) -> IgnoreRule:
    document.check_keys(value, (*_PATTERN, "pointers", "managers"), where)
    pointers = _pointers(value.get("pointers", []), f"{where}.pointers")
    managers = document.texts(value.get("managers", []), f"{where}.managers")
    if not pointers and not managers:
        raise GitopsError(f"{where} names neither pointers nor managers")
    return IgnoreRule(_pattern(value, where), pointers, managers)


def _pattern(value: Table, where: str) -> ResourcePattern:
    parts = {key: document.text(value[key], f"{where}.{key}") for key in _PATTERN if key in value}
    return ResourcePattern(**parts)


def _pointers(value: object, where: str) -> tuple[str, ...]:
    pointers = document.texts(value, where)
    if not all(pointer.startswith("/") and len(pointer) > 1 for pointer in pointers):
        raise document.wrong(where, "a list of JSON pointers, each like /spec/replicas")
    return pointers


_DECODERS: Mapping[str, Callable[[Any, str], Any]] = {
    "format": _number,
    "set_name": _label,
    "home_namespace": _label,
    "default_namespace": _label,
    "namespaces": _labels,
    "selector": _selector,
    "clusters": _clusters,
    "key_ids": _kids,
    "salt": _salt,
    "seals": _seal_rules,
    "ignores": _ignore_rules,
}


def render_store_settings(settings: StoreSettings) -> str:
    """The text of a new file."""
    return _edited(_HEADER, {name: getattr(settings, name) for name in _PATHS})


def update_store_settings(text: str, **changes: Any) -> str:
    """The text with some fields of `StoreSettings` changed; comments and all the rest stay.

    `GitopsError` where either text does not parse: nothing is written that cannot be read.
    """
    expected = replace(parse_store_settings(text), **changes)
    updated = _edited(text, changes)
    if parse_store_settings(updated) != expected:
        raise GitopsError(f"{SETTINGS_FILE} cannot be changed here without harm; edit it by hand")
    return updated


def _edited(text: str, changes: Mapping[str, Any]) -> str:
    encoded = {_PATHS[name]: _encoded(value) for name, value in changes.items()}
    return document.edit(text, encoded)


def _encoded(value: Any) -> Any:
    """A field as TOML data; None, which removes the setting, for what says nothing."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [_encoded(item) for item in value] or None
    if isinstance(value, SealRule):
        return {**_encoded_pattern(value.pattern), "paths": list(value.paths)}
    if isinstance(value, IgnoreRule):
        lists = {"pointers": value.pointers, "managers": value.managers}
        return {**_encoded_pattern(value.pattern), **_said_lists(lists)}
    return (dict(value) if isinstance(value, Mapping) else value) or None


def _encoded_pattern(pattern: ResourcePattern) -> Table:
    parts = {key: getattr(pattern, key) for key in _PATTERN}
    return {key: part for key, part in parts.items() if part is not None}


def _said_lists(lists: Mapping[str, Sequence[str]]) -> Table:
    return {key: list(items) for key, items in lists.items() if items}
