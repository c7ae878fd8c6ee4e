"""The flags of `delete`, read and refused as kubectl 1.36 does."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_gitops.cli.removal import Asked, asked
from kubectl_gitops.cli.sources import Sources
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.reconcile import Removal

FLAGS: dict[str, Any] = {
    "names": ("cm", "a"),
    "selector": "",
    "field_selector": "",
    "all": False,
    "all_namespaces": False,
    "ignore_not_found": None,
    "cascade": "background",
    "grace_period": -1,
    "now": False,
    "force": False,
    "wait": True,
    "timeout": 0.0,
    "dry_run": "none",
    "output": "",
    "interactive": False,
    "raw": "",
}


def read(*filenames: str, **flags: Any) -> Asked:
    return asked(Sources(filenames), {**FLAGS, **flags})


@pytest.mark.parametrize(
    ("flags", "grace", "forced"),
    [
        ({}, None, False),
        ({"grace_period": -5}, None, False),
        ({"grace_period": 7}, 7, False),
        ({"grace_period": 0}, 1, False),
        ({"now": True}, 1, False),
        ({"force": True}, 0, True),
        ({"force": True, "grace_period": 0}, 0, True),
        ({"force": True, "grace_period": -5}, 0, True),
    ],
)
def test_how_long_an_object_has_to_end(flags, grace, forced):
    wanted = read(**flags)
    assert wanted.removal == Removal("Background", grace)
    assert wanted.forced is forced


@pytest.mark.parametrize(
    ("text", "propagation", "warning"),
    [
        ("background", "Background", ""),
        ("foreground", "Foreground", ""),
        ("orphan", "Orphan", ""),
        (
            "true",
            "Background",
            "warning: --cascade=true is deprecated (boolean value) and can be replaced with "
            "--cascade=background.\n",
        ),
        (
            "0",
            "Orphan",
            "warning: --cascade=0 is deprecated (boolean value) and can be replaced with "
            "--cascade=orphan.\n",
        ),
    ],
)
def test_what_becomes_of_dependents(capsys, text, propagation, warning):
    assert read(cascade=text).removal == Removal(propagation, None)
    assert capsys.readouterr().err == warning


@pytest.mark.parametrize(
    ("flags", "ignored"),
    [
        ({}, False),
        ({"ignore_not_found": True}, True),
        ({"names": ("cm",), "selector": "a=b"}, True),
        ({"names": ("cm",), "field_selector": "a=b"}, True),
        ({"names": ("cm",), "all": True}, True),
        ({"names": ("cm",), "all": True, "ignore_not_found": False}, False),
    ],
)
def test_what_is_gone_is_no_error_to_a_selector(flags, ignored):
    assert read(**flags).ignore_not_found is ignored


def test_a_wait_without_a_timeout_is_a_week():
    assert read().timeout == 604800.0
    assert read(timeout=-1.0).timeout == -1.0


def test_files_may_have_a_selector():
    wanted = read("a.yaml", names=(), selector=" a=b ")
    assert (wanted.given, wanted.labels) == (True, "a=b")


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (
            {"cascade": "x"},
            'invalid cascade value (x). Must be "background", "foreground", or "orphan"',
        ),
        ({"now": True, "grace_period": 3}, "--now and --grace-period cannot be specified together"),
        (
            {"force": True, "grace_period": 3},
            "--force and --grace-period greater than 0 cannot be specified together",
        ),
        (
            {"force": True, "now": True},
            "--force and --grace-period greater than 0 cannot be specified together",
        ),
        ({"output": "json"}, "unexpected -o output mode: json. We only support '-o name'"),
        (
            {"names": ("cm",), "all": True, "selector": "a=b"},
            "setting 'all' parameter but found a non empty selector. ",
        ),
        ({"dry_run": "x"}, 'Invalid dry-run value (x). Must be "none", "server", or "client".'),
        ({"raw": "/api"}, "--raw is not to be had: what a path deletes, no commit can tell"),
    ],
)
def test_what_contradicts_itself_is_refused(flags, text):
    with pytest.raises(GitopsError) as refused:
        read(**flags)
    assert refused.value.message == text
