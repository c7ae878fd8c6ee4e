"""The flags that every command takes: kubectl's connection flags and ours for the store."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from kubectl_gitops.cli.candidates import contexts, directories, files, namespaces, targets
from kubectl_gitops.cli.flags import INTEGER
from kubectl_gitops.cluster.options import ConnectionOptions, parse_timeout

__all__ = ["ALLOW_PLAIN", "DRY_RUN", "Options", "shared_options"]

DRY_RUN = click.Choice(["none", "server"])
"""kubectl's `--dry-run`; `client` has no meaning here, since every apply is server-side."""


ALLOW_PLAIN = click.option(
    "--allow-plain",
    multiple=True,
    metavar="TYPE/NAME",
    help="commit what looks like a token in it all the same",
)
"""For the commands that a token in the clear stops; said again in the commit."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the shared flags of one command line say."""

    connection: ConnectionOptions
    target: str = ""
    repo: str = ""
    branch: str = ""
    path: str = ""
    key_file: str = ""
    warnings_as_errors: bool = False
    verbosity: int = 0


_STORE = (
    click.option(
        "--target",
        default="",
        metavar="NAME",
        help="which configured target to use",
        shell_complete=targets,
    ),
    click.option("--repo", default="", metavar="URL", help="the repository, without a target"),
    click.option("--branch", default="", metavar="NAME", help="the branch of the repository"),
    click.option(
        "--path",
        default="",
        metavar="DIR",
        help="the set's directory in the branch",
        shell_complete=directories,
    ),
    click.option(
        "--key-file",
        default="",
        metavar="FILE",
        help="the file with the keys",
        shell_complete=files,
    ),
)

_CONNECTION = (
    click.option(
        "--kubeconfig", default="", metavar="FILE", help="the kubeconfig file", shell_complete=files
    ),
    click.option("--context", default="", help="the kubeconfig context", shell_complete=contexts),
    click.option("--cluster", default="", help="the kubeconfig cluster"),
    click.option("--user", default="", help="the kubeconfig user"),
    click.option(
        "-n",
        "--namespace",
        default="",
        help="the namespace of this request",
        shell_complete=namespaces,
    ),
    click.option("-s", "--server", default="", metavar="URL", help="the API server"),
    click.option("--token", default="", help="bearer token for the API server"),
    click.option("--as", "as_user", default=None, help="user to impersonate"),
    click.option("--as-group", "as_groups", multiple=True, help="group to impersonate"),
    click.option("--as-uid", default="", help="uid to impersonate"),
    click.option("--as-user-extra", multiple=True, metavar="KEY=VALUE", hidden=True),
    click.option("--username", default="", hidden=True),
    click.option("--password", default="", hidden=True),
    click.option(
        "--certificate-authority",
        default="",
        metavar="FILE",
        help="the CA's certificate",
        shell_complete=files,
    ),
    click.option(
        "--client-certificate",
        default="",
        metavar="FILE",
        help="client certificate",
        shell_complete=files,
    ),
    click.option(
        "--client-key", default="", metavar="FILE", help="client key", shell_complete=files
    ),
    click.option("--insecure-skip-tls-verify", is_flag=True, help="do not verify the server"),
    click.option("--tls-server-name", default="", help="the name in the server's certificate"),
    click.option("--proxy-url", default="", hidden=True),
    click.option("--disable-compression", is_flag=True, hidden=True),
    click.option("--request-timeout", default="0", metavar="TIME", help="limit of one request"),
    click.option("--warnings-as-errors", is_flag=True, help="exit 1 on a warning of the server"),
    click.option(
        "-v", "--v", "verbosity", type=INTEGER, default=0, metavar="LEVEL", help="6: each request"
    ),
    *(
        click.option(f"--{name}", default="", hidden=True, expose_value=False)
        for name in (
            "cache-dir",
            "kuberc",
            "log-flush-frequency",
            "profile",
            "profile-output",
            "vmodule",
        )
    ),
    click.option("--match-server-version", is_flag=True, hidden=True, expose_value=False),
)

_CONNECTION_FIELDS = tuple(
    name for name in ConnectionOptions.__dataclass_fields__ if name != "request_timeout"
)


def shared_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the store's flags, and kubectl's so that any context can be named.

    They reach it as one argument, `options`.
    """

    @functools.wraps(command)
    def wrapped(**flags: Any) -> int:
        connection = ConnectionOptions(
            **{name: flags.pop(name) for name in _CONNECTION_FIELDS},
            request_timeout=parse_timeout(flags.pop("request_timeout")),
        )
        shared = {
            name: flags.pop(name) for name in Options.__dataclass_fields__ if name != "connection"
        }
        return command(options=Options(connection, **shared), **flags)

    for option in reversed((*_STORE, *_CONNECTION)):
        wrapped = option(wrapped)
    return wrapped
