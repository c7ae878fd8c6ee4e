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
    """Revision, author, operation, change and reason: what is the same from run to run."""
    return [tuple(row[column] for column in (0, 2, 4, 6, 7)) for row in table(bound, *names)]


def table(bound: Bound, *words: str) -> list[list[str]]:
    lines = bound("history", *words).stdout.splitlines()[1:]
    return [re.split(" {3,}", line) for line in lines]


ADA, GRACE = "Ada Lovelace", "Grace Hopper"


def test_a_life_is_told_newest_first(bound: Bound) -> None:
    space = bound.namespace
    path = f"{space}/configmap/a.yaml"
    bound.apply(config_map(space, "a", x="1"), "-m", "it begins")
    bound.commit({path: config_map(space, "a", x="2")}, "two is more\n\nMuch more.\n")
    bound("delete", "configmap/a", "-m", "no longer")
    bound.apply(config_map(space, "a", x="3"))
    assert rows(bound, "configmap/a") == [
        ("4", ADA, "apply", "created", "-"),
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
        "author": "Grace Hopper <grace@example.com>",
        "user": "",
        "operation": "",
        "reason": "two is more\n\nMuch more.",
        "patch": [{"op": "replace", "path": "/data/x", "value": "2"}],
        "before": git(bound.repo, "rev-parse", f"{commits[3]}:{path}"),
        "after": git(bound.repo, "rev-parse", f"{commits[2]}:{path}"),
        "abandoned": False,
    }
    users = [row[3] for row in table(bound, "configmap/a")]
    assert users == ["admin", "admin", "-", "admin"]
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
    assert heading.startswith(f"revision 5 · {bound.tip[:7]} · {GRACE} <grace@example.com> · ")
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
    told = {(row[0], row[1]) for row in table(bound)}
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
    commits = [row[5].partition(" ")[2] for row in table(bound, "configmap/a")]
    assert commits == ["", "(abandoned)", ""]
    assert [item["abandoned"] for item in revisions(bound, "cm/a")] == [False, True, False]
    assert yaml.safe_load(bound("show", "cm/a", "--revision", "2").stdout)["data"] == {"x": "2"}
    bound("rollback", "cm/a", "--to-revision", "2")
    assert bound.live("cm/a")["data"] == {"x": "2"}


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


def labelled(space: str, name: str, app: str) -> str:
    return config_map(space, name).replace("metadata:\n", f"metadata:\n  labels: {{app: {app}}}\n")


def test_many_are_told_by_file_type_namespace_and_labels(bound: Bound, tmp_path: Path) -> None:
    space = bound.namespace
    file = tmp_path / "shop.yaml"
    file.write_text(f"{labelled(space, 'a', 'web')}---\n{labelled(space, 'b', 'db')}")
    elsewhere = config_map("elsewhere", "c")
    role = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: sa, namespace: elsewhere}\n"
    bound.commit({"shop.yaml": file.read_text(), "c.yaml": elsewhere, "sa.yaml": role})
    bound.commit({"shop.yaml": labelled(space, "b", "db")}, "a is gone")

    def told(*words: str) -> list[str]:
        return [f"{row[0].rpartition('/')[2]}{row[1]}" for row in table(bound, *words)]

    assert told("-f", str(file)) == ["a2", "a1", "b1"]
    assert told("-l", "app=web") == ["a2", "a1"]
    assert told("-l", "app", "-n", "elsewhere") == []
    assert told("-n", "elsewhere") == ["c1", "sa1"]
    assert told("cm") == ["a2", "c1", "a1", "b1"]
    assert told("sa,cm", "-n", "elsewhere") == ["c1", "sa1"]
    assert told("cm/a", "cm/b", "-n", space) == ["a2", "a1", "b1"]
    assert told("cm", "a", "b", "-n", space) == ["a2", "a1", "b1"]
    assert bound("history", "-f", "-", input="nonsense: [", exit=1).stdout == ""
    missing = bound("history", "-f", "-", input=config_map(space, "aa"), exit=1)
    assert missing.stderr.splitlines()[:2] == [
        f"error: the history has no configmap/aa in namespace {space}",
        f"hint: kubectl gitops history configmap/a -n {space}",
    ]
    unknown = bound("history", "confgmap", exit=1)
    assert unknown.stderr == (
        "error: the history has no resource of type confgmap\n"
        "hint: kubectl gitops history configmap\n"
        "hint: kubectl gitops history\n"
    )
    assert "name resources, or give files" in bound("history", "cm/a", "-l", "x", exit=2).stderr


def test_revisions_are_sifted_by_time_author_and_number(bound: Bound) -> None:
    space = bound.namespace
    for number in range(4):
        when = f"{1_700_000_000 + number * 3600} +0000"
        bound.commit({"a.yaml": config_map(space, "a", x=str(number))}, when=when)
    bound.apply(config_map(space, "a", x="9"))

    def told(*words: str) -> list[str]:
        return [row[0] for row in rows(bound, "cm/a", *words)]

    assert told("--reverse") == ["1", "2", "3", "4", "5"]
    assert told("--limit", "2") == ["5", "4"]
    assert told("--limit", "2", "--reverse") == ["4", "5"]
    assert told("--since", "2023-11-14T23:13:20Z", "--until", "2023-11-15T01:13:20+01:00") == [
        "3",
        "2",
    ]
    assert told("--until", "2023-11-14T22:13:20") == ["1"]
    assert told("--since", "1h") == ["5"]
    assert told("--since", "2 hours ago") == ["5"]
    assert told("--author", "GRACE") == ["4", "3", "2", "1"]
    assert told("--author", "ada@example") == ["5"]
    assert told("--until", "yesterday", "--limit", "1") == ["4"]
    assert "is no time" in bound("history", "--since", "soon", exit=2).stderr
    at = bound("show", "cm/a", "--at", "2023-11-14T23:30:00Z").stdout
    assert yaml.safe_load(at)["data"] == {"x": "1"}
    early = bound("show", "cm/a", "--at", "2020-01-01T00:00:00Z", exit=1).stderr
    assert early.splitlines()[0] == (
        f"error: configmap/{space}/a did not exist at 2020-01-01T00:00:00+00:00: revision 1 is of "
        "2023-11-14T22:13:20+00:00"
    )


def test_a_resource_is_shown_as_any_commit_has_it(bound: Bound) -> None:
    space = bound.namespace
    one = bound.commit({"a.yaml": config_map(space, "a", x="1")})
    moved = {"a.yaml": None, "all.yml": f"# here now\n{config_map(space, 'a', x='1')}"}
    two = bound.commit({"b.yaml": config_map(space, "b"), **moved})
    bound.commit({"all.yml": None})
    assert bound("show", "cm/a", "--commit", one[:8]).stdout == config_map(space, "a", x="1")
    assert bound("show", "cm/a", "--commit", two).stdout.startswith("# here now\n")
    gone = bound("show", "cm/a", "--commit", bound.tip, exit=1)
    assert gone.stderr.splitlines()[0] == (f"error: configmap/{space}/a is not in {bound.tip[:7]}")
    assert "has no commit beef" in bound("show", "cm/a", "--commit", "beef", exit=1).stderr
    both = bound("show", "cm/a", "--commit", one, "--revision", "1", exit=2)
    assert both.stderr.splitlines()[0] == (
        "error: say when by one of --revision, --at and --commit"
    )


def test_two_revisions_are_compared(bound: Bound) -> None:
    space = bound.namespace
    for number in "123":
        bound.commit({"a.yaml": config_map(space, "a", x=number)})
    bound.commit({"a.yaml": None})

    def told(span: str, exit: int = 1) -> list[str]:
        text = bound("diff", "cm/a", "--revision", span, exit=exit).stdout
        return re.findall(r"^[-+]+ .*", text, re.MULTILINE)

    name = f"configmap/{space}/a revision"
    assert told("1..3") == [f"--- {name} 1", f"+++ {name} 3", '-  x: "1"', '+  x: "3"']
    assert told("2") == [f"--- {name} 1", f"+++ {name} 2", '-  x: "1"', '+  x: "2"']
    assert told("..2") == [f"--- {name} 1", f"+++ {name} 2", '-  x: "1"', '+  x: "2"']
    assert told("1")[:2] == [f"--- {name} 0", f"+++ {name} 1"]
    assert told("3..")[:2] == [f"--- {name} 3", f"+++ {name} 4"]
    assert told("2..2", exit=0) == []
    beyond = bound("diff", "cm/a", "--revision", "2..9", exit=2).stderr
    assert beyond.splitlines()[0].endswith("has no revision 9: there are 1 to 4")
    assert "is no revision" in bound("diff", "cm/a", "--revision", "a..b", exit=2).stderr
    assert "Unexpected args: [cm/a]" in bound("diff", "cm/a", exit=2).stderr
    alone = bound("diff", "--revision", "1..2", exit=2).stderr
    assert alone.splitlines()[0] == "error: --revision is for one resource, named by TYPE/NAME"


def test_operations_are_told_one_line_each_and_one_of_them_whole(bound: Bound) -> None:
    space = bound.namespace
    bound.apply(f"{config_map(space, 'a')}---\n{config_map(space, 'b')}", "-m", "it begins")
    first = bound.tip
    bound.commit({f"{space}/configmap/a.yaml": config_map(space, "a", x="1")}, "by hand")
    bound.apply(f"# a comment only\n{config_map(space, 'a', x='1')}")
    bound("undo", first, "-m", "never mind", exit=3)
    bound.commit({"README": "no resource"}, "no resource")
    lines = bound("log").stdout.splitlines()
    told = [[cell for i, cell in enumerate(re.split(" {3,}", line)) if i != 1] for line in lines]
    name = f"configmap/{space}/a"
    assert told[1:5] == [
        [bound.tip[:7], GRACE, "-", "commit", "none", "committed", "no resource"],
        [told[2][0], ADA, "admin", "apply", "none", "committed", "-"],
        [told[3][0], GRACE, "-", "commit", name, "committed", "by hand"],
        [first[:7], ADA, "admin", "apply", f"2 resources in {space}", "committed", "it begins"],
    ]
    assert len(bound("log", "--author", "grace").stdout.splitlines()) == 3
    items = bound("log", "--limit", "1", "--until", "now", "-o", "json").json["items"]
    assert [item["commit"] for item in items] == [bound.tip]
    whole = bound("log", first[:9]).stdout
    assert whole.startswith(f"commit {first}\nauthor:    Ada Lovelace <ada@example.com>\n")
    assert [line.split() for line in whole.splitlines()[-2:]] == [
        [name, "1", "created"],
        [f"configmap/{space}/b", "1", "created"],
    ]
    nothing = bound("log", bound.tip, exit=1).stderr
    assert nothing.splitlines()[0] == (f"error: {bound.tip[:7]} changed no resource of this set")


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
    assert [row[3] for row in rows(bound, "secret/db")] == [
        "data.more removed, data.password removed",
        "data.more added",
        "data.password changed",
        "created",
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
        bound("history", "secret/db", "-o", "yaml").stdout,
    ]
    told = bound("history", "secret/db", "--diff", "--limit", "3").stdout
    assert sorted(re.findall(r"^[-+] .*", told, re.MULTILINE)) == [
        '+  more: "***"',
        '+  password: "*** (after)"',
        '-  more: "***"',
        '-  password: "*** (before)"',
        '-  password: "***"',
    ]
    compared = bound("diff", "secret/db", "--revision", "1..3", exit=1).stdout
    assert sorted(re.findall(r"^[-+] .*", compared, re.MULTILINE)) == [
        '+  more: "***"',
        '+  password: "*** (after)"',
        '-  password: "*** (before)"',
    ]
    everything += [told, compared]
    everything += [bound("show", "secret/db", "--revision", "1").stdout, table]
    assert [text for text in everything if "hunter" in text] == []
    assert "kgs1" not in table
    assert "kgs1" in bound("show", "secret/db", "--revision", "1").stdout


def test_a_commit_by_hand_with_a_secret_in_the_clear_shows_none_of_it(bound: Bound) -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {p: hunter2}\n"
    bound.commit({"db.yaml": text})
    bound.commit({"db.yaml": text.replace("hunter2", "hunter3")})
    assert [row[3] for row in rows(bound, "secret/db")] == ["changed", "created"]
    runs = [
        bound("history", "secret/db", "--patch"),
        bound("history", "-o", "json"),
        bound("history", "secret/db", "--diff"),
        bound("diff", "secret/db", "--revision", "1..2", exit=1),
        bound("log", bound.tip),
        bound("verify", exit=1),
    ]
    assert [run for run in runs if "hunter" in run.stdout + run.stderr] == []


def test_what_asks_no_cluster_never_loads_kubernetes(
    bound: Bound, key_file: Path, kubeconfig: Path
) -> None:
    bound.commit({"a.yaml": config_map(bound.namespace, "a", x="1")})
    kubeconfig.unlink()
    place = ["secret/db", "--field", "password", "--key-file", str(key_file)]
    for words in (
        ["history"],
        ["history", "configmap/a", "--diff"],
        ["history", "-l", "app!=x", "-o", "yaml"],
        ["show", "configmap/a"],
        ["show", "configmap/a", "--commit", bound.tip],
        ["log"],
        ["log", bound.tip],
        ["verify"],
        ["diff", "configmap/a", "--revision", "1..1"],
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


def test_a_damaged_history_stops_no_change_and_is_made_anew(bound: Bound) -> None:
    space = bound.namespace
    bound.apply(config_map(space, "a", x="1"))
    damaged = git(bound.repo, "commit-tree", "main^{tree}", "-p", "main", "-m", "x")
    git(bound.repo, "update-ref", "refs/gitops/history/main", damaged)

    applied = bound.apply(config_map(space, "a", x="2"))
    left = "Warning: the history cannot be read; it is left as it is (kubectl gitops verify)"
    assert applied.stdout == "configmap/a configured\n"
    assert left in applied.stderr
    assert bound("pull").exit == 0
    standing = bound("status")
    assert re.split(" {3,}", standing.stdout.splitlines()[1])[3] == "-"
    assert "the history cannot be read (kubectl gitops verify)" in standing.stderr
    assert git(bound.repo, "rev-parse", "refs/gitops/history/main") == damaged

    told = bound("history", "cm/a", exit=1).stderr
    assert told == ("error: the history cannot be read\nhint: kubectl gitops verify --repair\n")
    found = bound("verify", exit=1)
    assert found.stdout == "history: the history cannot be read\n"
    items = bound("verify", "-o", "json", exit=1).json["items"]
    assert items == [
        {
            "check": "history",
            "resource": None,
            "commit": "",
            "message": "the history cannot be read",
        }
    ]
    repaired = bound("verify", "--repair")
    assert repaired.stderr == (
        "kubectl-gitops: verified 2 revisions of 1 resource in 2 commits\n"
        "kubectl-gitops: the history was made anew\n"
    )
    assert [row[:1] + row[3:4] for row in rows(bound, "cm/a")] == [
        ("2", "data.x 1 → 2"),
        ("1", "created"),
    ]
    again = bound("verify", "--repair").stderr.splitlines()[-1]
    assert again == "kubectl-gitops: the history needs no repair"


def test_every_command_leaves_a_store_that_verifies(bound: Bound, key_file: Path) -> None:
    """Nothing is changed without being named, nothing recorded that was not so."""
    space, key = bound.namespace, ("--key-file", str(key_file))
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {p: hunter2}\n"
    bound.kubectl("create", "configmap", "live", "--from-literal=x=1")
    bound.apply(f"{config_map(space, 'a', x='1')}---\n{secret}", *key)
    bound.apply(config_map(space, "live", x="2"), "-m", "taken over\n\nGitops-Operation: forged")
    bound.kubectl("create", "configmap", "found", "--from-literal=x=1")
    bound("import", "configmap")
    bound.kubectl("patch", "configmap", "a", "--type=merge", "-p", '{"data":{"x":"9"}}')
    bound("record")
    bound.commit({"hand.yaml": config_map(space, "hand")})
    bound("pull", *key)
    bound("delete", "configmap/found", "configmap/hand")
    bound("undo", *key)
    bound("rollback", "configmap/a", "--to-revision", "1")
    bound("secret", "rekey", *key)
    done = bound("verify", *key)
    assert (done.exit, done.stdout) == (0, "")
    assert ", 1 sealed value\n" in done.stderr
    operations = bound("log", "-o", "json").json["items"]
    assert {one["operation"] for one in operations} >= {
        "",
        "apply",
        "record",
        "import",
        "delete",
        "undo",
        "rollback",
    }


def test_a_secret_that_somebody_committed_in_the_clear_is_shown_masked(bound: Bound) -> None:
    space = bound.namespace
    text = (
        f"apiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: {space}}}\n"
        "stringData: {p: correct-horse}   # correct-horse, really\n"
    )
    bound.commit({"db.yaml": text})
    for output in ("yaml", "json"):
        run = bound("show", "secret/db", "-o", output)
        assert "correct-horse" not in run.stdout
        assert "***" in run.stdout
        assert run.stderr == (
            f"Warning: secret/{space}/db /stringData/p stands in the clear in the branch, and is "
            "masked here\n"
        )
