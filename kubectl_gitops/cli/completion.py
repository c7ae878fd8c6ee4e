"""`completion`: the one file that kubectl needs so that TAB knows this plugin.

kubectl asks `kubectl_complete-gitops` on the PATH. pip makes that script; krew links one file only
(krew#812), so here the link is made beside the one to the program.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.candidates import directories
from kubectl_gitops.cli.flags import DropIn
from kubectl_gitops.errors import GitopsError, printable

__all__ = ["completion_command"]

_PROGRAM = "kubectl-gitops"
_COMPLETER = "kubectl_complete-gitops"


@click.group("completion", short_help="Let TAB complete kubectl gitops")
def completion_command() -> None:
    """Let TAB complete commands, flags, targets, resources and revisions.

    The shell's own part is kubectl's: kubectl completion --help. More in docs/completion.md.

    \b
    Examples:
      kubectl gitops completion install
      source <(kubectl completion bash)
    """


@completion_command.command(
    "install", cls=DropIn, short_help="Make what kubectl looks for on the PATH"
)
@click.option(
    "--dir",
    "folder",
    default="",
    metavar="DIR",
    help="where on the PATH; default: beside the program",
    shell_complete=directories,
)
def install_command(folder: str) -> int:
    """Put kubectl_complete-gitops on the PATH, where kubectl looks for it.

    More in docs/completion.md.

    \b
    Examples:
      kubectl gitops completion install
      kubectl gitops completion install --dir ~/bin
    """
    found = shutil.which(_COMPLETER)
    if found and not folder:
        talk.note(f"{printable(found)} is there already")
    else:
        made = _install(_program(), Path(folder).expanduser() if folder else None)
        talk.note(f"made {printable(str(made))}")
    talk.hint("kubectl completion --help   # the shell's own part, if TAB does nothing yet")
    return 0


def _program() -> Path:
    """The program as it stands on the PATH; the link itself, for krew moves it on an upgrade."""
    found = shutil.which(_PROGRAM)
    if found is None:
        raise GitopsError(
            f"there is no {_PROGRAM} on the PATH, so kubectl does not find the plugin", "echo $PATH"
        )
    return Path(found).absolute()


def _install(program: Path, folder: Path | None) -> Path:
    """A link to the program, or a script where links are not to be had; the file that was made."""
    made = (folder or program.parent).absolute() / _COMPLETER
    try:
        made.parent.mkdir(parents=True, exist_ok=True)
        if sys.platform == "win32":
            made = made.with_suffix(".cmd")
            made.write_text(f'@set KUBECTL_GITOPS_COMPLETES=1\n@"{program}" %*\n', "utf-8")
        else:
            made.unlink(missing_ok=True)
            near = program.parent == made.parent
            made.symlink_to(program.name if near else program)
    except OSError as error:
        reason = printable((error.strerror or type(error).__name__).lower())
        raise GitopsError(
            f"cannot write {printable(str(made))}: {reason}",
            "kubectl gitops completion install --dir ~/bin   # a directory of the PATH",
        ) from error
    if str(made.parent) not in os.get_exec_path():
        talk.warning(
            f"{printable(str(made.parent))} is not on the PATH: kubectl does not look there"
        )
    return made
