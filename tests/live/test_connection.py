"""Kubeconfigs, credentials and TLS: how a real API server is reached, and how it is not."""

from __future__ import annotations

import json
import os
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.config import incluster_config

from kubectl_gitops.catalog import Api
from kubectl_gitops.cluster import ConnectionOptions, access, connect, library
from kubectl_gitops.cluster.server import ApiServer
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.ports import ClusterIdentity, Refusal
from tests.controlplane.certificates import Pki
from tests.controlplane.cluster import ControlPlane
from tests.faultproxy import Fault, fault_proxy, http_answer

SECRET = Api("", "v1", "Secret", "secrets", True)
UNAUTHORIZED = Refusal(401, "Unauthorized", "You must be logged in to the server (Unauthorized)")
NO_PROXY = Refusal(
    0, "Unreachable", "Unable to connect to the server: the proxy: Connection refused"
)
NO_FLAGS = ConnectionOptions()


def user(cluster: ApiServer) -> str:
    answer = cluster.identity("default")
    assert isinstance(answer, ClusterIdentity), answer
    return answer.user


@pytest.fixture
def write(kubeconfig: Path) -> Callable[..., Path]:
    """Replace the user of the kubeconfig, and entries of its cluster and context."""

    def write(
        user: dict[str, Any], *, cluster: dict[str, Any] | None = None, **context: str
    ) -> Path:
        config = yaml.safe_load(kubeconfig.read_text())
        config["users"][0]["user"] = user
        config["clusters"][0]["cluster"] |= cluster or {}
        config["contexts"][0]["context"] |= context
        kubeconfig.write_text(yaml.safe_dump(config))
        return kubeconfig

    return write


@pytest.fixture
def token(control_plane: ControlPlane) -> Callable[[str], str]:
    """A token of a ServiceAccount of the default Namespace that may read Namespaces."""

    def token(account: str) -> str:
        kubectl = partial(control_plane.kubectl, check=False)
        kubectl("create", "serviceaccount", account)
        subject = f"--serviceaccount=default:{account}"
        kubectl("create", "clusterrolebinding", account, "--clusterrole=view", subject)
        return control_plane.kubectl("create", "token", account).stdout.strip()

    return token


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """An exec plugin that gives the status in `status.json`, and notes each run in `runs`."""

    def plugin(status: dict[str, Any]) -> dict[str, Any]:
        (tmp_path / "status.json").write_text(json.dumps(status))
        script = tmp_path / "plugin"
        script.write_text(
            f"""#!{sys.executable}
import json, os, pathlib
here = pathlib.Path(__file__).parent
info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
with open(here / "runs", "a") as runs:
    print(os.environ["FLAVOUR"], file=runs)
status = json.loads((here / "status.json").read_text())
print(json.dumps({{"apiVersion": info["apiVersion"], "kind": "ExecCredential", "status": status}}))
"""
        )
        script.chmod(0o700)
        return {
            "exec": {
                "apiVersion": "client.authentication.k8s.io/v1",
                "command": str(script),
                "env": [{"name": "FLAVOUR", "value": "sweet"}],
                "interactiveMode": "Never",
            }
        }

    return plugin


def test_a_client_certificate_is_in_no_file_once_connected(
    kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    assert user(connect(NO_FLAGS)) == "admin"
    assert list(runtime.iterdir()) == []


def test_key_files_are_private_while_they_exist(
    kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with access.private_directory() as directory:
        assert stat.S_IMODE(Path(directory).stat().st_mode) == 0o700
        assert Path(directory).parent == tmp_path
    assert not Path(directory).exists()


def test_the_context_and_its_namespace_are_known(namespace: str) -> None:
    cluster = connect(NO_FLAGS)
    assert (cluster.context, cluster.namespace) == ("first", namespace)
    assert connect(ConnectionOptions(namespace="web")).namespace == "web"


def test_a_bearer_token_is_sent(write: Callable[..., Path], token: Callable[[str], str]) -> None:
    write({"token": token("reader")})
    assert user(connect(NO_FLAGS)) == "system:serviceaccount:default:reader"


def test_a_token_of_a_flag_goes_before_the_kubeconfig(
    control_plane: ControlPlane, tmp_path: Path, token: Callable[[str], str]
) -> None:
    authority = str(Pki(control_plane.data / "pki").certificate("ca"))
    options = ConnectionOptions(
        server=control_plane.url, certificate_authority=authority, token=token("reader")
    )
    cluster = connect(options)
    assert user(cluster) == "system:serviceaccount:default:reader"
    assert (cluster.context, cluster.namespace, cluster.url) == ("", "default", control_plane.url)


def test_certificates_of_flags_are_used(control_plane: ControlPlane, tmp_path: Path) -> None:
    pki = Pki(control_plane.data / "pki")
    options = ConnectionOptions(
        server=control_plane.url,
        certificate_authority=str(pki.certificate("ca")),
        client_certificate=str(pki.certificate("admin")),
        client_key=str(pki.key("admin")),
    )
    assert user(connect(options)) == "admin"


def test_a_token_file_is_read_again_whenever_the_server_refuses_the_token(
    control_plane: ControlPlane, token: Callable[[str], str], write: Callable[..., Path]
) -> None:
    authority = str(Pki(control_plane.data / "pki").certificate("ca"))
    context = ssl.create_default_context(cafile=authority)
    with fault_proxy(control_plane.url, context) as proxy:
        file = write({"tokenFile": "token"}, cluster={"server": proxy.url}).with_name("token")
        file.write_text("expired\n")
        cluster = connect(NO_FLAGS)
        for account in ("first", "second"):
            file.write_text(token(account) + "\n")
            assert user(cluster) == f"system:serviceaccount:default:{account}"
            proxy.faults.append(Fault(b"GET", http_answer("401 Unauthorized")))
    assert cluster.requests == {"GET": 4, "POST": 2}


def test_credentials_that_stay_wrong_are_refused_after_one_more_try(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    write({"token": "wrong"})
    cluster = connect(NO_FLAGS)
    assert cluster.identity("default") == UNAUTHORIZED
    assert cluster.requests == {"GET": 2}


def test_renewed_credentials_never_lead_to_another_cluster(
    write: Callable[..., Path], token: Callable[[str], str], kubeconfig: Path
) -> None:
    write({"token": "expired"})
    cluster = connect(NO_FLAGS)
    config = yaml.safe_load(write({"token": token("reader")}).read_text())
    config["contexts"].append({"name": "other", "context": {"cluster": "gone", "user": "gone"}})
    kubeconfig.write_text(yaml.safe_dump({**config, "current-context": "other"}))
    assert user(cluster) == "system:serviceaccount:default:reader"

    write({"token": "expired"})
    cluster = connect(ConnectionOptions(context="first"))
    write({"token": token("reader")}, cluster={"server": "https://127.0.0.1:1"})
    assert cluster.identity("default") == UNAUTHORIZED
    kubeconfig.unlink()
    assert cluster.identity("default") == UNAUTHORIZED


def test_an_exec_plugin_is_run_once_and_gives_a_token(
    write: Callable[..., Path],
    plugin: Callable[..., dict[str, Any]],
    token: Callable[[str], str],
    tmp_path: Path,
) -> None:
    write(plugin({"token": token("reader")}))
    assert user(connect(NO_FLAGS)) == "system:serviceaccount:default:reader"
    assert (tmp_path / "runs").read_text() == "sweet\n"


def test_an_exec_plugin_is_run_again_when_the_server_refuses_its_token(
    write: Callable[..., Path],
    plugin: Callable[..., dict[str, Any]],
    token: Callable[[str], str],
    tmp_path: Path,
) -> None:
    write(plugin({"token": "expired", "expirationTimestamp": "2020-01-01T00:00:00Z"}))
    cluster = connect(NO_FLAGS)
    plugin({"token": token("reader"), "expirationTimestamp": "2020-01-01T00:00:00Z"})
    assert user(cluster) == "system:serviceaccount:default:reader"
    assert cluster.requests == {"GET": 2, "POST": 1}
    assert (tmp_path / "runs").read_text() == "sweet\nsweet\n"


def test_an_exec_plugin_may_give_a_client_certificate(
    write: Callable[..., Path],
    plugin: Callable[..., dict[str, Any]],
    control_plane: ControlPlane,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    pki = Pki(control_plane.data / "pki")
    certificate, key = pki.certificate("admin").read_text(), pki.key("admin").read_text()
    write(plugin({"clientCertificateData": certificate, "clientKeyData": key}))
    assert user(connect(NO_FLAGS)) == "admin"
    assert list(runtime.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("no-such-plugin", "[Errno 2] No such file or directory: 'no-such-plugin'"),
        ("false", "exec: process returned 1"),
        (
            "true",
            "exec: failed to decode process output: Expecting value: line 1 column 1 (char 0)",
        ),
    ],
)
def test_an_exec_plugin_that_fails_is_named_and_nothing_is_sent(
    write: Callable[..., Path], command: str, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    write({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": command}})
    with pytest.raises(GitopsError) as error:
        connect(NO_FLAGS)
    assert error.value.message == f"getting credentials: {reason}"
    assert capfd.readouterr() == ("", "")


def test_a_user_without_rights_is_told_which(
    control_plane: ControlPlane, namespace: str, kubectl: Callable[..., Any]
) -> None:
    options = ConnectionOptions(kubeconfig=str(control_plane.kubeconfig_of("alice")))
    cluster = connect(options)
    denied = (
        f'namespaces "{namespace}" is forbidden: User "alice" cannot get resource "namespaces" '
        f'in API group "" in the namespace "{namespace}"'
    )
    assert cluster.identity(namespace) == Refusal(403, "Forbidden", denied)
    denied = (
        'secrets is forbidden: User "alice" cannot list resource "secrets" in API group "" '
        f'in the namespace "{namespace}"'
    )
    assert cluster.list(SECRET, namespace) == Refusal(403, "Forbidden", denied)
    kubectl("create", "rolebinding", "alice", "--clusterrole=view", "--user=alice")
    uid = kubectl("get", "namespace", namespace, "-o", "jsonpath={.metadata.uid}").stdout
    assert cluster.identity(namespace) == ClusterIdentity(
        uid, cluster.context, "alice", control_plane.url
    )


def test_one_can_act_as_somebody_else(
    kubeconfig: Path, write: Callable[..., Path], control_plane: ControlPlane
) -> None:
    options = ConnectionOptions(as_user="bob", as_groups=("system:masters", "développeurs"))
    assert user(connect(options)) == "bob"
    admin = yaml.safe_load(control_plane.kubeconfig.read_text())["users"][0]["user"]
    write({**admin, "as": "eve", "as-groups": ["system:masters"]})
    assert user(connect(NO_FLAGS)) == "eve"
    assert user(connect(options)) == "bob"


def test_headers_cannot_be_forged(kubeconfig: Path) -> None:
    with pytest.raises(GitopsError) as error:
        connect(ConnectionOptions(as_user="bob\r\nImpersonate-Group: system:masters"))
    assert error.value.message == "the credentials hold a control character"


def test_the_first_kubeconfig_that_names_a_context_wins(
    kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.write_text(yaml.safe_dump({"current-context": "gone", "contexts": []}))
    empty = tmp_path / "empty"
    empty.write_text("kind: Config\n")
    monkeypatch.setenv("KUBECONFIG", f"{empty}{os.pathsep}{kubeconfig}{os.pathsep}{other}")
    assert user(connect(NO_FLAGS)) == "admin"
    monkeypatch.setenv("KUBECONFIG", f"{other}{os.pathsep}{kubeconfig}")
    with pytest.raises(GitopsError) as error:
        connect(NO_FLAGS)
    assert error.value.message == 'context "gone" does not exist'


def test_without_any_kubeconfig_there_is_no_cluster() -> None:
    with pytest.raises(GitopsError) as error:
        connect(NO_FLAGS)
    assert error.value.message == "no cluster is configured: no kubeconfig has a current context"
    assert error.value.hints == ("kubectl config view",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [b\nc: d", "while parsing a flow sequence"),
        ("- hunter2", "it is malformed"),
        ("hunter2", "it is malformed"),
        ("# empty", "Invalid kube-config."),
        ("users: [{user: {token: hunter2}}]", "it is malformed"),
        ("users: [hunter2]", "it is malformed"),
        ("clusters: {a: hunter2}", "it is malformed"),
    ],
)
def test_a_kubeconfig_that_is_none_is_refused_without_its_tokens(
    tmp_path: Path, text: str, reason: str
) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    with pytest.raises(GitopsError) as error:
        connect(ConnectionOptions(kubeconfig=str(file)))
    assert error.value.message.startswith(f"the kubeconfig cannot be used: {reason}")
    assert "hunter2" not in error.value.message


def test_an_error_in_a_user_does_not_show_its_token(write: Callable[..., Path]) -> None:
    write({"token": "hunter2", "client-certificate": "/gone"})
    with pytest.raises(GitopsError) as error:
        connect(NO_FLAGS)
    assert error.value.message == "the kubeconfig cannot be used: File does not exist: /gone"


def test_a_certificate_nobody_vouches_for_is_not_trusted(
    control_plane: ControlPlane, token: Callable[[str], str]
) -> None:
    options = ConnectionOptions(server=control_plane.url, token=token("reader"))
    cluster = connect(options)
    assert cluster.server_version() == Refusal(
        0,
        "Unreachable",
        "Unable to connect to the server: its certificate is not trusted: "
        "unable to get local issuer certificate",
    )
    assert cluster.requests == {"GET": 1}
    insecure = replace(options, insecure_skip_tls_verify=True)
    assert connect(insecure).server_version() == "v1.36.3"


def test_the_name_a_certificate_is_checked_for_can_be_given(kubeconfig: Path) -> None:
    right = ConnectionOptions(tls_server_name="kubernetes.default.svc")
    assert connect(right).server_version() == "v1.36.3"
    wrong = connect(ConnectionOptions(tls_server_name="elsewhere.example.com")).server_version()
    assert isinstance(wrong, Refusal)
    assert "certificate is not trusted: Hostname mismatch" in wrong.message


def test_a_server_that_was_never_reached_is_a_wrong_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f"127.0.0.1:{listener.getsockname()[1]}"
    cluster = connect(ConnectionOptions(server=f"http://{place}"))
    assert cluster.identity("default") == Refusal(
        0,
        "Unreachable",
        f"The connection to the server {place} was refused"
        " - did you specify the right host or port?",
    )
    assert cluster.requests == {"GET": 1}
    nowhere = connect(ConnectionOptions(server="https://nowhere.invalid")).catalog()
    assert isinstance(nowhere, Refusal)
    assert nowhere.message.startswith("Unable to connect to the server: nowhere.invalid:443: ")


def test_a_context_without_a_server_is_named(write: Callable[..., Path]) -> None:
    write({}, cluster={"server": ""})
    with pytest.raises(GitopsError) as error:
        connect(NO_FLAGS)
    assert error.value.message == "context first leads to no server"


def test_a_proxy_of_the_environment_is_not_for_this_machine_itself(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert user(connect(NO_FLAGS)) == "admin"
    elsewhere = connect(ConnectionOptions(server="https://cluster.example.com")).server_version()
    assert elsewhere == NO_PROXY
    monkeypatch.setenv("NO_PROXY", "*")
    chosen = connect(ConnectionOptions(proxy_url="http://127.0.0.1:1")).server_version()
    assert chosen == NO_PROXY


def test_a_proxy_that_is_not_there_is_named(kubeconfig: Path) -> None:
    cluster = connect(ConnectionOptions(proxy_url="http://127.0.0.1:1"))
    assert cluster.server_version() == NO_PROXY


def test_inside_a_pod_its_service_account_is_used(
    control_plane: ControlPlane,
    token: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "token").write_text(token("reader"))
    (tmp_path / "namespace").write_text("shop")
    authority = str(Pki(control_plane.data / "pki").certificate("ca"))
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", authority)
    monkeypatch.setattr(library, "_NAMESPACE_FILE", tmp_path / "namespace")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", control_plane.url.rpartition(":")[2])
    cluster = connect(NO_FLAGS)
    assert (cluster.context, cluster.namespace) == ("in-cluster", "shop")
    assert user(cluster) == "system:serviceaccount:default:reader"
    assert user(connect(ConnectionOptions(token=token("other")))) == (
        "system:serviceaccount:default:other"
    )
    with pytest.raises(GitopsError) as error:
        connect(ConnectionOptions(context="prod"))
    assert error.value.message == 'context "prod" does not exist'
    (tmp_path / "token").write_text("expired")
    cluster = connect(NO_FLAGS)
    (tmp_path / "token").write_text(token("reader"))
    assert user(cluster) == "system:serviceaccount:default:reader"
    (tmp_path / "token").write_text("")
    with pytest.raises(GitopsError) as error:
        connect(NO_FLAGS)
    assert error.value.message == (
        "the service account of this Pod cannot be used: Token file exists but empty."
    )


def test_importing_the_package_loads_neither_kubernetes_nor_urllib3() -> None:
    code = "import sys, kubectl_gitops.cluster; print({'kubernetes', 'urllib3'} & set(sys.modules))"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "set()\n"


def test_credentials_that_stand_in_the_kubeconfig_load_no_library(
    write: Callable[..., Path],
    plugin: Callable[..., dict[str, Any]],
    token: Callable[[str], str],
) -> None:
    code = (
        "import sys; from kubectl_gitops.cluster import ConnectionOptions, connect; "
        "print(connect(ConnectionOptions()).identity('').user, 'kubernetes' in sys.modules)"
    )

    def printed() -> str:
        command = [sys.executable, "-c", code]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    reader = "system:serviceaccount:default:reader"
    write({"token": token("reader")})
    assert printed() == f"{reader} False\n"
    write(plugin({"token": token("reader")}))
    assert printed() == f"{reader} True\n"
