"""Terminal sessions, told in `tests/transcripts/*.txt` and played again on a real API server.

Prose stands at the margin. What is indented is a session: `$ ` begins a command, `> ` continues it,
what it prints follows (empty lines at its end are not told), and `[exit 3]` where it does not end
with 0. `pytest --update` writes what was printed into the files; the difference is reviewed like
code.

What no two sessions share (ids of commits, keys and objects, times, sealed values) is printed as a
constant of the same width, and the home directory as `~`.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import CACHE, OUTSIDE
from tests.controlplane.build import find
from tests.controlplane.cluster import ControlPlane
from tests.git import git

TRANSCRIPTS = sorted(Path(__file__).with_name("transcripts").glob("*.txt"))

# A command and its continuation; then every indented line that begins no other command, and the
# empty lines between two of those.
STEP = re.compile(
    r"^    \$ (?P<command>.*\n(?:    > .*\n)*)"
    r"(?:(?!    \$ )    .*\n|\n(?=\n*(?!    \$ )    ))*",
    re.MULTILINE,
)
CONSTANTS = {
    re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"): "2026-01-02T03:04:05",
    re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"): (
        "00000000-0000-4000-8000-000000000000"
    ),
    re.compile(r"\bkgs1[.:][\w.:+/=-]+"): "kgs1.…",
    re.compile(r"\b[0-9a-f]{16}\b"): "0123456789abcdef",
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One of their own: names of Namespaces and of the context are part of what is told."""
    data = tmp_path_factory.mktemp("transcripts")
    plane = ControlPlane.start(data, find(CACHE, OUTSIDE), name="prod")
    yield plane
    plane.stop()


@dataclass(frozen=True, slots=True)
class Terminal:
    """A shell in the home directory; `commits` are those it has shown, in that order."""

    home: Path
    commits: list[str] = field(default_factory=list)

    def play(self, step: re.Match[str]) -> str:
        """A step with what its command prints now."""
        command = step["command"].replace("\n    > ", "\n")
        answer = subprocess.run(
            ["bash", "-c", command],
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        lines = self._constant(answer.stdout).rstrip().splitlines()
        lines += [f"[exit {answer.returncode}]"] if answer.returncode else []
        printed = "".join(f"    {line}".rstrip() + "\n" for line in lines)
        return f"    $ {step['command']}{printed}"

    def _constant(self, text: str) -> str:
        for pattern, constant in CONSTANTS.items():
            text = pattern.sub(constant, text)
        known = {
            commit
            for repository in self.home.glob("*.git")
            for commit in git(repository, "rev-list", "--all").split()
        }
        text = re.sub(r"\b[0-9a-f]{40}\b|\b[0-9a-f]{7}\b", lambda id: self._id(id[0], known), text)
        return text.replace(str(self.home), "~")

    def _id(self, id: str, known: set[str]) -> str:
        """`1111111` for the first commit that was shown, however long its id is written."""
        whole = next((commit for commit in known if commit.startswith(id)), None)
        if whole is None:
            return id
        if whole not in self.commits:
            self.commits.append(whole)
        return f"{self.commits.index(whole) + 1:x}" * len(id)


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
def test_the_session_is_as_it_is_told(
    transcript: Path, cluster: ControlPlane, request: pytest.FixtureRequest
) -> None:
    home = Path.cwd()
    (home / ".kube").mkdir()
    (home / ".kube" / "config").write_bytes(cluster.kubeconfig.read_bytes())
    (home / ".kube" / "config").chmod(0o600)
    told = transcript.read_text()
    played = STEP.sub(Terminal(home).play, told)
    if request.config.getoption("--update"):
        transcript.write_text(played)
    else:
        assert played == told
