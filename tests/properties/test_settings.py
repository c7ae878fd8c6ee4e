"""Whatever a set's settings are: written, changed and read again they say the same."""

from __future__ import annotations

from dataclasses import fields, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_gitops.errors import printable
from kubectl_gitops.resource import ResourcePattern
from kubectl_gitops.sealing import SealRule
from kubectl_gitops.settings import (
    IgnoreRule,
    StoreSettings,
    parse_store_settings,
    redact_url,
    render_store_settings,
    update_store_settings,
)

labels = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,5}[a-z0-9])?", fullmatch=True)
texts = st.text(max_size=8).filter(lambda text: printable(text) == text)
pointers = st.lists(texts.map("/a{}".format), min_size=1, max_size=3).map(tuple)
patterns = st.builds(ResourcePattern, *[st.none() | texts] * 4)
some = st.lists(texts, max_size=3).map(tuple)
stores = st.builds(
    StoreSettings,
    set_name=labels,
    home_namespace=labels,
    default_namespace=labels,
    namespaces=st.lists(labels, max_size=3).map(tuple),
    selector=st.sampled_from(["", "team=shop", "tier in (web, api),!legacy"]),
    clusters=st.dictionaries(texts, texts, max_size=3),
    key_ids=st.lists(st.from_regex(r"[0-9a-f]{16}", fullmatch=True), max_size=3).map(tuple),
    salt=st.none() | st.binary(min_size=16, max_size=16),
    seals=st.lists(st.builds(SealRule, patterns, pointers), max_size=2).map(tuple),
    ignores=st.lists(st.builds(IgnoreRule, patterns, pointers, some), max_size=2).map(tuple),
)


@settings(deadline=None, max_examples=60)
@given(stores)
def test_settings_read_back_as_they_were_written(store: StoreSettings) -> None:
    assert parse_store_settings(render_store_settings(store)) == store


@settings(deadline=None, max_examples=60)
@given(stores, stores, st.sets(st.sampled_from([f.name for f in fields(StoreSettings)])))
def test_any_fields_can_be_changed(
    store: StoreSettings, other: StoreSettings, names: set[str]
) -> None:
    text = render_store_settings(store)
    changes = {name: getattr(other, name) for name in names}
    changed = update_store_settings(text, **changes)
    assert parse_store_settings(changed) == replace(store, **changes)
    assert update_store_settings(changed, **changes) == changed


words = st.text("abc:@/%.", min_size=1, max_size=10)


@given(st.sampled_from(["https", "http", "ssh"]), words, words)
def test_no_password_survives_in_a_url_that_is_shown(scheme: str, before: str, after: str) -> None:
    shown = redact_url(f"{scheme}://user:{before}HUNTER{after}@git.example.com/x.git")
    assert "HUNTER" not in shown
