"""Sealing and opening manifests: which values, at which places, and what is left of the text."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from kubectl_gitops.envelope import Keyring, Place, is_sealed, kid_of, new_key, open_sealed, seal
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest import Manifest, OpenManifest, documents, write
from kubectl_gitops.resource import ResourceId, ResourcePattern
from kubectl_gitops.sealing import (
    SealRule,
    mask,
    mask_pair,
    moved_values,
    open_manifest,
    place_of,
    seal_manifest,
    sealed_values,
    secret_values,
    unmanageable,
    unsealed,
)

KEYRING = Keyring.of([new_key()])
OLDER = Keyring.of([new_key()])
BOTH = Keyring.of([*KEYRING.texts, *OLDER.texts])
ID = ResourceId("", "Secret", "shop", "db")
SMTP = SealRule(ResourcePattern("", "ConfigMap", "shop", "smtp"), ("/data/password",))

SECRET = """\
# The shop's database.
apiVersion: v1
kind: Secret
metadata:
  name: db  # one per namespace
  namespace: shop
type: Opaque
data:
  # was hunter2 until May
  password: aHVudGVyMw==  # hunter3
  user: c2hvcA==
"""


def manifest(text: str) -> OpenManifest:
    (document,) = documents(text.encode(), "test.yaml")
    body = document.body
    return OpenManifest(ResourceId.of(body), body["apiVersion"], text, body)


def sealed_of(text: str, keyring: Keyring | None = KEYRING, **how: Any) -> Manifest:
    return seal_manifest(manifest(text), keyring, **how)


def hidden(text: str) -> str:
    """A sealed text with its envelopes shortened, for whole comparisons."""
    return re.sub(r"kgs1:[\w-]+", "kgs1:…", text)


def value(sealed: Manifest, key: str, keyring: Keyring = KEYRING) -> bytes:
    return open_sealed(keyring, sealed.body["data"][key], place_of(sealed.id, f"/data/{key}"))


def refusal(text: str, keyring: Keyring | None = KEYRING, **how: Any) -> GitopsError:
    with pytest.raises(GitopsError) as raised:
        sealed_of(text, keyring, **how)
    return raised.value


def secret(**parts: Any) -> str:
    metadata = {"name": "db", "namespace": "shop"}
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **parts})


# --- Secrets --------------------------------------------------------------------------------


def test_values_are_sealed_in_place_and_the_comments_beside_them_go() -> None:
    sealed = sealed_of(SECRET)
    assert hidden(sealed.text) == (
        "# The shop's database.\n"
        "apiVersion: v1\nkind: Secret\nmetadata:\n"
        "  name: db  # one per namespace\n  namespace: shop\n"
        "type: Opaque\ndata:\n"
        '  password: "kgs1:…"\n  user: "kgs1:…"\n'
    )
    assert (value(sealed, "password"), value(sealed, "user")) == (b"hunter3", b"shop")
    assert manifest(sealed.text).body == sealed.body


def test_what_was_sealed_opens_to_the_same_body_with_plain_base64() -> None:
    opened = open_manifest(sealed_of(SECRET), KEYRING)
    assert opened.body == manifest(SECRET).body
    assert manifest(opened.text).body == opened.body
    assert opened.id == ID


def test_what_is_only_sent_is_opened_without_its_text() -> None:
    sealed = sealed_of(SECRET)
    sent = open_manifest(sealed, KEYRING, with_text=False)
    assert sent.text == ""
    assert sent == replace(open_manifest(sealed, KEYRING), text="")


def test_string_data_becomes_data_and_wins() -> None:
    text = secret(data={"a": "b25l", "b": "dHdv"}, stringData={"b": "second", "c": "ünï"})
    sealed = sealed_of(text)
    assert list(sealed.body["data"]) == ["a", "b", "c"]
    assert "stringData" not in sealed.body
    assert [value(sealed, key) for key in "abc"] == [b"one", b"second", "ünï".encode()]
    assert open_manifest(sealed, KEYRING).body["data"]["b"] == "c2Vjb25k"


def test_string_data_alone_is_renamed_where_it_stands() -> None:
    text = SECRET.replace("\ndata:", "\nstringData:").replace("aHVudGVyMw==", "hunter3")
    sealed = sealed_of(text + "immutable: true\n")
    assert list(sealed.body) == ["apiVersion", "kind", "metadata", "type", "data", "immutable"]
    assert hidden(sealed.text).endswith(
        'data:\n  password: "kgs1:…"\n  user: "kgs1:…"\nimmutable: true\n'
    )


@pytest.mark.parametrize("parts", [{}, {"data": {}}, {"data": None}, {"stringData": None}])
def test_a_secret_without_values_needs_no_key(parts: dict[str, Any]) -> None:
    sealed = sealed_of(secret(**parts), None)
    assert sealed.body == {
        key: part for key, part in json.loads(secret(**parts)).items() if key != "stringData"
    }


def test_other_resources_need_no_key_and_keep_every_byte() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: y  # kept\n"
    assert sealed_of(text, None) == Manifest(
        ResourceId("", "ConfigMap", "", "a"), "v1", text, manifest(text).body
    )


def test_a_secret_with_values_and_no_key_is_refused_by_name() -> None:
    error = refusal(SECRET, None)
    assert error.message == "secret/shop/db has values to seal, and there is no key"
    assert error.hints == (
        "kubectl gitops secret keygen --out FILE",
        "export KUBECTL_GITOPS_KEY_FILE=FILE",
    )


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"stringData": {"port": 5432}}, "secret/shop/db: stringData.port must be a string; put"),
        ({"data": {"ok": True}}, "secret/shop/db: data.ok must be a string; put it in quotes"),
        ({"data": {"p": {"q": "hunter2"}}}, "secret/shop/db: data.p must be a string"),
        ({"data": {"\x1b": 1}}, r"secret/shop/db: data.\x1b must be a string"),
        ({"data": ["hunter2"]}, "secret/shop/db: data must be a map of strings"),
        ({"stringData": "hunter2"}, "secret/shop/db: stringData must be a map of strings"),
        ({"data": {"p": "hunter2!"}}, "secret/shop/db /data/p is not base64; plain text belongs"),
        ({"data": {"p": "aHVudGVyMg"}}, "secret/shop/db /data/p is not base64"),
        ({"data": {"p/q": "é"}}, "secret/shop/db /data/p~1q is not base64"),
        ({"stringData": {"p": "kgs1:hunter2"}}, "secret/shop/db /data/p is damaged: it is not a"),
        ({"data": {"p": "kgs1:hunter2"}}, "secret/shop/db /data/p is damaged: it is not a whole"),
    ],
)
def test_a_value_that_cannot_be_one_is_named_and_never_shown(
    parts: dict[str, Any], message: str
) -> None:
    error = refusal(secret(**parts))
    assert error.message.startswith(message)
    assert "hunter2" not in error.message


def test_a_lone_surrogate_is_no_value() -> None:
    body = json.loads(secret())
    lone = OpenManifest(ID, "v1", write(body), {**body, "stringData": {"p": "\ud800"}})
    with pytest.raises(GitopsError, match="secret/shop/db /data/p is not valid Unicode"):
        seal_manifest(lone, KEYRING)


def test_base64_is_read_as_the_api_server_reads_it() -> None:
    sealed = sealed_of(secret(data={"p": "aHVu\ndGVy\r\nMg==\n"}))
    assert value(sealed, "p") == b"hunter2"


def test_nulls_hold_no_value() -> None:
    sealed = sealed_of(secret(data={"a": None}, stringData={"b": None}))
    assert sealed.body["data"]["a"] is None
    assert value(sealed, "b") == b""


def test_the_key_itself_is_never_sealed_with_itself() -> None:
    key = KEYRING.texts[0]
    error = refusal(secret(stringData={"key": f"{key}\n"}))
    assert error.message == (
        "secret/shop/db /data/key is the key that seals this branch; it cannot be in it"
    )


def test_a_value_elsewhere_in_the_text_is_refused() -> None:
    error = refusal(
        SECRET.replace("# The shop's", "# c2VjcmV0cw hunter3hunter3").replace(
            "aHVudGVyMw==", base64.b64encode(b"hunter3hunter3").decode()
        )
    )
    assert error.message == (
        "secret/shop/db: the text would still show the value of secret/shop/db /data/password, "
        "perhaps in a comment"
    )


# --- what stays quiet -----------------------------------------------------------------------


def test_sealing_again_changes_nothing() -> None:
    sealed = sealed_of(SECRET)
    assert sealed_of(SECRET, previous=sealed) == sealed
    assert sealed_of(sealed.text, None) == sealed
    assert sealed_of(open_manifest(sealed, KEYRING).text, previous=sealed).body == sealed.body


def test_a_value_that_did_not_change_keeps_an_older_keys_ciphertext() -> None:
    before = sealed_of(SECRET, OLDER)
    after = sealed_of(SECRET.replace("c2hvcA==", "b3RoZXI="), BOTH, previous=before)
    assert after.body["data"]["password"] == before.body["data"]["password"]
    assert kid_of(after.body["data"]["user"]) == KEYRING.primary().kid


def test_without_the_older_key_or_its_text_a_value_is_sealed_anew() -> None:
    unknown = sealed_of(SECRET, OLDER)
    body = {**unknown.body, "data": {"password": "kgs1:damaged"}}
    for previous in (unknown, replace(unknown, body=body)):
        after = sealed_of(SECRET, KEYRING, previous=previous)
        assert {kid_of(v) for v in sealed_values(after).values()} == {KEYRING.primary().kid}


def test_a_value_is_resealed_by_the_first_key_when_nothing_is_kept() -> None:
    opened = open_manifest(sealed_of(SECRET, OLDER), BOTH)
    assert {kid_of(text) for text in sealed_values(seal_manifest(opened, BOTH)).values()} == {
        KEYRING.primary().kid
    }


# --- what does not open ---------------------------------------------------------------------


def test_without_a_key_the_place_and_the_key_are_named() -> None:
    with pytest.raises(GitopsError) as raised:
        open_manifest(sealed_of(SECRET), None)
    assert raised.value.message == (
        f"secret/shop/db /data/password is sealed with key {KEYRING.primary().kid}, "
        "and there is no key"
    )
    assert open_manifest(sealed_of(secret(), None), None).body == json.loads(secret())


def test_one_value_that_does_not_open_fails_the_whole_resource() -> None:
    sealed = sealed_of(SECRET)
    other = seal(OLDER.primary(), b"x", place_of(ID, "/data/user"))
    mixed = replace(sealed, body={**sealed.body, "data": {**sealed.body["data"], "user": other}})
    with pytest.raises(GitopsError, match="/data/user is sealed with key"):
        open_manifest(mixed, KEYRING)


def test_a_value_from_another_key_of_the_secret_is_refused_with_its_origin() -> None:
    sealed = sealed_of(SECRET)
    data = sealed.body["data"]
    swapped = {"password": data["user"], "user": data["password"]}
    with pytest.raises(GitopsError) as raised:
        open_manifest(replace(sealed, body={**sealed.body, "data": swapped}), KEYRING)
    assert raised.value.message == (
        "secret/shop/db /data/password was sealed for secret/shop/db /data/user"
    )


def test_a_renamed_secret_does_not_open_until_its_origin_is_known() -> None:
    before = sealed_of(SECRET)
    moved = replace(before, id=replace(ID, name="db2", namespace="lab"))
    with pytest.raises(GitopsError, match="secret/lab/db2 /data/password does not open"):
        open_manifest(moved, KEYRING)
    assert moved_values(moved, KEYRING, [before]) == {
        place_of(moved.id, pointer): place_of(ID, pointer)
        for pointer in ("/data/password", "/data/user")
    }
    emptied = replace(before, body={**before.body, "data": {}})
    assert moved_values(moved, KEYRING, [emptied]).keys() == sealed_values(moved).keys()
    assert moved_values(before, KEYRING, [before, moved]) == {}
    assert moved_values(moved, OLDER, [before]) == {}


def test_a_moved_secret_is_bound_to_its_new_place_by_opening_it_at_the_old_one() -> None:
    moved = replace(sealed_of(SECRET), id=replace(ID, name="db2"))
    opened = open_manifest(replace(moved, id=ID), KEYRING)
    bound = seal_manifest(replace(opened, id=moved.id), KEYRING)
    assert value(bound, "password") == b"hunter3"


def test_sealed_string_data_opens_at_the_place_of_data() -> None:
    text = seal(KEYRING.primary(), b"hunter2", place_of(ID, "/data/p"))
    body = {**json.loads(secret()), "stringData": {"p": text, "q": "plain"}}
    sealed = Manifest(ID, "v1", write(body), body)
    assert sealed_values(sealed) == {place_of(ID, "/data/p"): text}
    assert unsealed(sealed) == ("/stringData/q",)
    assert open_manifest(sealed, KEYRING).body["data"] == {"p": "aHVudGVyMg==", "q": "cGxhaW4="}


# --- Secrets inside other resources, and seal rules -----------------------------------------

NESTED = """\
apiVersion: template.openshift.io/v1
kind: Template
metadata:
  name: t
  namespace: shop
objects:
- apiVersion: v1
  kind: Service
  metadata:
    name: web
- apiVersion: v1
  kind: Secret
  metadata:
    name: inner
  stringData:
    password: ${PASSWORD}  # hunter2
    port: 5432
  data:
    raw: not base64
"""


def test_a_secret_inside_another_resource_is_sealed_as_it_stands() -> None:
    sealed = sealed_of(NESTED)
    assert hidden(sealed.text) == NESTED.replace("${PASSWORD}  # hunter2", '"kgs1:…"').replace(
        "5432", '"kgs1:…"'
    ).replace("not base64", '"kgs1:…"')
    assert [place.pointer for place in sealed_values(sealed)] == [
        "/objects/name=inner/stringData/password",
        "/objects/name=inner/stringData/port",
        "/objects/name=inner/data/raw",
    ]
    assert open_manifest(sealed, KEYRING).body == manifest(NESTED).body
    assert unsealed(sealed) == ()


def test_a_value_survives_when_items_of_its_list_move() -> None:
    sealed = sealed_of(NESTED)
    turned = {**sealed.body, "objects": sealed.body["objects"][::-1]}
    text = write(turned)
    assert open_manifest(replace(sealed, text=text, body=turned), KEYRING).body == {
        **manifest(NESTED).body,
        "objects": manifest(NESTED).body["objects"][::-1],
    }


def test_items_of_one_name_are_told_apart_by_position() -> None:
    body = manifest(NESTED).body
    body["objects"][0]["metadata"]["name"] = "inner"
    sealed = sealed_of(write(body))
    assert {place.pointer.split("/")[2] for place in sealed_values(sealed)} == {"1"}


def test_rules_seal_what_they_name_and_nothing_that_names_it() -> None:
    text = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: smtp\n  namespace: shop\n"
        "data:\n  host: mail  # kept\n  password: hunter2\n"
    )
    sealed = sealed_of(text, rules=[SMTP])
    assert hidden(sealed.text) == text.replace("hunter2", '"kgs1:…"')
    assert open_manifest(sealed, KEYRING).body == manifest(text).body
    assert unsealed(Manifest(sealed.id, "v1", text, manifest(text).body), [SMTP]) == (
        "/data/password",
    )
    everything = SealRule(ResourcePattern(), ("/**",))
    whole = sealed_of(text, rules=[everything])
    assert [place.pointer for place in sealed_values(whole)] == ["/data/host", "/data/password"]
    assert sealed_of(text.replace("smtp", "other"), None, rules=[SMTP]).text.count("kgs1") == 0


POLICY = {
    "apiVersion": "example.com/v1",
    "kind": "Policy",
    "metadata": {"name": "p", "labels": {"a/b": "x"}},
    "spec": {
        "password": "one",
        "list": [{"name": "web", "password": 2, "deep": {"password": None}}, "three", [True]],
        "map": {"password": {"a": 4.5, "b": []}},
    },
}


@pytest.mark.parametrize(
    ("path", "pointers"),
    [
        ("/spec/password", ["/spec/password"]),
        ("/spec/*/password", ["/spec/map/password/a"]),
        ("/spec/*/*/password", ["/spec/list/name=web/password"]),
        (
            "/spec/**/password",
            ["/spec/password", "/spec/list/name=web/password", "/spec/map/password/a"],
        ),
        ("/spec/list/name=web", ["/spec/list/name=web/password"]),
        ("/spec/list/0/password", ["/spec/list/name=web/password"]),
        ("/spec/list/1", ["/spec/list/1"]),
        ("/spec/list", ["/spec/list/name=web/password", "/spec/list/1", "/spec/list/2/0"]),
        ("/metadata/labels/a~1b", ["/metadata/labels/a~1b"]),
        ("/**/**/**/a", ["/spec/map/password/a"]),
        ("/spec/none", []),
        ("/spec/password/below", []),
    ],
)
def test_a_path_of_a_rule_means_these_values(path: str, pointers: list[str]) -> None:
    text = write(POLICY)
    sealed = sealed_of(text, rules=[SealRule(ResourcePattern(kind="Policy"), (path,))])
    assert [place.pointer for place in sealed_values(sealed)] == pointers
    assert open_manifest(sealed, KEYRING).body == POLICY


def test_a_path_of_many_stars_costs_no_more_than_others() -> None:
    deep: Any = "end"
    for _ in range(40):
        deep = {"a": deep}
    rule = SealRule(ResourcePattern(), ("/**" * 40 + "/never",))
    assert sealed_of(write({**POLICY, "spec": deep}), None, rules=[rule]).body["spec"] == deep


@pytest.mark.parametrize(
    ("name", "copy"),
    [
        ("kubectl.kubernetes.io/last-applied-configuration", '{"data":{"p":"aHVudGVyMg=="}}'),
        ("kopf.zalando.org/last-handled-configuration", "{}"),
        ("objectset.rio.cattle.io/applied", "anything"),
        ("example.com/copy", "H4sIAAAAAAAA/8vILCpRyMlMTy0BAA"),
        ("example.com/copy", "UEsDBBQAAAAIAA"),
    ],
)
def test_a_copy_of_the_secret_in_an_annotation_is_sealed_with_it(name: str, copy: str) -> None:
    annotations = {name: copy, "example.com/note": "public"}
    text = secret(metadata={"name": "db", "namespace": "shop", "annotations": annotations})
    sealed = sealed_of(text)
    assert [place.pointer for place in sealed_values(sealed)] == [
        f"/metadata/annotations/{name.replace('/', '~1')}"
    ]
    assert open_manifest(sealed, KEYRING).body == json.loads(text)
    assert mask(json.loads(text))["metadata"]["annotations"] == {
        name: "***",
        "example.com/note": "public",
    }
    other = json.dumps({**json.loads(text), "kind": "ConfigMap"})
    assert sealed_of(other, None).body == json.loads(other)


def test_names_in_lists_of_a_secrets_values_are_values() -> None:
    body = manifest(NESTED).body
    body["objects"][1]["data"] = {"x": [{"name": "hunter2"}, {"name": "b", "v": [1]}]}
    body["objects"][1]["data"]["y"] = {"apiVersion": "v1", "kind": "Secret", "z": 1}
    sealed = sealed_of(write(body))
    assert "hunter2" not in json.dumps(sealed.body)
    assert [p.pointer for p in sealed_values(sealed) if "/data/" in p.pointer] == [
        f"/objects/name=inner/data/{rest}"
        for rest in ("x/0/name", "x/1/name", "x/1/v/0", "y/apiVersion", "y/kind", "y/z")
    ]
    assert open_manifest(sealed, KEYRING).body == body


def test_a_rule_seals_a_name_that_names_no_item() -> None:
    body = {
        **POLICY,
        "spec": {"5": {"name": "x"}, "items": [{"name": "y"}], "metadata": {"name": 1}},
    }
    sealed = sealed_of(write(body), rules=[SealRule(ResourcePattern(), ("/spec",))])
    assert [place.pointer for place in sealed_values(sealed)] == ["/spec/5/name"]
    assert open_manifest(sealed, KEYRING).body == body


def test_what_a_former_rule_sealed_opens_without_it() -> None:
    text = write(POLICY)
    rule = SealRule(ResourcePattern(kind="Policy"), ("/spec/password",))
    sealed = sealed_of(text, rules=[rule])
    assert sealed_of(sealed.text, None) == sealed
    assert open_manifest(sealed, KEYRING).body == POLICY


def test_a_text_that_was_written_anew_is_told() -> None:
    told: list[str] = []
    text = SECRET.replace("user: c2hvcA==", "user: &u c2hvcA==\n  again: *u")
    sealed = sealed_of(text, warn=told.append)
    assert [line.partition(":")[0] for line in told] == ["secret/shop/db"]
    assert value(sealed, "again") == b"shop"
    assert "hunter" not in sealed.text


# --- what is known of a Secret, and what is shown -------------------------------------------


def test_the_values_of_a_manifest_are_known_by_place() -> None:
    assert secret_values(manifest(SECRET)) == {
        Place("", "Secret", "shop", "db", "/data/password"): b"hunter3",
        Place("", "Secret", "shop", "db", "/data/user"): b"shop",
    }
    assert secret_values(manifest(sealed_of(SECRET).text)) == {}
    nested = secret_values(manifest(NESTED))
    assert list(nested.values()) == [b"${PASSWORD}", b"5432", b"not base64"]


def test_a_plain_value_in_the_branch_is_found() -> None:
    plain = Manifest(ID, "v1", SECRET, manifest(SECRET).body)
    assert unsealed(plain) == ("/data/password", "/data/user")
    assert unsealed(sealed_of(SECRET)) == ()


def test_every_value_is_masked_with_its_copy_in_the_annotation() -> None:
    last = "kubectl.kubernetes.io/last-applied-configuration"
    body = {
        **json.loads(secret(data={"a": "b25l"}, stringData={"b": 2}, type="Opaque")),
        "metadata": {"name": "db", "annotations": {last: "b25l", "x": "y"}},
    }
    assert mask(body) == {
        **body,
        "data": {"a": "***"},
        "stringData": {"b": "***"},
        "metadata": {"name": "db", "annotations": {last: "***", "x": "y"}},
    }
    assert mask(manifest(NESTED).body)["objects"][1]["stringData"]["port"] == "***"
    assert mask(POLICY) == POLICY
    masked = mask(POLICY, [SealRule(ResourcePattern(), ("/spec/list",))])
    assert masked["spec"]["list"] == [
        {"name": "web", "password": "***", "deep": {"password": None}},
        "***",
        ["***"],
    ]


def test_a_difference_shows_which_values_changed_as_kubectl_does() -> None:
    before = json.loads(secret(data={"a": "b25l", "b": "b25l", "gone": "b25l", "odd": "!"}))
    after = json.loads(secret(data={"a": "b25l\n", "b": "dHdv", "new": "b25l", "odd": "?"}))
    old, new = mask_pair(before, after)
    assert old is not None
    assert new is not None
    assert old["data"] == {"a": "***", "b": "*** (before)", "gone": "***", "odd": "*** (before)"}
    assert new["data"] == {"a": "***", "b": "*** (after)", "new": "***", "odd": "*** (after)"}
    clear = json.loads(secret(stringData={"a": "one"}))
    assert mask_pair(clear, clear) == (mask(clear), mask(clear))
    assert mask_pair(before, None) == (mask(before), None)
    assert mask_pair(None, after) == (None, mask(after))


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({}, None),
        ({"type": "kubernetes.io/tls"}, None),
        (
            {"type": "kubernetes.io/service-account-token"},
            "the cluster makes service account tokens",
        ),
        ({"type": "bootstrap.kubernetes.io/token"}, "a bootstrap token lives for a day"),
        ({"type": "helm.sh/release.v1"}, "Helm keeps its releases in it"),
        (
            {
                "metadata": {
                    "name": "tls",
                    "ownerReferences": [{"kind": "Certificate", "name": "tls\x1b"}],
                }
            },
            r"certificate/tls\x1b owns it",
        ),
    ],
)
def test_what_the_cluster_makes_is_left_out(parts: dict[str, Any], reason: str | None) -> None:
    assert unmanageable({**json.loads(secret()), **parts}) == reason


def test_only_secrets_are_left_out() -> None:
    assert unmanageable({**POLICY, "type": "helm.sh/release.v1"}) is None


def test_a_pattern_fits_what_has_every_part_it_says() -> None:
    assert ResourcePattern().fits(ID)
    assert ResourcePattern("", "Secret", "shop", "db").fits(ID)
    assert not ResourcePattern("apps", "Secret").fits(ID)
    assert not ResourcePattern(name="other").fits(ID)


def test_nothing_open_is_printed_by_accident() -> None:
    opened = open_manifest(sealed_of(SECRET), KEYRING)
    assert "aHVudGVyMw" not in repr(opened)
    assert all(is_sealed(text) for text in sealed_values(sealed_of(SECRET)).values())
