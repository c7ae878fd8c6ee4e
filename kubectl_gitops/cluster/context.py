"""Which context kubectl would use, for commands that ask no cluster.

`kubernetes` costs a quarter of a second to load, and the store alone answers `history`; of the
kubeconfig only one word is needed.
"""

from __future__ import annotations

import os
from pathlib import Path

from kubectl_gitops.cluster.kubeconfig import kubeconfig_paths
from kubectl_gitops.cluster.options import ConnectionOptions
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest import documents

__all__ = ["current_context"]


def current_context(options: ConnectionOptions) -> str:
    """`--context`, else the first `current-context` of the kubeconfigs; empty where none says."""
    if options.context:
        return options.context
    for path in kubeconfig_paths(options, os.environ):
        try:
            (document,) = documents(Path(path).read_bytes(), path)
        except (GitopsError, OSError, ValueError):
            continue  # what cannot be read names no context; a command that connects will say why
        if context := document.body.get("current-context"):
            return str(context)
    return ""
