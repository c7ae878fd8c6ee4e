"""Five rewrites of one resource within a minute are a fight."""

from __future__ import annotations

from kubectl_gitops.operations.fights import Fights
from kubectl_gitops.resource import ResourceId

WEB = ResourceId("apps", "Deployment", "shop", "web")
DB = ResourceId("apps", "Deployment", "shop", "db")
BODY = {"spec": {"replicas": 2}}


def test_the_fifth_rewrite_within_a_minute_stops_a_resource() -> None:
    fights = Fights()
    assert [fights.rewritten(WEB, "rogue", BODY, t) for t in (0, 10, 20, 30)] == [""] * 4
    assert fights.rewritten(DB, "rogue", BODY, 31) == ""
    why = fights.rewritten(WEB, "rogue", BODY, 59)
    assert why == "rewritten 5 times within a minute: gitops and rogue do not agree"
    assert fights.stopped == {WEB: why}


def test_rewrites_that_come_slowly_are_drift() -> None:
    fights = Fights()
    assert [fights.rewritten(WEB, "x", BODY, 15.0 * n) for n in range(40)] == [""] * 40


def test_what_the_branch_says_otherwise_has_another_chance() -> None:
    fights = Fights()
    for id in (WEB, DB):
        for t in range(5):
            fights.rewritten(id, "rogue", BODY, t)
    fights.forget({WEB: {"spec": {"replicas": 3}}, DB: BODY}, 10)
    assert list(fights.stopped) == [DB]
    fights.forget({}, 10)
    assert fights.stopped == {}
