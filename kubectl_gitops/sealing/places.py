"""Where in a body the secret values stand, and what each place is called.

Secret is what stands

* in `data` of a Secret: bytes, at `/data/KEY`. `stringData` is merged into it first, as the API
  server does, so both have one place;
* in `data` or `stringData` of a map anywhere else that says `apiVersion: v1`, `kind: Secret` (in a
  Template, an ApplicationSet, the values of a HelmRelease): any JSON value, where it stands. What
  holds it decides what it means, so nothing is merged, decoded or moved there;
* in an annotation of a Secret that keeps a copy of it all, in JSON or compressed;
* where a seal rule of the branch leads: any JSON value but a map or a list, whose values are
  sealed one by one. Never what names a resource or an item of a list.

A place is called by the JSON pointer from the root of the resource. An item of a list is called
`name=NAME`, by its `name` or `metadata.name`, where no other in the list has that name, else by its
position: people insert items and move them. No value is read to find a place but these names, so a
sealed body and an open one have the same places.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kubectl_gitops import pointer as pointer_to
from kubectl_gitops.envelope import PREFIX, Place, is_sealed
from kubectl_gitops.errors import GitopsError, printable
from kubectl_gitops.resource import Body, ResourceId
from kubectl_gitops.sealing.rules import Coverage, SealRule, coverage

__all__ = ["Path", "Spot", "decoded", "is_secret", "merged", "place_of", "replaced", "spots"]

Path = tuple[str, ...]
"""The segments of a place's pointer."""

_VALUES = (("data",), ("stringData",))
_RENAMED = {"stringData": "data"}
_IDENTITY = frozenset({("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")})

_ANNOTATIONS = ["metadata", "annotations"]
# Where clients keep a copy of the whole object they applied: kubectl, Rancher, Banzai, kopf.
_COPIES = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "objectset.rio.cattle.io/applied",
        "banzaicloud.com/last-applied",
        "kopf.zalando.org/last-handled-configuration",
    }
)
_COMPRESSED = ("H4sI", "UEsDB")
"""How gzip and zip begin in base64: no tripwire sees through them."""

_BASE64_BREAKS = str.maketrans("", "", "\r\n")


@dataclass(frozen=True, slots=True)
class Spot:
    """One secret value, open or sealed. `raw`: it stands for bytes, in base64 where it is open."""

    path: Path
    value: Any
    raw: bool

    @property
    def pointer(self) -> str:
        """What the value's place is called: in `data`, for a Secret's own."""
        return pointer_to.join(("data", *self.path[1:]) if self.raw else self.path)


def is_secret(value: object) -> bool:
    """True for a map that is a Secret, wherever it stands."""
    return isinstance(value, dict) and (value.get("apiVersion"), value.get("kind")) == (
        "v1",
        "Secret",
    )


def place_of(id: ResourceId, pointer: str) -> Place:
    """The place of a value, as its envelope is bound to it."""
    return Place(id.group, id.kind, id.namespace, id.name, pointer)


def spots(body: Body, id: ResourceId, rules: Iterable[SealRule] = ()) -> list[Spot]:
    """The secret values of a body, in its order; nulls hold none.

    A text that says it is sealed counts wherever it stands: what was sealed under a rule that has
    gone since must open all the same.
    """
    found: list[Spot] = []

    def collect(spot: Spot) -> Any:
        found.append(spot)
        return spot.value

    replaced(body, id, rules, collect)
    return found


def replaced(
    body: Body, id: ResourceId, rules: Iterable[SealRule], change: Callable[[Spot], Any]
) -> Body:
    """A body with another value at each spot: a copy, or the very body where there is none."""
    covered = coverage(rules, id)
    if not covered.positions and not _may_hold_spots(body):
        return body
    copy: Body = _Walk(is_secret(body), change).copy(body, (), _At(covered))
    return copy


def _may_hold_spots(body: Body) -> bool:
    """Whether a walk without rules may find anything: it looks for these words alone.

    Nine of ten resources hold neither, and JSON's encoder knows so ten times faster than a walk.
    """
    printed = json.dumps(body)
    return PREFIX in printed or '"Secret"' in printed


@dataclass(frozen=True, slots=True)
class _At:
    """What is known at one place of a walk.

    `secret` is the length of the path to the Secret that the place is in, None outside of any;
    `item`: the place is an item of a list.
    """

    covered: Coverage
    secret: int | None = None
    item: bool = False

    def in_values(self, path: Path) -> bool:
        """True in `data` and `stringData` of a Secret, at any depth."""
        return self.secret is not None and path[self.secret : self.secret + 1] in _VALUES

    def is_secret(self, path: Path, value: Any) -> bool:
        """Whether a value that is no map and no list must be sealed here."""
        if self.covered.whole or self.in_values(path):
            return True
        if self.secret is None or not isinstance(value, str):
            return False
        *above, name = path[self.secret :]
        return above == _ANNOTATIONS and (name in _COPIES or value.startswith(_COMPRESSED))


@dataclass(frozen=True, slots=True)
class _Walk:
    """One walk through a body. `raw`: the body is itself a Secret."""

    raw: bool
    change: Callable[[Spot], Any]

    def copy(self, value: Any, path: Path, at: _At) -> Any:
        """`value`, which stands at `path`, with its spots changed."""
        if isinstance(value, dict):
            return self._map(value, path, at)
        if isinstance(value, list):
            return self._list(value, path, at)
        if value is None or not (is_sealed(value) or at.is_secret(path, value)):
            return value
        return self.change(Spot(path, value, self.raw and path[:1] in _VALUES))

    def _map(self, value: Body, path: Path, at: _At) -> Body:
        secret = len(path) if is_secret(value) and not at.in_values(path) else at.secret
        return {
            key: self.copy(child, (*path, key), _At(_into(at, path, key), secret))
            for key, child in value.items()
        }

    def _list(self, value: list[Any], path: Path, at: _At) -> list[Any]:
        # Inside a Secret's values a name is a value itself, and sealed.
        names = [None if at.in_values(path) else _name(item) for item in value]
        times = Counter(names)
        return [
            self.copy(
                item,
                (*path, f"name={name}" if name is not None and times[name] == 1 else str(position)),
                _At(at.covered.into_item(item, position), at.secret, item=True),
            )
            for position, (item, name) in enumerate(zip(value, names, strict=True))
        ]


def _into(at: _At, path: Path, key: str) -> Coverage:
    """How far rules cover a key's value: never one that says which resource or item this is."""
    if (*path, key) in _IDENTITY or (key == "name" and (at.item or path[-1:] == ("metadata",))):
        return Coverage()
    return at.covered.into_key(key)


def _name(item: object) -> str | None:
    if not isinstance(item, dict):
        return None
    metadata = item.get("metadata")
    name = item.get("name", metadata.get("name") if isinstance(metadata, dict) else None)
    return name if isinstance(name, str) else None


def merged(body: Body, id: ResourceId) -> Body:
    """A Secret with its `stringData` in `data`, where it wins, in base64; other bodies as they are.

    `GitopsError` names the field, never the value, where the API server would refuse the Secret
    with a message that shows it (CVE-2025-23216).
    """
    if not is_secret(body):
        return body
    texts = _strings(body, "stringData", id)
    data = _strings(body, "data", id)
    for key, value in data.items():
        if value is not None and not is_sealed(value):
            decoded(value, _place_in_data(id, key))
    data = {**data, **{k: _encoded(text, _place_in_data(id, k)) for k, text in texts.items()}}
    if texts and "data" not in body:
        # In the place of stringData, as the text is changed: its key gets another name.
        return {_RENAMED.get(k, k): data if k in _RENAMED else body[k] for k in body}
    rest = {key: value for key, value in body.items() if key != "stringData"}
    return {**rest, "data": data} if texts else rest


def _place_in_data(id: ResourceId, key: str) -> Place:
    return place_of(id, pointer_to.join(("data", key)))


def _strings(body: Body, field: str, id: ResourceId) -> dict[str, str | None]:
    values = body.get(field)
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise GitopsError(f"{id}: {field} must be a map of strings")
    for key, value in values.items():
        if value is not None and not isinstance(value, str):
            raise GitopsError(f"{id}: {field}.{printable(key)} must be a string; put it in quotes")
    return values


def _encoded(text: str | None, where: object) -> str:
    """A value of `stringData` as it stands in `data`; null is the empty string there."""
    if text is not None and is_sealed(text):
        return text
    try:
        return base64.b64encode((text or "").encode()).decode()
    except UnicodeEncodeError as error:
        raise GitopsError(f"{where} is not valid Unicode") from error


def decoded(text: str, where: object) -> bytes:
    """The bytes of a value in `data`, read as the API server reads it: line breaks are skipped."""
    try:
        return base64.b64decode(text.translate(_BASE64_BREAKS), validate=True)
    except (ValueError, binascii.Error) as error:
        raise GitopsError(f"{where} is not base64; plain text belongs in stringData") from error
