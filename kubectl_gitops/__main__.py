"""`kubectl gitops`: the entry point of the console script and of `python -m kubectl_gitops`."""

from __future__ import annotations

import sys

from kubectl_gitops.cli import run


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
