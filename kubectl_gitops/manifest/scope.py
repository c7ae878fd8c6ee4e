"""Which kinds live in a Namespace, known without asking a cluster.

The built-in kinds are those of Kubernetes 1.36, from the discovery of an API server and, for what
is off by default, from its sources. Custom ones are known where their CRD is at hand; of all
others nothing is known, and a manifest is taken as it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kubectl_gitops.resource import Body, group_of

__all__ = ["BUILTIN", "custom_scopes", "is_namespaced"]

_NAMESPACED = {
    "": "Binding ConfigMap Endpoints Event LimitRange PersistentVolumeClaim Pod PodTemplate"
    " ReplicationController ResourceQuota Secret Service ServiceAccount",
    "apps": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
    "authorization.k8s.io": "LocalSubjectAccessReview",
    "autoscaling": "HorizontalPodAutoscaler",
    "batch": "CronJob Job",
    "certificates.k8s.io": "PodCertificateRequest",
    "coordination.k8s.io": "Lease LeaseCandidate",
    "discovery.k8s.io": "EndpointSlice",
    "events.k8s.io": "Event",
    "networking.k8s.io": "Ingress NetworkPolicy",
    "policy": "PodDisruptionBudget",
    "rbac.authorization.k8s.io": "Role RoleBinding",
    "resource.k8s.io": "ResourceClaim ResourceClaimTemplate",
    "scheduling.k8s.io": "PodGroup Workload",
    "storage.k8s.io": "CSIStorageCapacity",
}
_CLUSTER = {
    "": "ComponentStatus Namespace Node PersistentVolume",
    "admissionregistration.k8s.io": "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding"
    " MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding"
    " ValidatingWebhookConfiguration",
    "apiextensions.k8s.io": "CustomResourceDefinition",
    "apiregistration.k8s.io": "APIService",
    "authentication.k8s.io": "SelfSubjectReview TokenReview",
    "authorization.k8s.io": "SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
    "certificates.k8s.io": "CertificateSigningRequest ClusterTrustBundle",
    "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
    "internal.apiserver.k8s.io": "StorageVersion",
    "networking.k8s.io": "IPAddress IngressClass ServiceCIDR",
    "node.k8s.io": "RuntimeClass",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding",
    "resource.k8s.io": "DeviceClass DeviceTaintRule ResourceSlice",
    "scheduling.k8s.io": "PriorityClass",
    "storage.k8s.io": "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass",
    "storagemigration.k8s.io": "StorageVersionMigration",
}

BUILTIN: Mapping[tuple[str, str], bool] = {
    (group, kind): namespaced
    for kinds, namespaced in ((_NAMESPACED, True), (_CLUSTER, False))
    for group, names in kinds.items()
    for kind in names.split()
}
"""(group, kind) → whether it lives in a Namespace."""


def custom_scopes(bodies: Iterable[Body]) -> dict[tuple[str, str], bool]:
    """(group, kind) → namespaced, of every CustomResourceDefinition among the bodies."""
    found = {}
    for body in bodies:
        if (group_of(body["apiVersion"]), body["kind"]) == _CRD:
            found.update(_defined(body.get("spec")))
    return found


_CRD = ("apiextensions.k8s.io", "CustomResourceDefinition")


def _defined(spec: object) -> dict[tuple[str, str], bool]:
    """What a CRD's spec defines; nothing where it is not one that a server would accept."""
    match spec:
        case {"group": str(group), "names": {"kind": str(kind)}, "scope": str(scope)}:
            return {(group, kind): scope == "Namespaced"}
    return {}


def is_namespaced(
    group: str, kind: str, custom: Mapping[tuple[str, str], bool] | None = None
) -> bool | None:
    """Whether a kind lives in a Namespace; None where neither the table nor a CRD says so."""
    known = BUILTIN.get((group, kind))
    return known if known is not None or custom is None else custom.get((group, kind))
