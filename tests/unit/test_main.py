"""The entry point: what it undoes of PyInstaller, and under which name it does what."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kubectl_gitops import __version__
from kubectl_gitops.__main__ import ASKED, COMPLETER, restore_library_paths

PROGRAM = Path(sys.executable).parent / "kubectl-gitops"


@pytest.mark.parametrize("name", ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LIBPATH"])
@pytest.mark.parametrize(
    ("set_by_the_bootloader", "left"),
    [
        ({"": "/bundle"}, {}),
        ({"": "/bundle:/theirs", "_ORIG": "/theirs"}, {"": "/theirs"}),
        ({"": "/bundle", "_ORIG": ""}, {"": ""}),
        ({"": "/theirs"}, {"": "/theirs"}),
        ({}, {}),
    ],
)
def test_processes_that_are_started_see_the_persons_own_library_path(
    name: str, set_by_the_bootloader: dict[str, str], left: dict[str, str]
) -> None:
    environ = {name + end: value for end, value in set_by_the_bootloader.items()}
    restore_library_paths(environ, "/bundle")
    assert environ == {name + end: value for end, value in left.items()}


def called(program: Path, *words: str, **environ: str) -> str:
    done = subprocess.run(
        [program, *words], env={**environ}, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_link_called_as_the_completer_completes(tmp_path: Path) -> None:
    link = tmp_path / COMPLETER
    link.symlink_to(PROGRAM)
    assert called(link, "vers") == "version\tPrint the version\n:4\n"


def test_where_there_are_no_links_a_variable_says_it(tmp_path: Path) -> None:
    """As the script that `completion install` writes on Windows."""
    assert called(PROGRAM, "vers", **{ASKED: "1"}) == "version\tPrint the version\n:4\n"
    assert called(PROGRAM, "version") == f"kubectl-gitops {__version__}\n"
