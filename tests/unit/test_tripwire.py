"""The tripwire: a Secret's value in what is written ends the command; a mere word does not."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from kubectl_gitops.envelope import Keyring, new_key
from kubectl_gitops.errors import GitopsError
from kubectl_gitops.manifest import OpenManifest, write
from kubectl_gitops.message import Message, Signature
from kubectl_gitops.resource import ResourceId, ResourcePattern
from kubectl_gitops.sealing import SealRule, Tripwire, seal_manifest
from kubectl_gitops.sealing.tripwire import _index

KEYRING = Keyring.of([new_key()])
LONG = 'Tr0ub4dor&3 "and" more/+~'
SHORT = "hunter22"
WHOSE = "secret/shop/db /data/p"


def open_secret(value: str, **parts: Any) -> OpenManifest:
    return open_manifest("v1", "Secret", stringData={"p": value}, **parts)


def open_manifest(api_version: str, kind: str, **parts: Any) -> OpenManifest:
    metadata = {"name": "db", "namespace": "shop", **parts.pop("metadata", {})}
    body = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **parts}
    return OpenManifest(ResourceId.of(body), api_version, write(body), body)


def message(subject: str = "apply secret/shop/db", reason: str = "") -> Message:
    author = Signature("Alice", "alice@example.com", 0)
    return Message(author, subject, reason, "apply", "6b1c", "alice", ("secret/shop/db",))


def hit(tripwire: Tripwire, *, path: str = "a.yaml", reason: str = "") -> str:
    try:
        tripwire.check({path: b""}, message(reason=reason))
    except GitopsError as error:
        return error.message
    return ""


def encodings(value: str) -> dict[str, str]:
    raw = value.encode()
    return {
        "raw": value,
        "json": json.dumps(value)[1:-1],
        "url": quote(value, safe=""),
        "hex": raw.hex(),
        "HEX": raw.hex().upper(),
        "base64": base64.b64encode(raw).decode(),
        "base64 at 1": base64.b64encode(b"x" + raw + b"yz").decode(),
        "base64 at 2": base64.b64encode(b"xx" + raw + b"y").decode(),
        "base64url": base64.urlsafe_b64encode(b"xxx" + raw).decode(),
    }


@pytest.mark.parametrize("encoding", encodings(""))
@pytest.mark.parametrize("value", [LONG, SHORT, "ünï-cödé-väl"])
def test_a_value_in_the_reason_is_found_in_every_encoding(value: str, encoding: str) -> None:
    tripwire = Tripwire.of([open_secret(value)])
    found = hit(tripwire, reason=f"set it to {encodings(value)[encoding]}.")
    assert found == f"the commit message would show the value of {WHOSE}"


def test_a_value_in_a_path_is_found() -> None:
    tripwire = Tripwire.of([open_secret("Tr0ub4dor-and-3-more")])
    assert hit(tripwire, path="shop/Tr0ub4dor-and-3-more.yaml") == (
        f"a path of the commit would show the value of {WHOSE}"
    )


def test_a_key_is_watched_as_a_value_is() -> None:
    key = new_key()
    assert hit(Tripwire.of([], keys=[key]), reason=f"new key {key}") == (
        "the commit message would show the value of a key"
    )


def test_a_value_under_a_rule_is_watched() -> None:
    policy = open_manifest("example.com/v1", "Policy", spec={"token": LONG})
    rule = SealRule(ResourcePattern(), ("/spec/token",))
    assert hit(Tripwire.of([policy]), reason=LONG) == ""
    assert hit(Tripwire.of([policy], [rule]), reason=LONG) == (
        "the commit message would show the value of policy/shop/db /spec/token"
    )


def test_a_value_in_another_document_is_a_warning_from_16_bytes_on() -> None:
    tripwire = Tripwire.of([open_secret(LONG), open_secret(SHORT, metadata={"name": "b"})])
    edits = {
        "web.yaml": f"value: {json.dumps(LONG)}".encode(),
        "env.yaml": f"value: {SHORT}".encode(),
        "gone.yaml": None,
    }
    assert tripwire.check(edits, message()) == (
        f"web.yaml shows the value of {WHOSE} in the clear",
    )


def test_lines_of_a_certificate_are_found_in_a_block_of_yaml() -> None:
    pem = "-----BEGIN X-----\nMIIBhTCCASugAwIBAgIQIRi6zePL6mKjOipn\nabc\n-----END X-----\n"
    block = b"ca: |\n  -----BEGIN X-----\n  MIIBhTCCASugAwIBAgIQIRi6zePL6mKjOipn\n  abc\n"
    assert Tripwire.of([open_secret(pem)]).check({"c.yaml": block}, message()) == (
        f"c.yaml shows the value of {WHOSE} in the clear",
    )


@pytest.mark.parametrize(
    ("value", "others"),
    [
        ("postgres", [open_manifest("v1", "Service", metadata={"name": "postgres-0"})]),
        ("postgres", [open_manifest("v1", "Pod", spec={"image": "postgres:16"})]),
        ("production", [open_manifest("v1", "Pod", metadata={"labels": {"env": "production"}})]),
        (
            "payments-postgresql",
            [open_manifest("v1", "A", metadata={"name": "payments-postgresql"})],
        ),
        ("true", []),
        ("admin", []),
        ("", []),
    ],
)
def test_a_word_that_people_say_in_the_clear_stops_nothing(
    value: str, others: list[OpenManifest]
) -> None:
    tripwire = Tripwire.of([open_secret(value), *others])
    assert hit(tripwire, path=f"shop/{value}.yaml", reason=f"upgrade {value}, true, admin") == ""


@pytest.mark.parametrize("value", ["postgres", "true", "payments-postgresql"])
def test_the_same_word_in_base64_is_found_all_the_same(value: str) -> None:
    said = open_manifest("v1", "Service", metadata={"name": value})
    encoded = base64.b64encode(value.encode()).decode()
    assert hit(Tripwire.of([open_secret(value), said]), reason=encoded) != ""


def test_a_distinct_value_is_found_even_where_a_field_says_it() -> None:
    said = open_manifest("v1", "Pod", metadata={"annotations": {"note": LONG}})
    assert hit(Tripwire.of([open_secret(LONG), said]), reason=LONG) != ""


def test_the_ciphertext_of_a_value_is_no_hit_and_neither_is_the_person() -> None:
    secret = open_secret("alice@example.com")
    sealed = seal_manifest(secret, KEYRING)
    assert Tripwire.of([secret]).check({"a.yaml": sealed.text.encode()}, message()) == ()


def test_without_values_everything_passes() -> None:
    assert Tripwire().check({"a": b"b"}, message()) == ()


@pytest.mark.parametrize("encoding", encodings(""))
def test_a_value_left_in_the_secrets_own_text_ends_the_command(encoding: str) -> None:
    secret = open_secret(LONG)
    left = OpenManifest(
        secret.id, "v1", f"# {encodings(LONG)[encoding]}\n{secret.text}", secret.body
    )
    with pytest.raises(GitopsError) as raised:
        seal_manifest(left, KEYRING)
    assert raised.value.message == (
        f"secret/shop/db: the text would still show the value of {WHOSE}, perhaps in a comment"
    )


def test_a_value_copied_into_an_annotation_ends_the_command() -> None:
    copied = {"annotations": {"example.com/backup": json.dumps({"data": {"p": LONG}})}}
    with pytest.raises(GitopsError, match="would still show the value"):
        seal_manifest(open_secret(LONG, metadata=copied), KEYRING)


def test_a_name_that_is_a_value_too_stops_no_secret() -> None:
    labels = {"labels": {"app": "payments-postgresql"}}
    sealed = seal_manifest(open_secret("payments-postgresql", metadata=labels), KEYRING)
    assert "payments-postgresql" in sealed.text


def test_nothing_of_a_tripwire_is_shown() -> None:
    assert LONG not in repr(Tripwire.of([open_secret(LONG)], keys=[LONG]))


def test_a_thousand_values_that_begin_alike_are_told_apart_by_how_they_end() -> None:
    values = [(f"secret/shop/s-{n} /data/p", b"password-of-number-%d" % n) for n in range(1000)]
    index = _index(values)
    forms = sum(len(found) for found in index.values())
    assert forms > 6000
    # Every document says `password`: what begins with that must not be compared with all of them.
    assert b"password" not in index
    crowded = sorted(map(len, index.values()))[-10:]
    assert sum(crowded) < forms / 4
    tripwire = Tripwire(tuple(values))
    edits = {"a.yaml": b"password: password-of-number-77\n", "b.yaml": b"password: none\n"}
    assert tripwire.check(edits, message()) == tuple(
        f"a.yaml shows the value of secret/shop/s-{n} /data/p in the clear" for n in (7, 77)
    )
