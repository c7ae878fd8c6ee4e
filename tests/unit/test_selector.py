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
    ("selector", "why"),
    [
        (",", "found ',', expected: !, identifier, or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        ("a,,b", "found ',', expected: identifier after ','"),
        (",a", "found ',', expected: !, identifier, or 'end of string'"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a in", "unable to parse requirement: found '' expected: '('"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"),
        ("in(a)", "unable to parse requirement: found '(', expected: in, notin, =, ==, !=, gt, lt"),
        ("!a=b", "found '=', expected: ',' or 'end of string'"),
        ("a===b", "unable to parse requirement: found '=', expected: identifier"),
        ("a=b/c", 'unable to parse requirement: "/c" is no label'),
        ("a=-b", 'unable to parse requirement: "-b" is no label'),
        ("a/b/c", 'unable to parse requirement: "/c" is no label'),
        ("A.B/c", 'unable to parse requirement: "/c" is no label'),
        ("/a", 'unable to parse requirement: "/a" is no label'),
        ("-a", 'unable to parse requirement: "-a" is no label'),
        ("a>b", 'unable to parse requirement: ">b" is no label'),
        ("a>-1", 'unable to parse requirement: ">-1" is no label'),
        ("a>9223372036854775808", 'unable to parse requirement: "9223372036854775808" is no label'),
        ("a=\x1b", 'unable to parse requirement: "\\x1b" is no label'),
        ("ä", 'unable to parse requirement: "ä" is no label'),
        (f"a={'b' * 64}", 'unable to parse requirement: "b" is no label'),
        (
            "a=b,c)",
            "unable to parse requirement: found ')', expected: in, notin, =, ==, !=, gt, lt",
        ),
    ],
)
def test_what_the_server_would_refuse_is_refused_in_its_words(selector, why):
    with pytest.raises(GitopsError) as caught:
        parse_selector(selector)
    shown = selector.replace("\x1b", "\\x1b")
    assert caught.value.message == f'the provided selector "{shown}" is not valid: {why}'
