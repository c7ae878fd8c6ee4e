"""One command line from its words to its exit code, where neither cluster nor store is needed."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from kubectl_gitops import __version__, cli
from kubectl_gitops.cli import commands, run
from kubectl_gitops.errors import Exit, GitopsError


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """`version` fails like this."""

    @click.command("version")
    def failing() -> None:
        raise error

    monkeypatch.setattr(cli._Commands, "get_command", lambda *_: failing)


def test_without_arguments_the_help_is_shown(capsys):
    code, out, err = said(capsys)
    assert (code, err) == (0, "")
    assert out.startswith("Usage: kubectl gitops [OPTIONS] COMMAND [ARGS]...")
    assert (code, out, err) == said(capsys, "--help") == said(capsys, "-h")


def test_a_group_without_a_command_shows_its_help(capsys):
    code, out, err = said(capsys, "secret")
    assert (code, err) == (0, "")
    assert out.startswith("Usage: kubectl gitops secret [OPTIONS] COMMAND [ARGS]...")


def test_every_command_has_a_help(capsys):
    for name in commands.list_commands(click.Context(commands)):
        code, out, err = said(capsys, name, "--help")
        assert (code, err) == (0, "")
        assert out.startswith(f"Usage: kubectl gitops {name} ")


def test_data_goes_to_stdout(capsys):
    assert said(capsys, "version") == (0, f"kubectl-gitops {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["foo"], 2, "error: no such command 'foo'\nhint: kubectl gitops --help\n"),
        (["aply"], 2, "error: no such command 'aply'\nhint: kubectl gitops apply\n"),
        (
            ["--bogus"],
            2,
            "error: unknown flag: --bogus\nSee 'kubectl gitops --help' for usage.\n",
        ),
        (
            ["history", "--bogus"],
            2,
            "error: unknown flag: --bogus\nSee 'kubectl gitops history --help' for usage.\n",
        ),
        (
            ["apply", "--bogus"],
            1,
            "error: unknown flag: --bogus\nSee 'kubectl gitops apply --help' for usage.\n",
        ),
        (
            ["delete", "-x"],
            1,
            "error: unknown shorthand flag: 'x' in -x\n"
            "See 'kubectl gitops delete --help' for usage.\n",
        ),
        (
            ["apply", "x", "y"],
            1,
            "error: Unexpected args: [x y]\nSee 'kubectl gitops apply -h' for help and examples\n",
        ),
        (["apply"], 1, "error: must specify one of -f and -k\n"),
        (
            ["delete"],
            1,
            "error: You must provide one or more resources by argument or filename.\n"
            "Example resource specifications include:\n"
            "   '-f rsrc.yaml'\n"
            "   '--filename=rsrc.json'\n"
            "   '<resource> <name>'\n"
            "   '<resource>'\n",
        ),
        (
            ["secret", "foo"],
            2,
            "error: no such command 'foo'\nSee 'kubectl gitops secret -h' for help and examples\n",
        ),
        (
            ["pull", "x"],
            2,
            "error: got unexpected extra argument (x)\n"
            "See 'kubectl gitops pull -h' for help and examples\n",
        ),
        (
            ["apply", "-f", "x", "--dry-run=maybe"],
            1,
            'error: Invalid dry-run value (maybe). Must be "none", "server", or "client".\n',
        ),
        (
            ["apply", "-f", "x", "--grace-period", "soon"],
            1,
            'error: invalid argument "soon" for "--grace-period" flag: strconv.ParseInt: '
            'parsing "soon": invalid syntax\n'
            "See 'kubectl gitops apply --help' for usage.\n",
        ),
        (
            ["apply", "-f"],
            1,
            "error: flag needs an argument: 'f' in -f\n"
            "See 'kubectl gitops apply --help' for usage.\n",
        ),
    ],
)
def test_what_cannot_be_understood_is_said_in_kubectls_words(capsys, arguments, code, text):
    assert said(capsys, *arguments) == (code, "", text)


@pytest.mark.parametrize(
    ("arguments", "code"), [(["apply", "-f", "x"], 1), (["delete", "-f", "x"], 1), (["pull"], 2)]
)
def test_a_value_that_we_refuse_ourselves_is_a_usage_error_too(capsys, arguments, code):
    assert said(capsys, *arguments, "--request-timeout=abc") == (
        code,
        "",
        "error: invalid timeout value: it must be a single integer in seconds, or an integer "
        "followed by a time unit (1s | 2m | 3h)\n",
    )


@pytest.mark.parametrize("exit", [Exit.FAILED, Exit.CONFLICT, Exit.AHEAD])
def test_an_error_is_said_with_its_hints_and_ends_as_it_says(capsys, monkeypatch, exit):
    raising(monkeypatch, GitopsError("the push is refused", "git ls-remote a", "b", exit=exit))
    assert said(capsys, "version") == (
        exit,
        "",
        "error: the push is refused\nhint: git ls-remote a\nhint: b\n",
    )


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt_says_what_to_run_next(capsys, monkeypatch, error):
    raising(monkeypatch, error)
    code, out, err = said(capsys, "version")
    assert (code, out) == (130, "")
    assert err.lstrip("\n") == (
        "error: interrupted; what was committed stays in the branch\nhint: kubectl gitops pull\n"
    )


def test_a_bug_is_told_without_the_words_of_the_exception(capsys, monkeypatch):
    raising(monkeypatch, ValueError("invalid literal: hunter2"))
    code, out, err = said(capsys, "version")
    assert (code, out) == (1, "")
    assert err.startswith(f"error: this is a bug in kubectl gitops {__version__}: ValueError\n")
    assert err.endswith("in failing\nhint: kubectl gitops status   # what stands where\n")
    assert "hunter2" not in err


def test_a_reader_who_has_gone_is_not_told():
    command = [sys.executable, "-m", "kubectl_gitops", "version"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 1


def test_a_crash_leaves_no_core_file_with_keys_in_it():
    script = (
        "import resource; from kubectl_gitops.cli import run; run(['version']); "
        "print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == "0"
