"""`rollback` and `undo` on a real API server: former content in a new commit."""

from __future__ import annotations

from pathlib import Path

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

    undone = place.gitops("undo", "-m", "too early", "--key-file", key)
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
    first = place.gitops("undo", exit=1)
    assert first.stderr == (
        f"error: {place.tip[:7]} is the branch's first commit: there is nothing before it\n"
        "hint: kubectl gitops history\n"
    )
    place.apply(settings("Shop"))
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
