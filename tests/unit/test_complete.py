"""A TAB from its words to the lines that kubectl reads, and what the program loads for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kubectl_gitops.cli.complete import answer
from kubectl_gitops.store.address import parse_address
from kubectl_gitops.store.known import known_path, read_known

HEAVY = ("cryptography", "dulwich", "kubernetes")


def offered(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[list[str], str]:
    """The candidates without their help, and the last line."""
    assert answer(words) == 0
    *lines, directive = capsys.readouterr().out.splitlines()
    return [line.partition("\t")[0] for line in lines], directive


@pytest.fixture
def configured() -> None:
    file = Path(".config/kubectl-gitops/config.toml")
    file.parent.mkdir(parents=True)
    file.write_text(
        '[targets.prod]\nrepo = "/s/prod.git"\ncontext = "prod"\n'
        '[targets.test]\nrepo = "https://u:p@git.example.com/t.git"\ncontext = "test"\n'
    )
    Path(".kube").mkdir()
    Path(".kube/config").write_text(
        "current-context: prod\ncontexts: [{name: prod, context: {}}, {name: test, context: {}}]\n"
    )


def known(resources: list[tuple[str, str, str, str]]) -> None:
    """The store of `prod` was seen to hold these."""
    import json

    data = Path(".local/share/kubectl-gitops").absolute()
    file = known_path(data, parse_address("/s/prod.git"), "main")
    file.parent.mkdir(parents=True)
    sets = {"": {"files": {"a.yaml": ["blob", resources, True, []]}}}
    file.write_text(json.dumps({"sets": sets}))


def test_commands_and_flags_with_their_help(capsys):
    assert answer(["his"]) == 0
    assert capsys.readouterr().out == "history\tShow the revisions of resources, newest first\n:4\n"
    assert offered(capsys, "secret", "re") == (["rebind", "rekey"], ":4")
    assert offered(capsys, "apply", "--force") == (["--force-conflicts", "--force"], ":4")
    assert offered(capsys, "--he") == (["--help"], ":4")


def test_what_is_no_command_offers_nothing(capsys):
    assert offered(capsys, "nonsense", "") == ([], ":4")


def test_values_that_are_words(capsys):
    assert offered(capsys, "apply", "--dry-run=") == (["none", "client", "server"], ":4")
    assert offered(capsys, "status", "-o", "j") == (["json"], ":4")


@pytest.mark.parametrize(
    ("words", "directive"),
    [
        (["apply", "-f", ""], ":0"),
        (["apply", "--filename=sh"], ":0"),
        (["apply", "-k", ""], ":16"),
        (["status", "--key-file", "x"], ":0"),
        (["status", "--path", ""], ":16"),
    ],
)
def test_files_and_directories_are_the_shells_affair(capsys, words, directive):
    assert offered(capsys, *words) == ([], directive)


def test_targets_and_contexts_of_this_machine(capsys, configured):
    assert answer(["status", "--target", ""]) == 0
    out = capsys.readouterr().out
    assert out == "prod\t/s/prod.git\ntest\thttps://***@git.example.com/t.git\n:4\n"
    assert offered(capsys, "status", "--context", "t") == (["test"], ":4")


def test_resources_by_kind_name_and_namespace(capsys, configured):
    known([
        ("apps", "Deployment", "shop", "web"),
        ("apps", "Deployment", "bank", "web"),
        ("apps", "Deployment", "bank", "api"),
        ("", "ConfigMap", "shop", "settings"),
        ("", "Namespace", "", "shop"),
        ("a.example.com", "Voucher", "shop", "x"),
        ("b.example.com", "Voucher", "shop", "y"),
    ])  # fmt: skip
    kinds = ["configmap", "deployment", "namespace", "voucher.a.example.com"]
    kinds += ["voucher.b.example.com"]
    assert offered(capsys, "history", "") == (kinds, ":4")
    assert offered(capsys, "history", "-n", "") == (["bank", "shop"], ":4")
    assert offered(capsys, "history", "-n", "shop", "deploy", "") == (["web"], ":4")
    assert offered(capsys, "delete", "deploy", "web", "") == (["api"], ":4")
    assert offered(capsys, "edit", "deploy/") == (["deploy/api", "deploy/web"], ":4")
    assert offered(capsys, "show", "voucher.a.example.com", "") == (["x"], ":4")
    assert offered(capsys, "history", "--context", "test", "") == ([], ":4")
    answer(["history", "deployment", "w"])
    assert capsys.readouterr().out == "web\tbank, shop\n:4\n"


def test_what_is_known_of_nothing_is_nothing(tmp_path: Path):
    assert read_known(tmp_path / "none", "") == ()
    broken = tmp_path / "broken"
    for text in ("", "[]", '{"sets": {"": {"files": {"a": 1}}}}', '{"sets": []}'):
        broken.write_text(text)
        assert read_known(broken, "") == ()


def test_without_a_configuration_a_tab_is_an_error_that_kubectl_keeps_to_itself(capsys):
    assert answer(["history", ""]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == (":1\n", "error: no cluster is recorded yet\n")


def loaded(script: str) -> set[str]:
    """The heavy libraries that are there after a script."""
    script += f"\nimport sys; print(*sorted(set({HEAVY}) & set(sys.modules)), file=sys.stderr)"
    command = [sys.executable, "-W", "error", "-c", script]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return set(run.stderr.split())


@pytest.mark.parametrize(
    "words", [["--help"], ["version"], ["apply", "--help"], ["history", "-h"], ["doctor", "-h"]]
)
def test_help_and_version_load_no_heavy_library(words: list[str]) -> None:
    assert loaded(f"from kubectl_gitops.cli import run\nassert run({words}) == 0") == set()


@pytest.mark.parametrize(
    "words", [[""], ["pull", "--"], ["history", ""], ["history", "deploy", ""], ["log", "-n", ""]]
)
def test_a_tab_for_words_and_names_loads_no_heavy_library(words, configured) -> None:
    known([("apps", "Deployment", "shop", "web")])
    script = f"from kubectl_gitops.cli.complete import answer\nassert answer({words}) == 0"
    assert loaded(script) == set()


def test_the_check_sees_a_heavy_library() -> None:
    assert loaded("import dulwich") == {"dulwich"}


def test_where_there_are_no_links_a_script_says_what_is_asked(tmp_path, monkeypatch) -> None:
    """Written as for Windows, where `kubectl_complete-gitops.cmd` is found by its extension."""
    from kubectl_gitops.__main__ import ASKED
    from kubectl_gitops.cli.completion import _install

    monkeypatch.setattr("sys.platform", "win32")
    program = tmp_path / "kubectl-gitops.exe"
    made = _install(program, None)
    assert made == tmp_path / "kubectl_complete-gitops.cmd"
    assert made.read_text() == f'@set {ASKED}=1\n@"{program}" %*\n'
