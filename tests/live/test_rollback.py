"""`rollback` and `undo` on a real API server: former content in a new commit."""

from __future__ import annotations

import functools
from pathlib import Path

from tests.git import git
from tests.place import Place


def settings(title: str) -> str:
    return f"""\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings   # found by this name
data:
  title: {title}
"""


ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules:
- {apiGroups: [""], resources: [pods], verbs: [get]}
"""


def test_a_rollback_is_a_new_commit_that_brings_back_what_was_written(place: Place) -> None:
    place.apply(settings("Shop"))
    first = place.files()
    place.apply(settings("Store"))
    place.apply(settings("Mall"))

    back = place.gitops("rollback", "cm/settings", "-m", "the name was better")
    assert back.stdout == "configmap/settings configured\n"
    assert back.stderr == place.committed
    assert place.live("cm/settings")["data"] == {"title": "Store"}
    assert place.message().splitlines()[0] == (
        f"rollback configmap/{place.namespace}/settings: the name was better"
    )
    second = place.git("rev-parse", "--short=7", "main~2")
    assert f"\n\nthe name was better\n\nback to revision 2 ({second})\n" in place.message()

    place.gitops("rollback", "cm", "settings", "--to-revision", "1")
    assert place.live("cm/settings")["data"] == {"title": "Shop"}
    assert place.files() == first  # the comment, too
    assert [
        r["operation"] for r in place.gitops("history", "cm/settings", "-o", "json").json["items"]
    ] == [
        "rollback",
        "rollback",
        "apply",
        "apply",
        "apply",
    ]


def test_a_rollback_of_any_kind_and_of_what_was_live_before_the_first_apply(place: Place) -> None:
    place.kubectl("apply", "-f", "-", input=ROLE)
    place.apply(ROLE.replace("get", "list"))
    place.gitops("rollback", "role/reader")
    assert place.live("role/reader")["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    ]


INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop}
spec:
  rules:
  - host: shop.example.com
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
"""
CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lamps.rollback.example.com}
spec:
  group: rollback.example.com
  scope: Namespaced
  names: {kind: Lamp, plural: lamps, singular: lamp}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
LAMP = (
    "apiVersion: rollback.example.com/v1\nkind: Lamp\nmetadata: {name: hall}\nspec: {watts: 40}\n"
)
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {p: old-value}\n"


def test_every_kind_goes_back_and_what_is_gone_is_made_again(place: Place, tmp_path: Path) -> None:
    key = ("--key-file", str(tmp_path / "key"))
    place.gitops("secret", "keygen", "--out", key[1])
    place.kubectl("apply", "-f", "-", input=CRD)
    place.kubectl("wait", "--for=condition=Established", "crd/lamps.rollback.example.com")
    kinds = {"ingress/shop": INGRESS, "lamps/hall": LAMP, "secret/db": SECRET}
    try:
        place.apply("---\n".join(kinds.values()), *key)
        first = {name: place.live(name) for name in kinds}
        new = {"shop.example.com": "new.example.com", "watts: 40": "watts: 7", "old-v": "new-v"}
        for name, text in kinds.items():
            changed = functools.reduce(lambda old, pair: old.replace(*pair), new.items(), text)
            place.apply(changed, *key)
            assert place.live(name) != first[name]
            place.gitops("rollback", name, *key)
            place.gitops("delete", name)
            place.gitops("rollback", name, *key)
            body = place.live(name)
            for part in ("spec", "data"):
                assert body.get(part) == first[name].get(part)
        told = place.gitops("history", "lamp/hall", "-o", "json").json["items"]
        assert [item["operation"] for item in told] == [
            "rollback",
            "delete",
            "rollback",
            "apply",
            "apply",
        ]
    finally:
        place.kubectl("delete", "crd", "lamps.rollback.example.com", "--wait=false")


def test_a_rollback_to_a_commit_is_kept_to_labels_and_to_a_namespace(place: Place) -> None:
    red, blue = (
        settings("old").replace("metadata:", f"metadata:\n  labels: {{colour: {colour}}}")
        for colour in ("red", "blue")
    )
    blue = blue.replace("name: settings", "name: other")
    place.apply(f"{red}---\n{blue}")
    then = place.tip
    place.apply(f"{red}---\n{blue}".replace("old", "new").replace("colour: red", "colour: pink"))
    back = place.gitops("rollback", "--to-commit", then, "-l", "colour=red")
    assert back.stdout == "configmap/settings configured\n"
    assert place.live("cm/settings")["data"] == {"title": "old"}
    assert place.live("cm/other")["data"] == {"title": "new"}
    nothing = place.gitops("rollback", "--to-commit", then, "-n", "elsewhere")
    assert (nothing.stdout, nothing.stderr) == (
        "",
        "kubectl-gitops: nothing differs: nothing was changed\n",
    )
    assert place.gitops("rollback", "--to-commit", then).stdout == "configmap/other configured\n"
    alone = place.gitops("rollback", "cm/settings", "-l", "x", exit=2)
    assert alone.stderr.splitlines()[0] == "error: -l goes with --to-commit"


def test_a_rollback_to_a_commit_makes_alters_and_removes(place: Place) -> None:
    place.apply(f"{settings('Shop')}---\n{ROLE}")
    then = place.tip
    place.apply(settings("Store"))
    place.gitops("delete", "role/reader")
    place.apply(settings("other").replace("name: settings", "name: later"))

    dry = place.gitops("rollback", "--to-commit", then[:8], "--dry-run")
    assert sorted(dry.stdout.splitlines()) == [
        "configmap/later deleted (server dry run)",
        "configmap/settings configured (server dry run)",
        "role.rbac.authorization.k8s.io/reader created (server dry run)",
    ]
    assert place.live("cm/later")

    place.gitops("rollback", "--to-commit", then[:8])
    assert place.live("cm/settings")["data"] == {"title": "Shop"}
    assert place.live("role/reader")
    assert place.live("cm/later") == {}
    assert place.git("diff", "--stat", then, "main") == ""
    assert place.gitops("status").exit == 0


def test_undo_takes_back_a_whole_operation_and_can_be_undone(place: Place, tmp_path: Path) -> None:
    key = tmp_path / "key"
    place.gitops("secret", "keygen", "--out", key)
    secret = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {p: very-secret-value}\n"
    )
    place.apply(f"{settings('Shop')}---\n{secret}", "--key-file", str(key))
    place.gitops("delete", "cm/settings", "secret/db")
    assert place.live("secret/db") == {}

    deletion = place.git("rev-parse", "--short=7", "main")
    undone = place.gitops("undo", "-m", "too early", "--key-file", key)
    assert f"\n\ntoo early\n\ntakes back {deletion}\n" in place.message()
    assert undone.stdout == "configmap/settings created\nsecret/db created\n"
    assert place.live("secret/db")["data"] == {"p": "dmVyeS1zZWNyZXQtdmFsdWU="}

    again = place.gitops("undo", "--key-file", key)
    assert sorted(again.stdout.splitlines()) == ["configmap/settings deleted", "secret/db deleted"]
    assert place.live("cm/settings") == {}
    assert place.gitops("status").stdout == "the set holds no resources\n"


def test_undo_stops_where_somebody_changed_the_same_again(place: Place) -> None:
    place.apply(settings("Shop"))
    place.apply(settings("Store"))
    operation = place.tip
    place.apply(settings("Mall"))
    before = place.state()

    stopped = place.gitops("undo", operation, exit=3)
    assert stopped.stdout == ""
    name = f"configmap/{place.namespace}/settings"
    parent = place.git("rev-parse", "--short=7", f"{operation}~1")
    assert stopped.stderr == (
        f"error: {name} changed again after {operation[:7]}; nothing was changed\n"
        f"hint: kubectl gitops history configmap/settings -n {place.namespace}\n"
        f"hint: kubectl gitops rollback --to-commit {parent}\n"
    )
    assert place.state() == before


def test_what_cannot_be_brought_back_is_said(place: Place) -> None:
    none = place.gitops("undo", exit=1)
    assert none.stderr == (
        "error: no operation has changed a resource yet\nhint: kubectl gitops log\n"
    )
    first = place.gitops("undo", place.tip, exit=1)
    assert first.stderr == (
        f"error: {place.tip[:7]} is the first commit of the set: there is nothing before it\n"
        "hint: kubectl gitops log\n"
    )
    place.apply(settings("Shop"))
    text = f"# a comment\n{settings('Shop')}"
    place.apply(text)
    comment = place.gitops("undo", place.tip, exit=1)
    assert comment.stderr.splitlines()[0] == (
        f"error: {place.tip[:7]} changed no resource of this set"
    )
    only = place.gitops("rollback", "cm/settings", exit=1)
    name = f"configmap/{place.namespace}/settings"
    assert only.stderr == (
        f"error: {name} has one revision: there is nothing before it\n"
        f"hint: kubectl gitops delete configmap/settings -n {place.namespace}\n"
    )
    beyond = place.gitops("rollback", "cm/settings", "--to-revision", "7", exit=1)
    assert beyond.stderr == (
        f"error: {name} has no revision 7: there are 1 to 1\n"
        f"hint: kubectl gitops history configmap/settings -n {place.namespace}\n"
    )
    both = place.gitops("rollback", "cm/settings", "--to-commit", "abcd", exit=2)
    assert both.stderr == (
        "error: name one resource, or --to-commit for the whole set\n"
        "hint: kubectl gitops rollback deployment/web -n shop\n"
    )


def test_undo_passes_over_commits_without_resources_and_refuses_abandoned_ones(
    place: Place,
) -> None:
    place.apply(settings("Shop"))
    kept = place.tip
    place.apply(settings("Store"))
    operation = place.tip
    readme = place.git("hash-object", "-w", "--stdin")
    tree = place.git("ls-tree", "main")
    script = f"{tree}\n100644 blob {readme}\tREADME\n"
    made = git(place.repo, "mktree", input=script)
    commit = place.git("commit-tree", made, "-p", operation, "-m", "a readme")
    place.git("update-ref", "refs/heads/main", commit)
    assert place.gitops("undo").stdout == "configmap/settings configured\n"
    assert place.live("cm/settings")["data"] == {"title": "Shop"}
    assert f"takes back {operation[:7]}" in place.message()

    abandoned = place.tip
    place.gitops("history")
    place.git("update-ref", "refs/heads/main", kept)
    place.gitops("history")
    gone = place.gitops("undo", abandoned, exit=1)
    assert gone.stderr.splitlines()[0] == (
        f"error: {abandoned[:7]} is not in the branch any more: there is nothing to take back"
    )


def test_an_import_and_a_merge_are_undone_whole(place: Place) -> None:
    place.kubectl("create", "configmap", "found", "--from-literal=x=1")
    place.gitops("import", "cm")
    assert place.gitops("undo", "--yes").stdout == "configmap/found deleted\n"
    place.apply(settings("Shop"))
    base = place.tip
    place.apply(settings("Store"))
    place.apply(f"{settings('Store')}---\n{ROLE}")
    tree = place.git("rev-parse", "main^{tree}")
    merge = place.git("commit-tree", tree, "-p", base, "-p", place.tip, "-m", "a merge")
    place.git("update-ref", "refs/heads/main", merge)
    undone = place.gitops("undo")
    assert sorted(undone.stdout.splitlines()) == [
        "configmap/settings configured",
        "role.rbac.authorization.k8s.io/reader deleted",
    ]
    assert place.live("cm/settings")["data"] == {"title": "Shop"}
