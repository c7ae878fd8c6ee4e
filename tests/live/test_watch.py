"""`pull --watch`: a loop that follows branch and cluster, undoes nobody, and survives outages."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

from kubectl_gitops.cli import run
from tests.bound import Bound, config_map
from tests.conftest import OUTSIDE
from tests.watching import eventually, watching


def data(bound: Bound, name: str) -> dict[str, str]:
    answer = bound.kubectl("get", f"configmap/{name}", "-o", "json", check=False)
    found: dict[str, str] = json.loads(answer.stdout)["data"] if answer.returncode == 0 else {}
    return found


def patch(bound: Bound, name: str, manager: str = "rogue", **values: str) -> None:
    body = json.dumps({"data": values})
    bound.kubectl("patch", f"configmap/{name}", f"--field-manager={manager}", "--patch", body)


def test_branch_and_cluster_are_followed(bound: Bound) -> None:
    space = bound.namespace
    bound.commit({"a.yaml": config_map(space, "a", x="1")})
    with watching(bound) as loop:
        eventually(lambda: data(bound, "a") == {"x": "1"})
        bound.commit({"b.yaml": config_map(space, "b", x="1")})
        eventually(lambda: data(bound, "b") == {"x": "1"})
        patch(bound, "a", x="2")
        eventually(lambda: data(bound, "a") == {"x": "1"})
        eventually(lambda: loop.says(f"configmap/{space}/a: .data.x taken back from rogue"))
        bound.kubectl("delete", "configmap/b")
        eventually(lambda: data(bound, "b") == {"x": "1"})
        bound.commit({"b.yaml": None})
        eventually(lambda: bound.there("configmap/b") == [])
        eventually(lambda: len(loop.out) == 5)
        code, seconds = loop.end()
    assert (code, seconds < 10) == (143, True)
    assert loop.out == [
        "configmap/a created",
        "configmap/b created",
        "configmap/a configured",
        "configmap/b created",
        "configmap/b deleted",
    ]
    assert loop.err[-2:] == [
        "error: terminated; what was committed stays in the branch",
        "hint: kubectl gitops pull",
    ]
    assert bound("status").exit == 0


def test_drift_is_reported_and_left(bound: Bound) -> None:
    space = bound.namespace
    bound.commit({f"{name}.yaml": config_map(space, name, x="1") for name in "ab"})
    with watching(bound, "--on-drift=report") as loop:
        eventually(lambda: len(loop.out) == 2)
        patch(bound, "a", x="2")
        eventually(lambda: loop.says(f"configmap/{space}/a: /data/x 1 → 2 by rogue"))
        bound.commit({"b.yaml": config_map(space, "b", x="3")})
        eventually(lambda: data(bound, "b") == {"x": "3"})
        assert data(bound, "a") == {"x": "2"}
        loop.end()
    assert sum("/data/x 1 → 2" in line for line in loop.err) == 1
    assert loop.out == ["configmap/a created", "configmap/b created", "configmap/b configured"]


def test_drift_is_recorded(bound: Bound) -> None:
    space = bound.namespace
    bound.commit({"a.yaml": config_map(space, "a", x="1")})
    with watching(bound, "--on-drift=record") as loop:
        eventually(lambda: data(bound, "a") == {"x": "1"})
        patch(bound, "a", x="2")
        eventually(lambda: bound.file("a.yaml") == config_map(space, "a", x="2"))
        eventually(lambda: len(loop.out) == 2)
        loop.end()
    assert data(bound, "a") == {"x": "2"}
    assert bound("status").exit == 0


def test_a_parent_that_was_deleted_is_made_again(bound: Bound) -> None:
    """Without it nobody knows which kinds the set holds, and what to prune."""
    space, parent = bound.namespace, f"configmap/kubectl-gitops-{bound.namespace}"
    bound.commit({"a.yaml": config_map(space, "a", x="1")})
    with watching(bound) as loop:
        eventually(lambda: data(bound, "a") == {"x": "1"})
        eventually(lambda: bound.there(parent) == [parent])
        bound.kubectl("delete", parent)
        patch(bound, "a", x="2")
        eventually(lambda: data(bound, "a") == {"x": "1"})
        eventually(lambda: bound.there(parent) == [parent])
        loop.end()


def test_two_that_never_agree_are_stopped(bound: Bound) -> None:
    space = bound.namespace
    bound.commit({f"{name}.yaml": config_map(space, name, x="0") for name in "ab"})
    with watching(bound) as loop:
        eventually(lambda: len(loop.out) == 2)
        for n in range(1, 6):
            patch(bound, "a", x=str(n))
            eventually(lambda: data(bound, "a") == {"x": "0"})
        eventually(lambda: loop.says("rewritten 5 times within a minute: gitops and rogue"))
        patch(bound, "a", x="9")
        patch(bound, "b", x="9")
        eventually(lambda: data(bound, "b") == {"x": "0"})
        assert data(bound, "a") == {"x": "9"}
        bound.commit({"a.yaml": config_map(space, "a", x="1")})
        eventually(lambda: data(bound, "a") == {"x": "1"})
        patch(bound, "a", x="9")
        eventually(lambda: data(bound, "a") == {"x": "1"})
        loop.end()


def test_what_is_suspended_is_left_alone(bound: Bound) -> None:
    space = bound.namespace
    bound.commit({f"{name}.yaml": config_map(space, name, x="1") for name in "ab"})
    with watching(bound) as loop:
        eventually(lambda: len(loop.out) == 2)
        bound("suspend", "configmap/a")
        patch(bound, "a", x="2")
        patch(bound, "b", x="2")
        eventually(lambda: data(bound, "b") == {"x": "1"})
        assert data(bound, "a") == {"x": "2"}
        bound("suspend")
        patch(bound, "b", x="3")
        time.sleep(3)
        assert data(bound, "b") == {"x": "3"}
        bound("resume")
        bound("resume", "configmap/a")
        eventually(lambda: (data(bound, "a"), data(bound, "b")) == ({"x": "1"}, {"x": "1"}))
        loop.end()


SOAK = bool(OUTSIDE.get("SOAK"))
OUTAGE = 180.0 if SOAK else 6.0
"""Seconds that a server is away: `make soak` takes its time."""


def test_an_api_server_that_is_away_is_waited_for(bound: Bound) -> None:
    space = bound.namespace
    bound.commit({"a.yaml": config_map(space, "a", x="1")})
    with bound.proxied() as proxy, watching(bound, "--server", proxy.url) as loop:
        eventually(lambda: data(bound, "a") == {"x": "1"})
        before = loop.memory
        with proxy.away():
            patch(bound, "a", x="2")
            bound.commit({"b.yaml": config_map(space, "b", x="1")})
            time.sleep(OUTAGE)
            assert data(bound, "a") == {"x": "2"}
        eventually(lambda: data(bound, "a") == {"x": "1"}, 60)
        eventually(lambda: data(bound, "b") == {"x": "1"}, 60)
        # A short outage is bridged by single requests that are sent again.
        told = [line for line in loop.err if line.startswith("error:")]
        eventually(lambda: not told or loop.says("it works again"))
        assert loop.memory < before + 20_000
        loop.end()
    assert len(told) <= 3


def test_a_git_server_that_is_away_is_waited_for_and_nothing_is_reverted(bound: Bound) -> None:
    space = bound.namespace
    bound.commit({"a.yaml": config_map(space, "a", x="1")})
    hidden = bound.repo.with_name("hidden.git")
    with watching(bound) as loop:
        eventually(lambda: data(bound, "a") == {"x": "1"})
        bound.repo.rename(hidden)
        patch(bound, "a", x="2")
        time.sleep(OUTAGE)
        assert data(bound, "a") == {"x": "2"}
        hidden.rename(bound.repo)
        eventually(lambda: data(bound, "a") == {"x": "1"}, 60)
        eventually(lambda: loop.says("it works again"))
        loop.end()


def test_an_api_server_that_hangs_keeps_nobody_from_leaving(bound: Bound) -> None:
    bound.commit({"a.yaml": config_map(bound.namespace, "a", x="1")})
    with watching(bound) as loop:
        eventually(lambda: data(bound, "a") == {"x": "1"})
        with bound.plane.paused():
            bound.commit({"a.yaml": config_map(bound.namespace, "a", x="2")})
            time.sleep(3)
            code, seconds = loop.end(signal.SIGINT)
            assert (code, seconds < 10) == (130, True)
            env = {"KUBECONFIG": str(bound.kubeconfig)}
            for words in (("status",), ("pull",), ("delete", "configmap/a")):
                process = bound.program.start(*words, env=env)
                time.sleep(2)
                began = time.monotonic()
                process.send_signal(signal.SIGINT)
                assert process.wait(30) == 130, words
                assert time.monotonic() - began < 10
                process.communicate()


def test_a_pull_that_is_terminated_ends_what_it_has_begun_and_no_more(bound: Bound) -> None:
    space, names = bound.namespace, [f"n{n}" for n in range(300)]
    bound.commit({f"{name}.yaml": config_map(space, name, x="1") for name in names})
    with watching(bound) as loop:
        eventually(lambda: "configmap/n5" in bound.there("configmap/n5"))
        code, seconds = loop.end()
    assert (code, seconds < 10) == (143, True)
    assert len(bound("pull").stdout.splitlines()) <= len(names)
    assert bound("status").exit == 0


def test_a_hundred_applies_beside_it_are_none_of_its_business(bound: Bound, tmp_path: Path) -> None:
    """Thousand in `make soak`. In this process, for most of an apply is the start of Python."""
    space = bound.namespace
    bound.commit({f"n{n}.yaml": config_map(space, f"n{n}", x="0") for n in range(5)})
    file = tmp_path / "n.yaml"
    with watching(bound) as loop:
        eventually(lambda: len(loop.out) == 5)
        before = loop.memory
        for n in range(1, (1000 if SOAK else 100) + 1):
            name = f"n{n % 5}"
            file.write_text(config_map(space, name, x=str(n)))
            assert run(["apply", "-f", str(file)]) == 0
            live = bound.plane.request("GET", f"/api/v1/namespaces/{space}/configmaps/{name}")
            assert live["data"] == {"x": str(n)}
        assert loop.memory < before + 20_000
        loop.end()
    assert [line for line in loop.err if "taken back" in line] == []
