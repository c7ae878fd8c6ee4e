"""Where nothing may be kept between two commands, everything works all the same."""

from __future__ import annotations

from pathlib import Path

from tests.bound import Bound, config_map


def test_a_cache_and_a_data_directory_that_may_not_be_written(bound: Bound) -> None:
    """Root may write anywhere: so the directories are files."""
    for name in (".cache", ".local"):
        path = Path(name)
        if path.exists():
            path.rename(f"{name}-before")
        path.write_text("")
    done = bound.apply(config_map(bound.namespace, "a", x="1"))
    assert done.stdout == "configmap/a created\n"
    assert done.stderr.startswith("kubectl-gitops: committed ")
    assert bound("pull").stdout == ""
    assert "InSync" in bound("status").stdout
    assert "created" in bound("history", "configmap/a").stdout


def test_a_configuration_directory_that_may_not_be_written(bound: Bound) -> None:
    Path(".config").rename("before")
    Path(".config").write_text("")
    home = ["--home-namespace", bound.namespace]
    run = bound("init", "--repo", bound.repo, *home, exit=1)
    error, hint = run.stderr.splitlines()[-2:]
    assert error.startswith(f"error: cannot write {Path('.config').absolute()}/kubectl-gitops/")
    assert hint == "hint: export XDG_CONFIG_HOME=DIR   # where you may write"
