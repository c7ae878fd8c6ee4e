"""A branch is read by what its files say, and changed where the resources stand."""

from __future__ import annotations

import pytest

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest import (
    Manifest,
    Place,
    Snapshot,
    documents,
    is_manifest_path,
    read_snapshot,
)
from kubectl_gitops.resource import ResourceId


def config(name: str, namespace: str = "", data: str = "a: b") -> str:
    place = f"\n  namespace: {namespace}" if namespace else ""
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}{place}\ndata:\n  {data}\n"


def config_id(name: str, namespace: str = "default") -> ResourceId:
    return ResourceId("", "ConfigMap", namespace, name)


def snapshot(files: dict[str, str | bytes], root: str = "", **options: str) -> Snapshot:
    data = {path: t.encode() if isinstance(t, str) else t for path, t in files.items()}
    return read_snapshot("c0ffee", data, root=root, **options)


def manifest(text: str, id: ResourceId) -> Manifest:
    (document,) = documents(text, "f")
    return Manifest(id, document.body["apiVersion"], text, document.body)


def places(read: Snapshot) -> dict[str, str]:
    return {str(id): str(entry.place) for id, entry in read.entries.items()}


CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: foos.x, namespace: nonsense}
spec: {group: x, scope: SCOPE, names: {kind: Foo}}
"""
FOO = "apiVersion: x/v1\nkind: Foo\nmetadata: {name: a%s}\n"


def test_resources_are_found_wherever_they_stand() -> None:
    read = snapshot(
        {
            "README.md": "# shop",
            "all.yaml": config("a", "shop") + "---\n# nothing\n---\n" + config("b"),
            "deep/er/x.yml": config("c"),
            "one.json": '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}',
            "list.yaml": "kind: ConfigMapList\napiVersion: v1\nitems: [{metadata: {name: d}}]\n",
        }
    )
    assert places(read) == {
        "configmap/shop/a": "all.yaml (document 1)",
        "configmap/default/b": "all.yaml (document 3)",
        "configmap/default/c": "deep/er/x.yml (document 1)",
        "configmap/default/d": "list.yaml (document 1)",
        "namespace/shop": "one.json (document 1)",
    }
    assert read.entries[config_id("d")].place == Place("list.yaml", 0, (0,))
    assert read.entries[config_id("a", "shop")].manifest == manifest(
        config("a", "shop"), config_id("a", "shop")
    )
    assert (read.commit, read.unreadable, read.duplicates, read.warnings) == ("c0ffee", {}, {}, ())


def test_what_is_no_manifest_is_ignored() -> None:
    read = snapshot(
        {
            "values.yaml": "replicas: 1\n",
            "template.yaml": "a: {{ .Values.kind }}",
            "list.yaml": "- apiVersion\n- kind\n",
            "words.yaml": "apiVersion and kind",
            "half.yaml": "apiVersion: v1\n# kind: unknown\n---\nkind: A # apiVersion\n",
            "empty.yaml": "apiVersion: ''\nkind: A\n",
            "number.yaml": "apiVersion: 1\nkind: A\n",
            "package-lock.json": "[" * 100,
            ".github/workflow.yaml": config("a"),
            "a/.hidden.yaml": config("a"),
            ".gitops.toml": "",
            "notes.txt": config("a"),
            "components/c.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n",
        }
    )
    assert (read.entries, read.unreadable, read.warnings) == ({}, {}, ())


def test_a_kustomization_is_ignored_with_one_warning() -> None:
    text = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]"
    read = snapshot(
        {"kustomization.yaml": text, "b/kustomization.yml": text, "a.yaml": config("a")}
    )
    assert read.warnings == (
        "b/kustomization.yml, kustomization.yaml ignored: the branch holds resources as they are, "
        "not what makes them",
    )
    assert (list(read.entries), read.unreadable) == ([config_id("a")], {})


def test_only_files_below_the_root_count() -> None:
    files = {
        "a.yaml": config("a"),
        "shop/.gitops.toml": "",
        "shop/b.yaml": config("b"),
        "shop/.x/c.yaml": config("c"),
        "shopping/d.yaml": config("d"),
        "shop/staging/.gitops.toml": "",
        "shop/staging/e.yaml": config("e"),
        "shop/staging2/f.yaml": config("f"),
        ".gitops.toml": "",
    }
    assert list(snapshot(files, "shop").entries) == [config_id("b"), config_id("f")]
    assert list(snapshot(files, "shop/staging").entries) == [config_id("e")]
    assert list(snapshot(files).entries) == [config_id("a"), config_id("d")]
    assert list(snapshot(files, "none").entries) == []


@pytest.mark.parametrize(
    ("path", "root", "looked_at"),
    [
        ("a.yaml", "", True),
        ("a/b.yml", "", True),
        ("a/b.json", "a", True),
        ("a/b.toml", "", False),
        (".a.yaml", "", False),
        ("a/.b/c.yaml", "a", False),
        (".a/b.yaml", ".a", True),
        ("a.yaml", "b", False),
        ("ab/c.yaml", "a", False),
    ],
)
def test_a_path_tells_whether_a_file_is_looked_at(path: str, root: str, looked_at: bool) -> None:
    assert is_manifest_path(path, root) is looked_at


def test_a_resource_lives_where_its_kind_does() -> None:
    node = "apiVersion: v1\nkind: Node\nmetadata: {name: n1, namespace: nonsense}\n"
    read = snapshot(
        {
            "a.yaml": config("a"),
            "n.yaml": node,
            "f.yaml": FOO % "",
            "g.yaml": FOO % "2, namespace: x",
        },
        default_namespace="shop",
    )
    assert [str(id) for id in read.entries] == ["configmap/shop/a", "foo/a", "foo/x/a2", "node/n1"]
    assert "namespace" not in read.entries[config_id("a", "shop")].manifest.body["metadata"]


@pytest.mark.parametrize(
    ("scope", "ids"),
    [("Namespaced", ["foo/shop/a", "foo/x/a2"]), ("Cluster", ["foo/a", "foo/a2"])],
)
def test_a_definition_in_the_branch_tells_where_its_kind_lives(scope: str, ids: list[str]) -> None:
    files = {"f.yaml": FOO % "", "g.yaml": FOO % "2, namespace: x"}
    read = snapshot({**files, "x.yaml": CRD.replace("SCOPE", scope)}, default_namespace="shop")
    assert [str(id) for id in read.entries] == [*ids, "customresourcedefinition/foos.x"]
    data = {path: text.encode() for path, text in files.items()}
    scopes = {("x", "Foo"): scope == "Namespaced"}
    given = read_snapshot("c0ffee", data, default_namespace="shop", scopes=scopes)
    assert [str(id) for id in given.entries] == ids


UNREADABLE = {
    "broken YAML in f.yaml, line 3, column 4: unknown anchor x": "apiVersion: v1\nkind: A\nb: *x",
    "f.yaml is not UTF-8 in line 2": b"apiVersion: v1\nkind: \xff",
    "f.yaml is UTF-16; manifests are kept in UTF-8": config("a").encode("utf-16"),
    "f.yaml, line 3: Config has no metadata": "a: 1\n---\napiVersion: v1\nkind: Config\n",
    "item 0 of the list in f.yaml, line 1 is not a map": "{apiVersion: v1, kind: List, items: [1]}",
}


@pytest.mark.parametrize("message", UNREADABLE)
def test_a_file_that_cannot_be_read_hides_no_other(message: str) -> None:
    read = snapshot({"f.yaml": UNREADABLE[message], "g.yaml": config("a")})
    assert {path: error.message for path, error in read.unreadable.items()} == {"f.yaml": message}
    assert list(read.entries) == [config_id("a")]


def test_a_resource_that_stands_twice_is_neither_there_nor_absent() -> None:
    read = snapshot({"a.yaml": config("a"), "b.yaml": "---\n" + config("a", "default")})
    assert (read.entries, read.duplicates) == (
        {},
        {config_id("a"): (Place("a.yaml", 0), Place("b.yaml", 0))},
    )
    message = "configmap/default/a stands twice in the branch: a.yaml (document 1) and b.yaml (doc"
    for puts, removals in (([manifest(config("a"), config_id("a"))], []), ([], [config_id("a")])):
        with pytest.raises(GitopsError) as caught:
            read.edit(puts, removals)
        assert caught.value.message.startswith(message)


def test_a_new_resource_gets_the_canonical_path() -> None:
    text = config("a", "shop")
    read = snapshot({"sets/one/x.yaml": config("x")}, "sets/one")
    assert read.edit([manifest(text, config_id("a", "shop"))], []) == {
        "sets/one/shop/configmap/a.yaml": text.encode()
    }


def test_a_new_resource_leaves_what_people_keep_at_its_path() -> None:
    files = {
        "shop/configmap/a.yaml": config("other", "shop"),
        "shop/configmap/a-2.yaml": "note: mine\n",
    }
    text = config("a", "shop")
    assert snapshot(files).edit([manifest(text, config_id("a", "shop"))], []) == {
        "shop/configmap/a-3.yaml": text.encode()
    }


def test_two_new_resources_never_share_a_file() -> None:
    files = {"shop/configmap/a.yaml": "# mine\n"}
    new = [manifest(config(n, "shop"), config_id(n, "shop")) for n in ("a-2", "a")]
    assert snapshot(files).edit(new, []) == {
        "shop/configmap/a-2.yaml": config("a-2", "shop").encode(),
        "shop/configmap/a-3.yaml": config("a", "shop").encode(),
    }


def test_a_new_resource_takes_the_path_that_becomes_free() -> None:
    files = {"shop/configmap/a.yaml": config("other", "shop")}
    text = config("a", "shop")
    edits = snapshot(files).edit(
        [manifest(text, config_id("a", "shop"))], [config_id("other", "shop")]
    )
    assert edits == {"shop/configmap/a.yaml": text.encode()}


def test_a_new_resource_waits_for_a_file_at_its_path_to_be_repaired() -> None:
    read = snapshot({"shop/configmap/a.yaml": "apiVersion: v1\nkind: [\n"})
    with pytest.raises(GitopsError, match=r"^broken YAML in shop/configmap/a\.yaml, line 3, "):
        read.edit([manifest(config("a", "shop"), config_id("a", "shop"))], [])


def test_a_resource_is_changed_where_it_stands() -> None:
    read = snapshot({"all.yaml": config("a") + "---\n" + config("b") + "---\n" + config("c")})
    new = manifest(config("b", data="x: y # z"), config_id("b"))
    assert read.edit([new], [config_id("a")]) == {
        "all.yaml": (config("b", data="x: y # z") + "---\n" + config("c")).encode()
    }


def test_a_file_without_resources_goes() -> None:
    read = snapshot({"a.yaml": config("a"), "b.yaml": config("b")})
    assert read.edit([], [config_id("a"), config_id("absent")]) == {"a.yaml": None}


def test_what_is_so_already_changes_nothing() -> None:
    read = snapshot({"all.yaml": config("a") + "---\n" + config("b")})
    entry = read.entries[config_id("a")]
    assert read.edit([entry.manifest], []) == {}


def test_to_put_wins_over_to_remove() -> None:
    read = snapshot({"a.yaml": config("a")})
    new = manifest(config("a", data="c: d"), config_id("a"))
    assert read.edit([new], [config_id("a")]) == {"a.yaml": new.text.encode()}


LIST = """\
apiVersion: v1
kind: List
items: # ours
- apiVersion: v1 # a
  kind: ConfigMap
  metadata: {name: a}
- kind: List
  items:
  - apiVersion: v1 # b
    kind: ConfigMap
    metadata: {name: b}
  - apiVersion: v1 # c
    kind: ConfigMap
    metadata: {name: c}
"""


def test_an_item_of_a_list_is_changed_where_it_stands() -> None:
    read = snapshot({"l.yaml": LIST})
    new = read.entries[config_id("b")].manifest
    body = {**new.body, "data": {"x": "y"}}
    put = Manifest(new.id, new.api_version, "", body)
    expected = LIST.replace("{name: b}\n", '{name: b}\n    data:\n      x: "y"\n')
    assert read.edit([put], []) == {"l.yaml": expected.encode()}


def test_items_of_a_list_go() -> None:
    read = snapshot({"l.yaml": LIST})
    assert read.edit([], [config_id("c")]) == {
        "l.yaml": LIST[: LIST.index("  - apiVersion: v1 # c")].encode()
    }
    assert read.edit([], [config_id("b"), config_id("c")]) == {
        "l.yaml": LIST[: LIST.index("- kind: List")].encode()
    }
    assert read.edit([], [config_id(name) for name in "abc"]) == {"l.yaml": None}


def test_a_list_that_resists_is_written_anew() -> None:
    text = LIST.replace("metadata: {name: a}", "metadata: &m {name: a}\n  data: *m")
    read = snapshot({"l.yaml": text})
    new = read.entries[config_id("a")].manifest
    put = Manifest(new.id, "v1", "", {**new.body, "metadata": {"name": "a", "labels": {}}})
    ((path, data),) = read.edit([put], []).items()
    after = read_snapshot("", {path: data or b""})
    assert after.entries[config_id("a")].manifest.body == put.body
    assert len(after.entries) == 3


def test_a_snapshot_shows_no_content() -> None:
    assert "hunter2" not in repr(snapshot({"a.yaml": config("a", data="a: hunter2")}).files.keys())
