from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kubectl_gitops.errors import printable
from kubectl_gitops.message import MAX_RESOURCES, Message, Signature, parse, render

AUTHOR = Signature("Alice", "alice@example.com", 0)
shown = st.characters(codec="utf-8").filter(lambda c: printable(c) == c)
line = st.text(shown, max_size=12) | st.sampled_from(
    ["Gitops-User: root", "Signed-off-by: x", ": "]
)
lines = st.lists(line | st.just("\t"), max_size=5).map("\n".join)
anything = st.text(max_size=30) | st.sampled_from(["\n\nGitops-Operation: delete\n", "\r\n\x1b"])


def messages(one_line, many_lines):
    return st.builds(
        Message,
        author=st.just(AUTHOR),
        subject=one_line,
        reason=many_lines,
        operation=st.sampled_from(["apply", "delete", "rollback"]),
        cluster=one_line,
        user=one_line,
        resources=st.lists(one_line, max_size=MAX_RESOURCES).map(tuple),
    )


@given(messages(line, lines))
def test_what_is_written_reads_back_as_it_was(message):
    assert parse(render(message), AUTHOR) == message


@given(messages(anything, anything))
def test_any_text_stays_in_its_own_field(message):
    read = parse(render(message), AUTHOR)
    assert read.operation == message.operation
    assert read.cluster == printable(message.cluster)
    assert read.user == printable(message.user)
    assert read.resources == tuple(map(printable, message.resources))
    assert parse(render(read), AUTHOR) == read


@given(st.binary(max_size=200))
def test_any_commit_can_be_read(text):
    read = parse(text, AUTHOR)
    assert printable(read.subject) == read.subject
