"""Two thousand Secrets through everything that is done with them, then a search in all of it.

Applied, edited, pulled, compared, recorded, brought back, refused in every way we know, and killed
on the way; then every byte that was written anywhere is searched for every value: Git's objects
inflated, on the server and in the mirror, references, messages, what was printed, files that are
there and files that were removed again, arguments of processes, and the cluster outside of `data`.

`SOAK_SECRETS=20000 make soak` does it with more, and with others each time.
"""

from __future__ import annotations

import base64
import json
import os
import random
import string
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import OUTSIDE
from tests.githttp import GitServer
from tests.leaks import Needles, all_hits, inflated, spied, written
from tests.place import Place
from tests.program import Run

COUNT = int(OUTSIDE.get("SOAK_SECRETS", "2000"))
SEED = 20_000 if "SOAK_SECRETS" not in OUTSIDE else time.time_ns()
BATCH = 500
_ALPHABETS = (
    string.ascii_letters + string.digits,
    string.printable[:95],
    "äöüßéèñçøåЖдλπ漢字かな🔑🗝 " + string.ascii_lowercase,
    string.digits,
    string.ascii_letters + "+/",
)


@dataclass
class Drive:
    """A place, and everything that was said and every value that was given there."""

    place: Place
    env: dict[str, str]
    random: random.Random
    needles: Needles = field(default_factory=Needles)
    said: list[tuple[str, bytes]] = field(default_factory=list)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)

    def __call__(self, *words: str, input: str = "", exit: int | None = 0, **env: str) -> Run:
        """The program; what it printed is searched later."""
        run = self.place.gitops(*words, input=input, exit=exit, env=self.env | env)
        self.said.append((" ".join(words[:3]), (run.stdout + run.stderr).encode()))
        return run

    def killed(self, point: str, *words: str, input: str) -> None:
        """The program, killed just before the first call of one of its functions."""
        command = [sys.executable, "-m", "tests.interrupted", point, "kill -9 $PPID", *words]
        root = str(Path(__file__).parents[2])
        env = {**os.environ, **self.env}
        env["PYTHONPATH"] = f"{self.env['PYTHONPATH']}:{root}"
        done = subprocess.run(
            command, input=input, env=env, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == -9, done.stderr
        self.said.append((f"killed at {point}", (done.stdout + done.stderr).encode()))

    def value(self) -> bytes:
        """A random value of 16 to 200 bytes of one of many kinds."""
        kind = self.random.randrange(8)
        if kind == 0:
            value = self.random.randbytes(self.random.randint(16, 200))
        elif kind == 1:  # the shape of a key file: lines
            lines = [self.random.randbytes(30) for _ in range(self.random.randint(1, 4))]
            body = "\n".join(base64.b64encode(line).decode() for line in lines)
            value = f"-----BEGIN THING-----\n{body}\n-----END THING-----\n".encode()
            for line in body.splitlines():
                self.needles.add(line.encode())
            return value
        elif kind == 2:
            inner = self.random.randbytes(12).hex()
            self.needles.add(inner.encode())
            value = json.dumps({"user": "shop", "password": inner}).encode()
        else:
            letters = self.random.choice(_ALPHABETS)
            text = "".join(self.random.choices(letters, k=self.random.randint(16, 80)))
            value = text.encode()
        self.needles.add(value)
        return value

    def secret(self, name: str) -> str:
        """A manifest of a new Secret, or of an old one with some other values."""
        values = self.secrets.setdefault(name, {})
        for key in self.random.sample(("password", "token", "tls.key", "config.json"), 2):
            values[key] = base64.b64encode(self.value()).decode()
        return self.manifest(name, values)

    def manifest(self, name: str, values: dict[str, str]) -> str:
        """As people write them: some in `data`, some in `stringData`, in YAML and in JSON."""
        texts: dict[str, str] = {}
        if self.random.random() < 0.5:
            texts = {k: t for k, v in values.items() if (t := _text(v)) is not None}
        data = {k: v for k, v in values.items() if k not in texts}
        body: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
        body |= {"data": data} if data else {}
        body |= {"stringData": texts} if texts else {}
        if self.random.random() < 0.3:
            return json.dumps(body, ensure_ascii=False) + "\n"
        noted = "".join(f"  # was {v}\n" for v in values.values())
        lines = [f"  {_quoted(k)}: {_quoted(v)}  # {v}\n" for k, v in data.items()]
        more = [f"  {_quoted(k)}: {_quoted(v)}\n" for k, v in texts.items()]
        return (
            f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n"
            + (f"data:\n{noted}{''.join(lines)}" if data else "")
            + (f"stringData:\n{''.join(more)}" if texts else "")
        )

    def manifests(self, names: list[str]) -> str:
        return "# a batch\n" + "".join(f"---\n{self.secret(name)}" for name in names)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _text(value: str) -> str | None:
    try:
        return base64.b64decode(value).decode()
    except UnicodeDecodeError:
        return None


@pytest.fixture
def drive(distant: Place, tmp_path: Path) -> Iterator[Drive]:
    """A place behind HTTP, so that there is a mirror, with every move of the program watched."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    distant.gitops("secret", "keygen", "--out", tmp_path / "key")
    env = spied(tmp_path / "spy") | {
        "TMPDIR": str(temporary),
        "KUBECTL_GITOPS_KEY_FILE": str(tmp_path / "key"),
    }
    before = set(Path("/dev/shm").iterdir())
    yield Drive(distant, env, random.Random(SEED))
    assert set(Path("/dev/shm").iterdir()) == before


def test_no_byte_written_anywhere_shows_a_value(
    drive: Drive, http_repo: GitServer, tmp_path: Path
) -> None:
    names = [f"s-{number}" for number in range(COUNT)]
    some, rest = names[:60], names[60:]
    _apply_all(drive, some)
    _edit(drive)
    _drift_and_back(drive, some[:10])
    _undo(drive, some[20:25])
    _import_and_delete(drive)
    _refused(drive, http_repo, some[30])
    _killed(drive, some[40:])
    _look(drive, some[0])
    _apply_all(drive, rest)
    drive("diff", "--v=9")
    drive("pull", "--v=9")
    _check_the_search(drive.needles)
    texts = (
        *drive.said,
        *inflated(http_repo.path),
        *(text for mirror in Path.home().rglob("*.git") for text in inflated(mirror)),
        *written(http_repo.path, Path.home(), tmp_path / "temporary", tmp_path / "spy"),
        ("the cluster", _beside_data(drive)),
    )
    assert all_hits(drive.needles, texts) == [], f"seed {SEED}"
    assert sum(len(text) for _, text in texts) > COUNT * 2000
    assert (tmp_path / "spy" / "kept" / "started").exists()


def _apply_all(drive: Drive, names: list[str]) -> None:
    for start in range(0, len(names), BATCH):
        drive("apply", "-f", "-", input=drive.manifests(names[start : start + BATCH]))
    changed = names[::20]
    run = drive("apply", "-f", "-", "-m", "rotated", input=drive.manifests(changed))
    assert run.stdout.count(" configured\n") == len(changed)


def _edit(drive: Drive) -> None:
    """An editor that sees the values, gives one another, and leaves a backup beside the file."""
    old, new = (drive.random.randbytes(20).hex() for _ in range(2))
    drive.needles.add(old.encode())
    drive.needles.add(new.encode())
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: edited}\n"
    drive("apply", "-f", "-", input=f"{head}stringData:\n  password: {old}\n")
    script = Path("/dev/shm/editor-of-the-test")
    script.write_text(f'grep -q {old} "$1"; sed -i~ s/{old}/{new}/ "$1"\n')
    drive("edit", "secret/edited", KUBE_EDITOR=f"sh -e {script}")
    script.unlink()
    live = drive.place.live("secret/edited")["data"]
    assert live == {"password": base64.b64encode(new.encode()).decode()}


def _drift(drive: Drive, name: str) -> None:
    patch = {"data": {"password": base64.b64encode(drive.value()).decode()}}
    drive.place.kubectl("patch", "secret", name, "-p", json.dumps(patch))


def _drift_and_back(drive: Drive, names: list[str]) -> None:
    for name in names:
        _drift(drive, name)
    assert "*** (after)" in drive("diff", exit=1).stdout
    drive("status", exit=1)
    drive("status", "-o", "json", exit=1)
    drive("pull", "--dry-run")
    drive("record", f"secret/{names[0]}", "-m", "it was an emergency")
    drive("pull")
    drive("diff")


def _undo(drive: Drive, names: list[str]) -> None:
    drive("apply", "-f", "-", "--v=9", input=drive.manifests(names))
    drive("undo", "--v=9")
    drive("rollback", f"secret/{names[0]}")


def _import_and_delete(drive: Drive) -> None:
    for name in ("found", "lost"):
        literals = [f"--from-literal={key}={drive.value().hex()}" for key in "ab"]
        for literal in literals:
            drive.needles.add(literal.partition("=")[2].partition("=")[2].encode())
        drive.place.kubectl("create", "secret", "generic", name, *literals)
    drive("delete", "secret/lost")
    drive("import", "secrets")
    drive("delete", "secret/found")
    drive("undo")


def _refused(drive: Drive, server: GitServer, name: str) -> None:
    """What is wrong with a Secret, and what goes wrong around it; nothing of it is quoted."""
    value = drive.value().hex()
    drive.needles.add(value.encode())
    number = str(drive.random.getrandbits(80))
    drive.needles.add(number.encode())
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: bad}\n"
    for content in (
        f"stringData: {{p: {number}}}",
        f"stringData: {{p: [{value}]}}",
        f"stringData: {value}",
        f"data: {{p: {value}!}}",
        f"data: {{p: {number}}}",
        f"immutable: {value}",
        f"password: {value}",
        f"type: kubernetes.io/tls\nstringData: {{tls.crt: {value}}}",
        f"type: kubernetes.io/basic-auth\nstringData: {{nobody: {value}}}",
        f"stringData:\n  p: {value}\n  p: {value}",
        f'stringData:\n  p: "{value}\n',
        f"stringData:\n  p: {value}\n q: {value}: {value}",
        f"type: Opaque  # {value}\nstringData: {{p: {value}}}",
        f"stringData: {{p: {value}}}\nmetadata: {{name: x, annotations: {{a: {value}}}}}",
    ):
        drive("apply", "-f", "-", input=f"{head}{content}\n", exit=1)
    good = f"{head}stringData: {{p: {value}}}\n"
    with_reason = ("apply", "-f", "-", "-m", f"now {value}")
    drive(*with_reason, input=good, exit=1)
    drive("apply", "-f", "-", "--as", "nobody", input=good, exit=None)
    drive("apply", "-f", "-", "--request-timeout", "1ms", input=good, exit=None)
    with server.fault("git-receive-pack", status=403, message="no"):
        drive("apply", "-f", "-", input=good, exit=1)
    hook = server.path / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'declined by policy' >&2\nexit 1\n")
    hook.chmod(0o755)
    drive("apply", "-f", "-", input=good, exit=1)
    hook.unlink()
    drive.place.kubectl("patch", "secret", name, "-p", '{"immutable": true}')
    drive("apply", "-f", "-", input=drive.secret(name), exit=None)
    drive.place.kubectl("delete", "secret", name)
    drive("pull")


POINTS = (
    "kubectl_gitops.operations.change._publish",
    "kubectl_gitops.operations.change._followed",
    "kubectl_gitops.operations.change.converge",
    "kubectl_gitops.operations.change._note",
)


def _killed(drive: Drive, names: list[str]) -> None:
    each = len(names) // len(POINTS)
    for number, point in enumerate(POINTS):
        some = names[number * each : (number + 1) * each]
        drive.killed(point, "apply", "-f", "-", input=drive.manifests(some))
    drive("status", exit=None)
    drive("pull")


def _look(drive: Drive, name: str) -> None:
    for flags in ((), ("--patch",), ("-o", "json")):
        drive("history", f"secret/{name}", *flags)
    drive("history")
    drive("log")
    drive("verify")
    drive("show", f"secret/{name}")
    drive("secret", "status", "--check")
    drive("secret", "decrypt", f"secret/{name}", "--field", "x", input="kgs1:AAAA", exit=1)


def _beside_data(drive: Drive) -> bytes:
    """What the cluster holds of the Secrets but their `data`, and all the rest of the Namespace."""
    flags = ("-o", "json", "--show-managed-fields")
    secrets = json.loads(drive.place.kubectl("get", "secrets", *flags))["items"]
    assert len(secrets) > COUNT
    rest = drive.place.kubectl("get", "configmaps,events,serviceaccounts", *flags)
    return json.dumps([{**one, "data": None} for one in secrets]).encode() + rest.encode()


def _check_the_search(needles: Needles) -> None:
    """The search finds what is there, in every spelling and at every offset."""
    value = b'a value with "quotes", ~ and \xc3\xa4'
    known = Needles()
    known.add(value)
    quoted = json.dumps(value.decode())
    for spelled in (
        value,
        base64.b64encode(value),
        base64.b64encode(b"x" + value + b"yz"),
        base64.b64encode(b"xx" + value),
        base64.urlsafe_b64encode(b"xxx" + value),
        value.hex().encode(),
        quoted.encode(),
        b"a%20value%20with%20%22quotes%22%2C%20~%20and%20%C3%A4",
    ):
        for offset in range(9):
            assert known.found(b" " * offset + spelled + b" behind")
    assert not known.found(b"another value of the same length and kind")
    assert len(needles.whose) > COUNT * 100
