"""Selectors select what the API server selects (tests/live/test_selector.py asks it)."""

from __future__ import annotations

import pytest

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.selector import Selector, parse_selector

LABELS = {"app": "web", "tier": "", "example.com/stage": "2", "big": "9223372036854775808"}


@pytest.mark.parametrize(
    "selector",
    [
        "",
        "  ",
        "app",
        "!missing",
        "! missing",
        "app=web",
        "app==web",
        " app = web , tier = ",
        "tier=",
        "tier!=a",
        "missing!=a",
        "missing notin (a)",
        "app in (api,web)",
        "app in(api , web)",
        "tier in (,a)",
        "tier in ()",
        "app notin (api)",
        "example.com/stage>1",
        "example.com/stage < 3",
        "app,!missing,example.com/stage in (1,2)",
    ],
)
def test_a_selector_selects_what_has_these_labels(selector):
    assert parse_selector(selector).selects(LABELS)


@pytest.mark.parametrize(
    "selector",
    [
        "missing",
        "!app",
        "app=api",
        "app=",
        "missing=",
        "app!=web",
        "app in (api)",
        "missing in (a,)",
        "tier notin (,a)",
        "example.com/stage>2",
        "example.com/stage<2",
        "app>1",
        "missing<1",
        "big>1",
        "app,missing",
    ],
)
def test_a_selector_selects_nothing_else(selector):
    assert not parse_selector(selector).selects(LABELS)


def test_what_has_no_labels_is_selected_by_what_asks_for_none():
    assert parse_selector("!app").selects(None)
    assert not parse_selector("app").selects(None)


def test_an_empty_selector_selects_everything():
    assert parse_selector("") == Selector()
    assert Selector().selects(None)


@pytest.mark.parametrize(
    ("selector", "rest"),
    [
        (",", ","),
        ("a,", ","),
        ("a,,b", ",b"),
        (",a", ",a"),
        ("a b", " b"),
        ("a in", " in"),
        ("a in (b", " in (b"),
        ("a in (b c)", " in (b c)"),
        ("in(a)", "(a)"),
        ("!a=b", "=b"),
        ("a===b", "=b"),
        ("a=b/c", "/c"),
        ("a=-b", "-b"),
        ("a/b/c", "/c"),
        ("A.B/c", "/c"),
        ("/a", "/a"),
        ("-a", "-a"),
        ("a>b", ">b"),
        ("a>-1", ">-1"),
        ("a>9223372036854775808", "9223372036854775808"),
        ("a=\x1b", "\\x1b"),
        ("ä", "ä"),
        (f"a={'b' * 64}", "b"),
        ("a=b,c)", ")"),
    ],
)
def test_what_the_server_would_refuse_is_refused_and_the_place_is_named(selector, rest):
    with pytest.raises(GitopsError) as caught:
        parse_selector(selector)
    shown = selector.replace("\x1b", "\\x1b")
    assert caught.value.message == f'unable to parse the selector "{shown}" at "{rest}"'
