from __future__ import annotations

import subprocess

import pytest

from kubectl_gitops.message import MAX_RESOURCES, Message, Signature, parse, render, subject
from kubectl_gitops.resource import ResourceId

ALICE = Signature("Alice", "alice@example.com", 1_700_000_000, 3600)
WEB = ResourceId("apps", "Deployment", "shop", "web")
RAISED = Message(
    author=ALICE,
    subject="apply deployment/shop/web: raise replicas",
    reason="raise replicas\n\nbefore the sale",
    operation="apply",
    cluster="6b1c",
    user="alice@example.com",
    resources=("deployment.apps/shop/web",),
)
RAISED_TEXT = b"""apply deployment/shop/web: raise replicas

raise replicas

before the sale

Gitops-Operation: apply
Gitops-Cluster: 6b1c
Gitops-User: alice@example.com
Gitops-Resource: deployment.apps/shop/web
"""


def test_a_message_is_subject_reason_and_trailers():
    assert render(RAISED) == RAISED_TEXT


def test_a_message_reads_back_as_it_was():
    assert parse(RAISED_TEXT, ALICE) == RAISED


def test_git_finds_the_same_trailers():
    found = subprocess.run(
        ["git", "interpret-trailers", "--parse"], input=RAISED_TEXT, capture_output=True, check=True
    )
    assert found.stdout == RAISED_TEXT.rpartition(b"\n\n")[2]


def test_no_reason_leaves_no_empty_paragraph():
    bare = Message(author=ALICE, subject="delete pod/shop/x", operation="delete")
    assert render(bare) == b"delete pod/shop/x\n\nGitops-Operation: delete\n"
    assert parse(render(bare), ALICE) == bare


def test_resources_beyond_the_limit_are_counted():
    many = Message(ALICE, "apply", operation="apply", resources=tuple(map(str, range(62))))
    lines = render(many).decode().splitlines()
    assert lines[3:] == [
        *(f"Gitops-Resource: {n}" for n in range(MAX_RESOURCES)),
        "Gitops-Resource-Count: 62",
    ]
    assert parse(render(many), ALICE).resources == many.resources[:MAX_RESOURCES]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject", "x\n\nGitops-User: root"),
        ("user", "eve\nGitops-User: root"),
        ("user", "eve\r\nGitops-User: root"),
        ("cluster", "a\u2028Gitops-User: root"),
        ("reason", "x\n\nGitops-Operation: delete\nGitops-User: root"),
        ("reason", "x\n\nGitops-Operation: delete\nGitops-User: root\n\n"),
        ("resources", ("pod/x\n\nGitops-User: root",)),
    ],
)
def test_text_from_outside_forges_no_trailer(field, value):
    plain = {"author": ALICE, "subject": "apply", "operation": "apply", "user": "eve"}
    read = parse(render(Message(**{**plain, field: value})), ALICE)
    assert read.operation == "apply"
    assert read.user.startswith("eve")
    assert "\n" not in read.user + read.cluster + read.subject + "".join(read.resources)


def test_a_commit_by_hand_is_all_reason():
    assert parse(b"Fix the port\n\nIt was wrong.\n", ALICE) == Message(
        author=ALICE, subject="Fix the port", reason="Fix the port\n\nIt was wrong."
    )


def test_a_commit_by_hand_that_only_has_foreign_trailers_is_by_hand():
    text = b"Fix\n\nSigned-off-by: Bob <bob@example.com>\n"
    assert parse(text, ALICE).operation == ""


def test_an_operation_in_the_middle_of_a_text_is_text():
    assert parse(b"Quote\n\nGitops-Operation: apply\n\nas it said.\n", ALICE).operation == ""
    assert parse(b"Quote\n\nGitops-Operation: apply\nas it said.\n", ALICE).operation == ""


def test_trailers_that_others_add_to_ours_do_not_hide_ours():
    signed = RAISED_TEXT + b"Signed-off-by: Bob <bob@example.com>\n"
    assert parse(signed, ALICE) == RAISED


def test_what_a_terminal_would_obey_is_escaped_on_reading():
    read = parse(b"red \x1b[31m\xff\n\na\tb\x07\r\nc\n", ALICE)
    assert (read.subject, read.reason) == (
        "red \\x1b[31m\ufffd",
        "red \\x1b[31m\ufffd\n\na\tb\\x07\nc",
    )


def test_a_message_by_hand_is_written_as_it_was():
    assert render(Message(ALICE, "x", reason="x\n\ny")) == b"x\n\ny"


@pytest.mark.parametrize(
    ("ids", "reason", "expected"),
    [
        ([WEB], "", "apply deployment/shop/web"),
        ([WEB], "\n raise replicas \nmore", "apply deployment/shop/web: raise replicas"),
        ([WEB] * 12, "", "apply 12 resources in shop"),
        ([WEB, ResourceId("", "Service", "blog", "web")], "", "apply 2 resources"),
        ([ResourceId("", "Namespace", "", n) for n in "ab"], "", "apply 2 resources"),
        ([], "rotate the key", "apply: rotate the key"),
        ([WEB], "x" * 100, "apply deployment/shop/web: " + "x" * 44 + "…"),
        ([ResourceId("", "Pod", "shop", "n" * 70)], "why", "apply pod/shop/" + "n" * 70),
    ],
)
def test_the_subject_is_short_and_human(ids, reason, expected):
    assert subject("apply", ids, reason) == expected
