from __future__ import annotations

import contextlib
import json

import jsonpatch
from hypothesis import example, given
from hypothesis import strategies as st

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.history import apply_patch, diff
from kubectl_gitops.history.patch import _differences
from kubectl_gitops.resource import same

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.floats(allow_nan=False, allow_infinity=False, width=16)
    | st.text("ab~/", max_size=2)
)
keys = st.sampled_from(["name", "a", "b", "a/b", "~", "~1", "0", ""])
values = st.recursive(
    scalars,
    lambda below: st.lists(below, max_size=5) | st.dictionaries(keys, below, max_size=4),
    max_leaves=20,
)
bodies = st.dictionaries(keys, values, max_size=4)


@given(bodies, bodies)
@example({"a": [True, 1]}, {"a": [1, 1.0, True]})
@example({"a": 1}, {"a": True})
def test_a_patch_leads_from_one_body_to_the_other(before, after):
    kept = json.dumps([before, after])
    patch = tuple(_differences(before, after, ""))
    assert patch == diff(before, after)
    assert same(apply_patch(before, patch), after)
    assert json.dumps([before, after]) == kept


@given(bodies, bodies)
def test_a_patch_holds_three_kinds_of_operation_and_nothing_for_equal_bodies(before, after):
    patch = diff(before, after)
    assert {operation["op"] for operation in patch} <= {"add", "remove", "replace"}
    assert (patch == ()) == same(before, after)


@given(bodies, bodies)
def test_the_patch_is_the_same_whatever_the_order_of_keys(before, after):
    turned = dict(reversed(before.items())), dict(reversed(after.items()))
    assert json.dumps(diff(before, after)) == json.dumps(diff(*turned))


@given(bodies, bodies, bodies)
def test_any_jsonpatch_can_follow_ours(one, two, three):
    followed = jsonpatch.JsonPatch([*diff(one, two), *diff(two, three)]).apply(one)
    assert same(followed, three)


@given(
    bodies,
    st.lists(
        st.dictionaries(
            st.sampled_from(["op", "path", "value", "from"]),
            values | st.sampled_from(["add", "remove", "replace", "test", "move", "/a", "/a/-"]),
        )
        | values,
        max_size=4,
    ),
)
def test_a_hostile_patch_is_applied_or_refused(body, operations):
    with contextlib.suppress(GitopsError):
        assert isinstance(apply_patch(body, operations), dict)
