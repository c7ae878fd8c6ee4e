"""Targets: the person's own file, and which of its targets a command means."""

from __future__ import annotations

import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kubectl_gitops.errors import Exit, GitopsError
from kubectl_gitops.settings import (
    Target,
    cache_dir,
    config_file,
    data_dir,
    holds_credentials,
    load_target,
    read_targets,
    redact_url,
    write_target,
)

CONFIG = """\
# My clusters.
[targets.shop]
repo = "git@git.example.com:team/shop.git"  # the shop
context = "prod"
cluster = "6b1c"
path = "clusters/prod/"
key-file = "/keys/shop"

[targets.lab]
repo = "/srv/lab.git"
branch = "trunk"
context = "kind-lab"
"""

SHOP = Target(
    name="shop",
    repo="git@git.example.com:team/shop.git",
    branch="main",
    path="clusters/prod",
    context="prod",
    cluster="6b1c",
    key_file="/keys/shop",
)
LAB = Target("lab", "/srv/lab.git", branch="trunk", context="kind-lab")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config" / "config.toml"
    file.parent.mkdir()
    file.write_text(CONFIG)
    return file


def refusal(text: str, tmp_path: Path) -> str:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(GitopsError) as raised:
        read_targets(file)
    return raised.value.message.replace(str(file), "FILE")


def test_targets_are_read_in_order(config: Path) -> None:
    assert read_targets(config) == (SHOP, LAB)


def test_a_setting_that_says_nothing_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[targets.a]\nrepo = 'r'\nbranch = ''\npath = '.'\n")
    assert read_targets(file) == (Target("a", "r", branch="main", path=""),)


def test_no_file_means_no_targets(tmp_path: Path) -> None:
    assert read_targets(tmp_path / "none.toml") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "FILE: unknown setting x"),
        ("targets = 1\n", "FILE: targets must be a table"),
        ("[targets]\na = 1\n", "FILE: target a must be a table"),
        ("[targets.a]\ncontext = 'b'\n", "FILE: target a names no repo"),
        (
            "[targets.a]\nrepo = 'r'\nkeyfile = 'k'\n",
            "FILE: target a: unknown setting keyfile (line 3), did you mean key-file?",
        ),
        (
            "[targets.a]\nrepo = 1\n",
            "FILE: target a: repo must be a string without control characters",
        ),
        (
            "[targets.'a b']\nrepo = 'r'\n",
            "'a b' is no name for a target",
        ),
        ("[targets.a]\nrepo = 'r'\npath = '../b'\n", "../b is no path inside a repository"),
        ("[targets.a]\nrepo = 'r'\npath = '/b'\n", "/b is no path inside a repository"),
        ("[targets.a\n", "FILE: Expected ']' at the end of a table declaration (at line 1, col"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(text: str, message: str, tmp_path: Path) -> None:
    assert refusal(text, tmp_path).startswith(message)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(GitopsError, match="is not UTF-8"):
        read_targets(file)
    with pytest.raises(GitopsError, match=r"cannot read .*: is a directory"):
        read_targets(tmp_path)


# --- which target a command means -----------------------------------------------------------


def load(config: Path, name: str | None = None, context: str = "prod", **environ: str) -> Target:
    return load_target(name, context, {}, environ, config)


def test_a_named_target_is_meant_whatever_the_context(config: Path) -> None:
    assert load(config, "lab") == LAB
    assert load(config, KUBECTL_GITOPS_TARGET="lab") == LAB
    assert load(config, "shop", KUBECTL_GITOPS_TARGET="lab") == SHOP


def test_else_the_one_of_the_current_context(config: Path) -> None:
    assert load(config, context="kind-lab") == LAB


def test_else_the_only_one_there_is(config: Path) -> None:
    config.write_text(CONFIG[: CONFIG.index("[targets.lab]")])
    assert load(config, context="elsewhere") == SHOP


@pytest.mark.parametrize(
    ("name", "context", "message"),
    [
        ("prod", "prod", "no target is named prod; configured: shop, lab"),
        (None, "other", "no single target is for context other; configured: shop, lab"),
    ],
)
def test_what_is_not_clear_is_asked(
    config: Path, name: str | None, context: str, message: str
) -> None:
    with pytest.raises(GitopsError) as raised:
        load(config, name, context)
    assert (raised.value.message, raised.value.exit) == (message, Exit.USAGE)


def test_two_targets_of_one_context_have_to_be_named(config: Path) -> None:
    write_target(Target("shop2", "/srv/b.git", context="prod"), config)
    with pytest.raises(GitopsError, match="no single target is for context prod"):
        load(config)


def test_nothing_configured_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(GitopsError) as raised:
        load(tmp_path / "none.toml")
    assert raised.value.message == "no cluster is recorded yet"
    assert raised.value.hints == ("kubectl gitops init --repo URL",)


def test_a_flag_goes_before_the_environment_and_that_before_the_file(config: Path) -> None:
    environ = {"KUBECTL_GITOPS_BRANCH": "env", "KUBECTL_GITOPS_PATH": "./env"}
    target = load_target("shop", "prod", {"branch": "flag", "path": ""}, environ, config)
    assert (target.branch, target.path, target.repo) == ("flag", "env", SHOP.repo)


def test_a_repository_alone_needs_no_file(tmp_path: Path) -> None:
    none = tmp_path / "none.toml"
    target = load_target(None, "ci", {"repo": "https://git/x", "path": "."}, {}, none)
    assert target == Target("", "https://git/x", context="ci")
    environ = {"KUBECTL_GITOPS_REPO": "https://git/x", "KUBECTL_GITOPS_BRANCH": "b"}
    assert load_target(None, "ci", {}, environ, none) == Target(
        "", "https://git/x", branch="b", context="ci"
    )


def test_a_repository_for_a_named_target_replaces_only_that(config: Path) -> None:
    target = load_target("lab", "", {"repo": "/srv/other.git"}, {}, config)
    assert (target.repo, target.branch) == ("/srv/other.git", "trunk")


def test_a_path_out_of_the_repository_is_refused(config: Path) -> None:
    with pytest.raises(GitopsError, match="is no path inside a repository"):
        load_target("lab", "", {"path": "a/../../b"}, {}, config)


# --- writing --------------------------------------------------------------------------------


def test_a_new_target_is_added_and_comments_stay(config: Path) -> None:
    write_target(Target("new", "https://git/x", key_file="/keys/new"), config)
    assert config.read_text() == CONFIG + (
        '\n[targets.new]\nrepo = "https://git/x"\nbranch = "main"\nkey-file = "/keys/new"\n'
    )


def test_a_target_is_changed_in_place(config: Path) -> None:
    write_target(Target("lab", "/srv/lab.git", branch="main", context="kind-lab"), config)
    assert config.read_text() == CONFIG.replace("trunk", "main")


def test_a_setting_that_is_gone_is_removed(config: Path) -> None:
    write_target(replace(SHOP, key_file="", cluster=""), config)
    assert config.read_text() == (
        CONFIG.replace('cluster = "6b1c"\n', "")
        .replace('key-file = "/keys/shop"\n', 'branch = "main"\n')
        .replace("clusters/prod/", "clusters/prod")
    )


def test_a_target_may_be_called_as_any_context_is(config: Path) -> None:
    for name in ("arn:aws:eks:eu-west-1:1234:cluster/prod", "admin@talos", "gke_a_b_c"):
        target = Target(name, "/srv/x.git", context=name)
        write_target(target, config)
        assert load_target(name, "", {}, {}, config) == target


def test_the_file_is_for_its_owner_only_and_its_directory_is_made(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "config.toml"
    write_target(SHOP, file)
    assert read_targets(file) == (SHOP,)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert sorted(entry.name for entry in file.parent.iterdir()) == [
        "config.toml",
        "config.toml.lock",
    ]


def test_a_link_to_the_file_stays_a_link(tmp_path: Path, config: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(config)
    write_target(replace(LAB, branch="main"), link)
    assert link.is_symlink()
    assert read_targets(config) == (SHOP, replace(LAB, branch="main"))


def test_a_relative_key_file_is_stored_whole(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_target(Target("new", "/srv/x.git", key_file="key"), config)
    assert read_targets(config)[-1].key_file == str(tmp_path / "key")


def test_a_file_that_cannot_be_read_is_never_written_over(config: Path) -> None:
    config.write_text("[targets.a]\nrepo = 1\n")
    with pytest.raises(GitopsError):
        write_target(LAB, config)
    assert config.read_text() == "[targets.a]\nrepo = 1\n"


@pytest.mark.parametrize("name", ["a b", "", "-a", "a\x1b", "a" * 254])
def test_a_name_that_is_none_is_never_written(config: Path, name: str) -> None:
    with pytest.raises(GitopsError, match="is no name for a target"):
        write_target(Target(name, "/srv/x.git"), config)
    assert config.read_text() == CONFIG


def test_a_directory_in_the_way_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GitopsError, match=r"cannot write .*/file/config.toml: "):
        write_target(LAB, tmp_path / "file" / "config.toml")


def test_nothing_is_left_behind_by_a_write_that_fails(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(GitopsError, match=r"cannot write .*: no space left on device"):
        write_target(replace(LAB, branch="main"), config)
    assert config.read_text() == CONFIG
    assert sorted(entry.name for entry in config.parent.iterdir()) == [
        "config.toml",
        "config.toml.lock",
    ]


def test_processes_that_write_at_once_lose_nothing(config: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from kubectl_gitops.settings import *; "
        "[write_target(Target(f'{sys.argv[1]}-{n}', '/srv/x.git'), Path(sys.argv[2]))"
        " for n in range(5)]"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, f"p{n}", str(config)]) for n in range(3)
    ]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert len(read_targets(config)) == 2 + 15


# --- directories and URLs -------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="the XDG directories are Linux's")
def test_the_xdg_directories_are_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    assert config_file() == tmp_path / "config" / "kubectl-gitops" / "config.toml"
    assert data_dir() == tmp_path / "data" / "kubectl-gitops"
    assert cache_dir() == tmp_path / "cache" / "kubectl-gitops"
    write_target(LAB)
    assert read_targets() == (LAB,)
    assert load_target(None, "", {}, {}) == LAB


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://alice:hunter2@git/x.git", "https://***@git/x.git"),
        ("https://token@git/x.git", "https://***@git/x.git"),
        ("HTTPS://token@git/x.git", "HTTPS://***@git/x.git"),
        ("https://a:p@ss@git/x.git", "https://***@git/x.git"),
        ("https://a:p/ss@git/x.git", "https://***@git/x.git"),
        ("https://a:p\nss@git/x.git", "https://***@git/x.git"),
        ("ssh://git:hunter2@git/x.git", "ssh://git:***@git/x.git"),
        ("https://git/x.git?private_token=hunter2", "https://git/x.git?***"),
    ],
)
def test_credentials_in_a_url_are_hidden(url: str, shown: str) -> None:
    assert redact_url(url) == shown
    assert holds_credentials(url)
    target = Target("a", url)
    assert "hunter2" not in target.url + repr(target)


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.com:8443/team/x.git",
        "https://git.example.com:8443/@team/x.git",
        "http://[::1]/@team/x.git",
        "ssh://git@git.example.com/x.git",
        "git@git.example.com:team/x.git",
        "/srv/x.git",
        "file:///srv/x.git",
        "../x.git",
    ],
)
def test_a_url_without_credentials_is_shown_as_it_is(url: str) -> None:
    assert redact_url(url) == url
    assert not holds_credentials(url)
