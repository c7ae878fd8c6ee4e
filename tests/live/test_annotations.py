"""Annotations that people know from other tools, as `pull` honours them."""

from __future__ import annotations

from tests.bound import Bound, config_map

FLUX = "kustomize.toolkit.fluxcd.io"


def annotated(bound: Bound, name: str, *annotations: str, x: str = "1") -> str:
    lines = "".join(f"    {one}\n" for one in annotations)
    text = config_map(bound.namespace, name, x=x)
    return text.replace("\ndata:", f"\n  annotations:\n{lines}data:") if lines else text


def test_what_is_created_once_or_never_is_left_alone(bound: Bound) -> None:
    marks = {
        "once": f"{FLUX}/ssa: IfNotPresent",
        "seed": "client.lifecycle.config.k8s.io/mutation: ignore",
        "never": f"{FLUX}/ssa: Ignore",
        "local": 'config.kubernetes.io/local-config: "true"',
        "merged": f"{FLUX}/ssa: Merge",
    }
    bound.commit({f"{n}.yaml": annotated(bound, n, mark) for n, mark in marks.items()})
    assert [line for line in bound("pull").stdout.splitlines() if "skipped" not in line] == [
        "configmap/merged created",
        "configmap/once created",
        "configmap/seed created",
    ]
    bound.kubectl("patch", "configmap/merged", "--patch", '{"data": {"theirs": "1"}}')
    bound.commit({f"{n}.yaml": annotated(bound, n, mark, x="2") for n, mark in marks.items()})
    bound("pull")
    found = {name: bound.live(f"configmap/{name}")["data"] for name in ("once", "seed", "merged")}
    assert found == {"once": {"x": "1"}, "seed": {"x": "1"}, "merged": {"x": "2", "theirs": "1"}}
    assert bound.there("configmap/never", "configmap/local") == []


def test_what_cannot_be_changed_is_made_anew_where_flux_would(bound: Bound) -> None:
    """Only after a dry-run has shown that it would be created."""
    frozen = "immutable: true\n"
    text = annotated(bound, "a", f"{FLUX}/force: enabled") + frozen
    bound.commit({"a.yaml": text, "b.yaml": annotated(bound, "b") + frozen})
    bound("pull")
    uids = {name: bound.live(f"configmap/{name}")["metadata"]["uid"] for name in "ab"}
    changed = {
        "a.yaml": text.replace('x: "1"', 'x: "2"'),
        "b.yaml": annotated(bound, "b", x="2") + frozen,
    }
    bound.commit(changed)
    run = bound("pull", exit=1)
    assert run.stdout == "configmap/a configured\n"
    assert "field is immutable" in run.stderr
    live = {name: bound.live(f"configmap/{name}") for name in "ab"}
    assert live["a"]["data"] == {"x": "2"}
    assert live["a"]["metadata"]["uid"] != uids["a"]
    assert live["b"]["metadata"]["uid"] == uids["b"]
    wrong = text.replace('x: "1"', "x: [1]")
    bound.commit({"a.yaml": wrong, "b.yaml": annotated(bound, "b") + frozen})
    bound("pull", exit=1)
    assert bound.live("configmap/a")["data"] == {"x": "2"}


def test_hooks_are_told_once_and_applied_like_everything_else(bound: Bound) -> None:
    hook = "helm.sh/hook: pre-install"
    bound.commit({f"{name}.yaml": annotated(bound, name, hook) for name in "ab"})
    run = bound("pull")
    assert run.stdout == "configmap/a created\nconfigmap/b created\n"
    assert run.stderr == (
        "kubectl-gitops: warning: these annotations mean nothing here: helm.sh/hook (2 resources)\n"
    )


def test_waves_and_dependencies_order_what_kinds_do_not(bound: Bound) -> None:
    """The order is that of the resourceVersions, which count all writes of the cluster."""
    space = bound.namespace
    after = f"config.kubernetes.io/depends-on: /namespaces/{space}/ConfigMap/z"
    bound.commit(
        {
            "a.yaml": annotated(bound, "a", after),
            "z.yaml": annotated(bound, "z"),
            "b.yaml": annotated(bound, "b", 'argocd.argoproj.io/sync-wave: "1"'),
            "c.yaml": annotated(bound, "c", 'argocd.argoproj.io/sync-wave: "-1"'),
        }
    )
    bound("pull")
    versions = {n: int(bound.live(f"configmap/{n}")["metadata"]["resourceVersion"]) for n in "abcz"}
    assert versions["c"] < versions["z"] < versions["a"] < versions["b"]
