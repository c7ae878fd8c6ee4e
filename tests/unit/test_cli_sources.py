"""What `-f` means, as kubectl means it: tests ask kubectl itself where it needs no cluster."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kubectl_gitops.cli.sources import Source, read_sources
from kubectl_gitops.errors import GitopsError

TREE = [
    "a.yaml",
    "b/1.yaml",
    "b/c/2.json",
    "b.yaml",
    "c.yml",
    "d.txt",
    "e.yaml.bak",
    ".hidden.yaml",
    ".yaml",
    "f.YAML",
    "g*.yaml",
    "empty/readme.md",
]


@pytest.fixture
def tree() -> Path:
    """Files that each hold a ConfigMap named after its place; the current directory."""
    for number, name in enumerate(TREE):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f'{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "n{number}"}}}}'
        )
    return Path()


def names(*values: str, recursive: bool = False) -> list[str]:
    return [source.name for source in read_sources(values, recursive=recursive)]


def error(*values: str, recursive: bool = False) -> str:
    with pytest.raises(GitopsError) as caught:
        read_sources(values, recursive=recursive)
    return caught.value.message


def asked_of_kubectl(values: list[str]) -> subprocess.CompletedProcess[str]:
    """`kubectl annotate --local` reads its input as `apply` does, and asks no cluster."""
    flags = [flag for value in values for flag in (value if value == "-R" else f"-f{value}",)]
    return subprocess.run(
        ["kubectl", "annotate", "--local", "-o", "name", *flags, "z=z"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


# Files, directories and patterns


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (["a.yaml"], ["a.yaml"]),
        (["b.yaml", "a.yaml"], ["b.yaml", "a.yaml"]),
        (["b.yaml,a.yaml", "c.yml"], ["b.yaml", "a.yaml", "c.yml"]),
        (["d.txt"], ["d.txt"]),
        (["b"], ["b/1.yaml"]),
        (["b/"], ["b/1.yaml"]),
        (["b", "-R"], ["b/1.yaml", "b/c/2.json"]),
        (["."], [".hidden.yaml", ".yaml", "a.yaml", "b.yaml", "c.yml", "g*.yaml"]),
        (
            [".", "-R"],
            [
                ".hidden.yaml",
                ".yaml",
                "a.yaml",
                "b/1.yaml",
                "b/c/2.json",
                "b.yaml",
                "c.yml",
                "g*.yaml",
            ],
        ),
        (["*.yaml"], [".hidden.yaml", ".yaml", "a.yaml", "b.yaml", "g*.yaml"]),
        (["g*.yaml"], ["g*.yaml"]),
        (["[ab].y?ml"], ["a.yaml", "b.yaml"]),
        (["*/*.yaml"], ["b/1.yaml"]),
        (["**/*.json"], []),
        (["a.yaml", "a.yaml"], ["a.yaml", "a.yaml"]),
    ],
)
def test_the_files_that_kubectl_reads_are_read_in_its_order(tree, values, read):
    recursive = "-R" in values
    given = [value for value in values if value != "-R"]

    answer = asked_of_kubectl(values)

    if not read:
        assert f"error: {error(*given)}\n" == answer.stderr
        return
    assert names(*given, recursive=recursive) == read
    expected = [f"configmap/n{TREE.index(name)}" for name in read]
    assert answer.stdout.split() == expected


@pytest.mark.parametrize("value", ["nothing.yaml", "*.nothing", "nothing/", "empty", "a.yaml,"])
def test_what_is_not_there_is_said_in_kubectls_words(tree, value):
    answer = asked_of_kubectl([value])
    assert f"error: {error(value)}\n" == answer.stderr


def test_an_empty_value_names_nothing():
    assert names("") == []


def test_a_name_that_is_too_long_for_a_file_is_not_there():
    assert error("a" * 300) == f'the path "{"a" * 300}" does not exist'


def test_the_content_is_the_files(tree):
    Path("a.yaml").write_bytes(b"\xff\x00")
    assert read_sources(["a.yaml"], recursive=False) == [Source("a.yaml", b"\xff\x00")]


def test_an_absolute_path_keeps_its_name(tree):
    path = str(Path("a.yaml").resolve())
    assert names(path) == [path]


def test_links_to_files_are_read_and_broken_ones_are_named(tree):
    Path("b/link.yaml").symlink_to("../a.yaml")
    assert names("b") == ["b/1.yaml", "b/link.yaml"]
    Path("broken.yaml").symlink_to("nowhere")
    assert error("broken.yaml") == "broken.yaml cannot be read: No such file or directory"


def test_what_may_not_be_read_is_named(tree):
    Path("loop.yaml").symlink_to("loop.yaml")
    assert error("loop.yaml") == "loop.yaml cannot be read: Too many levels of symbolic links"


@contextmanager
def as_nobody():
    """Without root's rights, which nothing is forbidden to."""
    Path().chmod(0o755)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_directory_that_may_not_be_listed_is_named(tree):
    Path("b").chmod(0)
    try:
        with as_nobody():
            assert error("b") == "b cannot be read: Permission denied"
            assert error(".", recursive=True) == ". cannot be read: Permission denied"
    finally:
        Path("b").chmod(0o755)


def test_a_name_is_safe_to_print():
    assert error("a\x1b[2J") == 'the path "a\\x1b[2J" does not exist'


# Standard input


def test_standard_input_is_read_once(monkeypatch, tree):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"kind: x")))
    assert read_sources(["a.yaml,-"], recursive=False)[1:] == [Source("STDIN", b"kind: x")]


@pytest.mark.parametrize("values", [["-", "-"], ["-,-"]])
def test_standard_input_cannot_be_given_twice(monkeypatch, values):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"kind: x")))
    assert f"error: {error(*values)}\n" == asked_of_kubectl(values).stderr


# URLs

NOT_FOUND = "server reported 404 Not Found, status code=404"
Answer = tuple[int, bytes] | None


@contextmanager
def served(*answers: Answer) -> Iterator[tuple[str, list[str]]]:
    """A server that gives these answers in turn, the last for ever; None breaks off."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.headers.get('Authorization', '')}{self.path}")
            answer = answers[min(len(asked), len(answers)) - 1]
            if answer is None:
                self.close_connection = True
                return
            status, content = answer
            self.send_response(status)
            if status == 302:
                self.send_header("Location", content.decode())
            # One byte more than there is: the reader sees the connection break off.
            self.send_header("Content-Length", str(len(content) + (content == b"cut")))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, which no test waits for."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


def test_a_url_is_read_and_named_as_it_was_given(pauses):
    with served((200, b"kind: x")) as (url, asked):
        assert read_sources([f"{url}/a.txt?b=c"], recursive=False) == [
            Source(f"{url}/a.txt?b=c", b"kind: x")
        ]
    assert (asked, pauses) == (["/a.txt?b=c"], [])


def test_a_redirection_is_followed(pauses):
    with served((302, b"/b.yaml"), (200, b"kind: x")) as (url, asked):
        assert read_sources([f"{url}/a.yaml"], recursive=False)[0].content == b"kind: x"
    assert asked == ["/a.yaml", "/b.yaml"]


def test_user_and_password_of_an_address_are_sent_and_not_told(pauses):
    with served((302, b"/b"), (404, b"")) as (url, asked):
        with_password = url.replace("//", "//ada:cor%40rect@") + "/a?b=c@d"
        message = error(with_password)
        assert message == f'unable to read URL "{url}/a?b=c@d", {NOT_FOUND}'
    assert asked == ["Basic YWRhOmNvckByZWN0/a?b=c@d", "/b"]
    with served((200, b"kind: x")) as (url, _):
        given = url.replace("//", "//ada:correct@") + "/a"
        assert read_sources([given], recursive=False) == [Source(f"{url}/a", b"kind: x")]


@pytest.mark.parametrize("failure", [(503, b""), None, (200, b"cut")])
def test_a_failure_of_the_server_is_tried_three_times(pauses, failure):
    with served(failure, failure, (200, b"kind: x")) as (url, asked):
        assert read_sources([f"{url}/a"], recursive=False)[0].content == b"kind: x"
    assert (asked, pauses) == (["/a"] * 3, [1, 1])


@pytest.mark.parametrize(
    ("answer", "attempts", "said"),
    [
        ((404, b""), 1, NOT_FOUND),
        ((500, b""), 3, "server reported 500 Internal Server Error, status code=500"),
        (None, 3, "Remote end closed connection without response"),
        ((200, b"cut"), 3, "IncompleteRead(3 bytes read, 1 more expected)"),
    ],
)
def test_what_cannot_be_had_is_said_with_the_reason(pauses, answer, attempts, said):
    with served(answer) as (url, asked):
        assert error(f"{url}/a") == f'unable to read URL "{url}/a", {said}'
    assert asked == ["/a"] * attempts


def test_what_the_server_says_is_kubectls_text(pauses):
    with served((404, b"")) as (url, _):
        answer = asked_of_kubectl([f"{url}/a"])
        assert f"error: {error(f'{url}/a')}\n" == answer.stderr


def test_an_address_where_nobody_listens_is_said_as_kubectl_says_it(pauses):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/a"
        said = error(url)
        assert pauses == [1, 1]
        assert f"{said}\n" == asked_of_kubectl([url]).stderr


@pytest.mark.parametrize("url", ["http://[::1/a", "http://127.0.0.1:port/a", "https://"])
def test_an_address_that_is_none_is_said(pauses, url):
    assert error(url).startswith(f'unable to read URL "{url}", ')
