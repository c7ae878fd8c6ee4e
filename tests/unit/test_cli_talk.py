"""What is said goes to stderr, each kind in its own form."""

from __future__ import annotations

import io
import sys

import pytest

from kubectl_gitops.cli import talk
from kubectl_gitops.errors import GitopsError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_every_kind_of_talk_has_its_beginning(capsys):
    talk.say("a line")
    talk.note("committed 1234567")
    talk.warning("v1 Endpoints is deprecated")
    talk.error("not done")
    talk.hint("kubectl gitops pull")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "a line",
        "kubectl-gitops: committed 1234567",
        "Warning: v1 Endpoints is deprecated",
        "error: not done",
        "hint: kubectl gitops pull",
    ]


def test_a_failure_is_an_error_and_its_hints(capsys):
    talk.failure(GitopsError("not done", "first this", "then that"))
    assert capsys.readouterr() == ("", "error: not done\nhint: first this\nhint: then that\n")


def test_a_terminal_gets_colour(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    talk.error("no")
    talk.warning("careful")
    talk.note("plain")
    assert sys.stderr.getvalue() == (
        "\x1b[31m\x1b[1merror:\x1b[0m no\n"
        "\x1b[33m\x1b[1mWarning:\x1b[0m careful\n"
        "kubectl-gitops: plain\n"
    )


@pytest.mark.parametrize(("answer", "yes"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_a_person_at_a_terminal_is_asked_and_no_is_the_default(monkeypatch, capsys, answer, yes):
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert talk.asks("Remove all of it?") is yes
    assert sys.stderr.getvalue() == "Remove all of it? [y/N]: "
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["stdin", "stderr"])
def test_nobody_is_asked_where_one_end_is_no_terminal(monkeypatch, name):
    for stream in {"stdin", "stderr"} - {name}:
        monkeypatch.setattr(sys, stream, Terminal("y\n"))
    monkeypatch.setattr(sys, name, io.StringIO("y\n"))
    assert not talk.is_terminal()
    assert not talk.asks("Remove all of it?")
