from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.history import summary
from kubectl_gitops.message import Message, Signature
from kubectl_gitops.ports import Tip
from kubectl_gitops.resource import ResourceId
from kubectl_gitops.store import open_store
from tests.git import git

ADA = Signature("Ada", "ada@example.com", 1_700_000_000, 3600)
APPLY = Message(ADA, "apply", "why", "apply", user="ada@cluster")
SETTINGS = {".gitops.toml": b'default-namespace = "shop"\n'}
CRD = b"""apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tests.example.com}
spec: {group: example.com, names: {kind: Test, plural: tests}, scope: %s}
"""


def config_map(name="web", *, namespace="", **data):
    place = f", namespace: {namespace}" if namespace else ""
    items = "".join(f"  {key}: '{value}'\n" for key, value in data.items())
    return (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}{place}}}\ndata:\n{items}"
    ).encode()


def config(name="web", namespace="shop"):
    return ResourceId("", "ConfigMap", namespace, name)


class Branch:
    """A branch of a local store, written by hand or by us, and its history."""

    def __init__(self, path):
        self.path = path
        self.clock = ADA.time
        self.again()
        self.tip = ""
        self.history = ""

    def again(self):
        """As another process would find it."""
        self.store = open_store(str(self.path), "main", data_dir=Path("unused"), warn=pytest.fail)

    def commit(self, edits, *, on=None, message=APPLY):
        """A commit on the tip, or on another one."""
        self.clock += 60
        author = replace(message.author, time=self.clock)
        self.tip = self.store.commit(
            self.tip if on is None else on, edits, replace(message, author=author)
        )
        return self.tip

    def merge(self, first, second, tree):
        self.tip = git(
            self.path, "commit-tree", f"{tree}^{{tree}}", "-p", first, "-p", second, "-m", "merge"
        )
        return self.tip

    def index(self):
        before = self.history
        self.history = self.store.extend(Tip(self.tip, before)).history
        return self.history

    def revisions(self, resource=None, path=""):
        resource = resource or config()
        return list(self.store.revisions(Tip(self.tip, self.history), resource, path))

    def told(self, resource=None, path=""):
        """The history of a resource in words, oldest first, each with its commit."""
        found = self.revisions(resource, path)[::-1]
        assert [r.revision for r in found] == list(range(1, len(found) + 1))
        return [(summary(r), r.commit) for r in found]

    def files(self):
        return git(self.path, "ls-tree", "-r", "--name-only", self.history).splitlines()


@pytest.fixture
def branch(bare_repo):
    made = Branch(bare_repo)
    yield made
    if made.history:
        git(bare_repo, "update-ref", "refs/gitops/history/main", made.history)


def test_a_change_is_recorded_with_who_when_and_why(branch):
    one = branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    two = branch.commit({"web.yaml": config_map(a="2")})
    branch.index()
    newer, older = branch.revisions()
    blobs = [branch.store.files(commit)["web.yaml"].blob for commit in (one, two)]
    assert replace(newer, previous=None) == replace(
        older,
        revision=2,
        commit=two,
        time="2023-11-14T23:15:20+01:00",
        patch=({"op": "replace", "path": "/data/a", "value": "2"},),
        before=blobs[0],
        after=blobs[1],
    )
    assert (older.resource, older.path, older.commit, older.time) == (
        config(),
        "web.yaml",
        one,
        "2023-11-14T23:14:20+01:00",
    )
    assert (older.author, older.user, older.operation, older.reason, older.patch) == (
        "Ada <ada@example.com>",
        "ada@cluster",
        "apply",
        "why",
        None,
    )
    assert (older.before, older.after, older.previous) == (None, blobs[0], None)


def test_the_tree_holds_one_readable_file_per_resource(branch):
    branch.commit({**SETTINGS, "web.yaml": config_map(a="1"), "README.md": b"hi"})
    branch.index()
    assert branch.files() == ["format", "shop/configmap/web.json"]
    shown = json.loads(git(branch.path, "show", f"{branch.history}:format"))
    assert shown == {"format": 1, "sets": [""]}
    record = json.loads(git(branch.path, "show", f"{branch.history}:shop/configmap/web.json"))
    assert (record["format"], record["revision"], record["path"]) == (1, 1, "web.yaml")


def test_a_history_commit_has_the_commit_it_indexes_as_its_last_parent(branch):
    one = branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    first = branch.index()
    two = branch.commit({"web.yaml": config_map(a="2")})
    second = branch.index()
    form = "--format=%P|%an|%at|%ai|%cn|%ct|%s"
    shown = [git(branch.path, "show", "-s", form, commit) for commit in (first, second)]
    person = "Ada|{}|{}|Ada|{}"
    at = [person.format(t, d, t) for t, d in (
        (1_700_000_060, "2023-11-14 23:14:20 +0100"), (1_700_000_120, "2023-11-14 23:15:20 +0100"),
    )]  # fmt: skip
    assert shown == [
        f"{one}|{at[0]}|index {one[:12]}",
        f"{first} {two}|{at[1]}|index {two[:12]}",
    ]


def test_one_commit_at_a_time_gives_what_all_at_once_gives(branch):
    for number in range(4):
        settings = SETTINGS if number == 0 else {}
        branch.commit({**settings, "web.yaml": config_map(a=str(number))})
        branch.index()
        branch.again()
    at_once = branch.store.extend(Tip(branch.tip, "")).history
    assert at_once == branch.history


def test_a_history_that_is_lost_is_made_again_from_the_branch(branch):
    branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    branch.index()
    branch.commit({"web.yaml": config_map(a="2")})
    made = branch.index()
    branch.history = ""
    assert branch.index() == made


def test_layout_comments_and_moves_are_no_change(branch):
    one = branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    branch.index()
    branch.commit({"web.yaml": b"# hello\n" + config_map(a="1")})
    branch.commit({"web.yaml": None, "apps/all.yaml": b"---\n" + config_map(a="1")})
    branch.index()
    branch.commit({"apps/all.yaml": None, "x.json": json.dumps(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"a": "1"}}
    ).encode()})  # fmt: skip
    branch.index()
    assert branch.told() == [("created", one)]
    two = branch.commit({"x.json": None, "web.yaml": config_map(a="2")})
    branch.index()
    assert branch.told() == [("created", one), ("data.a → 2", two)]


def test_a_removal_and_a_return_go_on_counting(branch):
    one = branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    two = branch.commit({"web.yaml": None})
    three = branch.commit({"web.yaml": config_map(a="3")})
    branch.index()
    assert branch.told() == [("created", one), ("removed", two), ("created", three)]
    assert [(r.path, r.before is None, r.after is None) for r in branch.revisions()] == [
        ("web.yaml", True, False),
        ("web.yaml", False, True),
        ("web.yaml", True, False),
    ]


def test_in_a_file_of_many_only_the_changed_document_is_recorded(branch):
    def many(**values):
        return b"---\n".join(config_map(name, a=value) for name, value in values.items())

    one = branch.commit({**SETTINGS, "all.yaml": many(a="1", b="1", c="1")})
    two = branch.commit({"all.yaml": many(a="1", b="2", c="1")})
    branch.index()
    three = branch.commit({"all.yaml": many(c="1", d="4", b="2")})
    branch.index()
    assert branch.told(config("a")) == [("created", one), ("removed", three)]
    assert branch.told(config("b")) == [("created", one), ("data.a → 2", two)]
    assert branch.told(config("c")) == [("created", one)]
    assert branch.told(config("d")) == [("created", three)]


def test_commits_by_hand_are_recorded_like_any_other(branch):
    one = branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    by_hand = Message(Signature("Bob", "bob@example.com", 0), "", reason="Fix it\n\nfor real")
    branch.commit({"web.yaml": config_map(a="2")}, message=by_hand)
    branch.index()
    newest = branch.revisions()[0]
    assert (newest.author, newest.operation, newest.user, newest.reason) == (
        "Bob <bob@example.com>",
        "",
        "",
        "Fix it\n\nfor real",
    )
    assert branch.told()[0] == ("created", one)


def test_a_merge_is_one_record(branch):
    base = branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    branch.commit({"web.yaml": config_map(a="2")})
    side = branch.commit({"web.yaml": config_map(a="3")})
    merge = branch.merge(base, side, side)
    branch.index()
    assert branch.told() == [("created", base), ("data.a → 3", merge)]


def test_a_squash_goes_on_from_the_same_content(branch):
    base = branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    two = branch.commit({"web.yaml": config_map(a="2")})
    branch.index()
    squashed = branch.commit({**SETTINGS, "web.yaml": config_map(a="2")}, on="")
    four = branch.commit({"web.yaml": config_map(a="4")})
    branch.index()
    assert squashed not in {r.commit for r in branch.revisions()}
    assert branch.told() == [("created", base), ("data.a → 2", two), ("data.a → 4", four)]


def test_a_rewind_is_a_change_back(branch):
    base = branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    branch.index()
    two = branch.commit({"web.yaml": config_map(a="2"), "new.yaml": config_map("new", a="1")})
    branch.index()
    branch.tip = base
    branch.index()
    assert branch.told() == [("created", base), ("data.a → 2", two), ("data.a → 1", base)]
    assert branch.told(config("new")) == [("created", two), ("removed", base)]
    branch.tip = two
    branch.index()
    assert branch.told()[3:] == [("data.a → 2", two)]


def test_after_a_merge_the_other_way_round_the_commits_on_top_are_recorded(branch):
    base = branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    ours = branch.commit({"web.yaml": config_map(a="2")})
    branch.index()
    theirs = branch.commit({"other.yaml": config_map("other", a="1")}, on=base)
    tree = branch.commit({"web.yaml": config_map(a="2")}, on=theirs)
    foxtrot = branch.merge(theirs, ours, tree)
    five = branch.commit({"web.yaml": config_map(a="5")})
    branch.index()
    assert branch.told() == [("created", base), ("data.a → 2", ours), ("data.a → 5", five)]
    assert branch.told(config("other")) == [("created", foxtrot)]


def test_a_revert_is_a_change_back(branch):
    one = branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    two = branch.commit({"web.yaml": config_map(a="2")})
    back = git(branch.path, "commit-tree", f"{one}^{{tree}}", "-p", two, "-m", 'Revert "two"')
    branch.tip = back
    branch.index()
    assert branch.told() == [("created", one), ("data.a → 2", two), ("data.a → 1", back)]


def test_after_a_rebase_what_counts_is_the_state_and_the_old_commits_are_marked(branch):
    one = branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    old = [branch.commit({"web.yaml": config_map(a=text)}) for text in ("2", "3")]
    branch.index()
    branch.commit({"db.yaml": config_map("db")}, on=one)
    new = [branch.commit({"web.yaml": config_map(a=text)}) for text in ("2", "3")]
    branch.index()
    assert branch.told() == [("created", one), ("data.a → 2", old[0]), ("data.a → 3", old[1])]
    assert branch.told(config("db")) == [("created", new[1])]
    tip = Tip(branch.tip, branch.history)
    assert branch.store.abandoned(tip, [one, *old, *new]) == set(old)
    four = branch.commit({"web.yaml": config_map(a="4")})
    branch.index()
    assert branch.told()[3:] == [("data.a → 4", four)]


def test_after_a_rewrite_without_anything_in_common_the_tip_alone_is_recorded(branch):
    base = branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    branch.index()
    branch.commit({**SETTINGS, "web.yaml": config_map(a="8")}, on="")
    nine = branch.commit({"web.yaml": config_map(a="9")})
    branch.index()
    assert branch.told() == [("created", base), ("data.a → 9", nine)]


def test_what_a_rewrite_abandoned_stays_reachable(branch):
    branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    abandoned = branch.commit({"web.yaml": config_map(a="2")})
    branch.index()
    branch.commit({**SETTINGS, "web.yaml": config_map(a="3")}, on="")
    branch.index()
    assert git(branch.path, "merge-base", abandoned, branch.history) == abandoned


def test_what_a_rewrite_abandoned_is_told_apart(branch):
    one = branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    two = branch.commit({"web.yaml": config_map(a="2")})
    branch.index()
    tip = Tip(branch.tip, branch.history)
    assert branch.store.abandoned(tip, [one, two]) == frozenset()
    three = branch.commit({"web.yaml": config_map(a="3")}, on=one)
    branch.index()
    tip = Tip(branch.tip, branch.history)
    assert branch.store.abandoned(tip, [one, two, three]) == {two}
    assert branch.store.abandoned(tip, [one]) == frozenset()
    assert json.loads(git(branch.path, "show", f"{branch.history}:format"))["rewritten"] is True
    for ref, name in (("heads/main", branch.tip), ("gitops/history/main", branch.history)):
        git(branch.path, "update-ref", f"refs/{ref}", name)
    assert branch.store.resolve(two[:9]) == two  # shown and rolled back to like any other
    with pytest.raises(GitopsError, match="the branch has no commit"):
        branch.store.resolve(branch.history)
    branch.merge(three, two, three)
    branch.index()
    assert branch.store.abandoned(Tip(branch.tip, branch.history), [one, two, three]) == set()


def test_the_changes_of_a_set_come_newest_first_and_by_commit(branch):
    one = branch.commit({**SETTINGS, "b.yaml": config_map("b"), "a.yaml": config_map("a")})
    two = branch.commit({"README": b"no resource"})
    three = branch.commit({"b.yaml": None, "a.yaml": config_map("a", x="1")})
    branch.index()
    tip = Tip(branch.tip, branch.history)
    told = [(r.resource.name, r.revision, r.commit) for r in branch.store.changes(tip)]
    assert told == [("a", 2, three), ("b", 2, three), ("a", 1, one), ("b", 1, one)]
    assert list(branch.store.changes(tip, "elsewhere")) == []
    by = branch.store.changed_by
    assert [r.resource.name for r in by(tip, one)] == ["a", "b"]
    assert by(tip, two) == ()
    assert [r.resource.name for r in by(tip, three)] == ["a", "b"]
    assert list(branch.store.operations(branch.tip)) == [three, two, one]
    assert list(branch.store.operations(branch.tip, "elsewhere")) == []


def test_what_a_reader_has_indexed_is_there_for_the_next_one(branch):
    branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    git(branch.path, "update-ref", "refs/heads/main", branch.tip)
    extended = branch.store.extend(branch.store.fetch())
    branch.again()
    assert branch.store.fetch() == extended


def test_an_unreadable_file_keeps_the_last_record(branch):
    broken = config_map(a="2") + b"  x: [\n"
    one = branch.commit({**SETTINGS, "web.yaml": config_map(a="1"), "o.yaml": config_map("o")})
    branch.commit({"web.yaml": broken, "o.yaml": None})
    branch.index()
    assert branch.told() == [("created", one)]
    assert branch.told(config("o"))[-1][0] == "removed"
    branch.again()
    same = branch.commit({"web.yaml": config_map(a="1")})
    branch.index()
    assert branch.told() == [("created", one)]
    branch.commit({"web.yaml": broken}, on=same)
    gone = branch.commit({"web.yaml": None})
    branch.index()
    assert branch.told() == [("created", one), ("removed", gone)]


def test_a_resource_that_moved_into_a_file_that_broke_is_not_gone(branch):
    one = branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    branch.commit({"web.yaml": None, "all.yaml": config_map(a="1")})
    branch.index()
    branch.commit({"all.yaml": config_map(a="1") + b"  x: [\n"})
    branch.index()
    branch.again()
    branch.commit({"README": b"x"})
    branch.index()
    assert branch.told() == [("created", one)]
    gone = branch.commit({"all.yaml": None})
    branch.index()
    assert branch.told() == [("created", one), ("removed", gone)]


def test_a_resource_that_stands_twice_keeps_its_last_record(branch):
    one = branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    branch.commit({"copy.yaml": config_map(a="2")})
    branch.index()
    branch.commit({"copy.yaml": config_map(a="3")})
    branch.index()
    branch.again()
    assert branch.told() == [("created", one)]
    last = branch.commit({"web.yaml": None})
    branch.index()
    assert branch.told() == [("created", one), ("data.a → 3", last)]


def test_twice_in_one_file_is_twice_too(branch):
    twice = config_map(a="1") + b"---\n" + config_map(a="2")
    branch.commit({**SETTINGS, "web.yaml": twice})
    branch.index()
    assert branch.told() == []
    two = branch.commit({"web.yaml": config_map(a="2")})
    branch.index()
    assert branch.told() == [("created", two)]


def test_identity_uses_the_default_namespace_of_that_commit(branch):
    one = branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    two = branch.commit({".gitops.toml": b'default-namespace = "blog"'})
    three = branch.commit({"web.yaml": config_map(a="2")})
    branch.index()
    assert branch.told() == [("created", one), ("removed", two)]
    blog = config(namespace="blog")
    assert branch.told(blog) == [("created", two), ("data.a → 2", three)]


def test_a_namespace_spelled_out_where_the_default_changed_is_the_same_resource(branch):
    one = branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    two = branch.commit({
        ".gitops.toml": b'default-namespace = "blog"',
        "web.yaml": config_map(namespace="shop", a="2"),
    })  # fmt: skip
    branch.index()
    words = "data.a → 2, metadata.namespace added: shop"
    assert branch.told() == [("created", one), (words, two)]


def test_settings_that_cannot_be_read_leave_all_as_it_was(branch):
    one = branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    branch.commit({".gitops.toml": b"= = ="})
    branch.commit({"web.yaml": config_map(a="2")})
    branch.index()
    branch.again()
    assert branch.told() == [("created", one)]
    branch.commit({".gitops.toml": b"default-namespace = 7"})
    branch.index()
    assert branch.told() == [("created", one)]
    four = branch.commit(SETTINGS)
    branch.index()
    assert branch.told() == [("created", one), ("data.a → 2", four)]


def test_a_custom_kind_has_the_scope_of_its_definition(branch):
    custom = b"apiVersion: example.com/v1\nkind: Test\nmetadata: {name: t}\nspec: {size: %d}\n"
    one = branch.commit({**SETTINGS, "t.yaml": custom % 1})
    two = branch.commit({"crd.yaml": CRD % b"Namespaced"})
    three = branch.commit({"t.yaml": custom % 3})
    four = branch.commit({"crd.yaml": CRD % b"Cluster"})
    branch.index()
    unplaced = ResourceId("example.com", "Test", "", "t")
    placed = ResourceId("example.com", "Test", "shop", "t")
    assert branch.told(unplaced) == [("created", one), ("removed", two), ("created", four)]
    assert branch.told(placed) == [("created", two), ("spec.size → 3", three), ("removed", four)]


def test_every_directory_with_settings_is_a_set_of_its_own(branch):
    one = branch.commit({
        "staging/.gitops.toml": b'default-namespace = "s"',
        "production/.gitops.toml": b'default-namespace = "p"',
        "staging/web.yaml": config_map(a="1"),
        "production/web.yaml": config_map(a="1"),
        "docs/example.yaml": config_map("example"),
    })  # fmt: skip
    two = branch.commit({"production/web.yaml": config_map(a="2")})
    branch.index()
    assert branch.files() == [
        "format",
        "production/p/configmap/web.json",
        "staging/s/configmap/web.json",
    ]
    assert branch.told(config(namespace="s"), "staging") == [("created", one)]
    told = branch.told(config(namespace="p"), "production")
    assert told == [("created", one), ("data.a → 2", two)]
    latest = branch.store.latest(Tip(branch.tip, branch.history), "production")
    assert [(r.resource, r.revision) for r in latest] == [(config(namespace="p"), 2)]


def test_a_set_inside_another_takes_its_files_out_of_it(branch):
    one = branch.commit({**SETTINGS, "web.yaml": config_map(), "in/db.yaml": config_map("db")})
    branch.index()
    two = branch.commit({"in/.gitops.toml": b'default-namespace = "deep"'})
    three = branch.commit({"in/.gitops.toml": None, "in/db.yaml": None})
    branch.index()
    assert branch.told() == [("created", one)]
    assert branch.told(config("db")) == [("created", one), ("removed", two)]
    deep = config("db", "deep")
    assert branch.told(deep, "in") == [("created", two), ("removed", three)]
    tip = Tip(branch.tip, branch.history)
    assert [r.resource for r in branch.store.latest(tip, "")] == [config("db"), config()]


def test_a_set_that_is_removed_whole_is_recorded_as_removed(branch):
    one = branch.commit({
        "a/.gitops.toml": b"", "a/web.yaml": config_map(), "b/.gitops.toml": b"",
    })  # fmt: skip
    branch.index()
    branch.again()
    two = branch.commit({"a/.gitops.toml": None, "a/web.yaml": None})
    branch.index()
    told = branch.told(config(namespace="default"), "a")
    assert told == [("created", one), ("removed", two)]


@pytest.mark.parametrize("name", ["format", "web.json", "50%25", "format/configmap/web.json"])
def test_any_directory_can_be_a_set(branch, name):
    one = branch.commit({
        f"{name}/.gitops.toml": b"",
        f"{name}/web.yaml": config_map(),
        ".gitops.toml": b'default-namespace = "format"',
        "web.yaml": config_map(),
    })  # fmt: skip
    branch.index()
    assert branch.told(config(namespace="default"), name) == [("created", one)]
    assert branch.told(config(namespace="format")) == [("created", one)]


def test_a_branch_without_settings_is_one_set(branch):
    one = branch.commit({"web.yaml": config_map(a="1")})
    branch.index()
    assert branch.told(config(namespace="default")) == [("created", one)]


def test_a_branch_without_resources_is_indexed_too(branch):
    branch.commit({"README": b"x"})
    first = branch.index()
    assert branch.files() == ["format"]
    assert branch.index() == first


def test_commits_that_change_no_resource_get_no_history_commit_but_the_tip_does(branch):
    branch.commit({**SETTINGS, "web.yaml": config_map()})
    first = branch.index()
    for number in range(5):
        branch.commit({"README": str(number).encode()})
    assert git(branch.path, "show", "-s", "--format=%P", branch.index()) == f"{first} {branch.tip}"


def test_a_secret_that_is_not_sealed_gets_no_patch(branch):
    def secret(value):
        return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\ndata: {{p: '{value}'}}\n"

    edits = [{"s.yaml": secret(v).encode()} for v in ("b3Blbg==", "kgs1:one", "kgs1:two")]
    commits = [branch.commit({**SETTINGS, **edit}) for edit in edits]
    branch.index()
    told = branch.told(ResourceId("", "Secret", "shop", "s"))
    words = ["created", "changed", "data.p changed"]
    assert told == list(zip(words, commits, strict=True))
    shown = git(branch.path, "show", f"{branch.history}:shop/secret/s.json")
    assert "b3Blbg" not in shown


def test_what_a_rule_calls_secret_gets_no_patch_in_the_clear(branch):
    name = ".gitops.toml"
    rule = b'\n[[seal]]\nkind = "ConfigMap"\npaths = ["/data/p"]\n'
    settings = {**SETTINGS, name: SETTINGS[name] + rule}
    for value in ("first-clear-value", "second-clear-value"):
        branch.commit({**settings, "c.yaml": config_map("c", p=value)})
    branch.index()
    shown = git(branch.path, "show", f"{branch.history}:shop/configmap/c.json")
    assert json.loads(shown)["patch"] is None
    assert "clear-value" not in shown


def test_links_and_hidden_files_hold_no_resources(branch, bare_repo):
    branch.commit({**SETTINGS, ".github/x.yaml": config_map("hidden"), "web.yaml": config_map()})
    tree = git(bare_repo, "ls-tree", branch.tip)
    blob = git(bare_repo, "rev-parse", f"{branch.tip}:.github/x.yaml")
    made = git(bare_repo, "mktree", input=f"{tree}\n120000 blob {blob}\tlink.yaml\n")
    branch.tip = git(bare_repo, "commit-tree", made, "-m", "x")
    branch.index()
    assert branch.files() == ["format", "shop/configmap/web.json"]


def test_a_commit_with_a_refused_tree_stops_the_history_there(branch, bare_repo):
    one = branch.commit({**SETTINGS, "web.yaml": config_map(a="1")})
    blob = git(bare_repo, "hash-object", "-w", "--stdin", input="x")
    tree = git(bare_repo, "mktree", input=f"100644 blob {blob}\ta\\b\n")
    branch.tip = git(bare_repo, "commit-tree", tree, "-p", one, "-m", "x")
    with pytest.raises(GitopsError, match="a name that no honest Git writes"):
        branch.index()


def crafted_history(branch, files):
    """A history commit that somebody else wrote."""
    entries = []
    for path, data in files.items():
        blob = git(branch.path, "hash-object", "-w", "--stdin", input=data)
        entries.append(f"100644 blob {blob}\t{path}\n")
    tree = git(branch.path, "mktree", input="".join(entries))
    branch.history = git(branch.path, "commit-tree", tree, "-p", branch.tip, "-m", "x")


@pytest.mark.parametrize(
    ("file", "error"),
    [
        ('{"format": 2, "sets": []}', "the history has format 2, this version reads 1"),
        ('{"format": 1}', "the history cannot be read"),
        ('{"format": true, "sets": []}', "the history cannot be read"),
        ('{"format": 1, "sets": [7]}', "the history cannot be read"),
        ("[" * 100_000, "the history cannot be read"),
        ("1", "the history cannot be read"),
        (None, "the history cannot be read"),
    ],
)
def test_a_newer_or_damaged_history_is_neither_read_nor_extended(branch, file, error):
    branch.commit({**SETTINGS, "web.yaml": config_map()})
    crafted_history(branch, {"other": "x"} if file is None else {"format": file})
    branch.commit({"web.yaml": config_map(a="2")})
    for use in (branch.index, branch.revisions):
        with pytest.raises(GitopsError) as refused:
            use()
        assert refused.value.message == error


def test_a_history_commit_without_parents_is_refused(branch):
    branch.commit({**SETTINGS, "web.yaml": config_map()})
    branch.history = git(branch.path, "commit-tree", f"{branch.tip}^{{tree}}", "-m", "x")
    with pytest.raises(GitopsError, match="the history cannot be read"):
        branch.index()
    for ref, name in (("heads/main", branch.tip), ("gitops/history/main", branch.history)):
        git(branch.path, "update-ref", f"refs/{ref}", name)
    assert branch.store.resolve(branch.tip[:9]) == branch.tip
    branch.commit({"format": b'{"format": 1, "sets": [""]}'})
    branch.history = git(branch.path, "commit-tree", f"{branch.tip}^{{tree}}", "-m", "x")
    with pytest.raises(GitopsError, match="the history cannot be read"):
        list(branch.store.changes(Tip(branch.tip, branch.history)))


def test_a_chain_that_leads_to_another_resource_is_damaged(branch):
    branch.commit({**SETTINGS, "web.yaml": config_map(a="1"), "db.yaml": config_map("db")})
    branch.commit({"web.yaml": config_map(a="2")})
    branch.index()
    show = f"{branch.history}:shop/configmap/web.json"
    record = json.loads(git(branch.path, "show", show))
    other = git(branch.path, "rev-parse", f"{branch.history}:shop/configmap/db.json")
    record["previous"] = other
    blob = git(branch.path, "hash-object", "-w", "--stdin", input=json.dumps(record))
    tree = ""
    for name in ("shop/configmap", "shop", ""):
        leaf = {"shop/configmap": ("100644 blob", blob, "web.json")}.get(name)
        mode, made, part = leaf or ("040000 tree", tree, "configmap" if name else "shop")
        listed = git(branch.path, "ls-tree", f"{branch.history}:{name}").splitlines()
        kept = [line for line in listed if not line.endswith(f"\t{part}")]
        text = "".join(f"{line}\n" for line in [*kept, f"{mode} {made}\t{part}"])
        tree = git(branch.path, "mktree", input=text)
    branch.history = git(branch.path, "commit-tree", tree, "-p", branch.tip, "-m", "x")
    with pytest.raises(GitopsError, match="the history of configmap/shop/web is damaged"):
        branch.revisions()


def test_reading_a_history_is_lazy(branch):
    branch.commit({**SETTINGS, "web.yaml": config_map(a="0")})
    for number in range(1, 4):
        branch.commit({"web.yaml": config_map(a=str(number))})
    branch.index()
    found = branch.store.revisions(Tip(branch.tip, branch.history), config())
    newest = next(found)
    assert newest.previous is not None
    (branch.path / "objects" / newest.previous[:2] / newest.previous[2:]).rename(
        branch.path / "kept"
    )
    with pytest.raises(GitopsError, match="the repository lacks the object"):
        next(found)
    (branch.path / "kept").rename(
        branch.path / "objects" / newest.previous[:2] / newest.previous[2:]
    )


def test_an_unknown_resource_has_no_history(branch):
    assert branch.revisions() == []
    branch.commit({**SETTINGS, "web.yaml": config_map()})
    branch.index()
    assert branch.revisions(config("none")) == []
    assert branch.revisions(path="elsewhere") == []
    assert list(branch.store.latest(Tip(branch.tip, ""), "")) == []
    assert list(branch.store.latest(Tip(branch.tip, branch.history), "elsewhere")) == []


def test_many_resources_and_commits_are_indexed_at_once(branch):
    names = [f"c{number:03}" for number in range(60)]
    branch.commit({**SETTINGS, **{f"{n}.yaml": config_map(n, a="1") for n in names}})
    branch.commit({f"{n}.yaml": config_map(n, a="2") for n in names})
    branch.commit({f"{n}.yaml": None for n in names[:30]})
    branch.index()
    latest = list(branch.store.latest(Tip(branch.tip, branch.history), ""))
    assert [(r.resource.name, r.revision, summary(r)) for r in latest] == [
        *((n, 3, "removed") for n in names[:30]),
        *((n, 2, "data.a → 2") for n in names[30:]),
    ]
