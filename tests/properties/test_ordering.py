from hypothesis import given
from hypothesis import strategies as st

from kubectl_gitops.ordering import removal_stages, stages
from kubectl_gitops.resource import ResourceId

KINDS = {
    "Namespace": "v1",
    "ConfigMap": "v1",
    "Pod": "v1",
    "Deployment": "apps/v1",
    "Widget": "example.com/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
}
CLUSTER = ("Namespace", "CustomResourceDefinition")


def body(kind, name, namespace, wave):
    metadata = {"name": name, "annotations": {"argocd.argoproj.io/sync-wave": str(wave)}}
    if kind not in CLUSTER:
        metadata["namespace"] = namespace
    found = {"apiVersion": KINDS[kind], "kind": kind, "metadata": metadata}
    if kind == "CustomResourceDefinition":
        metadata["name"] = "widgets.example.com"
        found["spec"] = {"group": "example.com", "names": {"kind": "Widget"}}
    return found


ONE = st.builds(
    body,
    st.sampled_from(sorted(KINDS)),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["a", "b"]),
    st.integers(-1, 1),
)


def reference(id):
    return f"{id.group}/namespaces/{id.namespace}/{id.kind}/{id.name}"


@st.composite
def sets(draw):
    """Some resources of which later ones may depend on earlier ones, so never in a circle."""
    bodies = draw(st.lists(ONE, max_size=9, unique_by=ResourceId.of))
    inside = [one for one in bodies if one["kind"] not in CLUSTER]
    for number, one in enumerate(inside[1:], 1):
        others = draw(st.lists(st.sampled_from(inside[:number]), max_size=2))
        needs = ",".join(reference(ResourceId.of(other)) for other in others)
        one["metadata"]["annotations"]["config.kubernetes.io/depends-on"] = needs
    return bodies


def same(one):
    return one


def places(found):
    return {ResourceId.of(one): n for n, stage in enumerate(found) for one in stage.items}


@given(sets(), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_of_the_input(bodies, rng):
    shuffled = rng.sample(bodies, len(bodies))
    assert stages(shuffled, same) == stages(bodies, same)
    assert removal_stages(shuffled, same) == removal_stages(bodies, same)


@given(sets())
def test_every_resource_stands_in_one_stage_and_what_it_needs_in_an_awaited_one_before(bodies):
    found = stages(bodies, same)
    place = places(found)
    assert sorted(place) == sorted(map(ResourceId.of, bodies))
    assert sum(len(stage.items) for stage in found) == len(bodies)
    awaited = [one for stage in found for one in stage.awaited]
    for one in bodies:
        for need in needs_of(one, bodies):
            assert place[ResourceId.of(need)] < place[ResourceId.of(one)]
            assert need in awaited


def needs_of(one, bodies):
    """What the rules say about edges, written down once more and without cleverness."""
    named = one["metadata"]["annotations"].get("config.kubernetes.io/depends-on", "").split(",")
    for other in bodies:
        its_namespace = other["kind"] == "Namespace" and (
            other["metadata"]["name"] == one["metadata"].get("namespace")
        )
        its_definition = (other["kind"], one["kind"]) == ("CustomResourceDefinition", "Widget")
        if its_namespace or its_definition or reference(ResourceId.of(other)) in named:
            yield other


@given(sets())
def test_removal_is_the_exact_reverse_and_waits_for_dependents(bodies):
    there, back = stages(bodies, same), removal_stages(bodies, same)
    assert [stage.items[::-1] for stage in back] == [stage.items for stage in reversed(there)]
    awaited = [one for stage in back for one in stage.awaited]
    assert all(one in awaited for one in bodies if any(needs_of(one, bodies)))


@given(sets())
def test_nothing_is_awaited_before_it_is_written_or_after_the_end(bodies):
    for found in (stages(bodies, same), removal_stages(bodies, same)):
        place = places(found)
        for number, stage in enumerate(found):
            assert all(place[ResourceId.of(one)] <= number for one in stage.awaited)
        assert not found or not found[-1].barrier
