"""`history` and `show`: every commit counts, whoever made it, and a resource that is gone, too."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from jsonpatch import apply_patch

from tests.bound import Bound, config_map
from tests.git import git

WIDGETS = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget, shortNames: [wd]}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
"""


def revisions(bound: Bound, *names: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = bound("history", *names, "-o", "json").json["items"]
    return items


def rows(bound: Bound, *names: str) -> list[tuple[str, ...]]:
    """The table without time and commit, which differ from run to run."""
    lines = bound("history", *names).stdout.splitlines()[1:]
    cells = (re.split(" {3,}", line) for line in lines)
    return [tuple(c for i, c in enumerate(line) if i not in (1, 4)) for line in cells]


ADA, GRACE = "Ada Lovelace <ada@example.com>", "Grace Hopper <grace@example.com>"


def test_a_life_is_told_newest_first(bound: Bound) -> None:
    space = bound.namespace
    path = f"{space}/configmap/a.yaml"
    bound.apply(config_map(space, "a", x="1"), "-m", "it begins")
    bound.commit({path: config_map(space, "a", x="2")}, "two is more\n\nMuch more.\n")
    bound("delete", "configmap/a", "-m", "no longer")
    bound.apply(config_map(space, "a", x="3"))
    assert rows(bound, "configmap/a") == [
        ("4", ADA, "apply", "created"),
        ("3", ADA, "delete", "removed", "no longer"),
        ("2", GRACE, "commit", "data.x 1 → 2", "two is more"),
        ("1", ADA, "apply", "created", "it begins"),
    ]
    commits = git(bound.repo, "log", "--format=%H", "main").splitlines()
    items = revisions(bound, "cm/a")
    assert [item["commit"] for item in items] == commits[:4]
    assert items[2] == {
        "resource": {"group": "", "kind": "ConfigMap", "namespace": space, "name": "a"},
        "revision": 2,
        "commit": commits[2],
        "time": git(bound.repo, "log", "-1", "--format=%aI", commits[2]).replace("Z", "+00:00"),
        "author": GRACE,
        "user": "",
        "operation": "",
        "reason": "two is more\n\nMuch more.",
        "patch": [{"op": "replace", "path": "/data/x", "value": "2"}],
        "before": git(bound.repo, "rev-parse", f"{commits[3]}:{path}"),
        "after": git(bound.repo, "rev-parse", f"{commits[2]}:{path}"),
    }
    assert [item["user"] for item in items] == ["admin", "admin", "", "admin"]
    assert [item["patch"] for item in items if item["revision"] != 2] == [None] * 3


def test_the_patches_lead_from_each_revision_to_the_next(bound: Bound) -> None:
    space = bound.namespace
    datas = [{"x": "1"}, {"x": "1", "v": "a\nb"}, {"v": "c"}, {"z/1": "~", "v": "c"}, {"x": "1"}]
    for data in datas:
        bound.commit({"a.yaml": config_map(space, "a", **data)})
    items = revisions(bound, "configmap/a")[::-1]
    shown = [
        bound("show", "configmap/a", "--revision", str(n), "-o", "json").json for n in range(1, 6)
    ]
    assert [one["data"] for one in shown] == datas
    assert [apply_patch(shown[n], items[n + 1]["patch"]) for n in range(4)] == shown[1:]
    bare = bound("history", "configmap/a", "-o", "jsonpatch", "--limit", "4").stdout
    decoder, found, rest = json.JSONDecoder(), [], bare
    while rest:
        patch, end = decoder.raw_decode(rest)
        found.append(patch)
        rest = rest[end:].lstrip()
    assert found == [item["patch"] for item in items[:0:-1]]
    text = bound("history", "configmap/a", "--patch", "--limit", "1").stdout
    heading, _, patch = text.partition("\n")
    assert heading.startswith(f"revision 5 · {bound.tip[:7]} · {GRACE} · ")
    assert json.loads(patch) == items[4]["patch"]


def test_comments_order_and_moves_are_no_change(bound: Bound) -> None:
    space = bound.namespace
    text = config_map(space, "a", x="1", v="2")
    bound.commit({"a.yaml": text}, "one")
    bound.commit({"a.yaml": f"# why\n{config_map(space, 'a', v='2', x='1')}"}, "two")
    bound.commit({"a.yaml": None, "deep/er/b.yml": text}, "three")
    bound.commit({"deep/er/b.yml": None, "c.json": json.dumps(yaml.safe_load(text))}, "four")
    assert rows(bound, "configmap/a") == [("1", GRACE, "commit", "created", "one")]
    bound.commit({"c.json": json.dumps(yaml.safe_load(text.replace('"2"', '"3"')))}, "five")
    assert rows(bound, "configmap/a")[0] == ("2", GRACE, "commit", "data.v 2 → 3", "five")


def test_each_document_of_a_file_has_a_history_of_its_own(bound: Bound) -> None:
    space = bound.namespace
    both = [config_map(space, name, x="1") for name in "ab"]
    bound.commit({"all.yaml": "---\n".join(both)}, "one")
    bound.commit({"all.yaml": "---\n".join([both[0], config_map(space, "b", x="2")])}, "two")
    bound.commit({"all.yaml": config_map(space, "b", x="2")}, "three")
    listed = {"apiVersion": "v1", "kind": "List", "items": [yaml.safe_load(both[1])]}
    bound.commit({"all.yaml": json.dumps(listed)}, "four")
    assert rows(bound, "configmap/a") == [
        ("2", GRACE, "commit", "removed", "three"),
        ("1", GRACE, "commit", "created", "one"),
    ]
    assert rows(bound, "configmap/b") == [
        ("3", GRACE, "commit", "data.x 2 → 1", "four"),
        ("2", GRACE, "commit", "data.x 1 → 2", "two"),
        ("1", GRACE, "commit", "created", "one"),
    ]
    assert bound("show", "configmap/b", "--revision", "1").stdout == both[1]
    assert bound("show", "configmap/a").stdout.rstrip("-\n") == both[0].rstrip("\n")


def test_a_merge_is_one_revision(bound: Bound) -> None:
    space = bound.namespace
    bound.commit({"a.yaml": config_map(space, "a", x="1")}, "one")
    start = bound.tip
    bound.commit({"a.yaml": config_map(space, "a", x="2")}, "on a side branch")
    side = bound.commit({"a.yaml": config_map(space, "a", x="3")}, "and again")
    git(bound.repo, "update-ref", "refs/heads/side", side)
    git(bound.repo, "update-ref", "refs/heads/main", start)
    bound.commit({"b.yaml": config_map(space, "b", x="1")}, "meanwhile")
    bound.commit({"a.yaml": config_map(space, "a", x="3")}, "merge side", merge=side)
    assert rows(bound, "configmap/a") == [
        ("2", GRACE, "commit", "data.x 1 → 3", "merge side"),
        ("1", GRACE, "commit", "created", "one"),
    ]


def test_the_whole_set_is_told_with_the_resource_in_front(bound: Bound) -> None:
    space = bound.namespace
    bound.commit({"a.yaml": config_map(space, "a"), "b.yaml": config_map(space, "b")}, "one")
    bound.commit({"a.yaml": None}, "two")
    told = {(row[0], row[1]) for row in rows_of_set(bound)}
    assert told == {
        (f"configmap/{space}/a", "1"),
        (f"configmap/{space}/a", "2"),
        (f"configmap/{space}/b", "1"),
    }
    assert len(revisions(bound, "--limit", "2")) == 2


def test_the_whole_set_is_in_the_order_of_time_wherever_people_live(bound: Bound) -> None:
    space = bound.namespace
    zones = {"a": "1700000000 +0000", "b": "1700000001 -0800", "c": "1700000002 +0930"}
    for name, when in zones.items():
        bound.commit({f"{name}.yaml": config_map(space, name)}, when=when)
    told = [(item["resource"]["name"], item["time"]) for item in revisions(bound)]
    assert told == [
        ("c", "2023-11-15T07:43:22+09:30"),
        ("b", "2023-11-14T14:13:21-08:00"),
        ("a", "2023-11-14T22:13:20+00:00"),
    ]


def rows_of_set(bound: Bound) -> list[list[str]]:
    return [re.split(" {3,}", line) for line in bound("history").stdout.splitlines()[1:]]


def test_a_branch_without_resources_has_no_history(bound: Bound) -> None:
    assert bound("history").stdout == "no revisions\n"


def test_what_was_rewritten_stays_known(bound: Bound) -> None:
    """Numbers are never used twice: what a rewrite abandoned keeps its revision."""
    space = bound.namespace
    start = bound.commit({"a.yaml": config_map(space, "a", x="1")}, "one")
    bound.commit({"a.yaml": config_map(space, "a", x="2")}, "abandoned")
    bound.apply(config_map(space, "b"))  # indexes and pushes the history
    git(bound.repo, "update-ref", "refs/heads/main", start)
    bound.commit({"a.yaml": config_map(space, "a", x="3")}, "instead")
    assert [row[:1] + row[3:] for row in rows(bound, "configmap/a")] == [
        ("3", "data.x 2 → 3", "instead"),
        ("2", "data.x 1 → 2", "abandoned"),
        ("1", "created", "one"),
    ]
    assert yaml.safe_load(bound("show", "cm/a", "--revision", "2").stdout)["data"] == {"x": "2"}


def test_kinds_that_only_the_branch_knows_are_named_as_everywhere(bound: Bound) -> None:
    """The file names no namespace: it is the default one, as the CRD beside it says."""
    settings = bound.file(".gitops.toml")
    bound.commit({".gitops.toml": settings.replace('"default"', f'"{bound.namespace}"')})
    widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {size: 1}\n"
    bound.commit({"crd.yaml": WIDGETS, "w.yaml": widget}, "one")
    bound.commit({"w.yaml": widget.replace("1}", "2}")}, "two")
    for names in (("widget/w",), ("widgets.example.com", "w")):
        assert [row[3] for row in rows(bound, *names)] == ["spec.size 1 → 2", "created"]
        assert bound("show", *names, "--revision", "1").stdout == widget


def test_what_is_not_there_is_answered_with_what_is_near(bound: Bound) -> None:
    space = bound.namespace
    bound.commit({"s.yaml": config_map(space, "settings"), "b.yaml": config_map("other", "x")})
    bound.commit({"c.yaml": config_map("third", "x")})
    for command in ("history", "show"):
        run = bound(command, "configmap/setings", exit=1)
        assert (run.stdout, run.stderr) == (
            "",
            "error: the history has no configmap/setings\n"
            f"hint: kubectl gitops history configmap/settings -n {space}\n"
            "hint: kubectl gitops history configmap/x -n other\n"
            "hint: kubectl gitops history configmap/x -n third\n"
            "hint: kubectl gitops history\n",
        )
    run = bound("history", "configmap/x", exit=1)
    assert run.stderr.splitlines()[0] == (
        "error: configmap/x is in several namespaces: other, third"
    )
    run = bound("history", "configmap/settings", "-n", "elsewhere", exit=1)
    assert run.stderr.splitlines()[0] == (
        "error: the history has no configmap/settings in namespace elsewhere"
    )
    assert "names no resource" in bound("show", "settings", exit=2).stderr
    run = bound("show", "configmap/settings", "--revision", "9", exit=1)
    assert run.stderr.splitlines()[0] == (
        f"error: configmap/{space}/settings has no revision 9: there are 1 to 1"
    )


def test_a_removed_resource_is_shown_as_it_was_last(bound: Bound) -> None:
    space, text = bound.namespace, config_map(bound.namespace, "a", x="1")
    bound.commit({"a.yaml": f"# kept\n{text}"})
    bound.commit({"a.yaml": None})
    assert bound("show", "configmap/a").stdout == f"# kept\n{text}"
    run = bound("show", "configmap/a", "--revision", "2", exit=1)
    assert run.stderr == (
        f"error: configmap/{space}/a was removed in revision 2\n"
        f"hint: kubectl gitops show configmap/a -n {space} --revision 1\n"
    )


def test_a_secrets_history_tells_which_value_changed_and_nothing_else(
    bound: Bound, key_file: Path
) -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData:\n  user: shop\n"
    key = ["--key-file", str(key_file)]
    bound.apply(f"{text}  password: hunter2\n", *key)
    bound.apply(f"{text}  password: hunter3\n", *key)
    bound.apply(f"{text}  password: hunter3\n  more: hunter4\n", *key)
    bound.apply(text, *key)
    assert [row[3:] for row in rows(bound, "secret/db")] == [
        ("data.more removed, data.password removed",),
        ("data.more added",),
        ("data.password changed",),
        ("created",),
    ]
    ops = [
        item["patch"] and [op["path"] for op in item["patch"]]
        for item in revisions(bound, "secret/db")
    ]
    assert ops == [
        ["/data/more", "/data/password"],
        ["/data/more"],
        ["/data/password"],
        None,
    ]
    table = bound("history", "secret/db").stdout
    everything = [
        bound("history", "secret/db", "--patch").stdout,
        bound("show", "secret/db").stdout,
    ]
    everything += [bound("show", "secret/db", "--revision", "1").stdout, table]
    assert [text for text in everything if "hunter" in text] == []
    assert "kgs1" not in table
    assert "kgs1" in bound("show", "secret/db", "--revision", "1").stdout


def test_a_commit_by_hand_with_a_secret_in_the_clear_shows_none_of_it(bound: Bound) -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {p: hunter2}\n"
    bound.commit({"db.yaml": text})
    bound.commit({"db.yaml": text.replace("hunter2", "hunter3")})
    assert [row[3] for row in rows(bound, "secret/db")] == ["changed", "created"]
    runs = [bound("history", "secret/db", "--patch"), bound("history", "-o", "json")]
    assert [run for run in runs if "hunter" in run.stdout + run.stderr] == []


def test_what_asks_no_cluster_never_loads_kubernetes(
    bound: Bound, key_file: Path, kubeconfig: Path
) -> None:
    bound.commit({"a.yaml": config_map(bound.namespace, "a", x="1")})
    kubeconfig.unlink()
    place = ["secret/db", "--field", "password", "--key-file", str(key_file)]
    for words in (
        ["history"],
        ["show", "configmap/a"],
        ["secret", "encrypt", *place],
        ["pull", "--help"],
        ["--help"],
        ["version"],
    ):
        command = [sys.executable, "-X", "importtime", "-m", "kubectl_gitops", *words]
        answer = subprocess.run(command, check=True, input="", capture_output=True, text=True)
        loaded = {line.rpartition("|")[2].strip() for line in answer.stderr.splitlines()}
        assert "kubectl_gitops.cli" in loaded
        assert [name for name in loaded if name.split(".")[0] == "kubernetes"] == []
