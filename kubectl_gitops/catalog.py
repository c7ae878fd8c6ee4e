"""The kinds of resource that a cluster serves, and how a person may spell them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kubectl_gitops.resource import Body

__all__ = ["Api", "Catalog", "declared_by"]


@dataclass(frozen=True, slots=True)
class Api:
    """One kind in one version, as discovery describes it.

    `preferred` is true for the version that the server prefers for this group and kind.
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: frozenset[str] = frozenset()
    preferred: bool = True

    @property
    def api_version(self) -> str:
        """`apps/v1`, `v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_kind(self) -> str:
        """`Deployment.apps`, `Service`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind


class Catalog:
    """The kinds of one cluster. `broken` names the group versions that discovery could not read.

    One aggregated API without a server must not hide the others (kube-prometheus leaves
    `metrics.k8s.io` that way), so what is missing is said, not raised.
    """

    def __init__(self, apis: Iterable[Api], broken: Iterable[str] = ()) -> None:
        self.apis = tuple(apis)
        self.broken = tuple(broken)
        self._by_kind: dict[tuple[str, str], list[Api]] = {}
        for api in self.apis:
            self._by_kind.setdefault((api.group, api.kind), []).append(api)

    def including(self, crds: Iterable[Body]) -> Catalog:
        """The same with the kinds that these definitions declare and the cluster lacks."""
        new = [api for crd in crds for api in declared_by(crd)]
        known = {(api.group, api.version, api.kind) for api in self.apis}
        fresh = [api for api in new if (api.group, api.version, api.kind) not in known]
        return Catalog((*self.apis, *fresh), self.broken) if fresh else self

    def find(self, group: str, kind: str, version: str = "") -> Api | None:
        """The kind in the version asked for, or in the preferred one when none is asked for."""
        apis = self._by_kind.get((group, kind), ())
        if version:
            return next((api for api in apis if api.version == version), None)
        return next((api for api in apis if api.preferred), apis[0] if apis else None)

    def named(self, word: str) -> Api | None:
        """What kubectl understands by a TYPE argument: `deploy`, `deployments.apps`, `Deployment`.

        Behind the name may stand `.group`, the beginning of one (`ingress.networking`) or
        `.version.group`; without it the core group goes first and then the server's order. A full
        name goes before another kind's short name (client-go's `restmapper/shortcut.go`).
        """
        name, _, rest = word.lower().partition(".")
        called = [api for api in self.apis if name in _names(api)]
        exact = [api for api in called if _matches(api, rest)]
        found = exact or [api for api in called if api.group.startswith(rest)]
        return min(found, key=lambda api: _precedence(api, name), default=None)

    def expand(self, word: str) -> tuple[Api, ...]:
        """The kinds of a category (`all`), else the one kind of that name, else none."""
        category = tuple(api for api in self.apis if api.preferred and word in api.categories)
        api = None if category else self.named(word)
        return (api,) if api else category


def declared_by(crd: Body) -> tuple[Api, ...]:
    """The kinds, one for each served version, of a CustomResourceDefinition's body.

    A definition without the fields that say so declares nothing: the API server will refuse it.
    """
    match crd:
        case {
            "spec": {
                "group": str(group),
                "names": {"kind": str(_), "plural": str(_)} as names,
                "versions": [*versions],
            } as spec
        } if group:
            served = [v for v in versions if isinstance(v, dict) and v.get("served")]
        case _:
            return ()
    return tuple(
        Api(
            group=spec["group"],
            version=version["name"],
            kind=names["kind"],
            plural=names["plural"],
            namespaced=spec.get("scope") == "Namespaced",
            singular=names.get("singular", ""),
            short_names=tuple(names.get("shortNames") or ()),
            categories=tuple(names.get("categories") or ()),
            preferred=position == 0,
        )
        for position, version in enumerate(served)
    )


def _names(api: Api) -> set[str]:
    return _full_names(api) | set(api.short_names)


def _full_names(api: Api) -> set[str]:
    return {api.plural, api.singular or api.kind.lower(), api.kind.lower()}


def _matches(api: Api, rest: str) -> bool:
    """Behind a version stands the group, and a dot even where it is the core group's empty one."""
    return rest in ("", api.group, f"{api.version}.{api.group}", api.api_version)


def _precedence(api: Api, name: str) -> tuple[bool, bool, bool]:
    return name not in _full_names(api), bool(api.group), not api.preferred
