"""The forms that everything printed shares: a table, a document, a colour."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from kubectl_gitops.errors import printable
from kubectl_gitops.manifest import write
from kubectl_gitops.resource import Body, ResourceId

__all__ = ["as_json", "coloured", "document", "printed", "resource", "table"]

_API_VERSION = "kubectl-gitops/v1"

_RESET = "\x1b[0m"
_COLOURS = {"heading": "\x1b[33m", "+": "\x1b[32m", "-": "\x1b[31m", "@@": "\x1b[36m"}
_COLOURS |= dict.fromkeys(("+++ ", "--- "), "\x1b[1m")
"""Git's: yellow commits, bold file names, cyan places, red and green lines."""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Left-aligned columns, three spaces apart; the last one is not padded."""
    lines = [list(header), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    padded = (
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    return "".join(f"{line}\n" for line in padded)


def document(kind: str, items: list[Body]) -> Body:
    """The one object that `-o json` and `-o yaml` print (`docs/output.md`)."""
    return {"apiVersion": _API_VERSION, "kind": kind, "items": items}


def as_json(value: Any) -> str:
    """JSON as kubectl prints it: four spaces, non-ASCII as it is."""
    return json.dumps(value, indent=4, ensure_ascii=False)


def printed(body: Body, output: str) -> str:
    """An object as `-o json` or `-o yaml` prints it, with a line feed at its end."""
    return write(body) if output == "yaml" else f"{as_json(body)}\n"


def resource(id: ResourceId) -> Body:
    """A resource in such an object."""
    return {"group": id.group, "kind": id.kind, "namespace": id.namespace, "name": id.name}


def coloured(line: str, what: str, *, on: bool) -> str:
    """A line in the colour of what it is: a heading, or how a line of a diff begins."""
    colour = _COLOURS.get(what) or _COLOURS.get(what[:1], "")
    if not on or not colour:
        return line
    text = line.removesuffix("\n")
    return f"{colour}{text}{_RESET}{line[len(text) :]}"
