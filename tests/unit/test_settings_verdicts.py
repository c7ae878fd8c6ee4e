"""What dry-runs have said is a cache: complete, or of no consequence."""

from __future__ import annotations

import os
import time
from pathlib import Path

from kubectl_gitops.settings import Verdicts


def test_what_was_kept_holds_in_the_next_process(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "a"
    first = Verdicts.read(file)
    assert not first.holds("aa")
    first.keep("aa")
    assert first.holds("aa")
    first.save(whole=True)
    assert Verdicts.read(file).holds("aa")
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_look_at_the_whole_set_drops_what_was_not_used(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("aa\nbb\n")
    part = Verdicts.read(file)
    part.keep("cc")
    part.save(whole=False)
    assert file.read_text() == "aa\nbb\ncc\n"
    assert part.holds("bb")
    part.save(whole=True)
    assert file.read_text() == "bb\n"
    assert not part.holds("aa")


def test_a_day_later_everything_is_asked_again(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("aa\n")
    then = time.time() - 25 * 3600
    os.utime(file, (then, then))
    assert not Verdicts.read(file).holds("aa")


def test_a_cache_that_cannot_be_read_or_written_costs_dry_runs_only(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"\xff\xfe")
    assert not Verdicts.read(file).holds("aa")
    nowhere = Verdicts.read(file / "below" / "a")
    nowhere.keep("aa")
    nowhere.save(whole=True)
    assert nowhere.holds("aa")
    assert not Verdicts().holds("aa")
