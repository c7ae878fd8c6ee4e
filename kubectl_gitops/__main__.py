"""`kubectl gitops`: the entry point of the console scripts, of `python -m kubectl_gitops` and of
the program that krew installs.

krew links one file only (krew#812), so the program looks at the name that it was called by: as
`kubectl_complete-gitops` it answers kubectl's question for completions.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import MutableMapping
from pathlib import Path

COMPLETER = "kubectl_complete-gitops"
"""What kubectl runs for a TAB behind `kubectl gitops`."""

ASKED = "KUBECTL_GITOPS_COMPLETES"
"""How the script says it that `completion install` writes where there are no links."""

_LIBRARY_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LIBPATH")


def main() -> None:
    """Run the command line and end the process with its exit code."""
    if bundle := getattr(sys, "_MEIPASS", ""):
        restore_library_paths(os.environ, bundle)
    if Path(sys.argv[0]).stem == COMPLETER or os.environ.pop(ASKED, ""):
        from kubectl_gitops.cli.complete import answer

        sys.exit(answer(sys.argv[1:]))
    from kubectl_gitops.cli import run
    from kubectl_gitops.errors import Exit

    # A command makes much data and few cycles: looking for those again and again takes 7 % of it.
    gc.set_threshold(100_000, 50, 100)
    code = run(sys.argv[1:])
    if code in (Exit.INTERRUPTED, Exit.TERMINATED) and threading.active_count() > 1:
        # Python would wait for threads whose requests may hang as long as a server likes.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def restore_library_paths(environ: MutableMapping[str, str], bundle: str) -> None:
    """Undo what PyInstaller's bootloader did, for every process that we start.

    It puts the directory of its own libraries in front, keeping the former value in `…_ORIG`. ssh,
    git and a kubeconfig's credential plugin would load our OpenSSL in the place of theirs.
    """
    for name in _LIBRARY_PATHS:
        former = environ.pop(f"{name}_ORIG", None)
        if former is not None:
            environ[name] = former
        elif environ.get(name, "").split(os.pathsep)[0] == bundle:
            del environ[name]


if __name__ == "__main__":
    main()
