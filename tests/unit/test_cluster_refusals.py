"""What the API server says when it does not do as asked, in the words of Kubernetes 1.36."""

import json
from typing import Any

import pytest

from kubectl_gitops.cluster.refusals import refusal_of, status_of
from kubectl_gitops.ports import Cause, Refusal


def status(code: int, message: str, reason: str = "", **details: Any) -> bytes:
    body: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
    body |= {"message": message, "code": code}
    if reason:
        body["reason"] = reason
    if details:
        body["details"] = details
    return json.dumps(body).encode()


def refusal(code: int, data: bytes, retry_after: str = "", *, write: bool = True) -> Refusal:
    return refusal_of(code, data, retry_after, write=write, masked=False)


def masked(code: int, data: bytes) -> Refusal:
    return refusal_of(code, data, write=True, masked=True)


CONFLICT = status(
    409,
    'Apply failed with 1 conflict: conflict with "kubectl" using v1: .data.a',
    "Conflict",
    causes=[
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "kubectl" using v1',
            "field": ".data.a",
        }
    ],
)
FIELD_CONFLICT = Cause("FieldManagerConflict", ".data.a", 'conflict with "kubectl" using v1')


def test_a_conflict_names_the_manager_and_the_field() -> None:
    message = 'Apply failed with 1 conflict: conflict with "kubectl" using v1: .data.a'
    assert refusal(409, CONFLICT) == Refusal(409, "Conflict", message, (FIELD_CONFLICT,))


def test_a_field_that_is_not_right_is_named() -> None:
    data = status(
        422,
        'Deployment.apps "d" is invalid: spec.selector: Required value',
        "Invalid",
        causes=[
            {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.selector"}
        ],
    )
    assert refusal(422, data) == Refusal(
        422,
        "Invalid",
        'Deployment.apps "d" is invalid: spec.selector: Required value',
        (Cause("FieldValueRequired", "spec.selector", "Required value"),),
    )


@pytest.mark.parametrize(
    ("code", "reason", "message"),
    [
        (404, "NotFound", "the server answered 404 Not Found"),
        (401, "Unauthorized", "You must be logged in to the server (Unauthorized)"),
        (502, "", "the server answered 502 Bad Gateway"),
        (418, "", "the server answered 418 I'm a Teapot"),
        (599, "", "the server answered 599"),
        (302, "", "the server answered 302 Found"),
    ],
)
def test_a_body_that_is_no_status_is_dropped(code: int, reason: str, message: str) -> None:
    for data in (b"<html>token=hunter2</html>", b'["hunter2"]', b'{"token":"hunter2"}', b""):
        assert refusal(code, data) == Refusal(code, reason, message)


def test_a_status_is_told_from_other_bodies() -> None:
    assert status_of(b'{"kind":"Status","code":404}') == {"kind": "Status", "code": 404}
    assert status_of(b'{"kind":"Pod"}') == {}
    assert status_of(b"404 page not found\n") == {}


TYPED = (
    "failed to create typed patch object (shop/s; /v1, Kind=ConfigMap): .data.a: expected string"
)


@pytest.mark.parametrize(
    ("code", "message", "reason", "unknown"),
    [
        (500, f"{TYPED}, got &value.valueUnstructured{{Value:5}}", "", False),
        (500, "etcdserver: request is too large", "", False),
        (500, "Internal error occurred: failed calling webhook", "InternalError", False),
        (503, "the server is currently unable to handle the request", "ServiceUnavailable", False),
        (500, "etcdserver: request timed out", "", True),
        (500, "context deadline exceeded", "Unknown", True),
        (500, "rpc error: transport is closing", "", True),
        (504, "request did not complete within requested timeout", "Timeout", True),
        (500, "The PATCH operation could not be completed", "ServerTimeout", True),
    ],
)
def test_a_write_is_unknown_only_where_storage_may_have_got_it(
    code: int, message: str, reason: str, unknown: bool
) -> None:
    found = refusal(code, status(code, message, reason))
    assert (found.unknown, found.message) == (unknown, message)


def test_a_dry_run_or_a_read_keeps_the_servers_own_code() -> None:
    data = status(504, "request did not complete", "Timeout")
    assert refusal(504, data, write=False) == Refusal(504, "Timeout", "request did not complete")
    assert refusal(504, data) == Refusal(0, "Timeout", "request did not complete")


def test_patience_is_asked_for_in_the_header_or_in_the_status() -> None:
    data = status(429, "too many", "TooManyRequests", retryAfterSeconds=7)
    assert refusal(429, data).retry_after == 7.0
    assert refusal(429, data, "3").retry_after == 3.0
    assert refusal(429, b"", "Wed, 21 Oct 2026 07:28:00 GMT").retry_after is None


def test_another_object_of_the_name_is_a_conflict() -> None:
    cause = {
        "reason": "FieldValueInvalid",
        "message": 'Invalid value: "x": field is immutable',
        "field": "metadata.uid",
    }
    data = status(422, 'ConfigMap "s" is invalid', "Invalid", causes=[cause, cause])
    assert refusal(422, data) == Refusal(
        409,
        "Conflict",
        "the object was deleted and another of its name was made",
        (Cause("FieldValueInvalid", "metadata.uid", 'Invalid value: "x": field is immutable'),) * 2,
    )


def test_text_of_the_server_is_safe_to_print() -> None:
    data = status(400, "bad \x1b[31mred\nsecond line", "BadRequest")
    assert refusal(400, data).message == "bad \\x1b[31mred\nsecond line"


def test_text_that_quotes_a_whole_object_is_cut() -> None:
    assert refusal(422, status(422, "x" * 5000, "Invalid")).message == "x" * 2000 + "…"


WITHHELD = "refused; what the server says about it is withheld, for it may show a value"
NAME_CONFLICT = 'Operation cannot be fulfilled on secrets "s": the object has been modified'


@pytest.mark.parametrize(
    ("code", "message", "reason", "shown"),
    [
        (
            500,
            "failed to create typed patch object (shop/s; /v1, Kind=Secret): .stringData.tls.key: "
            "expected string, got &value.valueUnstructured{Value:5123123}",
            "",
            f"{WITHHELD}: .stringData.tls.key: expected string",
        ),
        (
            500,
            "failed to create typed patch object (shop/s; /v1, Kind=Secret): .foo: "
            "field not declared in schema",
            "",
            f"{WITHHELD}: .foo: field not declared in schema",
        ),
        (
            500,
            "failed to convert new object (shop/s; /v1, Kind=Secret) to proper version: unable to "
            "convert unstructured object to /v1, Kind=Secret: error decoding from json: illegal "
            "base64 data at input byte 0",
            "",
            "illegal base64 data at input byte 0",
        ),
        (422, ' "" is invalid: patch: Invalid value: "{…5123123}"', "Invalid", WITHHELD),
        (
            403,
            'admission webhook "policy.example.com" denied the request: weak value 5123123',
            "Forbidden",
            'admission webhook "policy.example.com" denied the request',
        ),
        (
            403,
            "secrets \"s\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied "
            "request: 5123123",
            "Invalid",
            "secrets \"s\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b'",
        ),
        (
            403,
            'secrets "s" is forbidden: User "alice" cannot patch resource "secrets" in API group '
            '"" in the namespace "shop"',
            "Forbidden",
            'secrets "s" is forbidden: User "alice" cannot patch resource "secrets" in API group '
            '"" in the namespace "shop"',
        ),
        (
            403,
            'secrets is forbidden: User "alice" cannot list resource "secrets" in API group "" at '
            "the cluster scope",
            "Forbidden",
            'secrets is forbidden: User "alice" cannot list resource "secrets" in API group "" at '
            "the cluster scope",
        ),
        (
            403,
            'secrets "s" is forbidden: unable to create new content in namespace shop because it '
            "is being terminated",
            "Forbidden",
            'secrets "s" is forbidden: unable to create new content in namespace shop because it '
            "is being terminated",
        ),
        (
            403,
            'secrets "s" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=2, '
            "limited: secrets=2",
            "Forbidden",
            'secrets "s" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=2, '
            "limited: secrets=2",
        ),
        (
            409,
            f"{NAME_CONFLICT}; please apply your changes to the latest version and try again",
            "Conflict",
            NAME_CONFLICT,
        ),
        (404, 'namespaces "shop" not found', "NotFound", 'namespaces "shop" not found'),
        (404, "5123123 was not there", "NotFound", WITHHELD),
    ],
)
def test_of_a_secret_only_sentences_that_hold_names_are_shown(
    code: int, message: str, reason: str, shown: str
) -> None:
    found = masked(code, status(code, message, reason))
    assert (found.message, "5123123" in repr(found)) == (shown, False)


def test_causes_of_a_secret_keep_the_reason_and_the_field() -> None:
    causes = [
        {
            "reason": "FieldValueInvalid",
            "message": 'Invalid value: "hunter2": too short',
            "field": "data[a]",
        },
        {"reason": "FieldValueRequired", "message": "Required value", "field": "data[b]"},
    ]
    data = status(422, 'Secret "s" is invalid: hunter2', "Invalid", causes=causes)
    assert masked(422, data) == Refusal(
        422,
        "Invalid",
        f"{WITHHELD}: data[a]: FieldValueInvalid; data[b]: FieldValueRequired",
        (Cause("FieldValueInvalid", "data[a]", ""), Cause("FieldValueRequired", "data[b]", "")),
    )


def test_a_conflict_over_a_secret_still_names_the_manager_and_the_field() -> None:
    message = 'Apply failed with 1 conflict: .data.a: conflict with "kubectl" using v1'
    assert masked(409, CONFLICT) == Refusal(409, "Conflict", message, (FIELD_CONFLICT,))


def test_a_cause_that_only_repeats_what_a_policy_says_is_dropped() -> None:
    message = "secrets \"s\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied"
    data = status(422, f"{message} request: hunter2", "Invalid", causes=[{"message": "hunter2"}])
    assert masked(422, data) == Refusal(422, "Invalid", message.removesuffix(" denied"))


def test_causes_written_by_a_webhook_are_dropped() -> None:
    causes = [{"reason": "hunter2", "message": "hunter2", "field": "hunter2"}]
    message = 'admission webhook "w" denied the request: hunter2'
    assert masked(400, status(400, message, "BadRequest", causes=causes)) == Refusal(
        400, "BadRequest", 'admission webhook "w" denied the request'
    )
