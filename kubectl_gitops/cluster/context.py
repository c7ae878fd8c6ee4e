"""Which context kubectl would use, for commands that ask no cluster.

`kubernetes` costs a quarter of a second to load, and the store alone answers `history`; of the
kubeconfig only one word is needed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from kubectl_gitops.cluster.kubeconfig import kubeconfig_paths
from kubectl_gitops.cluster.options import ConnectionOptions
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.resource import Body

__all__ = ["context_names", "current_context"]


def current_context(options: ConnectionOptions) -> str:
    """`--context`, else the first `current-context` of the kubeconfigs; empty where none says."""
    if options.context:
        return options.context
    found = (str(body.get("current-context") or "") for body in _readable(options))
    return next(filter(None, found), "")


def context_names(options: ConnectionOptions) -> tuple[str, ...]:
    """The contexts that `--context` may name."""
    found = (one for body in _readable(options) for one in body.get("contexts") or ())
    return tuple(dict.fromkeys(str(one["name"]) for one in found if isinstance(one, dict)))


def _readable(options: ConnectionOptions) -> Iterator[Body]:
    """The kubeconfigs. One that cannot be read is left out; a command that connects says why."""
    # YAML takes as long to load as all that the help of a command needs.
    from kubectl_gitops.manifest import documents

    for path in kubeconfig_paths(options, os.environ):
        try:
            (document,) = documents(Path(path).read_bytes(), path)
        except (GitopsError, OSError, ValueError):
            continue
        yield document.body
