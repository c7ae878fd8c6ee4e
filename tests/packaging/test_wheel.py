"""What pip, pipx and uv install: wheel and sdist, both console scripts, `python -m`."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from kubectl_gitops import __version__
from kubectl_gitops.__main__ import COMPLETER

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "kubectl_gitops").rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
)


def run(*command: str | Path, cwd: Path | None = None, **environ: str) -> str:
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with both, the wheel made of the sdist, as `python -m build` does it.

    Of a copy, so that nothing is left in the checkout; with the tools of the project's own
    environment, which are pinned.
    """
    source = tmp_path_factory.mktemp("source") / "project"
    names = ["pyproject.toml", "setup.cfg", "README.md", "LICENSE", *SOURCES]
    for name in names:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    target = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", target, source)
    return target


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a fresh environment that holds the wheel alone."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    (wheel,) = built.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--python", folder, "install", "--no-index", "--no-deps"]
    run(*pip, "--quiet", wheel)
    return folder / ("Scripts" if os.name == "nt" else "bin")


def dependencies() -> dict[str, str]:
    """Where the fresh environment finds the libraries, which are not what is tested here."""
    return {"PYTHONPATH": sysconfig.get_path("purelib"), "PYTHONSAFEPATH": "1"}


def test_the_wheel_holds_the_package_and_its_license_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    assert wheel.name == f"kubectl_gitops-{__version__}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    info = f"kubectl_gitops-{__version__}.dist-info/"
    assert sorted(name for name in names if not name.startswith(info)) == SOURCES
    assert f"{info}licenses/LICENSE" in names


def test_the_sdist_holds_what_the_wheel_is_made_of(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    top = f"kubectl_gitops-{__version__}"
    assert sdist.name == f"{top}.tar.gz"
    with tarfile.open(sdist) as tar:
        names = {member.name.removeprefix(f"{top}/") for member in tar if member.isfile()}
    assert {*SOURCES, "LICENSE", "README.md", "pyproject.toml", "setup.cfg"} - names == set()


def test_both_scripts_and_the_module_run(installed: Path, tmp_path: Path) -> None:
    said = f"kubectl-gitops {__version__}\n"
    environ = dependencies()
    assert run(installed / "kubectl-gitops", "version", cwd=tmp_path, **environ) == said
    python = installed / Path(sys.executable).name
    assert run(python, "-m", "kubectl_gitops", "version", cwd=tmp_path, **environ) == said
    offered = run(installed / COMPLETER, "vers", cwd=tmp_path, **environ)
    assert offered == "version\tPrint the version\n:4\n"


def test_it_is_the_installed_package_that_runs(installed: Path, tmp_path: Path) -> None:
    python = installed / Path(sys.executable).name
    where = "import kubectl_gitops; print(kubectl_gitops.__file__)"
    found = run(python, "-c", where, cwd=tmp_path, **dependencies())
    assert Path(found.strip()).is_relative_to(installed.parent)


def test_kubectl_finds_it_on_the_path(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{installed}{os.pathsep}{os.environ['PATH']}")
    shown = run("kubectl", "gitops", "version", cwd=tmp_path, **dependencies())
    assert shown == f"kubectl-gitops {__version__}\n"
