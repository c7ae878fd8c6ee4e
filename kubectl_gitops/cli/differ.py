"""Differences on the screen: ours, or those of the program that KUBECTL_EXTERNAL_DIFF names.

That program gets two directories with a file for each resource, named as kubectl names them. What
stands in the files is masked like everything that is shown.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from kubectl_gitops.errors import Exit, GitopsError, printable

if TYPE_CHECKING:
    from kubectl_gitops.operations.inspect import DiffItem
    from kubectl_gitops.resource import Body

__all__ = ["show_differences"]

_ARGUMENT = re.compile(r"[a-zA-Z0-9-=]+")
"""What kubectl lets through behind the program's name."""


def show_differences(items: Sequence[DiffItem], *, managed_fields: bool = False) -> int:
    """Print them; 0 where there are none, 1 where there are some.

    `GitopsError` (exit 2) where the external program cannot be run, or fails.
    """
    from kubectl_gitops.render import diff_text

    command = _external(os.environ)
    if not command:
        text = diff_text(items, managed_fields=managed_fields)
        click.echo(text, nl=False)
        return Exit.FAILED if text else 0
    with TemporaryDirectory(prefix="LIVE-") as live, TemporaryDirectory(prefix="MERGED-") as merged:
        _write(Path(live), {_name(item): item.before for item in items}, managed_fields)
        _write(Path(merged), {_name(item): item.after for item in items}, managed_fields)
        return _shown([*command, live, merged])


def _external(environment: Mapping[str, str]) -> list[str]:
    program, *arguments = environment.get("KUBECTL_EXTERNAL_DIFF", "").split(" ")
    return [program, *filter(_ARGUMENT.fullmatch, arguments)] if program else []


def _name(item: DiffItem) -> str:
    """`apps.v1.Deployment.shop.web`."""
    body = item.after or item.before
    assert body is not None
    version = body["apiVersion"].replace("/", ".")
    return f"{version}.{item.id.kind}.{item.id.namespace}.{item.id.name}".replace("/", "_")


def _write(directory: Path, bodies: Mapping[str, Body | None], managed_fields: bool) -> None:
    from kubectl_gitops.render import diff_side

    for name, body in bodies.items():
        if body is not None:
            text = diff_side(body, managed_fields=managed_fields)
            try:
                (directory / name).write_text(text, "utf-8")
            except OSError as error:
                raise GitopsError(
                    f"{printable(name)} cannot be written: {error.strerror}",
                    "unset KUBECTL_EXTERNAL_DIFF",
                ) from error


def _shown(command: Iterable[str]) -> int:
    words = list(command)
    sys.stdout.flush()
    try:
        status = subprocess.run(words, check=False).returncode
    except OSError as error:
        raise GitopsError(
            f'failed to run "{printable(words[0])}": {error.strerror}',
            "unset KUBECTL_EXTERNAL_DIFF",
        ) from error
    if status > 1 or status < 0:
        raise GitopsError(
            f"{printable(words[0])} ended with exit code {status}", "unset KUBECTL_EXTERNAL_DIFF"
        )
    return status
