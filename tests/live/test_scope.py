"""Who pulls, and how far: impersonation, and the scope, which no file of the branch widens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_gitops.catalog import Catalog
from kubectl_gitops.cluster import ConnectionOptions, connect
from kubectl_gitops.plan import Action, Change, Plan, Result
from kubectl_gitops.ports import Refusal
from kubectl_gitops.reconcile import Execution, Rules, execute
from kubectl_gitops.resource import ResourceId
from kubectl_gitops.settings import parse_store_settings
from tests.bound import Bound, config_map

SERVICE_ACCOUNT = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot}\n"


def test_who_acts_as_another_has_the_rights_of_that_one_only(bound: Bound) -> None:
    space = bound.namespace
    bound.kubectl(
        "create", "role", "maps", "--verb=get,list,watch,create,patch", "--resource=configmaps"
    )
    bound.kubectl("create", "rolebinding", "maps", "--role=maps", "--user=robot")
    spaces = ["create", "role", "spaces", "--verb=get", "--resource=namespaces"]
    bound.kubectl(*spaces)
    bound.kubectl("create", "rolebinding", "spaces", "--role=spaces", "--user=robot")
    home = f'"{bound.live(f"namespace/{space}")["metadata"]["uid"]}" = "as seen by robot"'
    settings = bound.file(".gitops.toml").replace("[clusters]\n", f"[clusters]\n{home}\n")
    bound.commit({".gitops.toml": settings, "a.yaml": config_map(space, "a", x="1")})
    assert bound("pull", "--as", "robot").stdout == "configmap/a created\n"
    bound.commit({"sa.yaml": SERVICE_ACCOUNT.replace("robot", f"robot, namespace: {space}")})
    run = bound("pull", "--as", "robot", exit=1)
    assert (run.stdout, "serviceaccounts" in run.stderr, "robot" in run.stderr) == ("", True, True)
    assert bound.there("serviceaccount/robot") == []


@pytest.mark.parametrize("flags", [["--as", ""], ["--as-group", "admins"]])
def test_nobody_is_not_an_identity(bound: Bound, flags: list[str]) -> None:
    """Or the rights would be those of whoever runs it."""
    run = bound("pull", *flags, exit=None)
    assert run.exit in (1, 2)
    assert run.stdout == ""
    assert "error:" in run.stderr


def test_what_a_file_says_outside_of_the_scope_is_not_applied(bound: Bound) -> None:
    space, other = bound.namespace, f"{bound.namespace}-other"
    bound.kubectl("create", "namespace", other)
    try:
        scope = f'\n[scope]\nnamespaces = ["{space}"]\nselector = "team=shop"\n'
        ours = config_map(space, "a", x="1").replace("\ndata:", "\n  labels: {team: shop}\ndata:")
        listed = config_map(other, "b", x="1").replace("\ndata:", "\n  labels: {team: shop}\ndata:")
        indented = "\n".join(f"  {line}" for line in listed.splitlines())
        bound.commit(
            {
                ".gitops.toml": bound.file(".gitops.toml") + scope,
                "a.yaml": ours,
                "b.yaml": listed,
                "list.yaml": f"apiVersion: v1\nkind: List\nitems:\n-{indented[1:]}\n".replace(
                    "name: b", "name: c"
                ),
                "unlabelled.yaml": config_map(space, "d", x="1"),
                "role.yaml": "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n"
                f"metadata: {{name: {space}, labels: {{team: shop}}}}\n",
            }
        )
        assert bound("pull").stdout == "configmap/a created\n"
        assert bound.there("configmap/b", "configmap/c", "-n", other) == []
        assert bound.there("configmap/d") == []
        assert bound.kubectl("get", "clusterrole", space, check=False).returncode != 0
    finally:
        bound.kubectl("delete", "namespace", other, "--wait=false")


def test_the_scope_is_asked_again_of_what_is_sent(bound: Bound) -> None:
    """Whatever made the plan."""
    space = bound.namespace
    settings = replace(parse_store_settings('set = "a"'), namespaces=("elsewhere",))
    cluster = connect(ConnectionOptions(kubeconfig=str(bound.kubeconfig)))
    catalog = cluster.catalog()
    assert isinstance(catalog, Catalog)
    api = catalog.find("", "ConfigMap")
    sent = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": space},
    }
    change = Change(ResourceId("", "ConfigMap", "elsewhere", "a"), Action.CREATE, api, sent, None)
    rules = Rules("applyset-x-v1", lambda _, __: (), outside=settings.outside)
    (outcome,) = execute(cluster, Plan((change,)), rules, Execution())
    assert outcome.result is Result.REFUSED
    assert isinstance(outcome.refusal, Refusal)
    assert "outside of the set's scope (elsewhere)" in outcome.refusal.message
    assert bound.there("configmap/a") == []


def test_what_is_outside_of_the_scope_is_not_deleted_by_name(bound: Bound) -> None:
    space, other = bound.namespace, f"{bound.namespace}-else"
    bound.kubectl("create", "namespace", other)
    try:
        scope = f'\n[scope]\nnamespaces = ["{space}"]\n'
        bound.commit({".gitops.toml": bound.file(".gitops.toml") + scope})
        bound.kubectl("apply", "-f", "-", input=config_map(other, "b", x="1"))
        tip = bound.tip
        run = bound("delete", "configmap/b", "-n", other, exit=1)
        assert (
            f"configmap/{other}/b: namespace {other} is outside of the set's scope ({space})\n"
        ) in run.stderr
        assert bound.tip == tip
        assert bound.there("configmap/b", "-n", other) == ["configmap/b"]
    finally:
        bound.kubectl("delete", "namespace", other, "--wait=false")
