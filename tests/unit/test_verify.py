"""`verify` finds what is not as it should be: each case is made with git, in a real repository."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from kubectl_gitops.envelope import Keyring
from kubectl_gitops.envelope.keys import new_key
from kubectl_gitops.manifest import OpenManifest
from kubectl_gitops.message import Message, Signature
from kubectl_gitops.operations.verify import mend, verify
from kubectl_gitops.render.findings import finding_line, findings_body, looked_at
from kubectl_gitops.resource import ResourceId
from kubectl_gitops.sealing import seal_manifest
from kubectl_gitops.store import open_store
from tests.generated import generate
from tests.git import fsck, git

ADA = Signature("Ada", "ada@example.com", 1_700_000_000)
HISTORY = "refs/gitops/history/main"
PLACE = "shop/configmap/web.json"
SETTINGS = (
    b'format = 1\nset = "s"\nhome-namespace = "shop"\ndefault-namespace = "shop"\n'
    b'[clusters]\nuid = "here"\n'
)


def config_map(name="web", **data):
    lines = "".join(f"  {key}: '{value}'\n" for key, value in data.items())
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata:\n{lines}".encode()


class Store:
    """A bare repository that is written to by us and, behind our back, by git."""

    def __init__(self, path):
        self.path, self.clock = path, ADA.time
        self.store = self.opened()

    def opened(self):
        return open_store(str(self.path), "main", data_dir=self.path.parent, warn=self.warned)

    @staticmethod
    def warned(text):
        assert "it is left as it is" in text

    def publish(self, edits, operation="apply", names=("configmap/shop/web",)):
        self.clock += 60
        message = Message(replace(ADA, time=self.clock), operation or "x", "", operation)
        base = self.store.fetch()
        commit = self.store.commit(base.commit, edits, replace(message, resources=names))
        return self.store.publish(base, commit)

    def verified(self, keyring=None, **options):
        self.store = self.opened()
        return verify(self.store, "", lambda _: keyring, **options)

    def found(self, keyring=None, **options):
        return [finding_line(one) for one in self.verified(keyring, **options).findings]

    def rewrite(self, path, data):
        """Another file in the newest tree of the history."""
        blob = git(self.path, "hash-object", "-w", "--stdin", input=data)
        tree = self._with(f"{HISTORY}^{{tree}}", path.split("/"), blob)
        parents = git(self.path, "rev-parse", f"{HISTORY}^@").split()
        flags = [word for parent in parents for word in ("-p", parent)]
        made = git(self.path, "commit-tree", tree, *flags, "-m", "forged")
        git(self.path, "update-ref", HISTORY, made)

    def _with(self, tree, parts, blob):
        name, *rest = parts
        rows = git(self.path, "ls-tree", tree).splitlines()
        kept = [row for row in rows if row.partition("\t")[2] != name]
        if rest:
            below = git(self.path, "rev-parse", f"{tree.removesuffix('^{tree}')}:{name}")
            new = f"040000 tree {self._with(below, rest, blob)}\t{name}"
        else:
            new = f"100644 blob {blob}\t{name}"
        return git(self.path, "mktree", input="".join(f"{row}\n" for row in [*kept, new]))

    def record(self):
        return json.loads(git(self.path, "show", f"{HISTORY}:{PLACE}"))

    def forge(self, **changes):
        self.rewrite(PLACE, json.dumps({**self.record(), **changes}))


@pytest.fixture
def shop(bare_repo):
    made = Store(bare_repo)
    made.publish({".gitops.toml": SETTINGS, "web.yaml": config_map(a="1")})
    made.publish({"web.yaml": config_map(a="2")})
    made.publish({"web.yaml": b"# why\n" + config_map(a="2")})
    made.publish({"db.yaml": config_map("db")}, "", ())
    return made


def test_a_sound_store_has_no_findings_and_says_what_was_looked_at(shop):
    done = shop.verified()
    assert done.findings == ()
    assert looked_at(done) == "3 revisions of 2 resources in 3 commits"
    assert findings_body([])["items"] == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"patch": [{"op": "replace", "path": "/data/a", "value": "7"}]},
            "revision 2: its patch does not lead to what the branch held",
        ),
        (
            {"patch": [{"op": "remove", "path": "/data/none"}]},
            "revision 2: the patch of a history record does not fit its document",
        ),
        ({"patch": None}, "revision 2: its patch is missing"),
        ({"revision": 3}, "revision 3: it does not go on from revision 1"),
        ({"revision": 1}, "its records do not lead to one another"),
        ({"previous": None}, "revision 2: there is nothing before it, and it is not the first"),
        ({"after": "0" * 40}, "revision 2: the blob 0000000 does not hold it"),
    ],
)
def test_a_record_that_does_not_hold_is_found_and_mended(shop, changes, message):
    sound = git(shop.path, "rev-parse", f"{HISTORY}^{{tree}}")
    shop.forge(**changes)
    found = shop.found()
    assert f"history: configmap/shop/web: {message}" in found
    assert {line.split(": ")[0] for line in found} == {"history"}
    mend(shop.store, shop.store.fetch())
    assert shop.found() == []
    assert git(shop.path, "rev-parse", f"{HISTORY}^{{tree}}") == sound


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"author": "Eve <eve@example.com>"}, "says otherwise who did it, when or how"),
        ({"time": "2020-01-01T00:00:00+00:00"}, "says otherwise who did it, when or how"),
        ({"user": "eve"}, "says otherwise who did it, when or how"),
        ({"operation": "delete"}, "says otherwise who did it, when or how"),
        ({"reason": "because"}, "gives another reason"),
    ],
)
def test_what_a_record_claims_is_held_against_its_commit(shop, changes, message):
    commit = shop.record()["commit"]
    shop.forge(**changes)
    assert shop.found() == [
        f"history: configmap/shop/web: revision 2: commit {commit[:7]} {message}"
    ]


def test_a_record_of_a_commit_that_is_not_there_is_found(shop):
    shop.forge(commit="1" * 40)
    (line,) = shop.found()
    assert line == (
        "history: configmap/shop/web: revision 2: the repository lacks the object " + "1" * 40
    )


@pytest.mark.parametrize(
    "patch",
    [
        [{"op": "copy", "from": "", "path": "/data/a"}] * 18,
        [{"op": "add", "path": "/data" * 200, "value": "x"}],
    ],
)
def test_a_hostile_patch_is_found_and_never_applied(shop, patch):
    shop.forge(patch=patch)
    (line,) = shop.found()
    assert line.startswith(f"history: {PLACE}: the patch of a history record ")
    mend(shop.store, shop.store.fetch())
    assert shop.found() == []


@pytest.mark.parametrize("text", ["no record", "{}", "[" * 100_000, "{" + " " * (17 << 20)])
def test_a_file_that_holds_no_record_is_found_and_harms_nothing_else(shop, text):
    shop.rewrite(PLACE, text)
    (line,) = shop.found()
    assert line.startswith(f"history: {PLACE}: a record of the history ")
    tip = shop.publish({"db.yaml": config_map("db", a="1")}, names=("configmap/shop/db",))
    (newest, _) = shop.store.revisions(tip, ResourceId("", "ConfigMap", "shop", "db"))
    assert newest.revision == 2
    shop.publish({"web.yaml": config_map(a="3")})
    assert git(shop.path, "log", "-1", "--format=%s", "main") == "apply"
    mend(shop.store, shop.store.fetch())
    assert shop.found() == []


def test_a_resource_that_the_history_lacks_is_found(shop):
    base = shop.store.fetch()
    tree = git(shop.path, "rev-parse", f"{HISTORY}^{{tree}}")
    rows = git(shop.path, "ls-tree", f"{tree}:shop/configmap").splitlines()
    kept = "".join(f"{row}\n" for row in rows if not row.endswith("db.json"))
    kinds = git(shop.path, "mktree", input=kept)
    space = git(shop.path, "mktree", input=f"040000 tree {kinds}\tconfigmap\n")
    form = git(shop.path, "ls-tree", tree, "format")
    top = git(shop.path, "mktree", input=f"{form}\n040000 tree {space}\tshop\n")
    made = git(shop.path, "commit-tree", top, "-p", base.history, "-p", base.commit, "-m", "x")
    git(shop.path, "update-ref", HISTORY, made)
    assert shop.found() == ["history: configmap/shop/db: the history does not have it"]


def test_a_resource_that_the_branch_lacks_is_found(shop):
    shop.rewrite(
        "shop/configmap/ghost.json",
        json.dumps(
            {
                **shop.record(),
                "resource": {
                    "group": "",
                    "kind": "ConfigMap",
                    "namespace": "shop",
                    "name": "ghost",
                },
            }
        ),
    )
    found = shop.found()
    assert "history: configmap/shop/ghost: the history has it, the branch does not" in found


def test_a_newer_format_is_one_finding(shop):
    shop.rewrite("format", '{"format": 2, "sets": [""]}')
    assert shop.found() == ["history: the history has format 2, this version reads 1"]


def test_a_commit_that_does_not_name_what_it_changed_is_found(shop):
    commit = shop.publish({"web.yaml": config_map(a="5")}, names=("configmap/shop/other",)).commit
    assert shop.found() == [
        f"trailers: configmap/shop/web: commit {commit[:7]} changed it and does not name it"
    ]


def test_what_the_branch_should_not_hold_is_found(shop):
    secret = b"apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {p: hunter2}\n"
    shop.publish({"secret.yaml": secret, "twice.yaml": config_map("db")}, "", ())
    shop.publish({"bad.yaml": b"apiVersion: v1\nkind: [\n"}, "", ())
    found = shop.found()
    assert [line.split(" (")[0] for line in found if not line.startswith("branch: cannot")] == [
        "branch: configmap/shop/db: stands twice in the branch: db.yaml",
        "sealing: secret/shop/db: /stringData/p stands in the clear",
    ]
    assert ["bad.yaml" in line for line in found if line.startswith("branch: cannot")] == [True]
    assert not [line for line in found if "hunter" in line]


def test_a_value_that_does_not_open_is_found(shop):
    key = Keyring.of([new_key()])
    other = Keyring.of([new_key()])
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": "shop"},
        "data": {"p": "aHVudGVyMg=="},
    }
    id = ResourceId("", "Secret", "shop", "db")
    sealed = seal_manifest(OpenManifest(id, "v1", json.dumps(body), body), key, None, (), print)
    shop.publish({"db-secret.json": sealed.text.encode()}, names=("secret/shop/db",))
    done = shop.verified(key)
    assert done.findings == ()
    assert looked_at(done).endswith(", 1 sealed value")
    unopened = shop.verified()
    assert unopened.findings == ()
    assert looked_at(unopened).endswith(", 1 sealed value (not opened: no key is known)")
    (line,) = shop.found(other)
    assert line.startswith("sealing: secret/shop/db: ")
    listed = SETTINGS + b'[keys]\nids = ["0123456789abcdef"]\n'
    shop.publish({".gitops.toml": listed})
    (line,) = shop.found(key)
    assert line == (
        f"sealing: secret/shop/db: /data/p is sealed with key {key.primary().kid}, "
        "which the set does not list"
    )


def test_an_unsigned_commit_is_a_finding_where_signatures_are_asked_for(shop):
    commits = git(shop.path, "rev-list", "main").split()
    assert shop.found(signatures=True) == [
        f"signatures: commit {commit[:7]}: it is not signed" for commit in commits
    ]


def test_a_damaged_object_is_found(tmp_path):
    path = generate(tmp_path / "store.git", commits=200, resources=5)
    shop = Store(path)
    assert shop.found() == []
    pack = next((path / "objects" / "pack").glob("*.pack"))
    pack.chmod(0o600)
    data = bytearray(pack.read_bytes())
    data[-30] ^= 1
    pack.write_bytes(data)
    assert f"repository: the pack {pack.stem.removeprefix('pack-')} is damaged" in shop.found()


def test_a_repair_keeps_what_the_branch_says_and_loses_what_a_rewrite_abandoned(shop):
    start = git(shop.path, "rev-parse", "main~3")
    git(shop.path, "update-ref", "refs/heads/main", start)
    shop.publish({"web.yaml": config_map(a="9")})
    tip = shop.store.fetch()
    web = ResourceId("", "ConfigMap", "shop", "web")
    before = [one.revision for one in shop.store.revisions(tip, web)]
    assert before == [3, 2, 1]
    assert shop.found() == []
    shop.forge(user="eve")
    mend(shop.store, shop.store.fetch())
    assert shop.found() == []
    told = [one.revision for one in shop.store.revisions(shop.store.fetch(), web)]
    assert told == [2, 1]


@pytest.mark.timeout(900)
def test_a_repository_of_ten_thousand_commits_verifies(tmp_path):
    """Made by hand, indexed and verified in one go; every commit changes one of 2,000 resources."""
    path = generate(tmp_path / "store.git", commits=10_000, resources=2_000)
    shop = Store(path)
    done = shop.verified()
    assert done.findings == ()
    assert looked_at(done) == "11,999 revisions of 2,000 resources in 10,000 commits"
    fsck(path)
