"""Selectors as the API server reads them: the same selection, the same refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from urllib.error import HTTPError
from urllib.parse import quote

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.selector import parse_selector
from tests.controlplane.cluster import ControlPlane

LABELS: list[dict[str, str]] = [
    {},
    {"app": "web"},
    {"app": "api"},
    {"app": ""},
    {"app": "web", "tier": "front"},
    {"app": "api", "tier": "back"},
    {"tier": "front", "in": "notin"},
    {"example.com/stage": "2"},
    {"example.com/stage": "10", "app": "web"},
    {"example.com/stage": "007"},
    {"example.com/stage": "x"},
    {"example.com/stage": "9223372036854775808"},
]
SELECTORS = [
    *(f"{key}{sign}{value}" for key, sign, value in product(
        ("app", "example.com/stage", "in"),
        ("=", "==", "!=", ">", "<", " in ", " notin ", "===", "!", " "),
        ("", "web", "2", "007", "-1", str(1 << 63), "(web)", "(2, ,web)", "()", "(", "a b"),
    )),
    *("app", "!app", "! app", "app,", ",app", "app,,tier", "app, tier", "!app,tier", "!!app", "!"),
    *("app in(web)", "in in (notin)", "in(notin)", "in", "!in", "app in (web),tier notin (front)"),
    *("app in (in,notin)", "app in (web,)", "app in (,)", "app in (web api)", "app IN (web)"),
    *("a/b/c", "/a", "A.b/c", "-a", "a-", "a_b", "app=a/b", "app=-a", "app=web-", "app in (-)"),
    *(f"{'a' * 63}=b", f"{'a' * 64}=b", f"a={'b' * 63}", f"a={'b' * 64}", "a.b/c d", "ä", "app=ä"),
    *("app\t=\nweb", "app\v=web", " app ", "app=web)", "(app)", "app=(web)", "app=!web", "=web"),
]  # fmt: skip


def config_maps(namespace: str) -> str:
    items = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"c{number:02}", "namespace": namespace, "labels": labels},
        }
        for number, labels in enumerate(LABELS)
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def ours(selector: str) -> list[str] | None:
    with suppress(GitopsError):
        wanted = parse_selector(selector)
        return [f"c{number:02}" for number, labels in enumerate(LABELS) if wanted.selects(labels)]
    return None


def theirs(control_plane: ControlPlane, path: str, selector: str) -> list[str] | None:
    with suppress(HTTPError):
        answer = control_plane.request("GET", f"{path}?labelSelector={quote(selector)}")
        names = (item["metadata"]["name"] for item in answer["items"])
        return sorted(name for name in names if name != "kube-root-ca.crt")
    return None


def test_every_selector_means_what_the_api_server_makes_of_it(
    control_plane: ControlPlane, namespace: str, kubectl: Callable[..., object]
) -> None:
    kubectl("create", "-f", "-", input=config_maps(namespace))
    path = f"/api/v1/namespaces/{namespace}/configmaps"

    answers = {selector: theirs(control_plane, path, selector) for selector in SELECTORS}

    assert {selector: ours(selector) for selector in SELECTORS} == answers
    assert None in answers.values()
    assert len({str(names) for names in answers.values()}) > 12
