"""What others use, each built once from its Go modules into the cache of the control plane.

A peer that cannot be built (no network, a module that is gone) is said to be missing, and the rows
that it stands in go on without it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.build import FLAGS, BuildError, compile_package, find_go, locked

__all__ = ["find_peers"]

_MODULES = Path(__file__).with_name("peers")


@dataclass(frozen=True, slots=True)
class Peer:
    """A program, and the package in the module of its name that makes it."""

    name: str
    package: str


_PEERS = (
    Peer("kapp", "carvel.dev/kapp/cmd/kapp"),
    Peer("fluxssa", "."),
    Peer("helm", "helm.sh/helm/v4/cmd/helm"),
)


def find_peers(cache: Path, environment: Mapping[str, str]) -> dict[str, Path]:
    """The programs by name, built first where the cache lacks them."""
    return dict(_found(cache / "peers", environment))


def _found(cache: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    cache.mkdir(parents=True, exist_ok=True)
    for peer in _PEERS:
        program = cache / _fingerprint(peer) / peer.name
        try:
            with locked(cache / "lock"):
                if not program.exists():
                    _build(peer, program, environment)
        except BuildError as error:
            print(f"benchmarks: {peer.name} is left out, {error}", file=sys.stderr)
        else:
            yield peer.name, program


def _fingerprint(peer: Peer) -> str:
    digest = hashlib.sha256(" ".join([*FLAGS, peer.package, os.uname().machine]).encode())
    for file in sorted((_MODULES / peer.name).iterdir()):
        digest.update(file.read_bytes())
    return f"{peer.name}-{digest.hexdigest()[:16]}"


def _build(peer: Peer, program: Path, environment: Mapping[str, str]) -> None:
    print(f"benchmarks: building {peer.name}: minutes, once", file=sys.stderr, flush=True)
    cache = program.parents[1]
    partial = Path(tempfile.mkdtemp(prefix="partial-", dir=cache))
    try:
        go = find_go(cache.parent, environment)
        compile_package(go, _MODULES / peer.name, partial / peer.name, peer.package, environment)
        partial.rename(program.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
