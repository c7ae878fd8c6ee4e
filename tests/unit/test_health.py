from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from kubectl_gitops.health import Health, Status, health

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)

CASES = yaml.safe_load(Path(__file__).with_name("health.yaml").read_text())


def parsed(text):
    status, _, message = text.partition(": ")
    return Health(Status(status), message)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_a_status_means(case):
    assert health(case["live"], NOW) == parsed(case["health"])


def test_what_is_not_there_is_not_found():
    assert health(None, NOW) == Health(Status.NOT_FOUND, "it does not exist")
