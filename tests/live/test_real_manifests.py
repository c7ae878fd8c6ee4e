"""What real projects publish: applied, applied again, pulled elsewhere, and read by plain kubectl.

The clusters are the module's own. These manifests leave webhooks without a server and an aggregated
API without one behind, which nobody else's tests should have to live with.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.bound import Bound
from tests.conftest import CACHE, OUTSIDE
from tests.controlplane.build import find
from tests.controlplane.cluster import ControlPlane
from tests.git import git
from tests.program import Gitops, Run
from tests.real_manifests import FOLDER

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no real manifests beside the checkout")

WRITES = (b"PATCH ", b"POST ", b"PUT ", b"DELETE ")
# Its controller writes down every 15 seconds that there are no metrics.
RESTLESS = "HorizontalPodAutoscaler.autoscaling"


@pytest.fixture(scope="module")
def planes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., ControlPlane]]:
    """Control planes by name, started when first asked for."""
    started: dict[str, ControlPlane] = {}

    def plane(name: str, **parts: bool) -> ControlPlane:
        if name not in started:
            data = tmp_path_factory.mktemp(name)
            started[name] = ControlPlane.start(data, find(CACHE, OUTSIDE), name=name, **parts)
        return started[name]

    yield plane
    for one in started.values():
        one.stop()


@dataclass(frozen=True, slots=True)
class Project:
    """A folder of manifests, which files need what is not among them, what stands there twice."""

    name: str
    without: tuple[str, ...] = ()
    twice: int = 0

    def copied(self, directory: Path) -> Path:
        """The folder without those files, and without what the server would have to name."""
        target = directory / self.name
        shutil.copytree(FOLDER / self.name, target)
        for name in self.without:
            (target / name).unlink()
        for path in target.glob("*.yaml"):
            documents = path.read_text().split("\n---\n")
            named = [text for text in documents if "\n  generateName:" not in text]
            path.write_text("\n---\n".join(named))
        return target


PROJECTS = [
    Project("online-boutique"),
    Project("knative-eventing", ("3-eventing-tls-networking.yaml",), twice=17),
    Project("kube-prometheus"),
]


def versions(bound: Bound, kinds: str) -> dict[str, str]:
    """The resourceVersion of every member of a set."""
    flags = ["-A", "-l", "applyset.kubernetes.io/part-of", "-o", "json"]
    found = json.loads(bound.kubectl("get", kinds, *flags).stdout)["items"]
    return {
        name_of(body): body["metadata"]["resourceVersion"]
        for body in found
        if kind_of(body) != RESTLESS
    }


def resources(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """The resources in files, each once, whatever a plain `=` may mean to YAML 1.1."""
    read = (body for path in paths for body in yaml.load_all(path.read_text(), yaml.CBaseLoader))
    items = (item for body in read if body for item in body.get("items", [body]))
    return list({name_of(item): item for item in items}.values())


def kind_of(body: dict[str, Any]) -> str:
    group, slash, _ = body["apiVersion"].rpartition("/")
    return f"{body['kind']}.{group}" if slash else body["kind"]


def name_of(body: dict[str, Any]) -> str:
    metadata = body["metadata"]
    return f"{kind_of(body)}/{metadata.get('namespace', '')}/{metadata['name']}"


def quiet(look: Callable[[], dict[str, str]]) -> dict[str, str]:
    """What is live once the controllers have done their part."""
    before, deadline = look(), time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(2)
        now = look()
        if now == before:
            return now
        before = now
    raise AssertionError("the controllers do not come to rest")


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_it_is_applied_from_nothing_and_makes_a_second_cluster(
    project: Project,
    planes: Callable[..., ControlPlane],
    gitops: Gitops,
    bare_repo: Path,
    key_file: Path,
    tmp_path: Path,
) -> None:
    plane, other = planes("first"), planes("second", nodes=False)
    first = Bound(gitops, plane, plane.kubeconfig, bare_repo, "default")
    second = first.elsewhere(other.kubeconfig, other)
    flags = ["--repo", str(bare_repo), "--key-file", str(key_file)]
    folder = project.copied(tmp_path)
    wanted = resources(folder.rglob("*.yaml"))
    apply = ["apply", "-R", "-f", folder, *flags]

    first("init", *flags, "--set", project.name)
    run = first(*apply)
    assert verbs(run) == ["created"] * len(wanted)
    assert run.stderr.count("given twice") == project.twice
    assert states(first, flags) == ["InSync"] * len(wanted)

    tip = first.tip
    look = partial(versions, first, ",".join(sorted({kind_of(body) for body in wanted})))
    before = quiet(look)
    with first.counted() as (requests, url):
        assert verbs(first(*apply, "--server", url)) == ["unchanged"] * len(wanted)
        assert first("pull", *flags, "--server", url).stdout == ""
    assert [line for line in requests if is_write(line)] == []
    assert (first.tip, look()) == (tip, before)

    second("init", *flags, "--adopt-store", "--replace")
    assert verbs(second("pull", *flags)) == ["created"] * len(wanted)
    assert states(second, flags) == ["InSync"] * len(wanted)
    with second.counted() as (requests, url):
        assert second("pull", *flags, "--server", url).stdout == ""
    assert [line for line in requests if is_write(line)] == []

    apply_twice_with_plain_kubectl(planes("plain", controllers=False, nodes=False), first)


def verbs(run: Run) -> list[str]:
    """What was done with each resource."""
    return [line.rpartition(" ")[2] for line in run.stdout.splitlines()]


def is_write(line: bytes) -> bool:
    asks = b"dryRun=All" in line or b"selfsubjectreviews" in line
    return line.startswith(WRITES) and not asks


def states(bound: Bound, flags: list[str]) -> list[str]:
    items = bound("status", "-o", "json", *flags).json["items"]
    return [item["state"] for item in items]


def apply_twice_with_plain_kubectl(plane: ControlPlane, bound: Bound) -> None:
    """The first time its CRs may come before their CRDs; sealed Secrets are refused, as meant."""
    clone = bound.repo.with_name("clone")
    git(bound.repo, "clone", "--quiet", str(bound.repo), str(clone))
    for path in clone.rglob("secret/*.yaml"):
        path.unlink()
    command = ["apply", "--server-side", "--recursive", "--filename", str(clone)]
    plane.kubectl(*command, check=False)
    plane.kubectl(*command)


def test_knative_as_it_is_published_is_refused_whole(
    planes: Callable[..., ControlPlane], gitops: Gitops, bare_repo: Path, key_file: Path
) -> None:
    plane = planes("second", nodes=False)
    bound = Bound(gitops, plane, plane.kubeconfig, bare_repo, "default")
    flags = ["--repo", str(bare_repo), "--key-file", str(key_file)]
    bound("init", *flags, "--set", "knative-whole")
    tip = bound.tip
    folder = FOLDER / "knative-eventing"
    run = bound("apply", "-f", folder, *flags, exit=1)
    assert run.stdout == ""
    file = folder / "3-eventing-tls-networking.yaml"
    missing = "".join(
        f'resource mapping not found for name: "{body["metadata"]["name"]}" namespace: '
        f'"knative-eventing" from "{file}": no matches for kind "Certificate" in '
        'version "cert-manager.io/v1"; ensure CRDs are installed first\n'
        for body in resources([file])
        if body["kind"] == "Certificate"
    )
    assert run.stderr == (
        f"error: {missing}"
        "from storage-version-migration-eventing-: cannot use generate name with apply "
        f"({folder / '6-eventing-post-install.yaml'}, line 174)\n"
        "hint: kubectl api-resources\n"
    )
    assert bound.tip == tip
    # What is written first of all, the parent of the set, is not there.
    assert bound.there("configmap/kubectl-gitops-knative-whole") == []
