"""What real projects publish, pulled from nothing to healthy, upgraded with prunes, and healed.

The control plane is the module's own: webhooks without a server stay behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.bound import Bound
from tests.conftest import CACHE, OUTSIDE
from tests.controlplane.build import find
from tests.controlplane.cluster import ControlPlane
from tests.git import init_bare
from tests.program import Gitops
from tests.real_manifests import FOLDER

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no real manifests beside the checkout")

# Files that need what is not among the others.
WITHOUT = {"knative-eventing": ("3-eventing-tls-networking.yaml",), "kube-prometheus": ()}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    data = tmp_path_factory.mktemp("real-pull")
    plane = ControlPlane.start(data, find(CACHE, OUTSIDE), name="real")
    yield plane
    plane.stop()


def published(project: str) -> dict[str, str]:
    """The texts of a project, by path, without what the server would have to name."""
    texts = {}
    for path in sorted((FOLDER / project).rglob("*.yaml")):
        if path.name in WITHOUT[project]:
            continue
        documents = path.read_text().split("\n---\n")
        named = [text for text in documents if "\n  generateName:" not in text]
        texts[str(path.relative_to(FOLDER))] = "\n---\n".join(named)
    if project == "knative-eventing":  # its definitions stand in two files
        texts = {path: text for path, text in texts.items() if "1-eventing-crds" not in path}
    return texts


def begun(plane: ControlPlane, gitops: Gitops, directory: Path, project: str) -> Bound:
    """A branch that somebody has pushed the manifests to, and an empty set."""
    repo = init_bare(directory / f"{project}.git")
    bound = Bound(gitops, plane, plane.kubeconfig, repo, "default")
    bound("init", "--repo", repo, "--set", project, "--name", project)
    bound.commit(dict(published(project)))
    return bound


def pulled(bound: Bound, project: str, *flags: str) -> list[str]:
    """What a pull that waits did with each resource."""
    run = bound("pull", "--target", project, "--wait", "--timeout", "100s", *flags)
    return [line.rpartition(" ")[2] for line in run.stdout.splitlines()]


def states(bound: Bound, project: str) -> set[tuple[str, str]]:
    items = bound("status", "--target", project, "-o", "json").json["items"]
    return {(item["state"], item["health"]) for item in items}


def count(texts: dict[str, str]) -> int:
    """How many resources some files hold."""
    read = (body for text in texts.values() for body in yaml.load_all(text, yaml.CBaseLoader))
    return sum(len(body.get("items", [body])) for body in read if body)


# (what is done, to what): the first word is kubectl's.
DRIFT = """
scale deployment/grafana --replicas=3
set image deployment/kube-state-metrics kube-state-metrics=evil:1
set env deployment/prometheus-operator DEBUG=1
set resources deployment/grafana --limits=cpu=1
label deployment/grafana app.kubernetes.io/version=0 --overwrite
annotate daemonset/node-exporter team=x
set image daemonset/node-exporter node-exporter=evil:1
delete deployment/prometheus-adapter
delete configmap/grafana-dashboard-alertmanager-overview
delete service/alertmanager-main
delete serviceaccount/grafana
delete prometheusrule/node-exporter-rules
delete networkpolicy/grafana
delete clusterrolebinding/prometheus-k8s
patch service/grafana --type=json -p [{"op":"replace","path":"/spec/ports/0/port","value":99}]
patch configmap/adapter-config -p {"data":{"config.yaml":"x"}}
patch secret/alertmanager-main -p {"stringData":{"alertmanager.yaml":"x"}}
patch clusterrole/prometheus-k8s --type=json -p [{"op":"remove","path":"/rules/0"}]
patch prometheus/k8s --type=merge -p {"spec":{"replicas":9}}
patch servicemonitor/grafana --type=merge -p {"spec":{"endpoints":[]}}
label service/prometheus-k8s applyset.kubernetes.io/part-of-
patch poddisruptionbudget/prometheus-k8s -p {"spec":{"minAvailable":2}}
"""


def test_kube_prometheus_is_pulled_upgraded_and_healed(
    plane: ControlPlane,
    gitops: Gitops,
    tmp_path: Path,
    key_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KUBECTL_GITOPS_KEY_FILE", str(key_file))
    project = "kube-prometheus"
    bound = begun(plane, gitops, tmp_path, project)
    texts = published(project)
    assert pulled(bound, project) == ["created"] * count(texts)
    assert states(bound, project) == {("InSync", "Current")}

    gone = {path: text for path, text in texts.items() if "/blackboxExporter-" in path}
    newer = {path: text.replace("13.1.3", "13.2.0") for path, text in texts.items()}
    changed = {path: newer[path] for path in texts if newer[path] != texts[path]}
    bound.commit({**changed, **dict.fromkeys(gone)})
    done = pulled(bound, project)
    assert done.count("deleted") == count(gone)
    assert 0 < done.count("configured") <= count(changed)
    assert len(done) == done.count("deleted") + done.count("configured")
    assert states(bound, project) == {("InSync", "Current")}

    ways = DRIFT.strip().splitlines()
    assert len(ways) >= 20
    for way in ways:
        bound.kubectl(*way.split(" "), "-n", "monitoring")
    drifted = bound("status", "--target", project, "-o", "json", exit=1).json["items"]
    # Two only add what the branch does not say, and two are about one Deployment.
    assert sum(item["state"] != "InSync" for item in drifted) >= len(ways) - 4
    healed = pulled(bound, project)
    assert {"created", "configured"} == set(healed)
    assert states(bound, project) == {("InSync", "Current")}
    assert pulled(bound, project) == []


def test_knative_is_pulled_and_upgraded(
    plane: ControlPlane, gitops: Gitops, tmp_path: Path
) -> None:
    project = "knative-eventing"
    bound = begun(plane, gitops, tmp_path, project)
    texts = published(project)
    assert pulled(bound, project) == ["created"] * count(texts)
    assert {state for state, _ in states(bound, project)} == {"InSync"}
    gone = [path for path in texts if "5-mt-channel-broker" in path]
    core = next(path for path in texts if "2-eventing-core" in path)
    newer = texts[core].replace(
        "terminationGracePeriodSeconds: 300", "terminationGracePeriodSeconds: 60"
    )
    assert newer != texts[core]
    bound.commit({core: newer, **dict.fromkeys(gone)})
    done = pulled(bound, project)
    assert done.count("deleted") == count({path: texts[path] for path in gone})
    assert done.count("configured") == len(done) - done.count("deleted") > 0
    assert pulled(bound, project) == []
