"""No schedule of the write protocol loses a change in silence, and every rule of it is needed.

All schedules of each scene are walked under all rules. Then one rule at a time is taken away, and
the shortest schedule that now breaks a promise is asserted: read as a text, it is why the rule is
there.

`pytest -s tests/properties/test_protocol.py` prints how many states each scene has.
"""

from __future__ import annotations

from dataclasses import fields

import pytest

from tests.properties.scenes import SCENES
from tests.properties.schedules import Scene, Search
from tests.properties.steps import Rules

NEEDED: dict[str, tuple[Rules, str, str]] = {
    "the commit is pushed before the cluster is touched": (
        Rules(push_first=False),
        "two people change one resource",
        """
ann      fetch    C0 (web=0)
ann      observe  web=0
ann      apply    web=a of C1: ok
=> the cluster holds web=a, which no commit holds
""",
    ),
    "a PATCH carries the resourceVersion": (
        Rules(patch_versions=False),
        "two people change one resource",
        """
ann      fetch    C0 (web=0)
ann      observe  web=0
ann      push     C1 (web=a)
bob      fetch    C1 (web=a)
bob      observe  web=0
bob      push     C2 (web=b)
bob      apply    web=b of C2: ok
ann      apply    web=a of C1: ok
=> it puts C1 of web over C2
""",
    ),
    "a DELETE carries the resourceVersion": (
        Rules(delete_versions=False),
        "one deletes what another changes, with a pull",
        """
ann      fetch    C0 (web=0)
ann      observe  web=0
ann      push     C1 (web=-)
bob      fetch    C1 (web=-)
bob      observe  web=0
bob      push     C2 (web=b)
bob      apply    web=b of C2: ok
ann      apply    web=- of C1: ok
=> it puts C1 of web over C2
""",
    ),
    "who has nothing to commit fetches again": (
        Rules(fetches_again=False),
        "one changes what another puts back",
        """
ann      fetch    C0 (web=0)
ann      observe  web=0
bob      fetch    C0 (web=0)
ann      push     C1 (web=a)
ann      apply    web=a of C1: ok
bob      observe  web=a
bob      apply    web=0 of C0: ok
=> it puts C0 of web over C1
""",
    ),
    "what needs no call is observed again after the push": (
        Rules(confirms=False),
        "one changes what another puts back",
        """
ann      fetch    C0 (web=0)
ann      observe  web=0
ann      push     C1 (web=a)
bob      fetch    C1 (web=a)
bob      observe  web=0
ann      apply    web=a of C1: ok
ann      look     C1 (web=a)
ann      note     C1; exit 0
bob      push     C2 (web=0)
bob      look     C2 (web=0)
bob      note     C2; exit 0
=> Git and cluster differ in web, and nobody was told
""",
    ),
    "a command looks at the tip after its last write": (
        Rules(looks=0),
        "three people create one resource",
        """
ann      fetch    C0 (web=-)
ann      observe  web=-
ann      push     C1 (web=a)
bob      fetch    C1 (web=a)
bob      observe  web=-
bob      push     C2 (web=b)
bob      apply    web=b of C2: ok
ann      apply    web=a of C1: ok
ann      note     C1; exit 0
=> it ends with web older than it was
""",
    ),
    "it looks until the tip is quiet, not once": (
        Rules(looks=1),
        "one deletes, one changes, one changes again",
        """
ann      fetch    C0 (web=0)
ann      observe  web=0
ann      push     C1 (web=-)
ann      apply    web=- of C1: ok
bob      fetch    C1 (web=-)
bob      observe  web=-
bob      push     C2 (web=b)
ann      look     C2 (web=b)
ann      observe  web=-
ann      fetch    C2 (web=b)
cid      fetch    C2 (web=b)
cid      observe  web=-
cid      push     C3 (web=c)
cid      apply    web=c of C3: ok
ann      apply    web=b of C2: ok
ann      note     C1; exit 0
=> it ends with web older than it was
""",
    ),
    "pull observes before it fetches": (
        Rules(list_first=False),
        "a creation under a pull of two rounds",
        """
ann      fetch    C0 (web=-)
ann      observe  web=-
pull     fetch    C0 (web=-)
ann      push     C1 (web=a)
ann      apply    web=a of C1: ok
pull     observe  web=a
pull     apply    web=- of C0: ok
=> it puts C0 of web over C1
""",
    ),
    "pull looks at the tip before it ends": (
        Rules(pull_looks=False),
        "one creates what another deletes, with a pull",
        """
ann      fetch    C0 (web=-)
ann      observe  web=-
ann      push     C1 (web=a)
bob      fetch    C1 (web=a)
pull     observe  web=-
ann      apply    web=a of C1: ok
bob      observe  web=a
pull     fetch    C1 (web=a)
bob      push     C2 (web=-)
bob      apply    web=- of C2: ok
pull     apply    web=a of C1: ok
pull     note     C1; exit 0
=> it ends with web older than it was
""",
    ),
    "a follow-up commit restores only what is still ours": (
        Rules(settle_reads_tip=False),
        "the cluster refuses one of two changes",
        """
ann      fetch    C0 (web=0)
ann      observe  web=0
ann      push     C1 (web=bad)
ann      apply    web=bad of C1: refused
ann      look     C1 (web=bad)
ann      observe  web=0
bob      fetch    C1 (web=bad)
bob      observe  web=0
bob      push     C2 (web=b)
ann      fetch    C2 (web=b)
ann      push     C3 (web=0)
=> it takes C2 of web out of Git, which nobody asked for
""",
    ),
    "a follow-up commit is carried out like any other": (
        Rules(settle_follows=False),
        "the cluster accepts later what it refused",
        """
ann      fetch    C0 (web=0)
ann      observe  web=0
ann      push     C1 (web=bad)
ann      apply    web=bad of C1: refused
ann      look     C1 (web=bad)
ann      observe  web=0
ann      fetch    C1 (web=bad)
pull     observe  web=0
pull     fetch    C1 (web=bad)
quota    admit    bad; exit 0
pull     apply    web=bad of C1: ok
pull     look     C1 (web=bad)
ann      push     C2 (web=0); exit 1
pull     note     C1; exit 0
=> Git and cluster differ in web, and nobody was told
""",
    ),
    "record leaves alone what is ahead": (
        Rules(record_reads_note=False),
        "a record beside a commit by hand",
        """
eve      fetch    C0 (web=0)
eve      push     C1 (web=e); exit 4
record   recall   C0
record   observe  web=0
record   fetch    C1 (web=e)
record   push     C2 (web=0)
=> it takes C1 of web out of Git, which nobody asked for
""",
    ),
    "push ends with an apply": (
        Rules(push_applies=False),
        "offline work under a pull",
        """
dan      fetch    C0 (web=0)
dan      observe  web=0
pull     observe  web=0
dan      apply    web=d: ok
dan      fetch    C0 (web=0)
pull     fetch    C0 (web=0)
pull     look     C0 (web=0)
dan      push     C1 (web=d); exit 0
pull     note     C0; exit 0
=> Git and cluster differ in web, and nobody was told
""",
    ),
    "what is not pushed is marked": (
        Rules(marks_unpushed=False),
        "offline work under a pull",
        """
dan      fetch    C0 (web=0)
dan      observe  web=0
dan      apply    web=d: ok
pull     observe  web=d
pull     fetch    C0 (web=0)
pull     apply    web=0 of C0: ok
=> it puts C0 of web over C1
""",
    ),
}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES.keys())
def test_no_schedule_breaks_a_promise(scene: Scene) -> None:
    verdict = Search(scene).run()
    print(f"{verdict.states} states, {verdict.ends} ends", end=" ")
    assert str(verdict) == ""
    assert verdict.ends > 0


@pytest.mark.parametrize(("rules", "scene", "trace"), NEEDED.values(), ids=NEEDED.keys())
def test_without_one_rule_a_schedule_breaks_a_promise(rules: Rules, scene: str, trace: str) -> None:
    assert str(Search(SCENES[scene], rules).run()) == trace.strip()


def test_every_rule_is_shown_to_be_needed() -> None:
    names = [field.name for field in fields(Rules)]
    broken = [
        [n for n in names if getattr(r, n) != getattr(Rules(), n)] for r, _, _ in NEEDED.values()
    ]
    assert sorted(broken) == sorted([[name] for name in names] + [["looks"]])
