"""Between plan and cluster: observe what is live, carry a plan out, keep the set's parent.

Level 3: it talks to the cluster through `kubectl_gitops.ports.Cluster` only, knows nothing of Git,
and is the only place that writes to the cluster.
"""

from kubectl_gitops.reconcile.execute import Execution, execute, home_first
from kubectl_gitops.reconcile.look import Lives, catalog_of, look, workers
from kubectl_gitops.reconcile.observe import Rules, observe, sent_body, with_namespace
from kubectl_gitops.reconcile.parent import Parent, note, read_parent, widen
from kubectl_gitops.reconcile.recreate import recreatable, recreating
from kubectl_gitops.reconcile.wait import Clock, Waiting, await_current, await_gone
from kubectl_gitops.reconcile.write import Removal

__all__ = [
    "Clock",
    "Execution",
    "Lives",
    "Parent",
    "Removal",
    "Rules",
    "Waiting",
    "await_current",
    "await_gone",
    "catalog_of",
    "execute",
    "home_first",
    "look",
    "note",
    "observe",
    "read_parent",
    "recreatable",
    "recreating",
    "sent_body",
    "widen",
    "with_namespace",
    "workers",
]
