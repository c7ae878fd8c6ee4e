"""`doctor`: one screen on what works, and what to run where something does not."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click

from kubectl_gitops import __version__
from kubectl_gitops.cli.flags import DropIn
from kubectl_gitops.cli.options import Options, shared_options
from kubectl_gitops.cli.pager import wants_colour
from kubectl_gitops.cli.session import connect_cluster, keyring_for, open_target_store
from kubectl_gitops.errors import Exit, GitopsError, printable
from kubectl_gitops.operations.doctor import Condition, Part, examine

__all__ = ["doctor_command"]

_KUBECTL_SECONDS = 10.0
_COMPLETION = "kubectl_complete-gitops"


@click.command("doctor", cls=DropIn, short_help="Tell what works: cluster, store, key, rights")
@click.option("-o", "--output", type=click.Choice(["json"]), help="one document for programs")
@shared_options
def doctor_command(options: Options, output: str | None) -> int:
    """Tell what works of all that a command needs, and what to run where something does not.

    Nothing is changed. Exit code 1 if anything fails. More in docs/questions.md.

    \b
    Examples:
      kubectl gitops doctor
      kubectl gitops doctor --context prod -o json
    """
    from kubectl_gitops.render.doctor import doctor_body, doctor_text
    from kubectl_gitops.render.texts import as_json

    parts = [_versions(), *_parts(options), _completion(), _strays()]
    if output:
        click.echo(as_json(doctor_body(parts)))
    else:
        click.echo(doctor_text(parts, colour=wants_colour()), nl=False)
    return Exit.FAILED if any(one.condition is Condition.FAILED for one in parts) else 0


def _parts(options: Options) -> Iterator[Part]:
    """What is configured, opened as a command would open it."""
    from kubectl_gitops.cluster import current_context
    from kubectl_gitops.ports import Cluster, Store
    from kubectl_gitops.settings import Target

    cluster: Cluster | GitopsError
    store: Store | GitopsError
    context, target = "", Target("", "")
    try:
        context = current_context(options.connection)
        cluster = connect_cluster(options)
    except GitopsError as error:
        cluster = error
    try:
        target, store = open_target_store(options, context)
        name = f"target {target.name}: " if target.name else ""
        where = f"{name}{target.branch} of {target.url}"
        yield Part("target", Condition.OK, where + (f", {target.path}/" if target.path else ""))
    except GitopsError as error:
        store = error
        yield Part.failed("target", error)
    yield from examine(cluster, store, target.path, keyring_for(target, options))


def _versions() -> Part:
    ours = f"kubectl-gitops {__version__}, Python {platform.python_version()}, {platform.system()}"
    try:
        return Part("versions", Condition.OK, f"{ours}; kubectl {_kubectl_version()}")
    except GitopsError as error:
        return Part.failed("versions", error)


def _kubectl_version() -> str:
    """What the kubectl that called us, or the one on the PATH, says of itself."""
    kubectl = os.environ.get("KUBECTL_PATH") or shutil.which("kubectl")
    if kubectl is None:
        raise GitopsError("there is no kubectl on the PATH", "echo $PATH")
    command = [kubectl, "version", "--client", "-o", "json"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_KUBECTL_SECONDS, check=True)
        return printable(str(json.loads(done.stdout)["clientVersion"]["gitVersion"]))
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, TypeError) as error:
        raise GitopsError(
            f"{printable(kubectl)} does not tell its version", "kubectl version --client"
        ) from error


def _completion() -> Part:
    found = shutil.which(_COMPLETION)
    if found:
        return Part("completion", Condition.OK, printable(found))
    message = f"no {_COMPLETION} on the PATH, so TAB knows nothing of this plugin"
    return Part("completion", Condition.NOTE, message, ("kubectl gitops completion install",))


def _strays() -> Part:
    """Plugins that kubectl takes for ours: the longest name on the PATH wins."""
    from kubectl_gitops.cli import commands

    ours = {
        f"kubectl-gitops-{name}": name for name in commands.list_commands(click.Context(commands))
    }
    found = [path for path in _on_path("kubectl-gitops-*") if path.stem in ours]
    if not found:
        return Part("plugins", Condition.OK, "no other plugin takes the place of a command")
    shadowed = ", ".join(
        f"{printable(str(path))} is run in the place of kubectl gitops {ours[path.stem]}"
        for path in found
    )
    hints = tuple(f"ls -l {printable(str(path))}   # rename or remove it" for path in found)
    return Part("plugins", Condition.FAILED, shadowed, hints)


def _on_path(pattern: str) -> Iterator[Path]:
    for folder in dict.fromkeys(os.get_exec_path()):
        for path in sorted(Path(folder).glob(pattern)) if folder else ():
            if path.is_file() and os.access(path, os.X_OK):
                yield path
