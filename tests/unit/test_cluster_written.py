"""Credentials that are written in the kubeconfig, and when the library is asked instead."""

import os
import ssl
from pathlib import Path
from typing import Any

import pytest

from kubectl_gitops.cluster.kubeconfig import Choice, Entry
from kubectl_gitops.cluster.written import read_plainly, written_access

PLAIN = {"server": "https://127.0.0.1:6443/", "insecure-skip-tls-verify": True}

FIRST = """\
current-context: dev
contexts: [{name: dev, context: {cluster: kind, user: ada}}]
clusters: [{name: kind, cluster: {server: "https://first"}}]
users: [{name: ada, user: {token: first}}]
"""


def choice(user: dict[str, Any], **cluster: Any) -> Choice:
    entry = {key.replace("_", "-"): value for key, value in cluster.items()}
    return Choice("dev", "default", Entry("c", {**PLAIN, **entry}), Entry("u", user))


def test_a_token_is_sent_to_the_server_that_is_named() -> None:
    access = written_access(choice({"token": " t \n", "as": "ada"}))
    assert access is not None
    assert (access.server, access.authorization) == ("https://127.0.0.1:6443", "Bearer t")


def test_nobody_is_authorised_without_a_token() -> None:
    access = written_access(choice({}, tls_server_name="kubernetes"))
    assert access is not None
    assert access.authorization == ""
    assert access.pool.connection_pool_kw["server_hostname"] == "kubernetes"


def test_a_server_without_tls_gets_none() -> None:
    access = written_access(choice({}, server="http://localhost:8001"))
    assert access is not None
    assert "ssl_context" not in access.pool.connection_pool_kw


def test_certificates_are_verified_unless_the_kubeconfig_says_otherwise() -> None:
    access = written_access(choice({}, insecure_skip_tls_verify=False))
    assert access is not None
    context = access.pool.connection_pool_kw["ssl_context"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize(
    "user",
    [
        {"exec": {"command": "aws"}},
        {"auth-provider": {"name": "oidc"}},
        {"tokenFile": "/token"},
        {"username": "ada", "password": "pw"},
        {"token": 1234},
        {"client-certificate": "/gone"},
        {"client-certificate-data": "abcde"},
        {"token": "t", "a-field-of-tomorrow": "x"},
    ],
)
def test_what_is_not_plain_is_left_to_the_library(user: dict[str, Any]) -> None:
    assert written_access(choice(user)) is None


def test_a_proxy_is_left_to_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    assert written_access(choice({}, proxy_url="http://proxy")) is None
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    assert written_access(choice({}, server="https://elsewhere")) is None
    assert written_access(choice({})) is not None


def test_of_several_kubeconfigs_the_first_that_names_something_counts(tmp_path: Path) -> None:
    (tmp_path / "first").write_text(FIRST)
    (tmp_path / "second").write_text(FIRST.replace("first", "second").replace("dev", "prod"))
    found = read_plainly([str(tmp_path / "first"), str(tmp_path / "second")])
    assert found is not None
    assert found.current == "dev"
    assert [entry.name for entry in found.contexts] == ["dev", "prod"]
    assert [entry.value for entry in found.users] == [{"token": "first"}, {"token": "second"}]
    assert [Path(entry.path).name for entry in found.clusters] == ["first", "second"]


@pytest.mark.parametrize("text", ["a: [b", "- x", "users: [{user: {}}]", FIRST + "clusters: []\n"])
def test_a_kubeconfig_of_another_shape_is_left_to_the_library(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_text(text)
    assert read_plainly([str(tmp_path / "config")]) is None


def test_a_pipe_is_left_to_the_library_for_it_can_be_read_once_only(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert read_plainly([str(tmp_path / "pipe")]) is None
