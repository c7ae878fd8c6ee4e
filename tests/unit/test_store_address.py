from __future__ import annotations

from pathlib import Path

import pytest

from kubectl_gitops.errors import Exit, GitopsError
from kubectl_gitops.store.address import Address, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (
            "https://github.com/acme/infra.git",
            Address(
                "https://github.com/acme/infra.git", "https", "github.com", None, "/acme/infra.git"
            ),
        ),
        (
            "https://ada:p%40ss@example.com:8443/x?token=y#z",
            Address(
                "https://example.com:8443/x", "https", "example.com", 8443, "/x", "ada", "p@ss"
            ),
        ),
        ("http://[::1]:80/x", Address("http://[::1]:80/x", "http", "::1", 80, "/x")),
        (
            "file:///srv/a%20b.git",
            Address("file:///srv/a%20b.git", "file", "", None, "/srv/a b.git"),
        ),
        (
            "ssh://git@example.com:22/x.git",
            Address("ssh://git@example.com:22/x.git", "ssh", "example.com", 22, "/x.git", "git"),
        ),
        (
            "ssh://git:secret@example.com/x.git",
            Address(
                "ssh://git@example.com/x.git", "ssh", "example.com", None, "/x.git", "git", "secret"
            ),
        ),
        (
            "git@github.com:acme/infra.git",
            Address(
                "git@github.com:acme/infra.git", "ssh", "github.com", None, "acme/infra.git", "git"
            ),
        ),
        ("host:x.git", Address("host:x.git", "ssh", "host", None, "x.git")),
        ("git://example.com/x", Address("git://example.com/x", "git", "example.com", None, "/x")),
        ("/srv/store.git", Path("/srv/store.git")),
        ("store.git", Path("store.git")),
        ("./a:b", Path("a:b")),
        ("C:\\store.git", Path("C:\\store.git")),
    ],
)
def test_an_address_is_a_server_or_a_path(text, address):
    assert parse_address(text) == address


def test_the_home_directory_is_known(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    assert parse_address("~/store.git") == Path("/home/ada/store.git")


@pytest.mark.parametrize(
    "text",
    [
        "ext::sh -c touch% x",
        "fd::3",
        "ssh://-oProxyCommand=touch%20x/y",
        "ssh://-oProxyCommand=x@host/y",
        "ssh://user@-host/y",
        "ssh://host/-x",
        "-oProxyCommand=x:y",
        "-user@host:y",
        "host:-y",
        "http://-x/y",
        "ftp://example.com/x",
        "javascript://x/y",
        "https:///x",
        "https://example.com",
        "https://example.com/",
        "https://[::1/x",
        "https://example.com:99999/x",
        "file://elsewhere/x",
        "file:///",
        "https://example.com/x\nprotocol=ftp",
        "host:x\x7f",
        "",
    ],
)
def test_what_is_refused_is_refused_as_wrong_usage(text):
    with pytest.raises(GitopsError) as refused:
        parse_address(text)
    assert refused.value.exit is Exit.USAGE


@pytest.mark.parametrize(
    "text",
    [
        "https://ada:hunter2@/x",
        "https://ada:hunter2@example.com:99999/x",
        "ftp://ada:hunter2@example.com/x",
        "https://ada:hunter2@example.com/",
        "https://ada:hunter2@example.com/x\n",
    ],
)
def test_a_refusal_shows_no_password(text):
    with pytest.raises(GitopsError) as refused:
        parse_address(text)
    assert "hunter2" not in refused.value.message


def test_an_address_shows_no_password():
    address = parse_address("https://ada:hunter2@example.com/x")
    assert "hunter2" not in repr(address) + str(address)
