"""The architecture holds: levels, owners, purity, lengths, names, and what an import costs.

How each rule is read off the syntax trees stands in `architecture.py`; here it is asserted for
every file of the package, and each check is shown to find what it forbids.

`pytest -s tests/test_architecture.py` prints the table of function and module lengths.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.architecture import (
    LEVELS,
    OWNERS,
    PACKAGE,
    PURE,
    ROOT,
    Module,
    empty_names,
    foreign_libraries,
    function_lengths,
    import_graph,
    loose_classes,
    module_lengths,
    modules,
    table,
    touches,
    upward_imports,
)

DISTRIBUTIONS = {"PyYAML": "yaml"}
"""Where a distribution is called otherwise than the library it brings."""

HEAVY = frozenset({"cryptography", "dulwich", "kubernetes"})
MAY_LOAD = {"cluster": {"cryptography", "kubernetes"}}
"""What the mere import of these may load; everywhere else it waits until it is needed."""

LONGEST_MODULE = 400
LONGEST_FUNCTION = 60
NINE_OF_TEN_FUNCTIONS = 35
MEDIAN_FUNCTION = 10

each_module = pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)


def test_every_module_has_a_place_in_the_architecture() -> None:
    placed = {name for level in LEVELS for name in level}
    assert "; ".join(sorted({module.part for module in modules()} - placed - {""})) == ""


@each_module
def test_imports_point_down_only(module: Module) -> None:
    assert "; ".join(upward_imports(module)) == ""


def test_no_module_imports_itself_by_a_detour() -> None:
    try:
        TopologicalSorter(import_graph()).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


@each_module
def test_each_third_party_library_has_one_owner(module: Module) -> None:
    assert "; ".join(foreign_libraries(module)) == ""


def test_every_dependency_of_the_project_has_an_owner_and_no_other_library_does() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = (re.split(r"[^\w.-]", requirement)[0] for requirement in project["dependencies"])
    assert sorted(DISTRIBUTIONS.get(name, name) for name in names) == sorted(OWNERS)


@pytest.mark.parametrize("module", [m for m in modules() if m.part in PURE], ids=lambda m: m.name)
def test_what_decides_touches_nothing_outside_itself(module: Module) -> None:
    assert "; ".join(touches(module)) == ""


def test_functions_and_modules_stay_short() -> None:
    functions, files = function_lengths(), module_lengths()
    print(table("the longest functions (lines)", functions[:20]))
    print(table("modules (lines)", files))
    lines = [function.lines for function in functions]
    total = sum(file.lines for file in files)
    print(f"\n{len(lines)} functions, median {statistics.median(lines)}; {total} lines in all")
    assert [function for function in functions if function.lines > LONGEST_FUNCTION] == []
    assert [file for file in files if file.lines > LONGEST_MODULE] == []
    assert sum(n > NINE_OF_TEN_FUNCTIONS for n in lines) <= len(lines) / 10
    assert statistics.median(lines) <= MEDIAN_FUNCTION


@each_module
def test_names_say_what_a_thing_is(module: Module) -> None:
    assert "; ".join(empty_names(module)) == ""


@each_module
def test_types_are_frozen_data_without_inheritance(module: Module) -> None:
    assert "; ".join(loose_classes(module)) == ""


@pytest.mark.parametrize("part", sorted({module.part for module in modules()} - {""}))
def test_importing_a_module_loads_no_heavy_library(part: str) -> None:
    script = f"import sys, {PACKAGE}.{part}; print(*sorted({set(HEAVY)} & set(sys.modules)))"
    command = [sys.executable, "-W", "error", "-c", script]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    loaded = set(run.stdout.split()) - MAY_LOAD.get(part, set())
    assert (run.stderr, loaded) == ("", set())


def snippet(name: str, text: str) -> Module:
    return Module(f"{PACKAGE}.{name}", is_package=False, text=text)


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("plan", "from kubectl_gitops.cluster import Api", ["cluster"]),
        ("plan", "def f():\n    from kubectl_gitops import store", ["store"]),
        ("manifest.model", "from ..plan import Plan", ["plan"]),
        ("cluster", "import kubectl_gitops.store", ["store"]),
        ("store.mirror", "from .objects import x\nfrom kubectl_gitops.store import y", []),
        ("plan", "from kubectl_gitops import __version__", []),
        ("catalog", "from kubectl_gitops.manifest import Manifest", []),
        ("manifest", "from kubectl_gitops.catalog import Catalog", ["catalog"]),
    ],
)
def test_an_import_that_points_up_is_found(name: str, text: str, found: list[str]) -> None:
    assert upward_imports(snippet(name, text)) == found


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("reconcile", "from kubernetes.client import ApiClient", ["kubernetes"]),
        ("cluster", "from kubernetes.client import ApiClient", []),
        ("plan", "import requests, json", ["requests"]),
    ],
)
def test_a_library_in_foreign_hands_is_found(name: str, text: str, found: list[str]) -> None:
    assert foreign_libraries(snippet(name, text)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import os", ["1: os"]),
        ("from os import path", ["1: os.path"]),
        ("from urllib import request", ["1: urllib.request"]),
        ("from urllib.parse import quote", []),
        ("from pathlib import Path", ["1: pathlib.Path"]),
        ("from pathlib import PurePosixPath", []),
        ("x = 1\nopen('f')", ["2: open"]),
        ("from datetime import datetime\ndatetime.now()", ["2: now"]),
        ("import datetime\ndatetime.datetime.now()", ["2: now"]),
        ("from http.client import OK", ["1: http.client.OK"]),
        ("def open(sealed): ...\nopen(1)\nenvelope.open(2)", []),
        ("import sys\nsys.stdout.write('x')", ["2: sys.stdout"]),
        ("from datetime import datetime, UTC\ndatetime.fromtimestamp(0, UTC)", []),
    ],
)
def test_a_touch_of_the_world_is_found(text: str, found: list[str]) -> None:
    assert touches(snippet("plan", text)) == found


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("utils", "", ["utils"]),
        ("git_helpers", "", ["git_helpers"]),
        ("plan", "class PlanManager: ...\nclass FieldManager: ...", ["PlanManager"]),
        ("plan", "def plan_factory(): ...\ndef merge_base(): ...", ["plan_factory"]),
        ("database", "class Coreference: ...", []),
    ],
)
def test_an_empty_name_is_found(name: str, text: str, found: list[str]) -> None:
    assert empty_names(snippet(name, text)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("class A(GitopsError): ...", ["A: inherits from GitopsError"]),
        ("class A(errors.GitopsError): ...", ["A: inherits from GitopsError"]),
        ("class A(Exception): ...", ["A: a second exception"]),
        ("class A(Protocol): ...", ["A: abstract outside ports"]),
        ("@dataclass(slots=True)\nclass A: ...", ["A: a dataclass without frozen=True"]),
        ("@dataclass(slots=True)\nclass _A: ...", []),
        ("@dataclass\nclass _A: ...", ["_A: a dataclass without slots=True"]),
        ("@dataclass(frozen=True, slots=True)\nclass A(StrEnum): ...", []),
    ],
)
def test_a_loose_class_is_found(text: str, found: list[str]) -> None:
    assert loose_classes(snippet("plan", text)) == found
