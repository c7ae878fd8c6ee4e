"""What kubectl reads in a manifest, asked of kubectl itself, without a cluster.

`kubectl annotate --local -o json` prints each resource as it was read, plus one annotation. One
call for thousands of files takes no longer than one for a few.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_MARK = "z"


def read_by_kubectl(path: Path) -> list[dict[str, Any]]:
    """The resources in a file or a folder, in order; those that kubectl refuses are missing."""
    run = subprocess.run(
        ["kubectl", "annotate", "--local", "-R", "-f", path, "-o", "json", f"{_MARK}={_MARK}"],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return [without_mark(body) for body in _concatenated(run.stdout)]


def read_each_by_kubectl(folder: Path, texts: Iterable[str]) -> list[dict[str, Any] | None]:
    """What kubectl reads in each text, None where it refuses it; text `i` is named `n<i>`."""
    count = 0
    for count, text in enumerate(texts, 1):
        (folder / f"{count - 1:05}.yaml").write_bytes(text.encode())
    named = {_name(body): body for body in read_by_kubectl(folder)}
    return [named.get(f"n{number}") for number in range(count)]


def _name(body: dict[str, Any]) -> object:
    metadata = body.get("metadata")
    return metadata.get("name") if isinstance(metadata, dict) else None


def _concatenated(text: str) -> Iterable[dict[str, Any]]:
    decoder, start = json.JSONDecoder(), text.find("{")
    while start >= 0:
        body, stop = decoder.raw_decode(text, start)
        yield body
        start = text.find("{", stop)


def without_mark(body: dict[str, Any]) -> dict[str, Any]:
    """A body without the annotation, and without annotations where no other is left."""
    metadata = body.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("annotations", {}), dict):
        return body
    annotations = {k: v for k, v in metadata.get("annotations", {}).items() if k != _MARK}
    rest = {k: v for k, v in metadata.items() if k != "annotations"}
    return {**body, "metadata": {**rest, "annotations": annotations} if annotations else rest}


def as_json_reads(value: Any) -> Any:
    """Integers that exceed 64 bits as the floats that Go makes of them."""
    if isinstance(value, dict):
        return {key: as_json_reads(part) for key, part in value.items()}
    if isinstance(value, list):
        return [as_json_reads(part) for part in value]
    beyond = type(value) is int and not -(1 << 63) <= value < 1 << 63
    return float(value) if beyond else value
