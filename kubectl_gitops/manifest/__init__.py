"""Manifests: read as kubectl reads them, changed in place, kept in a branch."""

from kubectl_gitops.manifest.documents import MAX_INPUT, Document, documents
from kubectl_gitops.manifest.edit import edit_text
from kubectl_gitops.manifest.indexed import Index, indexed_snapshot
from kubectl_gitops.manifest.layout import path_of
from kubectl_gitops.manifest.lists import flatten
from kubectl_gitops.manifest.model import Manifest, OpenManifest
from kubectl_gitops.manifest.prepare import Prepared, identified, prepare, unique
from kubectl_gitops.manifest.scope import custom_scopes, is_namespaced
from kubectl_gitops.manifest.snapshot import (
    Entry,
    Place,
    Snapshot,
    is_manifest_path,
    read_snapshot,
)
from kubectl_gitops.manifest.write import write

__all__ = [
    "MAX_INPUT",
    "Document",
    "Entry",
    "Index",
    "Manifest",
    "OpenManifest",
    "Place",
    "Prepared",
    "Snapshot",
    "custom_scopes",
    "documents",
    "edit_text",
    "flatten",
    "identified",
    "indexed_snapshot",
    "is_manifest_path",
    "is_namespaced",
    "path_of",
    "prepare",
    "read_snapshot",
    "unique",
    "write",
]
