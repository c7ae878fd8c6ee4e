"""The session in the README is real: run again, it prints the same."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README_HOME = "/home/ada"

Kubectl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def shop(kubectl: Kubectl) -> Iterator[None]:
    """What the session needs, and no trace of it in the control plane afterwards."""
    shutil.copytree(ROOT / "examples" / "shop", "shop")
    kubectl("config", "rename-context", "first", "prod")
    yield
    kubectl("delete", "namespace", "shop", "--ignore-not-found")
    kubectl("delete", "configmap", "kubectl-gitops-shop", "--ignore-not-found")


def session() -> list[tuple[str, str]]:
    """The commands of the README's console block, each with what it is said to print."""
    text = (ROOT / "README.md").read_text("utf-8")
    (block,) = re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    steps = (step.partition("\n") for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:])
    return [(command, output.rstrip("\n")) for command, _, output in steps]


def run(command: str) -> str:
    answer = subprocess.run(
        command,
        shell=True,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return answer.stdout.rstrip("\n")


def without_what_differs_each_time(text: str) -> str:
    """Places, times, object ids and sealed values replaced by words."""
    text = text.replace(README_HOME, "~").replace(os.environ["HOME"], "~")
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|\+00:00)", "TIME", text)
    text = re.sub(r"kgs1:[A-Za-z0-9_-]+", "SEALED", text)
    text = re.sub(r"\b[0-9a-f]{16}\b", "KEY", text)
    return re.sub(r"\b[0-9a-f]{7}\b", "COMMIT", text)


def test_the_session_in_the_readme_prints_what_it_says(shop: None) -> None:
    steps = session()
    printed = [(command, without_what_differs_each_time(run(command))) for command, _ in steps]
    said = [(command, without_what_differs_each_time(output)) for command, output in steps]
    assert printed == said
