"""What a removal takes away is shown, and asked about no more often than it changes."""

from __future__ import annotations

import io

import click
import pytest

from kubectl_gitops.cli.losses import confirmation
from kubectl_gitops.operations.delete import Losses
from kubectl_gitops.resource import ResourceId

SHOP = ResourceId("", "Namespace", "", "shop")
WEB = ResourceId("apps", "Deployment", "shop", "web")
COLOURS = ResourceId("", "ConfigMap", "shop", "colours")
LOSSES = Losses((SHOP,), (SHOP,), (COLOURS, WEB), frozenset({WEB}))
LIST = (
    "kubectl-gitops: these 2 go along:\n"
    "  - configmap/shop/colours\n"
    "  - deployment/shop/web (recorded first)\n"
)
PROMPT = (
    "You are about to delete the following 1 resource(s):\n"
    "namespace/shop\n"
    "Do you want to continue? (y/N): "
)


def test_without_a_terminal_nobody_is_asked(capsys):
    confirmation(yes=False)(LOSSES)
    assert capsys.readouterr() == ("", LIST)


def test_the_same_losses_are_asked_about_once(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("y\ny\n"))
    confirm = confirmation(yes=False, interactive=True)
    confirm(LOSSES)
    confirm(LOSSES)
    assert capsys.readouterr() == (PROMPT, LIST)
    confirm(Losses((SHOP,), (SHOP,)))
    assert capsys.readouterr() == (PROMPT, "")


def test_a_yes_answers_the_prompt(capsys):
    confirmation(yes=True, interactive=True)(LOSSES)
    assert capsys.readouterr() == ("", LIST)


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "yes\n", "\ny\n"])
def test_anything_but_a_y_ends_the_command_well(capsys, monkeypatch, answer):
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    with pytest.raises(click.exceptions.Exit) as ended:
        confirmation(yes=False, interactive=True)(LOSSES)
    assert ended.value.exit_code == 0
    assert capsys.readouterr() == (f"{PROMPT}deletion is cancelled\n", LIST)
