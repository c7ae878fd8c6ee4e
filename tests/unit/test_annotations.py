import pytest

from kubectl_gitops.annotations import (
    PRUNE,
    RECONCILE,
    SUSPENDED_BY,
    UNPUSHED,
    forces,
    keeps,
    not_applied,
    suspension,
    unheeded,
)


def body(annotations=None, labels=None):
    return {"metadata": {"name": "x", "annotations": annotations, "labels": labels}}


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (PRUNE, "disabled", "kubectl-gitops/prune: disabled"),
        (RECONCILE, "disabled", "kubectl-gitops/reconcile: disabled"),
        (
            "kustomize.toolkit.fluxcd.io/prune",
            "Disabled",
            "kustomize.toolkit.fluxcd.io/prune: disabled",
        ),
        (
            "kustomize.toolkit.fluxcd.io/reconcile",
            "disabled",
            "kustomize.toolkit.fluxcd.io/reconcile: disabled",
        ),
        (
            "argocd.argoproj.io/sync-options",
            "Replace=true, Prune=false",
            "argocd.argoproj.io/sync-options: Prune=false",
        ),
        (
            "argocd.argoproj.io/sync-options",
            "Delete=confirm",
            "argocd.argoproj.io/sync-options: Delete=confirm",
        ),
        ("helm.sh/resource-policy", "keep", "helm.sh/resource-policy: keep"),
        (
            "client.lifecycle.config.k8s.io/deletion",
            "detach",
            "client.lifecycle.config.k8s.io/deletion: detach",
        ),
        (
            "cli-utils.sigs.k8s.io/on-remove",
            "keep",
            "cli-utils.sigs.k8s.io/on-remove: keep",
        ),
        (UNPUSHED, "", "kubectl-gitops/unpushed: applied offline, not pushed yet"),
    ],
)
def test_an_opt_out_on_the_live_object_keeps_it(key, value, reason):
    assert keeps(body({key: value})) == reason


@pytest.mark.parametrize(
    "annotations",
    [
        None,
        {},
        {PRUNE: "enabled"},
        {PRUNE: None},
        {"argocd.argoproj.io/sync-options": "Prune=true,Validate=false"},
        {"kustomize.toolkit.fluxcd.io/ssa": "Ignore"},
    ],
)
def test_nothing_else_keeps_it(annotations):
    assert keeps(body(annotations)) is None


def test_flux_reads_labels_too():
    live = body(labels={"kustomize.toolkit.fluxcd.io/prune": "disabled"})
    assert keeps(live) == "kustomize.toolkit.fluxcd.io/prune: disabled"


LOCAL = {"config.kubernetes.io/local-config": "true"}
SUSPENDED = {RECONCILE: "disabled"}
FLUX_IGNORE = {"kustomize.toolkit.fluxcd.io/ssa": "Ignore"}
FLUX_ONCE = {"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent"}
FLUX_OFF = {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}
MUTATION = {"client.lifecycle.config.k8s.io/mutation": "ignore"}


@pytest.mark.parametrize("annotations", [LOCAL, SUSPENDED, FLUX_IGNORE, FLUX_OFF])
def test_what_is_never_applied_is_not_created_either(annotations):
    ((key, value),) = annotations.items()
    assert not_applied(body(annotations), None) == f"{key}: {value}"
    assert not_applied(body(annotations), body()) == f"{key}: {value}"


@pytest.mark.parametrize("annotations", [FLUX_ONCE, MUTATION])
def test_what_is_created_once_is_left_alone_afterwards(annotations):
    ((key, value),) = annotations.items()
    assert not_applied(body(annotations), None) is None
    assert not_applied(body(annotations), body()) == f"{key}: {value}"
    assert not_applied(body(), body(annotations)) == f"{key}: {value}"


@pytest.mark.parametrize("annotations", [SUSPENDED, FLUX_IGNORE, FLUX_OFF])
def test_the_live_object_can_hold_a_resource_back(annotations):
    ((key, value),) = annotations.items()
    assert not_applied(body(), body(annotations)) == f"{key}: {value}"


@pytest.mark.parametrize(
    ("desired", "live"), [({}, None), ({}, {}), ({}, LOCAL), ({UNPUSHED: ""}, {PRUNE: "disabled"})]
)
def test_everything_else_is_applied(desired, live):
    assert not_applied(body(desired), body(live)) is None


def test_flux_may_say_that_a_resource_is_made_anew():
    force = {"kustomize.toolkit.fluxcd.io/force": "Enabled"}
    assert forces(body(force), body())
    assert forces(body(), body(labels=force))
    assert not forces(body({"kustomize.toolkit.fluxcd.io/force": "no"}), body())


def test_what_others_mean_and_nobody_does_here_is_one_warning():
    bodies = [
        body({"helm.sh/hook": "pre-install"}),
        body({"helm.sh/hook": "post-install", "argocd.argoproj.io/sync-options": "Replace=true"}),
        body({"argocd.argoproj.io/sync-options": "Prune=false, Delete=false"}),
        body({"helm.sh/resource-policy": "keep", "kustomize.toolkit.fluxcd.io/ssa": "Merge"}),
        body(),
    ]
    assert unheeded(bodies) == (
        "these annotations mean nothing here: argocd.argoproj.io/sync-options: replace=true "
        "(1 resource), helm.sh/hook (2 resources)"
    )
    assert unheeded(bodies[2:]) == ""


def test_who_suspended_it_is_told():
    assert suspension(body({RECONCILE: "disabled", SUSPENDED_BY: "ada"})) == "ada"
    assert suspension(body({RECONCILE: "disabled"})) == ""
    assert suspension(body({SUSPENDED_BY: "ada"})) is None
