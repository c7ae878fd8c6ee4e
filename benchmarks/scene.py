"""Where the measurements happen: an API server near and far, files of manifests, processes."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from tests.controlplane.cluster import ControlPlane

__all__ = ["Command", "Scene", "Taken", "config_map", "far_away", "open_scene", "secret"]

Command = Sequence[str]
BIN = Path(sys.executable).parent
KIB = 1024


@dataclass(frozen=True, slots=True)
class Taken:
    """What one process took: seconds on the wall clock, and MiB of memory at its highest."""

    seconds: float
    memory: float


@dataclass(frozen=True, slots=True)
class Scene:
    """A directory, the environment that every process gets, and the peers that were built."""

    directory: Path
    environment: dict[str, str]
    peers: dict[str, Path]

    def run(self, command: Command) -> Taken:
        """One process to its end; a failure (for diff: more than a difference) ends the run."""
        with (self.directory / "said").open("w+") as said:
            begun = time.perf_counter()
            process = subprocess.Popen(
                [*command],
                env=self.environment,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
            )
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - begun
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode not in (0, 1 if "diff" in command else 0):
                said.seek(0)
                sys.exit(f"{' '.join(command)}: exit {process.returncode}\n{said.read()}")
        return Taken(seconds, usage.ru_maxrss / KIB)

    def manifests(self, word: str, count: int, namespace: str = "") -> str:
        """A file of ConfigMaps, all of them changed by another word."""
        file = self.directory / f"{word}-{count}{namespace}.yaml"
        if not file.exists():
            file.write_text("---\n".join(config_map(n, word, namespace) for n in range(count)))
        return str(file)

    def secrets(self, count: int, namespace: str) -> str:
        """A file of Secrets."""
        file = self.directory / f"secrets-{count}{namespace}.yaml"
        if not file.exists():
            file.write_text("---\n".join(secret(n, namespace) for n in range(count)))
        return str(file)

    def chart(self, word: str, count: int) -> str:
        """The same as a chart for Helm."""
        chart = self.directory / f"chart-{word}-{count}"
        if not chart.exists():
            (chart / "templates").mkdir(parents=True)
            (chart / "Chart.yaml").write_text("apiVersion: v2\nname: bench\nversion: 0.1.0\n")
            text = Path(self.manifests(word, count)).read_text()
            (chart / "templates" / "all.yaml").write_text(text)
        return str(chart)


def config_map(number: int, word: str, namespace: str = "") -> str:
    """One small manifest."""
    place = f"\n  namespace: {namespace}" if namespace else ""
    return f"""\
apiVersion: v1
kind: ConfigMap
metadata:
  name: bench-{number:05d}{place}
  labels: {{app: bench}}
data:
  number: "{number}"
  text: |
    one line
    {word}
"""


def secret(number: int, namespace: str) -> str:
    """One small Secret, its two values in base64."""
    return f"""\
apiVersion: v1
kind: Secret
metadata:
  name: bench-{number:05d}
  namespace: {namespace}
  labels: {{app: bench}}
data:
  user: {base64.b64encode(b"user-%d" % number).decode()}
  password: {base64.b64encode(b"password-of-number-%d" % number).decode()}
"""


def open_scene(directory: Path, plane: ControlPlane, peers: dict[str, Path]) -> Scene:
    """A home of its own, the programs of this environment first."""
    environment = {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(directory),
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "KUBECONFIG": str(plane.kubeconfig),
        "KUBECTL_APPLYSET": "true",
        **{f"GIT_{who}_NAME": "Ada Lovelace" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "ada@example.com" for who in ("AUTHOR", "COMMITTER")},
    }
    return Scene(directory, environment, peers)


@contextmanager
def far_away(scene: Scene, plane: ControlPlane, milliseconds: int) -> Iterator[Scene]:
    """The same cluster, so much further away."""
    url = urlsplit(plane.url)
    command = [sys.executable, "-m", "benchmarks.proxy", str(url.hostname), str(url.port)]
    with subprocess.Popen(
        [*command, str(milliseconds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as proxy:
        assert proxy.stdout is not None
        far = scene.directory / "far.kubeconfig"
        port = proxy.stdout.readline().strip()
        near = plane.kubeconfig.read_text()
        far.write_text(near.replace(plane.url, f"https://{url.hostname}:{port}"))
        yield replace(scene, environment={**scene.environment, "KUBECONFIG": str(far)})
        proxy.terminate()
