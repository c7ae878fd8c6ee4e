"""Results as text: pure functions from what an operation returned to lines, tables and JSON.

Everything printed here is sealed or masked already; nothing here opens a Secret. A module is loaded
when something of it is first asked for: what tells the past needs no plans, and begins at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubectl_gitops.render.documents import (
        diff_side,
        diff_text,
        resources_json,
        resources_yaml,
        status_json,
    )
    from kubectl_gitops.render.lines import (
        applied_line,
        deleted_line,
        edited_line,
        planned_line,
        refusal_lines,
        taken_lines,
        undeleted_lines,
    )
    from kubectl_gitops.render.tables import drift_line, key_table, status_table, waiting_table
    from kubectl_gitops.render.texts import as_json

__all__ = [
    "applied_line",
    "as_json",
    "deleted_line",
    "diff_side",
    "diff_text",
    "drift_line",
    "edited_line",
    "key_table",
    "planned_line",
    "refusal_lines",
    "resources_json",
    "resources_yaml",
    "status_json",
    "status_table",
    "taken_lines",
    "undeleted_lines",
    "waiting_table",
]

_MODULES = ("lines", "texts", "tables", "documents")


def __getattr__(name: str) -> Any:
    for module in _MODULES if name in __all__ else ():
        found = import_module(f"{__name__}.{module}")
        if name in found.__all__:
            return getattr(found, name)
    raise AttributeError(name)
