"""How often a piece of work calls functions of the program: what it costs, on any machine."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable
from typing import Any


def calls(work: Callable[[], Any], *functions: Callable[..., Any]) -> tuple[int, ...]:
    """Run `work`; how often each of the functions was called in this thread meanwhile."""
    profile = cProfile.Profile()
    profile.runcall(work)
    stats: Any = pstats.Stats(profile)
    counted = {place: row[1] for place, row in stats.stats.items()}
    return tuple(counted.get(_place(function), 0) for function in functions)


def _place(function: Any) -> tuple[str, int, str]:
    code = function.__code__
    return code.co_filename, code.co_firstlineno, code.co_name
