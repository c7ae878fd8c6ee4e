"""TYPE and NAME arguments; every refusal here is kubectl 1.36's own text."""

from __future__ import annotations

import pytest

from kubectl_gitops.arguments import NOTHING_NAMED, Arguments, parse_arguments
from kubectl_gitops.errors import GitopsError

NO_TYPE_APART = (
    "there is no need to specify a resource type as a separate argument when passing arguments "
    "in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get "
    "resource resource/<resource_name>'"
)
ONE_SLASH = "arguments in resource/name form may not have more than one slash"
ONE_AND_NAME = "arguments in resource/name form must have a single resource and name"
NO_SELECTOR = "selectors and the all flag cannot be used when passing resource/name arguments"
NO_NAMES = "name cannot be provided when a selector is specified"
NO_ARGUMENTS = (
    "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as "
    "well"
)
NO_PAIRS = "resource/name arguments cannot be provided when a path is specified"


@pytest.mark.parametrize(
    ("words", "read"),
    [
        ("cm a", Arguments((("cm", "a"),))),
        ("cm a b", Arguments((("cm", "a"), ("cm", "b")))),
        ("cm,sa a b", Arguments((("cm", "a"), ("cm", "b"), ("sa", "a"), ("sa", "b")))),
        ("cm,cm a", Arguments((("cm", "a"),))),
        ("cm/a sa/b", Arguments((("cm", "a"), ("sa", "b")))),
        ("cm", Arguments(types=("cm",))),
        ("cm,sa,cm", Arguments(types=("cm", "sa"))),
    ],
)
def test_what_is_named(words, read):
    assert parse_arguments(words.split()) == read


def test_an_empty_name_is_a_name():
    assert parse_arguments(["cm", ""]) == Arguments((("cm", ""),))


@pytest.mark.parametrize("words", [["cm"], ["cm,sa"]])
def test_a_selector_picks_of_types(words):
    assert parse_arguments(words, selecting=True).types == tuple(words[0].split(","))


def test_files_stand_alone_with_or_without_a_selector():
    assert parse_arguments([], files=True) == Arguments()
    assert parse_arguments([], files=True, selecting=True) == Arguments()


@pytest.mark.parametrize(
    ("words", "flags", "text"),
    [
        ("", {}, NOTHING_NAMED),
        ("cm/a b", {}, NO_TYPE_APART),
        ("cm sa/b", {}, NO_TYPE_APART),
        ("pods/x/y a", {}, NO_TYPE_APART),
        ("cm/a/b", {}, ONE_SLASH),
        ("cm,sa a/b", {}, ONE_SLASH),
        ("cm/", {}, ONE_AND_NAME),
        ("/a", {}, ONE_AND_NAME),
        ("cm,sa/a", {}, ONE_AND_NAME),
        ("cm,, a", {}, ONE_AND_NAME),
        ("cm a", {"selecting": True}, NO_NAMES),
        ("cm/a", {"selecting": True}, NO_SELECTOR),
        ("cm,sa a", {"selecting": True}, NO_SELECTOR),
        ("", {"selecting": True}, "at least one resource must be specified to use a selector"),
        ("cm", {"files": True}, NO_ARGUMENTS),
        ("cm a", {"files": True}, NO_ARGUMENTS),
        ("cm/a", {"files": True}, NO_PAIRS),
        ("cm/a", {"files": True, "selecting": True}, NO_PAIRS),
    ],
)
def test_what_does_not_go_together(words, flags, text):
    with pytest.raises(GitopsError) as refused:
        parse_arguments(words.split(), **flags)
    assert refused.value.message == text
