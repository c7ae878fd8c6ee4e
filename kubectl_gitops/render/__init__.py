"""Results as text: pure functions from what an operation returned to lines, tables and JSON.

Everything printed here is sealed or masked already; nothing here opens a Secret.
"""

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
