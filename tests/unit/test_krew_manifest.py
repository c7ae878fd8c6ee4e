"""krew-manifest.yaml is what plugin.yaml renders to, and krew takes it.

The rules are those of krew's own `validate-krew-manifest` and of its naming and style guide. The
digests are read from the manifest itself, so that the comparison holds before a release and after.
"""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_gitops import __version__

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".ci" / "krew_manifest.py"
UNRELEASED = "0" * 64


def load_script() -> Any:
    """The script as a module; it stands in no package."""
    spec = importlib.util.spec_from_file_location("krew_manifest", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = load_script()
PLUGIN: dict[str, Any] = yaml.safe_load((ROOT / "plugin.yaml").read_text("utf-8"))
TEXT = (ROOT / "krew-manifest.yaml").read_text("utf-8")
MANIFEST: dict[str, Any] = yaml.safe_load(TEXT)
SPEC: dict[str, Any] = MANIFEST["spec"]
PLATFORMS: list[dict[str, Any]] = SPEC["platforms"]


def digests() -> dict[str, str]:
    return {platform["uri"].rpartition("/")[2]: platform["sha256"] for platform in PLATFORMS}


def test_the_committed_manifest_is_the_rendered_one() -> None:
    assert script.render(PLUGIN, __version__, digests()) == TEXT


def test_before_a_release_every_digest_is_zeros_and_after_it_none_is() -> None:
    released = f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    zeros = {digest == UNRELEASED for digest in digests().values()}
    assert zeros == {not released}


def test_a_release_fills_in_the_digests_that_sha256sum_printed() -> None:
    names = [f"kubectl-gitops-v1.2.3-{p['os']}-{p['arch']}.tar.gz" for p in PLUGIN["platforms"]]
    sums = "".join(f"{number:064x}  dist/{name}\n" for number, name in enumerate(names, start=1))
    rendered = yaml.safe_load(script.render(PLUGIN, "1.2.3", script.read_digests(sums)))["spec"]
    assert rendered["version"] == "v1.2.3"
    assert [p["sha256"] for p in rendered["platforms"]] == [f"{n:064x}" for n in (1, 2, 3, 4)]
    assert [p["uri"].rpartition("/")[2] for p in rendered["platforms"]] == names


def test_sha256sum_marks_binary_files_with_a_star() -> None:
    assert script.read_digests(f"{UNRELEASED} *a.tar.gz\n") == {"a.tar.gz": UNRELEASED}


def test_a_release_that_lacks_an_archive_is_none() -> None:
    with pytest.raises(KeyError, match=r"kubectl-gitops-v1\.2\.3-linux-amd64\.tar\.gz"):
        script.render(PLUGIN, "1.2.3", {})


def test_it_is_a_plugin_of_the_version_that_krew_reads() -> None:
    assert {key: MANIFEST[key] for key in ("apiVersion", "kind", "metadata")} == {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "gitops"},
    }


def test_the_version_is_semantic_with_a_leading_v() -> None:
    assert SPEC["version"] == f"v{__version__}"
    assert re.fullmatch(r"v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", SPEC["version"])


def test_the_short_description_is_one_line_of_at_most_fifty_characters() -> None:
    text = SPEC["shortDescription"]
    assert 0 < len(text) <= 50
    assert text == text.strip().rstrip(".")
    assert "\n" not in text


@pytest.mark.parametrize("key", ["description", "caveats"])
def test_longer_texts_fit_a_terminal(key: str) -> None:
    assert [
        line for line in SPEC[key].splitlines() if len(line) > 80 or line != line.rstrip()
    ] == []


def test_it_is_built_for_the_platforms_that_every_dependency_supports() -> None:
    assert [platform["selector"] for platform in PLATFORMS] == [
        {"matchLabels": {"os": "linux", "arch": "amd64"}},
        {"matchLabels": {"os": "linux", "arch": "arm64"}},
        {"matchLabels": {"os": "darwin", "arch": "arm64"}},
        {"matchLabels": {"os": "windows", "arch": "amd64"}},
    ]


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform["uri"].split("-")[-2])
def test_a_platform_says_what_to_fetch_how_to_check_it_and_what_to_link(
    platform: dict[str, Any],
) -> None:
    labels = platform["selector"]["matchLabels"]
    assert sorted(platform) == ["bin", "selector", "sha256", "uri"]
    assert re.fullmatch(r"[0-9a-f]{64}", platform["sha256"])
    assert platform["uri"] == (
        f"{SPEC['homepage']}/releases/download/{SPEC['version']}/"
        f"kubectl-gitops-{SPEC['version']}-{labels['os']}-{labels['arch']}.tar.gz"
    )
    suffix = ".exe" if labels["os"] == "windows" else ""
    assert platform["bin"] == f"kubectl-gitops/kubectl-gitops{suffix}"


def test_the_program_is_named_so_that_kubectl_finds_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"kubectl-{MANIFEST['metadata']['name']}" in project["scripts"]


def test_the_license_that_krew_wants_in_the_archive_is_there() -> None:
    assert (ROOT / "LICENSE").is_file()


def test_the_manifest_can_be_written_into_an_index(tmp_path: Path) -> None:
    """Any Git repository with `plugins/gitops.yaml` is one."""
    names = [platform["uri"].rpartition("/")[2] for platform in PLATFORMS]
    sums, index = tmp_path / "SHA256SUMS", tmp_path / "plugins" / "gitops.yaml"
    sums.write_text("".join(f"{number:064x}  {name}\n" for number, name in enumerate(names)))
    index.parent.mkdir()
    script.main([str(sums), str(index)])
    written = yaml.safe_load(index.read_text("utf-8"))
    assert [p["sha256"] for p in written["spec"]["platforms"]] == [f"{n:064x}" for n in range(4)]
    assert index.stem == written["metadata"]["name"]
    assert (ROOT / "krew-manifest.yaml").read_text("utf-8") == TEXT


def test_a_release_builds_every_platform_of_the_plugin_on_one_of_its_machines() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yaml").read_text("utf-8"))
    rows = workflow["jobs"]["archive"]["strategy"]["matrix"]["include"]
    built = [(row["os"], row["arch"]) for row in rows]
    assert built == [(platform["os"], platform["arch"]) for platform in PLUGIN["platforms"]]
    commands = "\n".join(
        step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]
    )
    named = set(re.findall(r"\.ci/[a-z_]+\.py", commands))
    assert named == {".ci/krew_archive.py", ".ci/krew_manifest.py"}
    assert [name for name in named if not (ROOT / name).is_file()] == []
    assert "index/plugins/gitops.yaml" in commands
