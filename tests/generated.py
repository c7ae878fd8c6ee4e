"""A branch of any size, made by `git fast-import`: the same every time, as people would leave it.

The first commit holds every resource; each later one, made by hand, changes one field of one of
them. One resource among the many, `WATCHED`, changes a known number of times.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.git import init_bare

__all__ = ["WATCHED", "WATCHED_PATH", "generate"]

WATCHED = ("deployment/web", "-n", "shop")
WATCHED_PATH = "shop/deployment.apps/web.yaml"

_SETTINGS = """\
format = 1
set = "generated"
home-namespace = "default"
default-namespace = "default"

[clusters]
00000000-0000-4000-8000-000000000000 = "generated"
"""
_START = 1_700_000_000
_MINUTE = 60
_TEAMS = 50
_KINDS = (("v1", "ConfigMap"), ("v1", "Service"), ("apps/v1", "Deployment"), ("batch/v1", "Job"))


def generate(path: Path, *, commits: int, resources: int, revisions: int = 20) -> Path:
    """A bare repository at `path` whose `main` has so many commits and resources.

    `WATCHED` has so many revisions, spread evenly over the commits; the other resources are those
    of fifty teams, each with a Namespace.
    """
    init_bare(path)
    command = ["git", "-C", str(path), "fast-import", "--quiet"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as importer:
        assert importer.stdin is not None
        for line in _stream(commits, resources, revisions):
            importer.stdin.write(line)
    assert importer.returncode == 0
    return path


def _stream(commits: int, resources: int, revisions: int) -> Iterator[str]:
    yield _commit(0, "the beginning")
    yield _file(".gitops.toml", _SETTINGS)
    yield _file(WATCHED_PATH, _watched(0))
    for number in range(1, resources):
        yield _file(*_resource(number, 0))
    every = max(1, commits // revisions)
    for number in range(1, commits):
        yield _commit(number, f"change {number}\n\nBecause it is {number}.\n")
        if number % every == 0 and number // every < revisions:
            yield _file(WATCHED_PATH, _watched(number // every))
        else:
            yield _file(*_resource(1 + number % (resources - 1), number))
    yield "done\n"


def _commit(number: int, message: str) -> str:
    when = _START + number * _MINUTE
    who = ("Grace Hopper <grace@example.com>", "Ada Lovelace <ada@example.com>")[number % 2]
    people = f"author {who} {when} +0000\ncommitter {who} {when} +0000"
    return f"commit refs/heads/main\n{people}\n{_data(message)}\n"


def _file(path: str, text: str) -> str:
    return f"M 100644 inline {path}\n{_data(text)}\n"


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}"


def _resource(number: int, value: int) -> tuple[str, str]:
    version, kind = _KINDS[number // _TEAMS % len(_KINDS)]
    team, name = f"team-{number % _TEAMS:02d}", f"thing-{number:05d}"
    group = version.partition("/")[0] if "/" in version else ""
    folder = f"{kind.lower()}.{group}" if group else kind.lower()
    text = f"""\
# owned by {team}
apiVersion: {version}
kind: {kind}
metadata:
  name: {name}
  namespace: {team}
  labels:
    team: "{team}"
  annotations:
    example.com/number: "{value}"
    example.com/about: |
      a line that stays
      and another one
"""
    return f"{team}/{folder}/{name}.yaml", text


def _watched(value: int) -> str:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  replicas: {2 + value % 5}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers:
      - name: web
        image: example.com/web:1.{value}
        ports:
        - containerPort: 8080
"""
