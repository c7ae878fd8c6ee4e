"""What passes the dry-run and is refused all the same: the branch gets its content back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.git import git
from tests.place import Place

FORBIDDING = "a policy that looks at real writes only"


def settings(name: str = "settings", **data: str) -> str:
    metadata = {"name": name}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    return json.dumps(body, indent=1) + "\n"


def service(name: str, node_port: int) -> str:
    ports = [{"port": 80, "nodePort": node_port}]
    spec = {"type": "NodePort", "selector": {"app": name}, "ports": ports}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}
    return json.dumps(body) + "\n"


@pytest.fixture
def policy(place: Place) -> Iterator[None]:
    """In this Namespace no real write may make a ConfigMap's data `bad`; a dry-run may."""
    name = f"refuses-in-{place.namespace}"
    group = "admissionregistration.k8s.io/v1"
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["configmaps"],
    }
    allows = "request.dryRun || !has(object.data) || !('bad' in object.data)"
    spec: dict[str, Any] = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": allows, "message": FORBIDDING}],
    }
    here = {"matchLabels": {"kubernetes.io/metadata.name": place.namespace}}
    binding = {
        "policyName": name,
        "validationActions": ["Deny"],
        "matchResources": {"namespaceSelector": here},
    }
    for kind, content in (
        ("ValidatingAdmissionPolicy", spec),
        ("ValidatingAdmissionPolicyBinding", binding),
    ):
        body = {"apiVersion": group, "kind": kind, "metadata": {"name": name}, "spec": content}
        place.kubectl("create", "-f", "-", input=json.dumps(body))
    _until_it_refuses(place)
    yield
    for kind in ("validatingadmissionpolicybindings", "validatingadmissionpolicies"):
        place.kubectl("delete", kind, name)


def _until_it_refuses(place: Place) -> None:
    """The API server takes a moment to obey a new policy."""
    deadline = time.monotonic() + 30
    probe = settings("probe", bad="yes")
    while place.kubectl("create", "-f", "-", input=probe, check=False):
        place.kubectl("delete", "cm", "probe")
        assert time.monotonic() < deadline, "the policy is not obeyed"
        time.sleep(0.2)


def restored(place: Place) -> str:
    """The talk after a refusal whose former content is back in the branch."""
    ours, after = (place.git("rev-parse", "--short=7", name) for name in ("main~", "main"))
    return (
        f"kubectl-gitops: committed {ours} to main of {place.url}\n"
        f"kubectl-gitops: the branch holds the former content again (commit {after}), because the "
        "cluster refused the new one\n"
    )


def in_sync(place: Place) -> bool:
    """No pull is needed: branch and cluster agree, and `pull` finds nothing to do."""
    before = place.state()
    assert place.gitops("status").exit == 0
    assert place.gitops("diff").stdout == ""
    return place.state() == before


def test_a_refused_update_is_taken_back_in_one_commit(place: Place, policy: None) -> None:
    place.apply(settings(title="Shop"))
    base, files = place.tip, place.files()
    run = place.apply(
        settings(title="Shop", bad="yes") + "---\n" + settings("other", a="b"), exit=1
    )
    at = place.namespace
    assert run.stdout == "configmap/other created\n"
    head, rest = run.stderr.split("\n", 1)
    assert head.startswith(f"error: configmap/{at}/settings: ")
    assert FORBIDDING in head
    assert rest == restored(place)
    restoring, applied = place.subjects(base)
    assert applied == f"apply 2 resources in {at}"
    assert restoring.startswith(f"restore configmap/{at}/settings: refused: ")
    assert "Gitops-Operation: restore\n" in place.message()
    assert f"Gitops-Resource: configmap/{at}/settings" in place.message()
    assert place.files() == {
        **files,
        f"{at}/configmap/other.yaml": place.git("show", f"main:{at}/configmap/other.yaml"),
    }
    assert place.live("cm/settings")["data"] == {"title": "Shop"}
    assert in_sync(place)


def test_a_refused_creation_leaves_the_branch_again(place: Place, policy: None) -> None:
    place.apply(settings("other", a="b"))
    files = place.files()
    run = place.apply(settings(bad="yes"), exit=1)
    assert (run.stdout, run.stderr.split("\n", 1)[1]) == ("", restored(place))
    assert place.files() == files
    assert place.live("cm/settings") == {}
    history = place.gitops("history", "cm/settings", "-o", "json").json["items"]
    assert [revision["operation"] for revision in history] == ["restore", "apply"]
    assert in_sync(place)


def test_what_was_unrecorded_is_restored_to_what_was_recorded(place: Place, policy: None) -> None:
    place.kubectl("create", "configmap", "settings", "--from-literal=title=Shop")
    base = place.tip
    place.apply(settings(title="Shop", bad="yes"), exit=1)
    assert [subject.split()[0] for subject in place.subjects(base)] == [
        "restore",
        "apply",
        "record",
    ]
    (after,), (before,) = place.files().values(), place.files("main~2").values()
    assert yaml.safe_load(after) == yaml.safe_load(before)
    assert place.live("cm/settings")["data"] == {"title": "Shop"}


def test_where_the_cluster_is_not_as_the_branch_was_nothing_is_taken_back(
    place: Place, policy: None
) -> None:
    """The former content would be a change of what somebody else did since: a person decides."""
    place.apply(settings(title="Shop"))
    place.kubectl("patch", "cm", "settings", "-p", '{"data":{"title":"theirs"}}')
    base = place.tip
    run = place.apply(settings(title="Store", bad="yes"), "--force-conflicts", exit=4)
    assert len(place.subjects(base)) == 1
    assert run.stdout == ""
    assert run.stderr.endswith(
        f"{place.committed}"
        "error: the branch is ahead of the cluster: not everything is known to be applied\n"
        "hint: kubectl gitops pull\n"
    )
    assert place.live("cm/settings")["data"] == {"title": "theirs"}


def test_a_branch_of_two_clusters_is_not_taken_back_by_one(
    place: Place, policy: None, tmp_path: Path
) -> None:
    place.apply(settings(title="Shop"))
    git(tmp_path, "clone", "--quiet", str(place.repo), "clone")
    file = tmp_path / "clone" / ".gitops.toml"
    text = file.read_text()
    file.write_text(text.replace("[clusters]\n", '[clusters]\n"another-uid" = "another"\n'))
    git(tmp_path / "clone", "commit", "--quiet", "-am", "another cluster")
    git(tmp_path / "clone", "push", "--quiet")
    base = place.tip
    place.apply(settings(title="Shop", bad="yes"), exit=4)
    assert len(place.subjects(base)) == 1
    assert place.live("cm/settings")["data"] == {"title": "Shop"}


def test_a_quota_that_counts_lets_in_what_fits(place: Place) -> None:
    """A dry-run of each alone passes: only the writes are counted."""
    place.apply(settings("one", a="b"))
    place.kubectl("create", "quota", "few", "--hard=count/configmaps=4")
    deadline = time.monotonic() + 20
    while place.live("quota/few").get("status", {}).get("used") is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    run = place.apply(settings("two", a="b") + "---\n" + settings("three", a="b"), exit=1)
    left = [name for name in ("two", "three") if place.live(f"cm/{name}")]
    assert len(left) == 1
    assert run.stdout == f"configmap/{left[0]} created\n"
    assert "exceeded quota: few" in run.stderr
    assert run.stderr.endswith(restored(place))
    at = place.namespace
    assert sorted(place.files()) == sorted(
        [f"{at}/configmap/one.yaml", f"{at}/configmap/{left[0]}.yaml"]
    )
    assert in_sync(place)


def test_a_node_port_that_two_of_one_command_want(place: Place) -> None:
    run = place.apply(service("a", 32111) + "---\n" + service("b", 32111), exit=1)
    assert "provided port is already allocated" in run.stderr
    assert run.stderr.endswith(restored(place))
    assert len(place.files()) == 1
    assert in_sync(place)


def test_a_resource_that_etcd_finds_too_large(place: Place) -> None:
    """A custom resource is measured by the storage only, which says 500 and means it."""
    mark = place.namespace.removeprefix("test-")
    plural, kind = f"pages{mark}", f"Page{mark}"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
    }
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind},
            "versions": [version],
        },
    }
    place.apply(json.dumps(definition))
    page = {
        "apiVersion": "example.com/v1",
        "kind": kind,
        "metadata": {"name": "long"},
        "spec": {"text": "x" * 1_572_600},
    }
    # Just within what a manifest may be; the server's own additions make it too large for etcd.
    run = place.apply(json.dumps(page), exit=1)
    assert "request is too large" in run.stderr
    assert run.stderr.endswith(restored(place))
    assert in_sync(place)
    place.gitops("delete", f"crd/{plural}.example.com")
