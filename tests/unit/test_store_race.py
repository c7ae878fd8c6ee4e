"""Eight processes that write to one branch at once, as pipelines do."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kubectl_gitops.history import summary
from kubectl_gitops.ports import Tip
from kubectl_gitops.resource import ResourceId
from kubectl_gitops.store import open_store
from tests.git import fsck, git

WRITERS, COMMITS = 8, 3
WRITER = """
import random, sys, time
from pathlib import Path
from kubectl_gitops.message import Message, Signature
from kubectl_gitops.ports import Moved, Tip
from kubectl_gitops.store import open_store

url, data, name, count = sys.argv[1:]
store = open_store(url, "main", data_dir=Path(data), warn=lambda text: None)
for number in range(int(count)):
    head = f"apiVersion: v1\\nkind: ConfigMap\\nmetadata: {{name: {name}}}\\n"
    text = head + f"data: {{at: '{number}'}}\\n"
    message = Message(Signature(name, f"{name}@example.com", 1), name, operation="apply")
    outcome = Moved(store.fetch())
    while isinstance(outcome, Moved):
        commit = store.commit(outcome.tip.commit, {f"{name}.yaml": text.encode()}, message)
        outcome = store.publish(outcome.tip, commit)
        time.sleep(random.uniform(0, 0.02))
    assert isinstance(outcome, Tip), outcome
"""


def raced(url, data_dirs):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, url, str(data), f"w{number}", str(COMMITS)],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number, data in enumerate(data_dirs)
    ]
    failures = [writer.communicate(timeout=120)[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * len(writers), failures


def check(url, repo, data, count=WRITERS):
    store = open_store(url, "main", data_dir=data, warn=pytest.fail)
    tip = store.extend(store.fetch())
    assert isinstance(tip, Tip)
    authors = git(repo, "log", "--format=%an", "main").splitlines()
    assert sorted(authors) == sorted(f"w{n}" for n in range(count) for _ in range(COMMITS))
    assert git(repo, "rev-list", "--merges", "main") == ""
    for number in range(count):
        resource = ResourceId("", "ConfigMap", "default", f"w{number}")
        words = [summary(revision) for revision in store.revisions(tip, resource)]
        changes = [f"data.at → {n}" for n in reversed(range(1, COMMITS))]
        assert words == [*changes, "created"]
    fsck(repo)


def test_nothing_is_lost_in_a_local_repository(bare_repo, tmp_path):
    raced(str(bare_repo), [tmp_path / "data"] * WRITERS)
    check(str(bare_repo), bare_repo, tmp_path / "data")


def test_nothing_is_lost_between_mirrors_of_a_server(bare_repo, tmp_path):
    url = f"file://{bare_repo}"
    raced(url, [tmp_path / f"data-{number}" for number in range(WRITERS)])
    check(url, bare_repo, tmp_path / "data-0")


def test_nothing_is_lost_in_one_mirror_of_a_server(http_repo, tmp_path):
    raced(http_repo.url_with_password, [tmp_path / "data"] * 3)
    check(http_repo.url_with_password, http_repo.path, tmp_path / "data", count=3)
