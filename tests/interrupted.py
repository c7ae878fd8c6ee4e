"""The program with something done by somebody else just before one of its steps.

`python -m tests.interrupted MODULE.NAME 'SHELL COMMAND' ARGUMENT…` runs the command line and, just
before the first call of that function, the shell command: a race that always has one winner.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from typing import Any

from kubectl_gitops.cli import run


def main() -> int:
    """Put the command in front of the function, then run."""
    where, command, *arguments = sys.argv[1:]
    module_name, _, name = where.rpartition(".")
    module = import_module(module_name)
    function = getattr(module, name)
    waiting = [command]

    def first_the_other(*positional: Any, **named: Any) -> Any:
        while waiting:
            subprocess.run(waiting.pop(), shell=True, check=True, capture_output=True)
        return function(*positional, **named)

    setattr(module, name, first_the_other)
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
