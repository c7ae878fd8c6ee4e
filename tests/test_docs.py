"""The pages, the help texts and the hints agree with the program, and with each other."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import click
import pytest

from kubectl_gitops.cli import commands
from kubectl_gitops.errors import Exit
from kubectl_gitops.health import Status
from kubectl_gitops.history import Revision
from kubectl_gitops.message import Message, Signature
from kubectl_gitops.operations.doctor import Condition, Part
from kubectl_gitops.operations.inspect import State
from kubectl_gitops.operations.journal import Operation
from kubectl_gitops.operations.past import Told
from kubectl_gitops.operations.verify import Check, Finding
from kubectl_gitops.render.doctor import doctor_body
from kubectl_gitops.render.findings import findings_body
from kubectl_gitops.render.past import history_body, operations_body
from kubectl_gitops.resource import ResourceId
from kubectl_gitops.settings import parse_store_settings
from tests.live.beside_kubectl import Meant

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md")))
SOURCES = tuple(sorted((ROOT / "kubectl_gitops").rglob("*.py")))

CALL = re.compile(r"kubectl gitops\b([^|;&<>]*)")
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
WORD = re.compile(r"[a-z]+")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def all_commands() -> Iterator[tuple[str, click.Command]]:
    """Every command by its words, those of groups included."""
    context = click.Context(commands)
    for name in commands.list_commands(context):
        command = commands.get_command(context, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", below) for sub, below in command.commands.items())


COMMANDS = dict(all_commands())
each_command = pytest.mark.parametrize("name", COMMANDS)


def flags(command: click.Command) -> set[str]:
    context = click.Context(command, help_option_names=["-h", "--help"])
    params = command.get_params(context)
    return {flag for param in params for flag in (*param.opts, *param.secondary_opts)}


ALL_FLAGS = set[str]().union(*map(flags, COMMANDS.values()))


def problems(text: str) -> list[str]:
    """What the program would not understand of each `kubectl gitops …` in a text."""
    return [problem for call in CALL.findall(text) for problem in misunderstood(call)]


def misunderstood(call: str) -> Iterator[str]:
    words = [word for word in split(call) if word != "…"]
    names = [word for word in words if not word.startswith("-")]
    if not names or not WORD.fullmatch(names[0]):
        return
    name = names[0]
    if isinstance(COMMANDS.get(name), click.Group) and len(names) > 1:
        name = f"{name} {names[1]}"
    if name not in COMMANDS:
        yield f"no command {name}"
        return
    known = flags(COMMANDS[name])
    for word in words:
        flag = word.partition("=")[0]
        if re.fullmatch(r"-[a-zA-Z]|--[a-z-]+", flag) and flag not in known:
            yield f"{name} has no flag {flag}"


def split(call: str) -> list[str]:
    try:
        return shlex.split(call, comments=True)
    except ValueError:  # an apostrophe of the prose behind it
        return call.split()


def code(page: Path) -> tuple[list[str], list[str]]:
    """The lines of code blocks, and the spans in the text between them."""
    lines: list[str] = []
    text: list[str] = []
    fenced = False
    for line in page.read_text("utf-8").splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            lines.append(line)
        else:
            text.append(line)
    return lines, [span.replace("\n", " ") for span in re.findall(r"`([^`]+)`", "\n".join(text))]


def test_the_check_finds_what_is_no_command_and_no_flag() -> None:
    assert problems("kubectl gitops aply -f x; cat x | kubectl gitops secret open") == [
        "no command aply",
        "no command secret open",
    ]
    assert problems("kubectl gitops pull --yes --prun=false -n shop  # --nope") == [
        "pull has no flag --prun"
    ]
    assert problems("kubectl gitops history deployment/web -n shop --patch --limit 1") == []


@each_page
def test_every_command_a_page_shows_is_one_the_program_understands(page: Path) -> None:
    lines, spans = code(page)
    wrong = [(line, problem) for line in (*lines, *spans) for problem in problems(line)]
    assert wrong == []


@each_page
def test_every_flag_a_page_names_by_itself_is_a_flag_of_some_command(page: Path) -> None:
    _, spans = code(page)
    named = {span.split()[0].partition("=")[0] for span in spans if span.startswith("--")}
    assert named - ALL_FLAGS == set()


@each_page
def test_links_between_pages_resolve(page: Path) -> None:
    text = page.read_text("utf-8")
    links = [link for link in LINK.findall(text) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = LINK.findall(page.read_text("utf-8"))
        waiting += [(page.parent / link).resolve() for link in links if "://" not in link]
    assert [str(page) for page in PAGES if page not in reached] == []


@each_command
def test_every_command_has_help_with_two_examples_that_the_program_understands(name: str) -> None:
    examples = (COMMANDS[name].help or "").partition("Examples:")[2]
    assert problems(examples.replace("\n", " ; ")) == []
    lines = [line.strip() for line in examples.splitlines() if line.strip()]
    calls = [line for line in lines if re.search(r"kubectl (gitops )?[a-z]", line)]
    assert len(calls) >= 2
    own = [line for line in calls if f"kubectl gitops {name}" in line]
    assert own or isinstance(COMMANDS[name], click.Group)


@each_command
def test_every_command_is_summed_up_in_one_line(name: str) -> None:
    first = (COMMANDS[name].help or "").splitlines()[0]
    assert first[:1].isupper()
    assert first.endswith((".", ","))
    assert len(first) <= 100
    assert COMMANDS[name].get_short_help_str(200)


@each_command
def test_the_help_of_every_command_leads_to_a_page(name: str) -> None:
    (page,) = re.findall(r"docs/[a-z-]+\.md", COMMANDS[name].help or "")
    assert (ROOT / page).is_file()


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(ROOT)))
def test_every_hint_is_a_command_of_the_program(source: Path) -> None:
    texts = literals(ast.parse(source.read_text("utf-8")))
    found = {problem for text in texts for problem in problems(text)}
    assert found == set()


def literals(tree: ast.AST) -> Iterator[str]:
    """The texts that begin as a command, with `X` where a value is put in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        elif isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "X" for part in node.values)
            text = "".join(map(str, parts))
        else:
            continue
        if text.startswith("kubectl gitops "):
            yield text


@pytest.mark.parametrize("name", ["plugin.yaml", "krew-manifest.yaml"])
def test_what_is_handed_out_names_commands_of_the_program(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith("    kubectl gitops ")]
    spans = [span.replace("\n", " ") for span in re.findall(r"`([^`]+)`", text)]
    wrong = [(line, problem) for line in (*lines, *spans) for problem in problems(line)]
    assert wrong == []


def test_every_page_that_the_source_names_exists() -> None:
    named = {
        page for source in SOURCES for page in re.findall(r"docs/[\w./-]+\.md", source.read_text())
    }
    assert [page for page in sorted(named) if not (ROOT / page).is_file()] == []


def test_the_readme_names_the_commands_that_do_everything() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    lines, spans = code(ROOT / "README.md")
    named = set(re.findall(r"\bmake ([a-z]+)", "\n".join([*lines, *spans])))
    assert {"demo", "test"} <= named <= targets


def table(page: str, heading: str) -> dict[str, str]:
    """First cell → the rest, of the first table behind a heading."""
    text = (DOCS / page).read_text("utf-8").partition(heading)[2]
    rows = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert rows is not None
    cells = [line.strip("|").split("|", 1) for line in rows[0].splitlines()[2:]]
    return {name: rest for first, rest in cells for name in first.replace("`", "").split(",")}


def names(page: str, heading: str) -> list[str]:
    return [name.strip() for name in table(page, heading)]


def test_the_exit_codes_are_those_of_the_program() -> None:
    assert names("exit-codes.md", "# Exit codes") == ["0", *(str(int(code)) for code in Exit)]


def test_the_states_and_the_words_of_health_are_those_of_the_program() -> None:
    assert names("pull.md", "## The states") == [str(state) for state in State]
    health = table("output.md", "`Status`")[" health "].replace("or", "")
    assert re.findall("`(\\w+)`", health) == [*map(str, Status), "null"]


def test_the_fields_of_a_revision_are_those_of_the_program() -> None:
    commit = "0" * 40
    revision = Revision(
        resource=ResourceId("", "ConfigMap", "shop", "settings"),
        path="settings.yaml",
        revision=1,
        commit=commit,
        time="2026-01-02T03:04:05+00:00",
        author="Anna <anna@example.com>",
        user="anna",
        operation="apply",
        reason="",
        patch=None,
        before=None,
        after=commit,
        previous=None,
    )
    (item,) = history_body([Told(revision, "created")])["items"]
    assert names("output.md", "`RevisionList`") == list(item)


def test_the_fields_of_an_operation_are_those_of_the_program() -> None:
    message = Message(Signature("Anna", "anna@example.com", 0), "apply", operation="apply")
    (item,) = operations_body([Operation("0" * 40, message, ())])["items"]
    assert names("output.md", "`OperationList`") == list(item)


def test_the_fields_of_a_finding_are_those_of_the_program() -> None:
    (item,) = findings_body([Finding(Check.BRANCH, "x")])["items"]
    assert names("output.md", "`Findings`") == list(item)
    checks = table("output.md", "`Findings`")[" check "]
    assert re.findall("`(\\w+)`", checks) == [str(check) for check in Check]


def test_the_fields_of_what_doctor_says_are_those_of_the_program() -> None:
    (item,) = doctor_body([Part("key", Condition.OK, "all")])["items"]
    assert names("output.md", "`Doctor`") == list(item)
    assert re.findall("`(\\w+)`", table("output.md", "`Doctor`")[" condition "]) == [*Condition]


def test_the_settings_that_are_shown_can_be_read() -> None:
    lines, _ = code(DOCS / "branch.md")
    begin = next(number for number, line in enumerate(lines) if "format = 1" in line)
    end = next(number for number, line in enumerate(lines) if line.startswith("    pointers"))
    settings = parse_store_settings(dedent("\n".join(lines[begin : end + 1])))
    assert (settings.set_name, len(settings.seals), len(settings.ignores)) == ("shop", 1, 1)


def test_the_record_of_the_history_is_shown_with_all_its_fields() -> None:
    shown = (DOCS / "branch.md").read_text("utf-8").partition('{"format": 1')[2]
    fields = re.findall(r'"(\w+)": ', shown.partition("(On one line")[0])
    own = [*inspect.signature(Revision).parameters]
    inner = {"group", "kind", "namespace", "name", "op", "value"}
    assert list(dict.fromkeys(field for field in fields if field not in inner)) == own


def test_every_difference_from_kubectl_that_a_test_allows_is_in_the_table() -> None:
    rows = re.findall(r"^\| (.+?) \| .+ \|$", (DOCS / "differences.md").read_text("utf-8"), re.M)
    assert [meant for meant in Meant if not any(row.startswith(meant) for row in rows)] == []
