from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_gitops import pointer
from kubectl_gitops.equality import differences
from kubectl_gitops.fields import difference, remove_pointers, union
from kubectl_gitops.fields import pointers as leaves
from kubectl_gitops.resource import same

ELEMENTS = ("f:a", "f:b", "f:c/d", 'k:{"name":"a"}', 'k:{"name":"b"}', 'v:"x"')


def nodes(children):
    below = st.dictionaries(st.sampled_from(ELEMENTS), children, min_size=1, max_size=3)
    return below | below.map(lambda tree: {".": {}, **tree})


TREES = st.recursive(st.just({}), nodes, max_leaves=8)
SETS = st.dictionaries(st.sampled_from(ELEMENTS), TREES, max_size=4)


def members(fields, above=()):
    """A field set as the mathematical set of its members: the model that the trees must follow."""
    found = set()
    for element, node in fields.items():
        path = above if element == "." else (*above, element)
        if element == "." or not node:
            found.add(path)
        else:
            found |= members(node, path)
    return found


@given(SETS, SETS)
def test_union_and_difference_are_those_of_sets(left, right):
    assert members(union(left, right)) == members(left) | members(right)
    assert members(difference(left, right)) == members(left) - members(right)


@given(SETS, SETS, SETS)
def test_trees_of_equal_members_are_equal(one, two, three):
    assert union(one, two) == union(two, one)
    assert union(union(one, two), three) == union(one, union(two, three))
    assert union(one, one) == one
    assert difference(one, one) == {}
    assert union(difference(one, two), two) == union(one, two)


@given(SETS, SETS)
def test_the_arguments_are_left_as_they_are(left, right):
    before = repr((left, right))
    union(left, right)
    difference(left, right)
    assert repr((left, right)) == before


@given(SETS)
def test_removing_the_leaves_leaves_what_has_something_below(fields):
    before = members(fields)
    inner = {path[:n] for path in before for n in range(1, len(path))}
    assert members(remove_pointers(fields, leaves(fields), {})) == before & inner


SCALARS = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "x", "web"])
NAMES = st.sampled_from(["a", "b", "name", "c/d", "e~f"])


def containers(children):
    return st.lists(children, max_size=3) | st.dictionaries(NAMES, children, max_size=3)


BODIES = st.dictionaries(NAMES, st.recursive(SCALARS, containers, max_leaves=12), max_size=4)
SEGMENTS = st.sampled_from(["a", "b", "name", "c/d", "e~f", "*", "0", "1", "name=web", "x"])
POINTERS = st.lists(SEGMENTS, min_size=1, max_size=4).map(lambda path: pointer.join(tuple(path)))


@given(BODIES, POINTERS)
def test_an_exact_pointer_finds_exactly_its_field(body, text):
    for place, value in pointer.matches(body, text).items():
        assert pointer.matches(body, place) == {place: value}


@given(BODIES, POINTERS)
def test_a_value_put_back_where_it_was_changes_nothing(body, text):
    for place, value in pointer.matches(body, text).items():
        assert same(pointer.assign(body, place, value, body), body)


def metadata_of(content):
    return {"metadata": {"name": "x"}, "spec": content}


@given(BODIES, BODIES)
@settings(max_examples=200)
def test_differences_are_all_there_is_between_two_bodies(one, other):
    found = differences(metadata_of(one), metadata_of(other))
    assert bool(found) is not same(one, other)
    for one_of in found:
        before = pointer.matches(metadata_of(one), one_of.pointer)
        after = pointer.matches(metadata_of(other), one_of.pointer)
        assert same(one_of.before, before.get(one_of.pointer, pointer.ABSENT))
        assert same(one_of.after, after.get(one_of.pointer, pointer.ABSENT))
