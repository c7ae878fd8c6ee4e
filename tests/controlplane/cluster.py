"""A control plane of its own: real servers on free loopback ports, a private data directory.

Nothing of it outlives the process that started it. Logs stay in the data directory.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from tests.controlplane.certificates import Pki, write_pki
from tests.controlplane.servers import ControlPlaneError, PortTaken, Servers

__all__ = ["ControlPlane", "ControlPlaneError"]

STAGES = Path(__file__).with_name("stages.yaml")
KUBECTL = Path(sys.executable).with_name("kubectl")
NODE = "node-1"
# A user without any right until a test binds some to her or to her group.
ALICE, ALICE_GROUP = "alice", "developers"


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A running control plane, and what a test needs to talk to it."""

    name: str
    data: Path
    url: str
    etcd: str
    servers: Servers
    http: urllib.request.OpenerDirector

    @classmethod
    def start(
        cls,
        data: Path,
        programs: Path,
        *,
        name: str = "controlplane",
        controllers: bool = True,
        nodes: bool = True,
    ) -> Self:
        """Start it below `data`, which must not hold one; return when it is ready for use.

        `controllers` adds the controller manager, `nodes` (which needs it) a scheduler and a Node
        on which Pods become ready at once and Jobs complete. Raises `ControlPlaneError`.
        """
        try:
            return cls._start(data, programs, name, controllers or nodes, nodes)
        except PortTaken:
            return cls._start(data, programs, name, controllers or nodes, nodes)

    @classmethod
    def _start(cls, data: Path, programs: Path, name: str, controllers: bool, nodes: bool) -> Self:
        plane = cls._prepare(data, programs, name)
        try:
            plane._start_servers(controllers, nodes)
        except BaseException:
            plane.stop()
            raise
        return plane

    @classmethod
    def _prepare(cls, data: Path, programs: Path, name: str) -> Self:
        port, etcd_port = _free_ports()
        url, etcd = f"https://127.0.0.1:{port}", f"http://127.0.0.1:{etcd_port}"
        pki = write_pki(data / "pki")
        tokens = {ALICE: secrets.token_hex(16)}
        rows = [f"{token},{user},{user},{ALICE_GROUP}\n" for user, token in tokens.items()]
        (data / "tokens.csv").write_text("".join(rows))
        _write_kubeconfig(data / "admin.kubeconfig", name, url, pki, "admin", _certificate(pki))
        for user, token in tokens.items():
            _write_kubeconfig(data / f"{user}.kubeconfig", name, url, pki, user, {"token": token})
        return cls(name, data, url, etcd, Servers.start(programs, data / "logs"), _opener(pki))

    @property
    def kubeconfig(self) -> Path:
        """The administrator's (client certificate, group system:masters)."""
        return self.kubeconfig_of("admin")

    def kubeconfig_of(self, user: str) -> Path:
        """`admin`, or `alice` (bearer token, group developers, no rights)."""
        return self.data / f"{user}.kubeconfig"

    @property
    def uid(self) -> str:
        """The UID of the kube-system Namespace: what the cluster is known by."""
        uid: str = self.request("GET", "/api/v1/namespaces/kube-system")["metadata"]["uid"]
        return uid

    def kubectl(
        self,
        *arguments: str,
        input: str = "",
        check: bool = True,
        kubeconfig: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run the real kubectl, as the administrator unless another kubeconfig is given."""
        answer = subprocess.run(
            [str(KUBECTL), *arguments],
            input=input,
            env={**os.environ, **(env or {}), "KUBECONFIG": str(kubeconfig or self.kubeconfig)},
            check=False,
            capture_output=True,
            text=True,
        )
        if check and answer.returncode != 0:
            said = f"kubectl {' '.join(arguments)}: exit {answer.returncode}\n{answer.stderr}"
            raise AssertionError(said)
        return answer

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """One request as the administrator, without a process; the decoded JSON answer.

        Raises `urllib.error.HTTPError` where the API server refuses.
        """
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
        )
        with self.http.open(request, timeout=30) as answer:
            return json.load(answer)

    def create_namespace(self, name: str) -> None:
        """Create it and wait for its ServiceAccount, without which no Pod is admitted."""
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        self.request("POST", "/api/v1/namespaces", namespace)
        account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
        self.servers.until(lambda: self._exists(account), f"{name} has its ServiceAccount")

    def delete_namespace(self, name: str) -> None:
        """Mark it for deletion, if the test has not; the controllers do the rest in their time."""
        try:
            self.request("DELETE", f"/api/v1/namespaces/{name}")
        except urllib.error.HTTPError as error:
            if error.code not in (404, 409):
                raise

    @contextmanager
    def paused(self, program: str = "kube-apiserver") -> Iterator[None]:
        """A server that hangs: it keeps its connections and answers nothing."""
        process = self.servers.running[program]
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def check(self) -> None:
        """Raise `ControlPlaneError` where a server has ended."""
        self.servers.check()

    def stop(self) -> None:
        self.servers.stop()

    def _start_servers(self, controllers: bool, nodes: bool) -> None:
        pki, servers = Pki(self.data / "pki"), self.servers
        servers.spawn("etcd", *self._etcd_flags())
        servers.spawn("kube-apiserver", *self._apiserver_flags(pki))
        servers.until(self._ready, "the API server is ready")
        if controllers:
            servers.spawn("kube-controller-manager", *self._controller_flags(pki))
            account = "/api/v1/namespaces/default/serviceaccounts/default"
            servers.until(lambda: self._exists(account), "the default ServiceAccount exists")
        if nodes:
            self._create_node()
            servers.spawn("kube-scheduler", *self._client_flags(), "--secure-port=0")
            servers.spawn("kwok", *self._kwok_flags())
            servers.until(self._schedulable, "the Node takes Pods")

    def _ready(self) -> bool:
        try:
            with self.http.open(f"{self.url}/readyz", timeout=5):
                return True
        except OSError:  # not listening yet, or a 500 that lists what is not ready
            return False

    def _exists(self, path: str) -> bool:
        try:
            self.request("GET", path)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return False
            raise
        return True

    def _create_node(self) -> None:
        labels = {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux"}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE, "labels": labels}}
        self.request("POST", "/api/v1/nodes", node)

    def _schedulable(self) -> bool:
        """True once the node controller took its not-ready taint away."""
        return "taints" not in self.request("GET", f"/api/v1/nodes/{NODE}")["spec"]

    def _etcd_flags(self) -> list[str]:
        return [
            f"--data-dir={self.data / 'etcd'}",
            f"--listen-client-urls={self.etcd}",
            f"--advertise-client-urls={self.etcd}",
            "--listen-peer-urls=http://127.0.0.1:0",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _apiserver_flags(self, pki: Pki) -> list[str]:
        return [
            f"--etcd-servers={self.etcd}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.url.rpartition(':')[2]}",
            f"--cert-dir={pki.directory}",
            f"--tls-cert-file={pki.certificate('server')}",
            f"--tls-private-key-file={pki.key('server')}",
            f"--client-ca-file={pki.certificate('ca')}",
            f"--token-auth-file={self.data / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--allow-privileged=true",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={pki.account_key}",
            f"--service-account-signing-key-file={pki.key('sa')}",
            "--endpoint-reconciler-type=none",
        ]

    def _controller_flags(self, pki: Pki) -> list[str]:
        return [
            *self._client_flags(),
            "--secure-port=0",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            f"--root-ca-file={pki.certificate('ca')}",
            f"--service-account-private-key-file={pki.key('sa')}",
        ]

    def _kwok_flags(self) -> list[str]:
        return [
            f"--kubeconfig={self.kubeconfig}",
            f"--config={STAGES}",
            "--manage-all-nodes=true",
            # Without a Lease that is renewed the Node takes no Pods any more after 50 seconds.
            "--node-lease-duration-seconds=40",
        ]

    def _client_flags(self) -> list[str]:
        return [f"--kubeconfig={self.kubeconfig}", "--leader-elect=false"]


def _free_ports() -> tuple[int, int]:
    """Two different ports: both sockets are open while the kernel chooses."""
    with socket.socket() as first, socket.socket() as second:
        for taken in (first, second):
            taken.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


def _opener(pki: Pki) -> urllib.request.OpenerDirector:
    context = ssl.create_default_context(cafile=str(pki.certificate("ca")))
    context.load_cert_chain(pki.certificate("admin"), pki.key("admin"))
    no_proxy = urllib.request.ProxyHandler({})
    return urllib.request.build_opener(no_proxy, urllib.request.HTTPSHandler(context=context))


def _certificate(pki: Pki) -> dict[str, str]:
    return {
        "client-certificate-data": _encoded(pki.certificate("admin")),
        "client-key-data": _encoded(pki.key("admin")),
    }


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _write_kubeconfig(
    path: Path, name: str, url: str, pki: Pki, user: str, credentials: Mapping[str, str]
) -> None:
    cluster = {"server": url, "certificate-authority-data": _encoded(pki.certificate("ca"))}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": user, "user": dict(credentials)}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config, sort_keys=False))
