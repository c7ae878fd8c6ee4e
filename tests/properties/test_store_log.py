"""Any way a branch can take, seen from three mirrors that lag, lose pushes and race."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from dulwich.objects import Commit
from dulwich.repo import MemoryRepo

from kubectl_gitops.history import apply_patch
from kubectl_gitops.manifest import indexed_snapshot, read_snapshot
from kubectl_gitops.resource import same
from kubectl_gitops.store import records
from kubectl_gitops.store.commits import is_ancestor
from kubectl_gitops.store.log import Log
from kubectl_gitops.store.objects import edit_tree, files, oid

NAMES = ("a", "b", "c")
SECRET = '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "%s"}, "data": {"k": "%s"}}'


def config_map(name, **data):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
    return json.dumps(body).encode()


@dataclass
class World:
    """One server, its branch and history; every commit ever made; a clock."""

    seed: int
    repo: MemoryRepo = field(default_factory=MemoryRepo)
    branch: bytes = b""
    history: str = ""
    seen: list[bytes] = field(default_factory=list)
    now: int = 1_700_000_000

    def __post_init__(self):
        self.random = random.Random(self.seed)
        start = {f"{name}.yaml": config_map(name, x="0") for name in NAMES}
        self.move(self.commit({".gitops.toml": b'default-namespace = "d"', **start}, []))

    def move(self, commit):
        self.branch = commit
        self.seen.append(commit)

    def tree(self, commit):
        return self.repo[commit].tree

    def content(self, blob):
        return self.repo[oid(blob)].data

    def files(self, commit):
        return {
            path: self.repo[oid(file.blob)].data
            for path, file in files(self.repo.object_store, self.tree(commit)).items()
        }

    def commit(self, contents, parents):
        self.now += 1
        top, made = edit_tree(self.repo.object_store, None, contents)
        commit = Commit()
        commit.tree, commit.parents = top, parents
        commit.author = commit.committer = b"P <p@example.com>"
        commit.author_time = commit.commit_time = self.now
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = b"%d" % self.now
        for thing in [*made, commit]:
            self.repo.object_store.add_object(thing)
        return commit.id

    def mutated(self, commit):
        contents, pick = self.files(commit), self.random.randrange(12)
        name = self.random.choice(NAMES)
        value = str(self.random.randrange(5))
        more = {"y": "1"} if self.random.random() < 0.5 else {}
        path = f"{name}.yaml"
        if pick < 4:
            contents[path] = config_map(name, x=value, **more)
        elif pick == 4:
            contents.pop(path, None)
        elif pick == 5:
            contents |= {"broken.yaml": b"a: [", path: b"kind: {"}
        elif pick == 6:
            contents["dup.yaml"] = config_map(name, x=value)
        elif pick == 7:
            contents.pop("dup.yaml", None)
        elif pick == 8:
            contents["README"] = value.encode()
        elif pick == 9 and path in contents:
            contents["moved.yaml"] = contents.pop(path)
        elif pick == 10:
            two = [config_map(n, x=value, **more) for n in self.random.sample(NAMES, 2)]
            contents["two.yaml"] = b"\n---\n".join(two)
        elif pick == 11:
            contents["secret.yaml"] = (SECRET % (name, value)).encode()
        if self.random.random() < 0.05:
            namespace = self.random.choice("de")
            contents[".gitops.toml"] = f'default-namespace = "{namespace}"'.encode()
        return contents or {"README": b"x"}

    def happen(self):
        """One thing that people or forges do to a branch."""
        pick, here = self.random.random(), self.branch
        some = self.random.choice(self.seen)
        if pick < 0.55:
            self.move(self.commit(self.mutated(here), [here]))
        elif pick < 0.7:  # a merge, or the same the other way round
            side = self.commit(self.mutated(some), [some])
            parents = [here, side] if self.random.random() < 0.5 else [side, here]
            self.move(self.commit({**self.files(side), **self.files(here)}, parents))
        elif pick < 0.8:  # rewound, or an abandoned tip comes back
            self.move(some)
        elif pick < 0.9:  # squashed
            self.move(self.commit(self.files(here), [some]))
        elif pick < 0.97:  # rewritten
            self.move(self.commit(self.mutated(some), [some]))
        else:  # somebody deletes the history
            self.history = ""


@dataclass
class Mirror:
    world: World
    saved: Path
    history: str = ""

    def __post_init__(self):
        self.log = Log(self.world.repo, self.saved, self.world.content)

    def sync(self, *, push):
        """The history of the server is extended; what is made on top may or may not arrive."""
        world = self.world
        if world.random.random() < 0.3:
            self.log = Log(world.repo, self.saved, world.content)  # another process
        if world.random.random() < 0.5:
            self.look(world.random.choice(world.seen))  # a command reads the branch first
        self.history = self.log.extend(world.history, world.branch.decode())
        if world.history:
            assert is_ancestor(world.repo, oid(world.history), oid(self.history))
        if push:
            world.history = self.history

    def look(self, commit):
        """What is known of a commit is what its files say, whatever was looked at before."""
        files = self.world.files(commit)
        namespace = settings_of(files)
        expected = read_snapshot("c", files, default_namespace=namespace)
        index = self.log.index(commit.decode(), "")
        assert index.default_namespace == namespace
        found = indexed_snapshot("c", index, self.world.content)
        one = next(reversed(expected.entries), None)
        assert found.entries.get(one) == expected.entries.get(one)
        assert list(found.entries.items()) == list(expected.entries.items())
        assert [*found.entries.values()] == [*expected.entries.values()]
        assert len(found.entries) == len(expected.entries)
        assert found.duplicates == expected.duplicates
        assert dict(found.files) == dict(expected.files)
        assert found.unreadable.keys() == expected.unreadable.keys()
        assert found.warnings == expected.warnings


def settings_of(files):
    return files.get(".gitops.toml", b'default-namespace = "default"').decode().split('"')[1]


def ran(seed, folder):
    world = World(seed)
    mirrors = [Mirror(world, folder / f"{seed}-{number}") for number in range(3)]
    for _ in range(world.random.randrange(5, 25)):
        world.happen()
        while world.random.random() < 0.4:
            world.random.choice(mirrors).sync(push=world.random.random() < 0.7)
    for mirror in mirrors * 2:
        mirror.sync(push=True)
    return world, mirrors


def body_of(world, revision, blob):
    """The document of a resource in a blob, read as the test knows it to be."""
    for namespace in ("d", "e"):
        snapshot = read_snapshot(
            "", {"x.yaml": world.repo[oid(blob)].data}, default_namespace=namespace
        )
        if revision.resource in snapshot.entries:
            return snapshot.entries[revision.resource].manifest.body
    raise AssertionError(revision)


def check_chain(world, chain):
    assert [r.revision for r in chain] == list(range(1, len(chain) + 1))
    assert chain[0].before is None
    for older, newer in itertools.pairwise(chain):
        assert newer.before == older.after
    for revision in chain:
        if revision.patch is not None:
            before = body_of(world, revision, revision.before)
            after = body_of(world, revision, revision.after)
            assert same(apply_patch(before, revision.patch), after)
            assert not same(before, after)
            assert revision.resource.kind != "Secret"


@pytest.mark.parametrize("first_seed", range(0, 80, 20))
def test_mirrors_agree_in_the_end_and_every_record_holds(first_seed, tmp_path, monkeypatch):
    monkeypatch.setattr("kubectl_gitops.store.log._UNSAVED_FILES", 2)
    for seed in range(first_seed, first_seed + 20):
        world, mirrors = ran(seed, tmp_path)
        assert {mirror.history for mirror in mirrors} == {world.history}
        store, tree = world.repo.object_store, world.tree(oid(world.history))
        latest = {r.revision.resource: r.revision for r in records.latest(store, tree, "")}
        for resource in latest:
            check_chain(world, [*records.revisions(store, tree, "", resource)][::-1])
        contents = world.files(world.branch)
        snapshot = read_snapshot("", contents, default_namespace=settings_of(contents))
        for resource, entry in snapshot.entries.items():
            if resource not in snapshot.duplicates:
                recorded = body_of(world, latest[resource], latest[resource].after)
                assert same(recorded, entry.manifest.body), (seed, resource)
        if not snapshot.unreadable:
            alive = {resource for resource, last in latest.items() if last.after}
            unique = set(snapshot.entries) - set(snapshot.duplicates)
            assert unique <= alive <= unique | set(snapshot.duplicates)
