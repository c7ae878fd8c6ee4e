"""Secrets outside of Secrets are told, and only what is one wherever it stands."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_gitops.envelope import Keyring, new_key
from kubectl_gitops.manifest import Manifest, OpenManifest, write
from kubectl_gitops.resource import ResourceId, ResourcePattern
from kubectl_gitops.sealing import SealRule, exposed, seal_manifest

ID = ResourceId("", "ConfigMap", "shop", "c")


def found(body: dict[str, Any], id: ResourceId = ID) -> tuple[str, ...]:
    return tuple(map(str, exposed(Manifest(id, "v1", "", body))))


# Written in parts, so that no scanner takes this file for a leak.
TOKENS = [
    ("AKIA" + "IOSFODNN7EXAMPLE", "an AWS access key"),
    ("url?key=ASIA" + "IOSFODNN7EXAMPLE", "an AWS access key"),
    ("gh" + "p_" + "a1B2" * 9, "a GitHub token"),
    ("github" + "_pat_" + "11ABCDEFG0abcdefghijkl", "a GitHub token"),
    ("glpat" + "-" + "abcdefghij0123456789", "a GitLab token"),
    ("xox" + "b-123456789012-abcdef", "a Slack token"),
    ("-----BEGIN " + "RSA PRIVATE KEY-----\nMII", "a private key"),
    ("-----BEGIN " + "PRIVATE KEY-----", "a private key"),
]


@pytest.mark.parametrize(("value", "shape"), TOKENS)
def test_a_token_is_told_with_its_place_and_never_shown(value: str, shape: str) -> None:
    assert found({"data": {"a/b": f"x {value}"}}) == (
        f"configmap/shop/c /data/a~1b looks like {shape} in the clear",
    )


@pytest.mark.parametrize(
    "value",
    [
        "AKIA",
        "an ghp_ prefix",
        "-----BEGIN CERTIFICATE-----",
        "xoxo-hugs",
        "BANAKIAIOSFODNN7EXAMPLE",
    ],
)
def test_what_only_begins_like_a_token_is_not_told(value: str) -> None:
    assert found({"data": {"a": value}}) == ()


def test_a_literal_in_a_variable_that_is_named_like_a_secret_is_told() -> None:
    env = [
        {"name": "DB_PASSWORD", "value": "hunter2"},
        {"name": "apiKey", "value": "x"},
        {"name": "TOKEN_FILE", "value": "/run/token"},
        {"name": "TOKEN_URL", "value": "https://auth/token"},
        {"name": "PASSWORD", "value": "$(DB_PASSWORD)"},
        {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}},
        {"name": "EMPTY_PASSWORD", "value": ""},
        {"name": "USER", "value": "hunter2"},
    ]
    body = {"spec": {"containers": [{"name": "web", "env": env}]}, "other": [env[0]]}
    where = "/spec/containers/name=web/env"
    assert found(body) == tuple(
        f"configmap/shop/c {where}/name={name}/value looks like a secret, by its name, in the clear"
        for name in ("DB_PASSWORD", "apiKey")
    )


def test_what_is_sealed_is_not_told() -> None:
    env = [{"name": "DB_PASSWORD", "value": TOKENS[0][0]}]
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"env": env}}
    pod = OpenManifest(ResourceId.of(body), "v1", write(body), body)
    rule = SealRule(ResourcePattern(), ("/spec/env/*/value",))
    assert exposed(seal_manifest(pod, Keyring.of([new_key()]), rules=[rule])) == ()


@pytest.mark.parametrize(("value", "shape"), TOKENS)
def test_a_token_in_a_comment_is_told_once_and_never_shown(value: str, shape: str) -> None:
    comment = value.replace("\n", "\n# ")
    (one,) = exposed(Manifest(ID, "v1", f"# was {comment}\na: b\n", {"a": "b"}))
    assert str(one) == f"configmap/shop/c: a comment looks like {shape} in the clear"
    assert one.token
    assert one.found not in repr(one)
    (field,) = exposed(Manifest(ID, "v1", f"a: {value}\n", {"a": value}))
    assert field.where == "configmap/shop/c /a"


def test_a_literal_by_its_name_is_no_token_but_one_of_that_shape_is() -> None:
    env = [{"name": "API_KEY", "value": "x"}, {"name": "TOKEN", "value": TOKENS[2][0]}]
    body = {"spec": {"env": env}}
    assert [(one.shape, one.token) for one in exposed(Manifest(ID, "v1", "", body))] == [
        ("a secret, by its name,", False),
        ("a secret, by its name,", False),
        ("a GitHub token", True),
    ]
