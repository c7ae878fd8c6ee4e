"""`apply` on a real API server: its lines, its commits, and all or nothing."""

from __future__ import annotations

import json
from pathlib import Path

from tests.controlplane.cluster import ControlPlane
from tests.git import git
from tests.place import Place

SETTINGS = """\
# what the shop is called
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings   # found by this name
data:
  title: "Shop"    # quoted, as it was written
"""
COLOURS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: colours}
data: {sky: 'blue'}
"""


def test_created_then_configured_then_unchanged(place: Place) -> None:
    both = f"{SETTINGS}---\n{COLOURS}"
    first = place.apply(both, "-m", "the shop opens")
    assert first.stdout == "configmap/settings created\nconfigmap/colours created\n"
    assert first.stderr == place.committed
    assert place.live("cm/settings")["data"] == {"title": "Shop"}

    second = place.apply(both.replace("Shop", "Store"))
    assert second.stdout == "configmap/settings configured\nconfigmap/colours unchanged\n"
    assert second.stderr == place.committed
    assert place.live("cm/settings")["data"] == {"title": "Store"}

    before = place.state()
    third = place.apply(both.replace("Shop", "Store"))
    assert third.stdout == "configmap/settings unchanged\nconfigmap/colours unchanged\n"
    assert third.stderr == ""
    assert place.state() == before


def test_the_branch_holds_what_was_written_and_where_it_lives(place: Place) -> None:
    place.apply(f"{SETTINGS}---\n{COLOURS}")
    settings = SETTINGS.rstrip("\n").replace(
        "metadata:\n", f"metadata:\n  namespace: {place.namespace}\n"
    )
    colours = COLOURS.rstrip("\n").replace("{name", f'{{"namespace": "{place.namespace}", name')
    assert place.files() == {
        f"{place.namespace}/configmap/settings.yaml": settings,
        f"{place.namespace}/configmap/colours.yaml": colours,
    }


def test_a_commit_says_who_and_why_and_what_it_changes(place: Place) -> None:
    place.apply(f"{SETTINGS}---\n{COLOURS}")
    place.apply(
        f"{SETTINGS.replace('Shop', 'Store')}---\n{COLOURS}", "-m", "a better name\n\nAsk Ada."
    )
    assert place.git("log", "-1", "--format=%an <%ae> %cn <%ce>") == (
        "Ada Lovelace <ada@example.com> Ada Lovelace <ada@example.com>"
    )
    assert place.message() == (
        f"apply configmap/{place.namespace}/settings: a better name\n"
        "\n"
        "a better name\n"
        "\n"
        "Ask Ada.\n"
        "\n"
        "Gitops-Operation: apply\n"
        f"Gitops-Cluster: {place.plane.uid}\n"
        "Gitops-User: admin\n"
        f"Gitops-Resource: configmap/{place.namespace}/settings"
    )


def test_without_a_git_identity_the_author_is_the_user_of_the_cluster(place: Place) -> None:
    unnamed = {
        f"GIT_{role}_{part}": "" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")
    }
    place.gitops("apply", "-f", "-", input=COLOURS, env=unnamed)
    assert place.git("log", "-1", "--format=%an <%ae>") == "admin <>"


def test_one_document_of_a_file_of_many_is_edited_in_place(place: Place, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(place.repo), str(clone))
    mine = COLOURS.replace("name:", f"namespace: {place.namespace}, name:")
    written = SETTINGS.replace("metadata:\n", f"metadata:\n  namespace: {place.namespace}\n")
    others = f"# mine\n{mine}--- # two\n{written}---\nnot: a manifest\n"
    (clone / "team").mkdir()
    (clone / "team" / "all of it.yml").write_text(others)
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "-m", "by hand")
    git(clone, "push", "--quiet")
    place.gitops("pull")

    run = place.apply(SETTINGS.replace('"Shop"', '"Store"'))
    assert run.stdout == "configmap/settings configured\n"
    assert place.files() == {"team/all of it.yml": others.replace('"Shop"', '"Store"').rstrip("\n")}


def test_a_dry_run_says_all_and_writes_nothing(place: Place) -> None:
    place.apply(SETTINGS)
    before = place.state()
    text = f"{SETTINGS.replace('Shop', 'Store')}---\n{COLOURS}"
    run = place.apply(text, "--dry-run=server")
    assert (run.stdout, run.stderr) == (
        "configmap/settings configured (server dry run)\n"
        "configmap/colours created (server dry run)\n",
        "",
    )
    assert place.state() == before


REFUSED = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: -1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: nowhere, ports: [{port: 80}]}
"""


def test_all_refusals_are_said_at_once_and_nothing_happens(place: Place) -> None:
    place.apply(COLOURS)
    before = place.state()
    run = place.apply(f"{SETTINGS}---\n{REFUSED}---\n{COLOURS.replace('blue', 'grey')}", exit=1)
    at = place.namespace
    assert run.stdout == ""
    assert run.stderr == (
        f'error: deployment/{at}/web: The Deployment "web" is invalid: spec.replicas: '
        "Invalid value: -1: must be greater than or equal to 0\n"
        f'error: service/{at}/web: The Service "web" is invalid: spec.clusterIPs[0]: '
        'Invalid value: "nowhere": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)\n'
        "kubectl-gitops: nothing was committed and nothing was changed\n"
    )
    assert place.state() == before
    assert place.live("deploy/web") == {}


def test_input_that_cannot_be_taken_stops_before_anything(place: Place) -> None:
    before = place.state()
    gizmo = "apiVersion: example.com/v1\nkind: Gizmo\nmetadata: {name: g}\n"
    unknown = place.apply(f"{SETTINGS}---\n{gizmo}", exit=1)
    assert unknown.stderr == (
        'error: resource mapping not found for name: "g" namespace: "" from "STDIN": no matches '
        'for kind "Gizmo" in version "example.com/v1"; ensure CRDs are installed first\n'
        "hint: kubectl api-resources\n"
    )
    elsewhere = COLOURS.replace("name:", "namespace: other, name:")
    wrong = place.apply(f"{SETTINGS}---\n{elsewhere}", "-n", place.namespace, exit=1)
    assert wrong.stderr == (
        'error: the namespace from the provided object "other" does not match the namespace '
        f"\"{place.namespace}\". You must pass '--namespace=other' to perform this operation.\n"
    )
    nowhere = place.apply(f"{SETTINGS}---\n{elsewhere}", exit=1)
    assert nowhere.stderr == (
        'error: configmap/other/colours: Error from server (NotFound): namespaces "other" not '
        "found\nkubectl-gitops: nothing was committed and nothing was changed\n"
    )
    strict = place.apply(COLOURS.replace("\ndata:", "\ndate:"), exit=1)
    assert strict.stderr == (
        f"error: configmap/{place.namespace}/colours: Error from server (BadRequest): strict "
        'decoding error: unknown field "date"\n'
        "kubectl-gitops: nothing was committed and nothing was changed\n"
    )
    twice = place.apply(f"{COLOURS}---\n{COLOURS.replace('blue', 'grey')}", exit=1)
    assert "configmap/" in twice.stderr
    assert "twice" in twice.stderr
    assert [run.stdout for run in (unknown, wrong, nowhere, strict, twice)] == [""] * 5
    assert place.state() == before


def test_what_was_live_and_unrecorded_is_the_first_state_in_history(place: Place) -> None:
    place.kubectl(
        "create", "configmap", "settings", "--from-literal=title=old", "--from-literal=a=b"
    )
    base = place.tip
    run = place.apply(SETTINGS)
    assert run.stdout == "configmap/settings configured\n"
    assert place.live("cm/settings")["data"] == {"title": "Shop"}
    name = f"configmap/{place.namespace}/settings"
    assert place.subjects(base) == [f"apply {name}", f"record {name}: as it was before apply"]
    assert list(place.files("main~").values()) == [
        "apiVersion: v1\n"
        "kind: ConfigMap\n"
        "metadata:\n"
        "  name: settings\n"
        f"  namespace: {place.namespace}\n"
        "data:\n"
        "  a: b\n"
        "  title: old"
    ]
    history = place.gitops("history", "cm/settings", "-o", "json").json["items"]
    assert [(r["revision"], r["operation"], r["patch"]) for r in history] == [
        (
            2,
            "apply",
            [
                {"op": "remove", "path": "/data/a"},
                {"op": "replace", "path": "/data/title", "value": "Shop"},
            ],
        ),
        (1, "record", None),
    ]


def test_a_field_removed_from_the_manifest_goes(place: Place) -> None:
    place.apply(COLOURS.replace("'blue'", "blue, sea: green"))
    run = place.apply(COLOURS)
    assert run.stdout == "configmap/colours configured\n"
    assert place.live("cm/colours")["data"] == {"sky": "blue"}


def test_members_carry_a_label_that_our_own_entry_owns(place: Place) -> None:
    place.apply(COLOURS)
    live = place.live("cm/colours")
    (entry,) = live["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("gitops", "Apply")
    assert entry["fieldsV1"] == {
        "f:data": {"f:sky": {}},
        "f:metadata": {"f:labels": {"f:applyset.kubernetes.io/part-of": {}}},
    }
    parent = place.live("cm/kubectl-gitops-store")
    assert parent["metadata"]["labels"] == {
        "applyset.kubernetes.io/id": live["metadata"]["labels"]["applyset.kubernetes.io/part-of"]
    }
    assert parent["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"] == (
        "ConfigMap"
    )


def test_namespace_definition_and_members_in_one_command(place: Place) -> None:
    at = f"{place.namespace}-new"
    plural = f"gadgets{place.namespace[5:]}"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": f"Gadget{place.namespace[5:]}"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": {
                                    "type": "object",
                                    "properties": {"size": {"type": "integer"}},
                                }
                            },
                        }
                    },
                }
            ],
        },
    }
    kind = definition["spec"]["names"]["kind"]
    gadget = (
        f"apiVersion: example.com/v1\nkind: {kind}\nmetadata: {{name: g, namespace: {at}}}\n"
        "spec: {size: 3}\n"
    )
    text = (
        f"{gadget}---\n{json.dumps(definition)}\n---\n"
        f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {at}}}\n"
    )
    run = place.apply(text)
    assert run.stdout == (
        f"{kind.lower()}.example.com/g created\n"
        f"customresourcedefinition.apiextensions.k8s.io/{plural}.example.com created\n"
        f"namespace/{at} created\n"
    )
    assert place.kubectl("get", plural, "g", "-n", at, "-o", "jsonpath={.spec.size}") == "3"
    assert sorted(place.files()) == sorted(
        [
            f"_cluster/customresourcedefinition.apiextensions.k8s.io/{plural}.example.com.yaml",
            f"_cluster/namespace/{at}.yaml",
            f"{at}/{kind.lower()}.example.com/g.yaml",
        ]
    )
    again = place.apply(text)
    assert again.stdout == run.stdout.replace("created", "unchanged")

    bigger = json.dumps(definition).replace('"size"', '"colour": {"type": "string"}, "size"')
    grown = place.apply(
        text.replace(json.dumps(definition), bigger).replace("size: 3", "colour: red")
    )
    assert grown.stdout == run.stdout.replace("created", "configured").replace(
        f"namespace/{at} configured", f"namespace/{at} unchanged"
    )
    gone = place.gitops("delete", f"crd/{plural}.example.com", f"ns/{at}", "-m", "all of it")
    assert gone.stdout == (
        f'customresourcedefinition.apiextensions.k8s.io "{plural}.example.com" deleted\n'
        f'namespace "{at}" deleted\n'
    )
    assert place.files() == {}


def test_a_cluster_that_is_not_the_branchs_is_not_written(
    place: Place, second_control_plane: ControlPlane
) -> None:
    place.apply(COLOURS)
    before = place.state()
    other = str(second_control_plane.kubeconfig)
    run = place.apply(
        COLOURS.replace("blue", "grey"), "--kubeconfig", other, "--repo", str(place.repo), exit=1
    )
    uid = second_control_plane.uid
    assert (run.stdout, run.stderr) == (
        "",
        f"error: this cluster (second, uid {uid}) is not one that the branch may be applied to "
        f"(first)\nhint: kubectl config get-contexts\n"
        f"hint: kubectl gitops init --repo {place.repo} --adopt-store\n",
    )
    assert place.state() == before
    assert second_control_plane.kubectl("get", "cm", "colours", check=False).stdout == ""
