"""The kinds that every cluster serves, so that names are understood where no cluster is asked.

Read off the discovery of Kubernetes 1.36 (`kubectl api-resources`): those that can be listed and
patched. A cluster's own discovery goes before this table wherever there is one.
"""

from __future__ import annotations

from functools import cache

from kubectl_gitops.catalog import Api, Catalog
from kubectl_gitops.resource import ResourceId

__all__ = ["builtin", "is_kind"]

# apiVersion, plural, kind, N(amespaced) or C(luster), short names
_TABLE = """
v1 configmaps ConfigMap N cm
v1 endpoints Endpoints N ep
v1 events Event N ev
v1 limitranges LimitRange N limits
v1 namespaces Namespace C ns
v1 nodes Node C no
v1 persistentvolumeclaims PersistentVolumeClaim N pvc
v1 persistentvolumes PersistentVolume C pv
v1 pods Pod N po
v1 podtemplates PodTemplate N
v1 replicationcontrollers ReplicationController N rc
v1 resourcequotas ResourceQuota N quota
v1 secrets Secret N
v1 serviceaccounts ServiceAccount N sa
v1 services Service N svc
admissionregistration.k8s.io/v1 mutatingadmissionpolicies MutatingAdmissionPolicy C
admissionregistration.k8s.io/v1 mutatingadmissionpolicybindings MutatingAdmissionPolicyBinding C
admissionregistration.k8s.io/v1 mutatingwebhookconfigurations MutatingWebhookConfiguration C
admissionregistration.k8s.io/v1 validatingadmissionpolicies ValidatingAdmissionPolicy C
admissionregistration.k8s.io/v1 validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding C
admissionregistration.k8s.io/v1 validatingwebhookconfigurations ValidatingWebhookConfiguration C
apiextensions.k8s.io/v1 customresourcedefinitions CustomResourceDefinition C crd,crds
apiregistration.k8s.io/v1 apiservices APIService C
apps/v1 controllerrevisions ControllerRevision N
apps/v1 daemonsets DaemonSet N ds
apps/v1 deployments Deployment N deploy
apps/v1 replicasets ReplicaSet N rs
apps/v1 statefulsets StatefulSet N sts
autoscaling/v2 horizontalpodautoscalers HorizontalPodAutoscaler N hpa
batch/v1 cronjobs CronJob N cj
batch/v1 jobs Job N
certificates.k8s.io/v1 certificatesigningrequests CertificateSigningRequest C csr
coordination.k8s.io/v1 leases Lease N
discovery.k8s.io/v1 endpointslices EndpointSlice N
events.k8s.io/v1 events Event N ev
flowcontrol.apiserver.k8s.io/v1 flowschemas FlowSchema C
flowcontrol.apiserver.k8s.io/v1 prioritylevelconfigurations PriorityLevelConfiguration C
networking.k8s.io/v1 ingressclasses IngressClass C
networking.k8s.io/v1 ingresses Ingress N ing
networking.k8s.io/v1 ipaddresses IPAddress C ip
networking.k8s.io/v1 networkpolicies NetworkPolicy N netpol
networking.k8s.io/v1 servicecidrs ServiceCIDR C
node.k8s.io/v1 runtimeclasses RuntimeClass C
policy/v1 poddisruptionbudgets PodDisruptionBudget N pdb
rbac.authorization.k8s.io/v1 clusterrolebindings ClusterRoleBinding C
rbac.authorization.k8s.io/v1 clusterroles ClusterRole C
rbac.authorization.k8s.io/v1 rolebindings RoleBinding N
rbac.authorization.k8s.io/v1 roles Role N
resource.k8s.io/v1 deviceclasses DeviceClass C
resource.k8s.io/v1 resourceclaims ResourceClaim N
resource.k8s.io/v1 resourceclaimtemplates ResourceClaimTemplate N
resource.k8s.io/v1 resourceslices ResourceSlice C
scheduling.k8s.io/v1 priorityclasses PriorityClass C pc
storage.k8s.io/v1 csidrivers CSIDriver C
storage.k8s.io/v1 csinodes CSINode C
storage.k8s.io/v1 csistoragecapacities CSIStorageCapacity N
storage.k8s.io/v1 storageclasses StorageClass C sc
storage.k8s.io/v1 volumeattachments VolumeAttachment C
storage.k8s.io/v1 volumeattributesclasses VolumeAttributesClass C vac
"""


@cache
def builtin() -> Catalog:
    """The catalog of the built-in kinds, each in its preferred version."""
    return Catalog(_api(*line.split()) for line in _TABLE.split("\n") if line)


def _api(api_version: str, plural: str, kind: str, scope: str, short: str = "") -> Api:
    group, _, version = api_version.rpartition("/")
    return Api(
        group=group,
        version=version,
        kind=kind,
        plural=plural,
        namespaced=scope == "N",
        singular=kind.lower(),
        short_names=tuple(short.split(",")) if short else (),
        verbs=frozenset({"get", "list", "patch", "delete"}),
    )


def is_kind(id: ResourceId, word: str) -> bool:
    """Whether a word means this kind: a built-in one's names, else its name or plural, `.group`."""
    api = builtin().named(word)
    if api is not None and api.group_kind == id.group_kind:
        return True
    name, _, group = word.lower().partition(".")
    kind = id.kind.lower()
    if name not in (kind, f"{kind}s", f"{kind}es", f"{kind.removesuffix('y')}ies"):
        return False
    return group in ("", id.group) or group.endswith(f".{id.group}")
