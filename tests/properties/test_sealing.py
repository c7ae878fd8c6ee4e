"""Whatever a Secret holds: it opens to what it was, and nothing of it can be read in between."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kubectl_gitops.envelope import Keyring, is_sealed, new_key
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest import Manifest, OpenManifest, documents, write
from kubectl_gitops.resource import Body, ResourceId, ResourcePattern
from kubectl_gitops.sealing import (
    SealRule,
    mask,
    open_manifest,
    seal_manifest,
    sealed_values,
    secret_values,
    unsealed,
)

RING = Keyring.of([new_key()])
OLDER = Keyring.of([new_key()])
BOTH = Keyring.of([*RING.texts, *OLDER.texts])

keys = st.text("abcxyz-._0/~", min_size=1, max_size=6)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=60)
data = st.dictionaries(keys, st.binary(max_size=60).map(lambda b: base64.b64encode(b).decode()))
leaves = st.none() | st.booleans() | st.integers(-(2**31), 2**31) | texts
trees = st.recursive(
    leaves, lambda t: st.lists(t, max_size=3) | st.dictionaries(keys, t, max_size=3), max_leaves=12
)


def opened(body: Body) -> OpenManifest:
    (document,) = documents(write(body), "test.yaml")
    return OpenManifest(ResourceId.of(body), body["apiVersion"], write(body), document.body)


@st.composite
def secrets(draw: st.DrawFn) -> OpenManifest:
    body: Body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "n", "namespace": "s"}}
    parts = draw(
        st.fixed_dictionaries(
            {}, optional={"data": data, "stringData": st.dictionaries(keys, texts)}
        )
    )
    return opened({**body, **parts})


def content(body: Body) -> dict[str, bytes]:
    """What the API server makes of a Secret's values."""
    values = {key: base64.b64decode(text) for key, text in (body.get("data") or {}).items()}
    return values | {key: text.encode() for key, text in (body.get("stringData") or {}).items()}


def seal_or_skip(manifest: OpenManifest, *args: Any, **how: Any) -> Manifest:
    """A random value may occur in the clear part by chance; then the tripwire is right."""
    try:
        return seal_manifest(manifest, *args, **how)
    except GitopsError as error:
        assume("would still show" not in error.message)
        raise


@settings(deadline=None, max_examples=50)
@given(secrets())
def test_a_secret_opens_to_the_values_it_had(secret: OpenManifest) -> None:
    sealed = seal_or_skip(secret, RING)
    assert content(open_manifest(sealed, RING).body) == content(secret.body)
    assert "stringData" not in sealed.body
    assert unsealed(sealed) == ()
    (read,) = documents(sealed.text, "test.yaml")
    assert read.body == sealed.body


@settings(deadline=None, max_examples=30)
@given(secrets(), secrets())
def test_what_did_not_change_keeps_its_ciphertext(before: OpenManifest, now: OpenManifest) -> None:
    old = seal_or_skip(before, OLDER)
    new = seal_or_skip(now, BOTH, old)
    was, kept = content(before.body), content(now.body)
    for place, text in sealed_values(new).items():
        key = place.pointer.removeprefix("/data/").replace("~1", "/").replace("~0", "~")
        same = key in was and was[key] == kept[key]
        assert (sealed_values(old).get(place) == text) == same
    assert seal_or_skip(now, BOTH, new) == new


@settings(deadline=None, max_examples=30)
@given(trees, st.sampled_from(["/spec", "/**/a", "/spec/*/*", "/**"]))
def test_any_value_under_a_rule_comes_back_as_it_was(spec: Any, path: str) -> None:
    body = {"apiVersion": "e/v1", "kind": "P", "metadata": {"name": "n"}, "spec": spec}
    manifest = opened(body)
    sealed = seal_or_skip(manifest, RING, None, [SealRule(ResourcePattern(), (path,))])
    assert open_manifest(sealed, RING).body == manifest.body
    assert (
        sealed_values(sealed).keys()
        == secret_values(manifest, [SealRule(ResourcePattern(), (path,))]).keys()
    )


@settings(deadline=None, max_examples=30)
@given(trees, data, st.dictionaries(keys, leaves))
def test_a_secret_at_any_depth_is_sealed_whole(around: Any, values: Body, clear: Body) -> None:
    inner = {"apiVersion": "v1", "kind": "Secret", "data": values, "stringData": clear}
    body = {
        "apiVersion": "e/v1",
        "kind": "P",
        "metadata": {"name": "n"},
        "spec": {"around": around, "list": [{"deep": inner}]},
    }
    manifest = opened(body)
    sealed = seal_or_skip(manifest, RING)
    inside = sealed.body["spec"]["list"][0]["deep"]
    everything = [*inside["data"].values(), *inside["stringData"].values()]
    assert all(value is None or is_sealed(value) for value in everything)
    assert open_manifest(sealed, RING).body == manifest.body


@settings(deadline=None, max_examples=30)
@given(st.dictionaries(keys, st.text("ABCDEFGHJK", min_size=12, max_size=40), min_size=1))
def test_no_value_can_be_read_in_what_is_stored_or_shown(values: dict[str, str]) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "n"}, "stringData": values}
    manifest = opened(body)
    sealed = seal_manifest(manifest, RING)
    stored = sealed.text + json.dumps(sealed.body) + repr(sealed) + repr(manifest)
    shown = json.dumps([mask(body), mask(sealed.body), mask(open_manifest(sealed, RING).body)])
    for value in values.values():
        raw = value.encode()
        for spelling in (value, raw.hex(), base64.b64encode(raw).decode().rstrip("=")):
            assert spelling not in stored + shown
