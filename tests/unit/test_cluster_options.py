"""kubectl's connection flags as data."""

import pytest

from kubectl_gitops.cluster import ConnectionOptions, parse_timeout
from kubectl_gitops.cluster.options import parse_duration
from kubectl_gitops.errors import Exit, GitopsError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", None),
        ("0s", None),
        ("30", 30.0),
        ("30s", 30.0),
        ("1m30s", 90.0),
        ("1h", 3600.0),
        ("1.5h", 5400.0),
        (".5s", 0.5),
        ("250ms", 0.25),
        ("100us", 0.0001),
        ("100µs", 0.0001),
    ],
)
def test_a_timeout_is_read_as_kubectl_reads_it(text: str, seconds: float | None) -> None:
    assert parse_timeout(text) == pytest.approx(seconds) if seconds else seconds is None


@pytest.mark.parametrize("text", ["", "abc", "30 s", "1m30", "-5", "-5s", "s", "1d", "1m 30s", "٣"])
def test_what_is_no_timeout_is_refused(text: str) -> None:
    with pytest.raises(GitopsError) as refused:
        parse_timeout(text)
    assert refused.value.message == (
        "invalid timeout value: it must be a single integer in seconds, or an integer followed by"
        " a time unit (1s | 2m | 3h)"
    )
    assert refused.value.exit is Exit.USAGE


def test_options_do_not_show_credentials() -> None:
    shown = repr(ConnectionOptions(token="hunter2", username="ada", password="hunter3"))
    assert "ada" in shown
    assert "hunter" not in shown


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0.0), ("-0", 0.0), ("1m30s", 90.0), ("-1s", -1.0), ("+1s", 1.0), ("1.5h", 5400.0)],
)
def test_a_duration_is_read_as_go_reads_it(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", 'time: invalid duration ""'),
        ("-", 'time: invalid duration "-"'),
        ("x", 'time: invalid duration "x"'),
        ("5", 'time: missing unit in duration "5"'),
        ("1m5", 'time: missing unit in duration "1m5"'),
        ("5d", 'time: unknown unit "d" in duration "5d"'),
    ],
)
def test_what_is_no_duration_is_refused_in_gos_words(text: str, why: str) -> None:
    with pytest.raises(GitopsError) as refused:
        parse_duration(text)
    assert refused.value.message == why
