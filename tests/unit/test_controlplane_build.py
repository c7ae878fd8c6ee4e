"""Where the control plane's programs are looked for, and what a failed build says and leaves."""

import os
from pathlib import Path

import pytest

from tests.controlplane import build


def executable(path: Path, script: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def go(directory: Path, *, version: str) -> dict[str, str]:
    """An environment whose `go` has that version and builds nothing but errors."""
    script = f'[ "$1" = env ] && echo {version} && exit 0\necho "undefined: main" >&2\nexit 1'
    executable(directory / "go", script)
    return {"PATH": f"{directory}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture
def assets(tmp_path):
    for program in build.PROGRAMS:
        executable(tmp_path / "assets" / program)
    return tmp_path / "assets"


def test_complete_assets_of_envtest_are_used(assets, tmp_path):
    assert build.find(tmp_path / "cache", {"KUBEBUILDER_ASSETS": str(assets)}) == assets
    assert not (tmp_path / "cache").exists()


def test_incomplete_assets_are_named_and_passed_over(assets, tmp_path, capsys):
    (assets / "kwok").unlink()
    environment = {"KUBEBUILDER_ASSETS": str(assets), **go(tmp_path / "bin", version="go1.26.1")}
    with pytest.raises(build.BuildError):
        build.find(tmp_path / "cache", environment)
    said = capsys.readouterr().err.splitlines()[0]
    assert said == "controlplane: KUBEBUILDER_ASSETS is not used, it has no kwok"


def test_a_failed_build_ends_with_what_go_said_and_leaves_nothing(tmp_path):
    with pytest.raises(build.BuildError) as caught:
        build.find(tmp_path / "cache", go(tmp_path / "bin", version="go1.26.1"))
    assert str(caught.value) == "go build . failed:\nundefined: main"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["lock"]


def test_an_old_go_is_passed_over_for_the_one_in_the_cache(tmp_path):
    executable(tmp_path / "cache" / "go-1.26" / "go" / "bin" / "go", "echo ours >&2; exit 1")
    with pytest.raises(build.BuildError, match=r"ours$"):
        build.find(tmp_path / "cache", go(tmp_path / "bin", version="go1.25.9"))


def test_the_cache_is_chosen_by_environment_or_the_user_s():
    chosen = {"KUBECTL_GITOPS_CONTROLPLANE_CACHE": "/somewhere"}
    assert build.cache_directory(chosen) == Path("/somewhere")
    assert build.cache_directory({}) == Path.home() / ".cache" / "kubectl-gitops-controlplane"
