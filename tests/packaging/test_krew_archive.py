"""The archive that krew installs: `make smoke` builds it and runs these.

The frozen program is called as krew lets kubectl call it: through a link, from a path with a space,
with no Python on the PATH and a HOME that nobody may write to.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from kubectl_gitops import __version__
from kubectl_gitops.__main__ import COMPLETER
from tests.bound import config_map
from tests.test_docs import COMMANDS

ROOT = Path(__file__).parents[2]
ARCHIVE = os.environ.get("KREW_ARCHIVE", "")
pytestmark = pytest.mark.skipif(not ARCHIVE, reason="make smoke builds the archive and runs these")

Kubectl = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True, slots=True)
class Frozen:
    """The program as krew has installed it: one link in a directory of the PATH."""

    folder: Path
    environ: dict[str, str]

    def __call__(self, *words: str | Path, exit: int = 0, input: str = "") -> str:
        """`kubectl gitops …`; stdout."""
        command = [str(self.folder / "kubectl"), "gitops", *map(str, words)]
        done = subprocess.run(
            command, env=self.environ, input=input, capture_output=True, text=True, check=False
        )
        assert done.returncode == exit, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("krew") / "store with space"
    with tarfile.open(ARCHIVE) as tar:
        tar.extractall(folder, filter="data")
    return folder / "kubectl-gitops"


@pytest.fixture
def frozen(unpacked: Path, kubeconfig: Path, tmp_path: Path) -> Frozen:
    """Beside it on the PATH: kubectl and Git's own programs, and no Python."""
    folder, home = tmp_path / "bin", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    for name in ("kubectl", "git", "sh"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    (folder / "kubectl-gitops").symlink_to(unpacked / "kubectl-gitops")
    config = home / ".config"
    config.mkdir()
    # Root may write anywhere: so the directories are files.
    for name in (".cache", ".local", "gitops"):
        (home / name).write_text("")
    kept = {key: os.environ[key] for key in os.environ if key.startswith(("GIT_", "LC_", "TZ"))}
    environ = {**kept, "PATH": str(folder), "HOME": str(home), "KUBECONFIG": str(kubeconfig)}
    return Frozen(folder, environ)


def members() -> list[tarfile.TarInfo]:
    with tarfile.open(ARCHIVE) as tar:
        return tar.getmembers()


def test_it_holds_files_only_in_one_directory_and_tells_nothing_of_its_maker() -> None:
    assert [m.name for m in members() if not m.isfile()] == []
    names = [m.name for m in members()]
    assert names == sorted(names, key=lambda name: Path(name).parts)
    assert {name.split("/")[0] for name in names} == {"kubectl-gitops"}
    assert {(m.uid, m.gid, m.uname, m.gname) for m in members()} == {(0, 0, "", "")}
    assert len({m.mtime for m in members()}) == 1


def test_it_holds_the_licenses_and_nothing_that_is_gpl(unpacked: Path) -> None:
    assert (unpacked / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    notices = (unpacked / "THIRD-PARTY-NOTICES").read_text("utf-8")
    for name in ("Python", "kubernetes", "dulwich", "cryptography", "click", "PyYAML", "urllib3"):
        assert f"\n{name.lower()} " in notices.lower(), name
    assert "OpenSSL" in notices
    assert [path.name for path in unpacked.rglob("*readline*")] == []


def test_no_file_tells_where_it_was_built(unpacked: Path) -> None:
    here = str(ROOT).encode()
    found = [p.name for p in unpacked.rglob("*") if p.is_file() and here in p.read_bytes()]
    assert found == []


def test_built_again_it_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    script = ROOT / ".ci" / "krew_archive.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, capture_output=True)
    again = tmp_path / Path(ARCHIVE).name
    assert gzip.decompress(again.read_bytes()) == gzip.decompress(Path(ARCHIVE).read_bytes())
    assert again.read_bytes() == Path(ARCHIVE).read_bytes()


def test_the_manifest_links_what_is_in_the_archive() -> None:
    manifest = yaml.safe_load((ROOT / "krew-manifest.yaml").read_text("utf-8"))
    (platform,) = [
        p for p in manifest["spec"]["platforms"] if p["uri"].endswith(Path(ARCHIVE).name)
    ]
    (program,) = [m for m in members() if m.name == platform["bin"]]
    assert program.mode & 0o111


def test_every_command_has_its_help(frozen: Frozen) -> None:
    for name in COMMANDS:
        assert "Examples:" in frozen(*name.split(), "--help"), name
    assert frozen("version") == f"kubectl-gitops {__version__}\n"


def test_a_whole_round(frozen: Frozen, namespace: str, tmp_path: Path) -> None:
    """With keys in memory and no configuration: apply, history, pull and verify."""
    repo, key = tmp_path / "store.git", tmp_path / "key"
    frozen("secret", "keygen", "--out", key)
    store = ["--repo", repo, "--key-file", key]
    frozen.environ["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    frozen("init", *store, "--home-namespace", namespace)
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: hunter2}\n"
    text = config_map(namespace, "a", x="1") + "---\n" + secret
    assert (
        frozen("apply", "-f", "-", *store, input=text) == "configmap/a created\nsecret/db created\n"
    )
    assert "created" in frozen("history", "configmap/a", "-n", namespace, *store)
    frozen("delete", "secret", "db", "-m", "gone", *store)
    frozen("undo", *store)
    assert frozen("pull", *store) == ""
    assert '"condition": "Failed"' not in frozen("doctor", "-o", "json", *store)


def test_a_credential_plugin_does_not_inherit_our_libraries(
    frozen: Frozen, kubeconfig: Path, tmp_path: Path
) -> None:
    """It sees the path that the person has set, and none where they have set none."""
    config = yaml.safe_load(kubeconfig.read_text())
    user = config["users"][0]["user"]
    seen, plugin = tmp_path / "seen", tmp_path / "plugin"
    data = {key: user[key] for key in ("client-certificate-data", "client-key-data") if key in user}
    status = _status(user, data)
    plugin.write_text(f'#!/bin/sh\necho "[$LD_LIBRARY_PATH]" >> "{seen}"\ncat <<"X"\n{status}\nX\n')
    plugin.chmod(0o755)
    cat = shutil.which("cat")
    assert cat is not None
    (frozen.folder / "cat").symlink_to(cat)
    config["users"][0]["user"] = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(plugin),
            "interactiveMode": "Never",
        }
    }
    kubeconfig.write_text(yaml.safe_dump(config))
    frozen("doctor", "--repo", tmp_path / "none.git", exit=1)
    assert set(seen.read_text().split()) == {"[]"}
    seen.unlink()
    frozen.environ["LD_LIBRARY_PATH"] = "/opt/theirs"
    frozen("doctor", "--repo", tmp_path / "none.git", exit=1)
    assert set(seen.read_text().split()) == {"[/opt/theirs]"}


def _status(user: dict[str, str], data: dict[str, str]) -> str:
    """What a credential plugin prints for this certificate."""
    import base64
    import json

    def text(name: str) -> str:
        if f"{name}-data" in data:
            return base64.b64decode(data[f"{name}-data"]).decode()
        return Path(user[name]).read_text()

    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {
            "clientCertificateData": text("client-certificate"),
            "clientKeyData": text("client-key"),
        },
    }
    return json.dumps(credential)


def test_completion_through_the_one_link_that_krew_makes(frozen: Frozen) -> None:
    frozen("completion", "install")
    done = subprocess.run(
        [frozen.folder / "kubectl", "__complete", "gitops", "vers"],
        env=frozen.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "version\tPrint the version\n:4\n"
    assert (frozen.folder / COMPLETER).is_symlink()


@pytest.mark.skipif(not shutil.which("kubectl-krew"), reason="no kubectl-krew on the PATH")
def test_krew_installs_it(tmp_path: Path) -> None:
    """The real krew, offline: it checks the digest, unpacks, and links."""
    import hashlib

    manifest = yaml.safe_load((ROOT / "krew-manifest.yaml").read_text("utf-8"))
    for platform in manifest["spec"]["platforms"]:
        if platform["uri"].endswith(Path(ARCHIVE).name):
            platform["sha256"] = hashlib.sha256(Path(ARCHIVE).read_bytes()).hexdigest()
    file = tmp_path / "gitops.yaml"
    file.write_text(yaml.safe_dump(manifest))
    environ = {**os.environ, "KREW_ROOT": str(tmp_path / "krew")}
    command = ["kubectl", "krew", "install", f"--manifest={file}", f"--archive={ARCHIVE}"]
    subprocess.run(command, env=environ, check=True)
    linked = tmp_path / "krew" / "bin" / "kubectl-gitops"
    shown = subprocess.run([linked, "version"], capture_output=True, text=True, check=True)
    assert shown.stdout == f"kubectl-gitops {__version__}\n"
