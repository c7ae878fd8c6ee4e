"""Flags are read as pflag reads them; every refusal here is kubectl 1.36's own text."""

from __future__ import annotations

import click
import pytest

from kubectl_gitops.cli.flags import DURATION, INTEGER, DropIn, dry_run_of, switch
from kubectl_gitops.errors import GitopsError


def read(*words: str) -> dict[str, object]:
    """What a command with flags of every sort is called with."""

    @click.command("delete", cls=DropIn)
    @click.argument("names", nargs=-1)
    @click.option("-f", "--filename", "filenames", multiple=True)
    @click.option("-R", "--recursive", is_flag=True)
    @click.option("-l", "--selector", default="")
    @switch("--wait", default=True)
    @switch("--ignore-not-found", default=None)
    @switch("-A", "--all-namespaces")
    @click.option("--grace-period", type=INTEGER, default=-1)
    @click.option("--timeout", type=DURATION, default=0.0)
    @click.option("--dry-run", is_flag=False, flag_value="unchanged", default="none")
    def command(**given: object) -> dict[str, object]:
        return given

    called = command.main(list(words), standalone_mode=False)
    assert isinstance(called, dict)
    defaults = command.main([], standalone_mode=False)
    return {name: value for name, value in called.items() if value != defaults[name]}


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ((), {}),
        (("cm", "a"), {"names": ("cm", "a")}),
        (("cm", "--wait", "a"), {"names": ("cm", "a")}),
        (("--wait=false", "cm", "a"), {"names": ("cm", "a"), "wait": False}),
        (("--wait=F",), {"wait": False}),
        (("--ignore-not-found",), {"ignore_not_found": True}),
        (("--ignore-not-found=false",), {"ignore_not_found": False}),
        (("-l", "a=b"), {"selector": "a=b"}),
        (("-l=a=b",), {"selector": "a=b"}),
        (("-l=",), {"selector": "="}),
        (("-la=b",), {"selector": "a=b"}),
        (("--selector=a=b",), {"selector": "a=b"}),
        (("--selector", "--wait"), {"selector": "--wait"}),
        (("-Rf", "x", "-fy"), {"recursive": True, "filenames": ("x", "y")}),
        (("-RAf=x",), {"recursive": True, "all_namespaces": True, "filenames": ("x",)}),
        (("-A=true", "--recursive=true"), {"all_namespaces": True, "recursive": True}),
        (("-R=false", "-A=0"), {}),
        (("-f", "-"), {"filenames": ("-",)}),
        (("--dry-run", "cm"), {"dry_run": "unchanged", "names": ("cm",)}),
        (("--dry-run=server",), {"dry_run": "server"}),
        (("--grace-period", "-1", "--grace-period=+5"), {"grace_period": 5}),
        (("--timeout=1m30s",), {"timeout": 90.0}),
        (("--timeout=-1s",), {"timeout": -1.0}),
        (("cm", "--", "-f", "--wait=false"), {"names": ("cm", "-f", "--wait=false")}),
    ],
)
def test_words_are_read_as_kubectl_reads_them(words, given):
    assert read(*words) == given


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ("--wait=x",),
            'invalid argument "x" for "--wait" flag: strconv.ParseBool: parsing "x": '
            "invalid syntax",
        ),
        (
            ("-A=x",),
            'invalid argument "x" for "-A, --all-namespaces" flag: strconv.ParseBool: '
            'parsing "x": invalid syntax',
        ),
        (
            ("-R=x",),
            'invalid argument "x" for "-R, --recursive" flag: strconv.ParseBool: '
            'parsing "x": invalid syntax',
        ),
        (
            ("--grace-period=x",),
            'invalid argument "x" for "--grace-period" flag: strconv.ParseInt: parsing "x": '
            "invalid syntax",
        ),
        (
            ("--timeout=5",),
            'invalid argument "5" for "--timeout" flag: time: missing unit in duration "5"',
        ),
        (
            ("--timeout=x",),
            'invalid argument "x" for "--timeout" flag: time: invalid duration "x"',
        ),
        (
            ("--timeout=5d",),
            'invalid argument "5d" for "--timeout" flag: time: unknown unit "d" in duration "5d"',
        ),
        (("--grace-period",), "flag needs an argument: --grace-period"),
        (("-l",), "flag needs an argument: 'l' in -l"),
        (("-Rl",), "flag needs an argument: 'l' in -Rl"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused_in_pflags_words(words, text):
    with pytest.raises(click.UsageError) as refused:
        read(*words)
    assert refused.value.message == text


@pytest.mark.parametrize("word", ["--bogus", "--bogus=x", "-x", "-x=y", "-Rx"])
def test_an_unknown_flag_is_no_option(word):
    with pytest.raises(click.NoSuchOption) as refused:
        read(word)
    assert refused.value.option_name == ("--bogus" if "bogus" in word else "-x")


@pytest.mark.parametrize(
    ("text", "meant", "warning"),
    [
        ("none", "none", ""),
        ("client", "client", ""),
        ("server", "server", ""),
        (
            "unchanged",
            "client",
            "Warning: --dry-run is deprecated and can be replaced with --dry-run=client.\n",
        ),
        (
            "true",
            "client",
            "Warning: --dry-run=true is deprecated (boolean value) and can be replaced with "
            "--dry-run=client.\n",
        ),
        (
            "F",
            "none",
            "Warning: --dry-run=F is deprecated (boolean value) and can be replaced with "
            "--dry-run=none.\n",
        ),
    ],
)
def test_a_dry_run_was_a_switch_once(capsys, text, meant, warning):
    assert dry_run_of(text) == meant
    assert capsys.readouterr().err == warning


def test_what_is_no_dry_run_is_refused():
    with pytest.raises(GitopsError) as refused:
        dry_run_of("x")
    assert refused.value.message == (
        'Invalid dry-run value (x). Must be "none", "server", or "client".'
    )
