"""Several commands at once, and commands that are killed: nothing is lost and nothing is left."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.githttp import GitServer
from tests.place import Place

PUSH = "POST /store.git/git-receive-pack"


def settings(name: str = "settings", **data: str) -> str:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
    return json.dumps(body, indent=1) + "\n"


def written(tmp_path: Path, name: str, text: str) -> str:
    """The path of a new file, for a command that runs beside the test."""
    (tmp_path / name).write_text(text)
    return str(tmp_path / name)


def until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.01)


def ended(*processes: subprocess.Popen[str]) -> list[tuple[int, str, str]]:
    """Exit code, stdout and stderr of each."""
    answers = [process.communicate(timeout=120) for process in processes]
    return [(p.returncode, *said) for p, said in zip(processes, answers, strict=True)]


def data(place: Place, name: str = "cm/settings") -> dict[str, str]:
    found: dict[str, str] = place.live(name).get("data", {})
    return found


def declared(place: Place, commit: str = "main") -> dict[str, str]:
    """The data of the one ConfigMap of a commit."""
    (text,) = place.files(commit).values()
    found: dict[str, str] = json.loads(text)["data"]
    return found


def in_sync(place: Place) -> bool:
    return place.gitops("status", exit=None).exit == 0


def pushed_together(
    distant: Place, server: GitServer, tmp_path: Path, *commands: tuple[str, ...]
) -> list[tuple[int, str, str]]:
    """Commands of several people, none of whom sees another's push before the own begins."""
    homes = [{"XDG_DATA_HOME": str(tmp_path / f"person{n}")} for n in range(len(commands))]
    server.requests.clear()
    with server.fault(on=PUSH, delay=2):
        people = zip(commands, homes, strict=True)
        processes = [distant.gitops.start(*command, env=home) for command, home in people]
        until(lambda: server.requests.count(PUSH) == len(commands), "all push")
    return ended(*processes)


def test_what_moves_before_it_is_made_anew_is_made_anew_all_the_same(
    distant: Place, http_repo: GitServer, tmp_path: Path
) -> None:
    fixed = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "immutable": True}
    distant.apply(json.dumps({**fixed, "data": {"x": "1"}}))
    uid = distant.live("cm/a")["metadata"]["uid"]
    file = written(tmp_path, "a.json", json.dumps({**fixed, "data": {"x": "2"}}))
    http_repo.requests.clear()
    with http_repo.fault(on=PUSH, delay=3):
        process = distant.gitops.start("apply", "-f", file, "--force")
        until(lambda: http_repo.requests.count(PUSH) == 1, "it pushes")
        distant.kubectl("annotate", "cm/a", "seen=by-a-controller")
    ((code, out, _),) = ended(process)
    assert (code, out) == (0, "configmap/a configured\n")
    live = distant.live("cm/a")
    assert (live["data"], live["metadata"]["uid"] == uid) == ({"x": "2"}, False)
    assert in_sync(distant)


def test_disjoint_changes_of_one_resource_are_both_kept(
    distant: Place, http_repo: GitServer, tmp_path: Path
) -> None:
    distant.apply(settings(title="Shop", colour="red"))
    base = distant.tip
    files = (
        written(tmp_path, "title.json", settings(title="Store", colour="red")),
        written(tmp_path, "colour.json", settings(title="Shop", colour="blue")),
    )
    runs = pushed_together(distant, http_repo, tmp_path, *(("apply", "-f", file) for file in files))
    assert [(code, out) for code, out, _ in runs] == [(0, "configmap/settings configured\n")] * 2
    assert data(distant) == declared(distant) == {"title": "Store", "colour": "blue"}
    assert len(distant.subjects(base)) == 2
    assert in_sync(distant)


def test_of_two_changes_of_one_field_the_later_push_stops(
    distant: Place, http_repo: GitServer, tmp_path: Path
) -> None:
    distant.apply(settings(title="Shop"))
    base = distant.tip
    files = [written(tmp_path, f"{t}.json", settings(title=t)) for t in ("Store", "Market")]
    runs = pushed_together(distant, http_repo, tmp_path, *(("apply", "-f", file) for file in files))
    codes = [code for code, _, _ in runs]
    assert sorted(codes) == [0, 3]
    won, lost = codes.index(0), codes.index(3)
    title = ("Store", "Market")[won]
    assert data(distant) == declared(distant) == {"title": title}
    assert len(distant.subjects(base)) == 1
    assert runs[lost][1] == ""
    assert runs[lost][2].startswith(
        f"error: configmap/{distant.namespace}/settings: somebody changed /data/title on main "
        f"(commit {distant.tip[:7]}) while you did; nothing was changed\n"
    )
    assert in_sync(distant)


def test_a_deletion_that_lost_the_race_is_planned_anew(
    distant: Place, http_repo: GitServer, tmp_path: Path
) -> None:
    """Whichever is later in the branch holds in the cluster."""
    distant.apply(settings(title="Shop"))
    file = written(tmp_path, "other.json", settings("other", a="b"))
    commands = (("apply", "-f", file), ("delete", "cm/settings"))
    runs = pushed_together(distant, http_repo, tmp_path, *commands)
    assert [code for code, _, _ in runs] == [0, 0]
    assert data(distant) == {}
    assert list(distant.files()) == [f"{distant.namespace}/configmap/other.yaml"]
    assert in_sync(distant)


def test_six_writers_of_one_branch(place: Place, tmp_path: Path) -> None:
    first = len(place.subjects())

    def write(writer: int) -> None:
        for turn in range(5):
            text = settings(f"w{writer}", turn=str(turn))
            run = place.gitops("apply", "-f", "-", input=text)
            assert run.stdout == f"configmap/w{writer} {'configured' if turn else 'created'}\n"

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    assert [data(place, f"cm/w{w}") for w in range(6)] == [{"turn": "4"}] * 6
    assert len(place.subjects()) == first + 30
    assert place.git("rev-list", "--count", "--min-parents=2", "main") == "0"
    assert in_sync(place)
    history = place.gitops("history", "cm/w0", "-o", "json").json["items"]
    assert [revision["revision"] for revision in history] == [5, 4, 3, 2, 1]


def test_six_writers_of_one_resource(place: Place) -> None:
    """All of them change a field of their own; each change survives all the others."""
    place.apply(settings(**{f"w{writer}": "0" for writer in range(6)}))

    def write(writer: int) -> int:
        own = {f"w{other}": "1" if other == writer else "0" for other in range(6)}
        return place.gitops("apply", "-f", "-", input=settings(**own), exit=None).exit

    with ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(write, range(6)))
    assert set(codes) == {0}
    assert data(place) == declared(place)
    assert in_sync(place)


def test_killed_while_it_pushes(
    distant: Place, http_repo: GitServer, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """The server takes the push from a client that has gone: the branch is ahead, then pulled."""
    distant.apply(settings(title="Shop"))
    base = distant.tip
    http_repo.requests.clear()
    file = written(tmp_path, "settings.json", settings(title="Store"))
    with http_repo.fault(on=PUSH, delay=0.5):
        process = distant.gitops.start("apply", "-f", file)
        until(lambda: PUSH in http_repo.requests, "the push begins")
        process.kill()
        until(lambda: distant.tip != base, "the push is done")
    assert ended(process)[0][0] == -signal.SIGKILL
    assert (data(distant), declared(distant)) == ({"title": "Shop"}, {"title": "Store"})
    (item,) = distant.gitops("status", "-o", "json", exit=1).json["items"]
    assert item["state"] == "Ahead"
    assert distant.gitops("pull").stdout == "configmap/settings configured\n"
    assert data(distant) == {"title": "Store"}
    assert in_sync(distant)


@contextmanager
def pushed_into_silence(
    distant: Place, server: GitServer, command: tuple[str, ...]
) -> Iterator[subprocess.Popen[str]]:
    """A command that has pushed, and an API server that hangs from before the push on."""
    base = distant.tip
    server.requests.clear()
    with server.fault(on=PUSH, delay=0.5):
        process = distant.gitops.start(*command)
        until(lambda: PUSH in server.requests, "the push begins")
        with distant.plane.paused():
            until(lambda: distant.tip != base, "the push is done")
            yield process


@pytest.mark.parametrize("operation", ["create", "update", "delete"])
def test_killed_between_the_push_and_the_cluster(
    distant: Place,
    http_repo: GitServer,
    control_plane: ControlPlane,
    tmp_path: Path,
    operation: str,
) -> None:
    distant.apply(settings("other", a="b"))
    if operation != "create":
        distant.apply(settings(title="Shop"))
    file = written(tmp_path, "settings.json", settings(title="Store"))
    command = ("delete", "cm/settings") if operation == "delete" else ("apply", "-f", file)
    with pushed_into_silence(distant, http_repo, command) as process:
        time.sleep(0.3)  # so that it waits for the API server, most likely
        process.kill()
        ended(process)
    # A request that the API server had already read may still be carried out; either is fine.
    distant.gitops("pull", exit=0)
    assert data(distant) == ({} if operation == "delete" else {"title": "Store"})
    assert data(distant, "cm/other") == {"a": "b"}
    assert in_sync(distant)


def test_killed_between_many_writes(place: Place, tmp_path: Path) -> None:
    """Forty resources, killed at several moments: the cluster has nothing that the branch lacks."""
    many = "---\n".join(settings(f"m{number:02}", turn="TURN") for number in range(40))
    for turn, pause in enumerate((0.6, 0.75, 0.9, 1.1)):
        process = place.gitops.start(
            "apply", "-f", written(tmp_path, "many.yaml", many.replace("TURN", str(turn)))
        )
        time.sleep(pause)
        process.kill()
        ended(process)
        branch = turns_declared(place)
        assert all(branch[name] >= lived for name, lived in turns_alive(place).items())
    place.gitops("pull")
    assert turns_alive(place) == turns_declared(place)
    assert in_sync(place)
    place.apply(many.replace("TURN", "9"))
    assert set(turns_alive(place).values()) == {"9"}


def turns_declared(place: Place) -> dict[str, str]:
    bodies = [json.loads(text) for text in place.files().values()]
    return {body["metadata"]["name"]: body["data"]["turn"] for body in bodies}


def turns_alive(place: Place) -> dict[str, str]:
    bodies = json.loads(place.kubectl("get", "cm", "-o", "json"))["items"]
    return {
        body["metadata"]["name"]: body["data"]["turn"]
        for body in bodies
        if "turn" in body.get("data", {})
    }


def test_an_api_server_that_hangs_after_the_push_leaves_the_branch_ahead(
    distant: Place, http_repo: GitServer, control_plane: ControlPlane, tmp_path: Path
) -> None:
    distant.apply(settings(title="Shop"))
    file = written(tmp_path, "settings.json", settings(title="Store"))
    command = ("apply", "-f", file, "--request-timeout=1s")
    with pushed_into_silence(distant, http_repo, command) as process:
        ((code, out, err),) = ended(process)
    assert (code, out) == (4, "")
    assert distant.committed in err
    assert err.endswith("hint: kubectl gitops pull\n")
    assert declared(distant) == {"title": "Store"}
    distant.gitops("pull")
    assert data(distant) == {"title": "Store"}
    assert in_sync(distant)


def meanwhile(
    distant: Place, server: GitServer, command: tuple[str, ...], *edits: tuple[str, ...]
) -> tuple[int, str, str]:
    """A command that has planned and stands still in its push while somebody uses kubectl."""
    server.requests.clear()
    with server.fault(on=PUSH, delay=0.5):
        process = distant.gitops.start(*command)
        until(lambda: PUSH in server.requests, "the push begins")
        process.send_signal(signal.SIGSTOP)
        for words in edits:
            distant.kubectl(*words)
        process.send_signal(signal.SIGCONT)
        return ended(process)[0]


LABEL = ("label", "cm/settings", "by=somebody")
DELETE = ("delete", "cm/settings")
CREATE = ("create", "cm", "settings", "--from-literal=title=theirs", "--from-literal=a=b")


@pytest.mark.parametrize(
    ("edits", "line"),
    [
        ((LABEL,), "configmap/settings configured\n"),
        ((DELETE,), "configmap/settings created\n"),
    ],
    ids=["labelled", "deleted"],
)
def test_what_somebody_does_between_plan_and_write_is_looked_at_again(
    distant: Place,
    http_repo: GitServer,
    tmp_path: Path,
    edits: tuple[tuple[str, ...], ...],
    line: str,
) -> None:
    distant.apply(settings(title="Shop"))
    file = written(tmp_path, "settings.json", settings(title="Store"))
    ended_with = meanwhile(distant, http_repo, ("apply", "-f", file), *edits)
    assert ended_with == (0, line, distant.committed)
    assert data(distant) == {"title": "Store"}
    assert ("by" in distant.live("cm/settings")["metadata"]["labels"]) == (edits == (LABEL,))
    assert in_sync(distant)


def test_a_field_that_somebody_takes_between_plan_and_write_is_left_and_told(
    distant: Place, http_repo: GitServer, tmp_path: Path
) -> None:
    distant.apply(settings(title="Shop"))
    file = written(tmp_path, "settings.json", settings(title="Store"))
    patch = ("patch", "cm/settings", "-p", '{"data":{"title":"theirs"}}')
    code, out, err = meanwhile(distant, http_repo, ("apply", "-f", file), patch)
    assert (code, out) == (4, "")
    assert '.data.title: conflict with "kubectl-patch" using v1\n' in err
    assert err.endswith("hint: kubectl gitops pull\n")
    assert data(distant) == {"title": "theirs"}
    distant.gitops("pull")
    assert data(distant) == {"title": "Store"}


def test_a_deletion_of_what_somebody_touches_is_carried_out(
    distant: Place, http_repo: GitServer
) -> None:
    distant.apply(settings(title="Shop"))
    code, out, err = meanwhile(distant, http_repo, ("delete", "cm/settings"), LABEL)
    assert (code, out) == (0, f'configmap "settings" deleted from {distant.namespace} namespace\n')
    assert err == distant.committed
    assert distant.live("cm/settings") == {}


def test_a_deletion_spares_what_somebody_made_anew(distant: Place, http_repo: GitServer) -> None:
    """It has the name of what was deleted, but it is somebody else's."""
    distant.apply(settings(title="Shop"))
    code, out, err = meanwhile(distant, http_repo, ("delete", "cm/settings"), DELETE, CREATE)
    assert (code, out) == (0, "")
    assert err == (
        f"{distant.committed}kubectl-gitops: configmap/{distant.namespace}/settings: it is gone; "
        "what stands there now somebody else has made\n"
    )
    assert data(distant) == {"title": "theirs", "a": "b"}
    assert distant.files() == {}


def test_a_push_whose_reply_is_lost_is_not_made_twice(distant: Place, http_repo: GitServer) -> None:
    distant.apply(settings(title="Shop"))
    base = distant.tip
    with http_repo.fault(on=PUSH, lose_reply=True):
        run = distant.apply(settings(title="Store"))
    assert (run.stdout, run.stderr) == ("configmap/settings configured\n", distant.committed)
    assert len(distant.subjects(base)) == 1
    assert data(distant) == {"title": "Store"}
    assert in_sync(distant)


def test_a_repository_that_refuses_or_is_away_changes_nothing(
    distant: Place, http_repo: GitServer
) -> None:
    distant.apply(settings(title="Shop"))
    before = distant.state()
    for fault in (
        {"on": "git-receive-pack", "status": 403, "message": "the branch is protected"},
        {"on": "store.git", "status": 503},
    ):
        with http_repo.fault(**fault):
            run = distant.apply(settings(title="Store"), exit=None)
        assert run.exit == 1, run
        assert run.stdout == ""
        assert run.stderr.startswith("error: ")
        assert http_repo.password not in run.stderr
        assert distant.state() == before


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_between_the_push_and_the_cluster(
    distant: Place,
    http_repo: GitServer,
    control_plane: ControlPlane,
    tmp_path: Path,
    sent: signal.Signals,
) -> None:
    distant.apply(settings(title="Shop"))
    file = written(tmp_path, "settings.json", settings(title="Store"))
    command = ("apply", "-f", file, "--request-timeout=1s")
    with pushed_into_silence(distant, http_repo, command) as process:
        process.send_signal(sent)
        ((code, _, err),) = ended(process)
    # 4 where the last answer was waited for and did not come.
    assert code in (128 + sent, 4)
    assert err.endswith("hint: kubectl gitops pull\n")
    distant.gitops("pull")
    assert data(distant) == declared(distant) == {"title": "Store"}
    assert in_sync(distant)
