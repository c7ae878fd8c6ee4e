"""A cluster bound to a store, as most live tests need it: ours, and the two real tools beside it.

What the program says is checked against kubectl and git, never against its own code.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import dedent
from typing import Any

from tests.controlplane.certificates import Pki
from tests.controlplane.cluster import ControlPlane
from tests.faultproxy import FaultProxy, fault_proxy
from tests.git import git
from tests.program import Gitops, Run

__all__ = ["Bound", "bind", "config_map"]


@dataclass(frozen=True, slots=True)
class Bound:
    """A control plane, a store, and a Namespace that is the default one and the set's home."""

    program: Gitops
    plane: ControlPlane
    kubeconfig: Path
    repo: Path
    namespace: str

    def __call__(self, *arguments: str | Path, exit: int | None = 0, input: str = "") -> Run:
        """`kubectl gitops …` in this cluster."""
        env = {"KUBECONFIG": str(self.kubeconfig)}
        return self.program(*arguments, exit=exit, input=input, env=env)

    def apply(self, text: str, *arguments: str, exit: int | None = 0) -> Run:
        """`kubectl gitops apply -f -` of a manifest, which may be indented."""
        return self("apply", "-f", "-", *arguments, exit=exit, input=dedent(text))

    def kubectl(
        self, *arguments: str, input: str = "", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """The real kubectl in this cluster."""
        return self.plane.kubectl(*arguments, input=input, check=check, kubeconfig=self.kubeconfig)

    def live(self, name: str) -> dict[str, Any]:
        """A live object by `TYPE/NAME`, with its managedFields."""
        answer = self.kubectl("get", name, "-o", "json", "--show-managed-fields")
        body: dict[str, Any] = json.loads(answer.stdout)
        return body

    def there(self, *names: str) -> list[str]:
        """Those of some `TYPE/NAME` that the cluster has."""
        answer = self.kubectl("get", *names, "-o", "name", "--ignore-not-found")
        return answer.stdout.split()

    def files(self, commit: str = "main") -> dict[str, str]:
        """Every file of the branch."""
        paths = git(self.repo, "ls-tree", "-r", "--name-only", commit).splitlines()
        return {path: self.file(path, commit) for path in paths}

    def file(self, path: str, commit: str = "main") -> str:
        """One file of the branch."""
        return git(self.repo, "cat-file", "blob", f"{commit}:{path}") + "\n"

    @property
    def tip(self) -> str:
        """The commit of the branch."""
        return git(self.repo, "rev-parse", "main")

    def commit(
        self,
        edits: Mapping[str, str | None],
        message: str = "by hand",
        *,
        merge: str = "",
        when: str = "",
    ) -> str:
        """A commit that somebody makes with git; a text may be indented, None removes a file.

        `when` is seconds since the epoch and an offset: `1700000000 +0200`.
        """
        who = f"Grace Hopper <grace@example.com> {when or f'{time.time():.0f} +0000'}"
        lines = [f"author {who}", f"committer {who}"]
        head = ["commit refs/heads/main", *lines, _data(message), "from refs/heads/main^0"]
        merged = [f"merge {merge}"] if merge else []
        changes = [
            f"D {path}" if text is None else f"M 100644 inline {path}\n{_data(dedent(text))}"
            for path, text in edits.items()
        ]
        script = "\n".join([*head, *merged, *changes, ""])
        git(self.repo, "fast-import", "--quiet", input=script)
        return self.tip

    def elsewhere(self, kubeconfig: Path, plane: ControlPlane) -> Bound:
        """The same store and another cluster."""
        return replace(self, kubeconfig=kubeconfig, plane=plane)

    @contextmanager
    def counted(self) -> Iterator[tuple[list[bytes], str]]:
        """The first lines of requests that reach the API server by `--server` and this URL."""
        with self.proxied() as proxy:
            yield proxy.seen, proxy.url

    @contextmanager
    def proxied(self) -> Iterator[FaultProxy]:
        """A proxy in front of the API server, which commands reach by `--server`."""
        pki = Pki(self.plane.data / "pki")
        context = ssl.create_default_context(cafile=str(pki.certificate("ca")))
        context.load_cert_chain(pki.certificate("admin"), pki.key("admin"))
        with fault_proxy(self.plane.url, context) as proxy:
            yield proxy


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}"


def bind(
    program: Gitops, plane: ControlPlane, kubeconfig: Path, repo: Path, namespace: str
) -> Bound:
    """`init`, with a set that is called as the Namespace and lives in it."""
    bound = Bound(program, plane, kubeconfig, repo, namespace)
    bound("init", "--repo", repo, "--set", namespace, "--home-namespace", namespace)
    return bound


def config_map(namespace: str, name: str, **data: str) -> str:
    """The text of a ConfigMap."""
    lines = "".join(f"\n  {key}: {json.dumps(value)}" for key, value in data.items())
    return (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n"
        f"  namespace: {namespace}\ndata:{lines or ' {}'}\n"
    )
