"""`kubectl gitops`: the entry point of the console script and of `python -m kubectl_gitops`."""

from __future__ import annotations

import gc
import os
import sys
import threading

from kubectl_gitops.cli import run
from kubectl_gitops.errors import Exit


def main() -> None:
    """Run the command line and end the process with its exit code."""
    # A command makes much data and few cycles: looking for those again and again takes 7 % of it.
    gc.set_threshold(100_000, 50, 100)
    code = run(sys.argv[1:])
    if code in (Exit.INTERRUPTED, Exit.TERMINATED) and threading.active_count() > 1:
        # Python would wait for threads whose requests may hang as long as a server likes.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
