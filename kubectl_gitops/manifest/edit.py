"""Change a document's text so that it reads as another body, and leave every other byte alone.

The difference between the two bodies is carried out as edits of the source: a changed scalar, a
key or an item that goes or comes. The result is read again, and only if it is what was meant does
it count; a text that resists (aliases, explicit keys, what nobody thought of) is written anew,
and the caller is told, because the comments are lost then.
"""

from __future__ import annotations

import json
from collections.abc import Collection

import yaml

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest.documents import Chunk, chunks
from kubectl_gitops.manifest.nodes import tree_of
from kubectl_gitops.manifest.splice import same, spliced
from kubectl_gitops.manifest.write import write
from kubectl_gitops.resource import Body

__all__ = ["edit_text"]

_ANEW = "the text could not be changed in place and was written anew; its comments are lost"


def edit_text(
    text: str, old_body: Body, new_body: Body, *, drop_comments_in: Collection[str] = ()
) -> tuple[str, str | None]:
    """`text`, which reads as `old_body`, made to read as `new_body`; and a warning.

    The warning is None where the text was changed in place. `drop_comments_in` names top-level
    keys whose comments do not survive, those behind their last line included: people note
    passwords in Secrets. A text with an anchor is then written anew as a whole, for a value may
    stand anywhere in it, and so is one in flow style. JSON stays JSON.
    """
    if not drop_comments_in and same(old_body, new_body):
        return text, None
    chunk = _only(text)
    if chunk is not None and same(chunk.value, old_body):
        edited = _edited(text, chunk, new_body, frozenset(drop_comments_in))
        if edited is not None and _says(edited, new_body, json=chunk.json):
            return edited, None
    if chunk is not None and chunk.json:
        return json.dumps(new_body, indent=2, ensure_ascii=False) + "\n", _ANEW
    return write(new_body), _ANEW


def _only(text: str) -> Chunk | None:
    """The only document of a text, None where there is another number of them."""
    try:
        found = [chunk for chunk in chunks(text, "") if chunk.value is not None]
    except GitopsError:
        return None
    return found[0] if len(found) == 1 else None


def _edited(text: str, chunk: Chunk, new: Body, bare: frozenset[str]) -> str | None:
    """The text after the edit, not yet proved; None where it resists."""
    source = text[chunk.start : chunk.end]
    try:
        tree = tree_of(source)
        if bare and (tree.anchored or (tree.root.style == "{" and not chunk.json)):
            return None
        edited = spliced(source, tree, chunk.value, new, bare)
    except (ValueError, yaml.YAMLError):
        return None
    return text[: chunk.start] + edited + text[chunk.end :]


def _says(text: str, body: Body, *, json: bool) -> bool:
    chunk = _only(text)
    return chunk is not None and chunk.json == json and same(chunk.value, body)
