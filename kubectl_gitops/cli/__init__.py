"""The command line: flags in, one call of an operation, a result rendered.

stdout is data, stderr is talk. Every `GitopsError` ends here and nowhere else; anything that is
not one is a bug and says so. Modules of a command are loaded when that command is called, so that
`--help`, completion and `version` never load what talks to a cluster or to Git.
"""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from kubectl_gitops import __version__
from kubectl_gitops.cli import talk
from kubectl_gitops.errors import Exit, GitopsError

__all__ = ["commands", "run"]

_COMMANDS = {
    "apply": ("apply", "Commit manifests to the branch and apply them"),
    "completion": ("completion", "Let TAB complete kubectl gitops"),
    "delete": ("delete", "Remove resources from the branch and from the cluster"),
    "diff": ("inspect", "Show what pull, or apply -f, would change"),
    "doctor": ("doctor", "Tell what works: cluster, store, key, rights"),
    "edit": ("edit", "Change what the branch declares in your editor"),
    "history": ("past", "Show the revisions of resources, newest first"),
    "import": ("importing", "Record live resources that the branch does not have"),
    "init": ("init", "Bind a cluster to a branch of a repository"),
    "log": ("past", "Show the operations of the set, newest first"),
    "pull": ("pull", "Make the cluster equal to the branch"),
    "record": ("record", "Commit what was changed in the cluster by hand"),
    "resume": ("suspend", "Let pull go on after suspend"),
    "rollback": ("rollback", "Bring back what a resource, or the set, was"),
    "secret": ("secret", "Make keys, seal and open values"),
    "show": ("past", "Print a resource as it was"),
    "status": ("inspect", "Tell how every resource of the set stands"),
    "suspend": ("suspend", "Let pull leave the set, or a resource, alone"),
    "undo": ("rollback", "Take back a whole operation"),
    "verify": ("verify", "Check the history, the sealed values and the commits"),
    "version": ("version", "Print the version"),
}

# kubectl's exit code for a usage error; everywhere else it is 2.
_AS_KUBECTL = frozenset({"apply", "delete"})

_AS_PFLAG = ("flag needs an argument: ", "invalid argument ")
"""How the refusals of `kubectl_gitops.cli.flags` begin, which say all there is to say."""

_HELP = """Every change to a cluster is a commit first, and the branch can always make the cluster
again.

\b
The three that people use:
  kubectl gitops apply -f FILE     commit manifests and apply them
  kubectl gitops pull              make the cluster equal to the branch
  kubectl gitops history TYPE/NAME what a resource was, who changed it, and when

\b
To begin:
  kubectl gitops init --repo ~/cluster.git
"""


class _Commands(click.Group):
    """The commands by name, each loaded when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"kubectl_gitops.cli.{_COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands from the table; only a flag needs to be looked for."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [
            CompletionItem(name, help=about)
            for name, (_, about) in sorted(_COMMANDS.items())
            if name.startswith(incomplete)
        ]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in sorted(_COMMANDS.items())])


commands = _Commands(
    name="kubectl gitops",
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code of the process."""
    _keep_no_core()
    terminated: list[int] = []

    def terminate(number: int, _: object) -> None:
        terminated.append(number)
        raise KeyboardInterrupt

    # As an interrupt: what is under way ends, nothing else begins, and the person is told.
    former = signal.signal(signal.SIGTERM, terminate)
    try:
        return _run(arguments, terminated)
    finally:
        signal.signal(signal.SIGTERM, former)


def _keep_no_core() -> None:
    """A core file would hold keys and the values of Secrets."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def _run(arguments: Sequence[str], terminated: Sequence[int]) -> int:
    try:
        result = commands.main(list(arguments), prog_name="kubectl gitops", standalone_mode=False)
    except click.UsageError as error:
        return _usage(error, arguments)
    except (click.Abort, KeyboardInterrupt):
        word = "terminated" if terminated else "interrupted"
        talk.error(f"{word}; what was committed stays in the branch")
        talk.hint("kubectl gitops pull")
        return Exit.TERMINATED if terminated else Exit.INTERRUPTED
    except GitopsError as error:
        talk.failure(error)
        return _usage_exit(arguments) if error.exit is Exit.USAGE else error.exit
    except Exception as error:  # noqa: BLE001  the last resort: an exception's text may hold a Secret
        return _bug(error)
    return result if isinstance(result, int) else 0


def _bug(error: Exception) -> int:
    """What went wrong where, without the exception's own words, which may quote a value."""
    talk.error(f"this is a bug in kubectl gitops {__version__}: {type(error).__name__}")
    for frame in traceback.extract_tb(error.__traceback__)[-8:]:
        talk.say(f"  {Path(frame.filename).name}:{frame.lineno} in {frame.name}")
    talk.hint("kubectl gitops status   # what stands where")
    return Exit.FAILED


def _lowered(text: str) -> str:
    """Our own words begin in lower case; kubectl's, for the same mistakes, are kept."""
    return text if text.startswith("Unexpected args") else f"{text[:1].lower()}{text[1:]}"


def _usage(error: click.UsageError, arguments: Sequence[str]) -> int:
    """kubectl's words where it has some; asked for nothing at all, the help."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message())
        return 0
    command = next((word for word in arguments[:1] if word in _COMMANDS), "")
    program = f"kubectl gitops {command}".rstrip()
    if isinstance(error, click.NoSuchOption):
        talk.error(_unknown_flag(error.option_name))
        talk.say(f"See '{program} --help' for usage.")
        return _usage_exit(arguments)
    if error.message.startswith(_AS_PFLAG):
        talk.error(error.message)
        talk.say(f"See '{program} --help' for usage.")
        return _usage_exit(arguments)
    talk.error(_lowered(error.format_message().rstrip(".")))
    if command:
        talk.say(f"See '{program} -h' for help and examples")
    else:
        near = get_close_matches(arguments[0], _COMMANDS, 1)
        talk.hint(f"{program} {near[0] if near else '--help'}")
    return _usage_exit(arguments)


def _unknown_flag(name: str) -> str:
    if name.startswith("--"):
        return f"unknown flag: {name}"
    return f"unknown shorthand flag: '{name[1:]}' in {name}"


def _usage_exit(arguments: Sequence[str]) -> int:
    return Exit.FAILED if _AS_KUBECTL.intersection(arguments[:1]) else Exit.USAGE
