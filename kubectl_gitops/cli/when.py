"""Points in time as people give them: RFC 3339, a date, or how long ago."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import click

__all__ = ["WHEN"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_WORDS = {"second": "s", "minute": "m", "hour": "h", "day": "d", "week": "w"}
_AGO = re.compile(
    rf"(?P<count>\d{{1,9}})(?:(?P<unit>[smhdw])|[ .](?P<word>{'|'.join(_WORDS)})s?)(?:[ .]ago)?"
)


class _When(click.ParamType[datetime]):
    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """`2026-01-02T03:04:05Z`, `2026-01-02 03:04`, `2026-01-02`, `90m`, `3d`, `2 weeks ago`.

        Without an offset, by the clock of this machine.
        """
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        now = datetime.now().astimezone()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        named = {"now": now, "today": midnight, "yesterday": midnight - timedelta(days=1)}
        if text in named:
            return named[text]
        ago = _AGO.fullmatch(text)
        try:
            if ago:
                unit = ago["unit"] or _WORDS[ago["word"]]
                return now - timedelta(seconds=int(ago["count"]) * _UNITS[unit])
            return datetime.fromisoformat(text).astimezone()
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time: 2026-01-02T03:04:05Z, 2026-01-02, 90m, 2 weeks ago")


WHEN = _When()
"""The type of `--since`, `--until` and `--at`."""
