"""One Kubernetes API server, as `ports.Cluster` describes it.

This package owns `kubernetes` and `urllib3`, and no other may import them. `kubernetes` does one
thing here: it turns an exec plugin, a refreshed token or a service account into credentials, and is
loaded only where those that stand in the kubeconfig do not do. Requests go straight through a
urllib3 pool, because the typed APIs cost 800 ms to load and lose fields they do not know. `connect`
loads it, so that commands without a cluster start fast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kubectl_gitops.cluster.context import current_context
from kubectl_gitops.cluster.options import ConnectionOptions, parse_timeout

if TYPE_CHECKING:
    from kubectl_gitops.cluster.server import ApiServer

__all__ = ["ConnectionOptions", "connect", "current_context", "parse_timeout"]


def connect(
    options: ConnectionOptions,
    *,
    warn: Callable[[str], None] | None = None,
    trace: Callable[[str], None] | None = None,
) -> ApiServer:
    """The cluster that kubectl would talk to with these options.

    Nothing is sent yet. `warn` gets the text of each warning of the API server once, `trace` a line
    for each request, both from any thread. Raises `GitopsError` where the kubeconfig or its
    credentials cannot be used.
    """
    from kubectl_gitops.cluster.link import open_link
    from kubectl_gitops.cluster.server import ApiServer
    from kubectl_gitops.cluster.transport import Transport

    link = open_link(options)
    transport = Transport(link, warn=warn, trace=trace)
    return ApiServer(transport, context=link.context, namespace=link.namespace)
