"""The kinds that every cluster serves, so that names are understood where no cluster is asked.

Read off the discovery of Kubernetes 1.36 (`kubectl api-resources`): those that can be listed and
patched. A cluster's own discovery goes before this table wherever there is one.
"""

from __future__ import annotations

from functools import cache

from kubectl_gitops.catalog import Api, Catalog

__all__ = ["builtin"]

# apiVersion, plural, kind, scope, short names
_TABLE = """
v1 configmaps ConfigMap namespaced cm
v1 endpoints Endpoints namespaced ep
v1 events Event namespaced ev
v1 limitranges LimitRange namespaced limits
v1 namespaces Namespace cluster ns
v1 nodes Node cluster no
v1 persistentvolumeclaims PersistentVolumeClaim namespaced pvc
v1 persistentvolumes PersistentVolume cluster pv
v1 pods Pod namespaced po
v1 podtemplates PodTemplate namespaced
v1 replicationcontrollers ReplicationController namespaced rc
v1 resourcequotas ResourceQuota namespaced quota
v1 secrets Secret namespaced
v1 serviceaccounts ServiceAccount namespaced sa
v1 services Service namespaced svc
admissionregistration.k8s.io/v1 mutatingadmissionpolicies MutatingAdmissionPolicy cluster
admissionregistration.k8s.io/v1 mutatingadmissionpolicybindings MutatingAdmissionPolicyBinding cluster
admissionregistration.k8s.io/v1 mutatingwebhookconfigurations MutatingWebhookConfiguration cluster
admissionregistration.k8s.io/v1 validatingadmissionpolicies ValidatingAdmissionPolicy cluster
admissionregistration.k8s.io/v1 validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding cluster
admissionregistration.k8s.io/v1 validatingwebhookconfigurations ValidatingWebhookConfiguration cluster
apiextensions.k8s.io/v1 customresourcedefinitions CustomResourceDefinition cluster crd,crds
apiregistration.k8s.io/v1 apiservices APIService cluster
apps/v1 controllerrevisions ControllerRevision namespaced
apps/v1 daemonsets DaemonSet namespaced ds
apps/v1 deployments Deployment namespaced deploy
apps/v1 replicasets ReplicaSet namespaced rs
apps/v1 statefulsets StatefulSet namespaced sts
autoscaling/v2 horizontalpodautoscalers HorizontalPodAutoscaler namespaced hpa
batch/v1 cronjobs CronJob namespaced cj
batch/v1 jobs Job namespaced
certificates.k8s.io/v1 certificatesigningrequests CertificateSigningRequest cluster csr
coordination.k8s.io/v1 leases Lease namespaced
discovery.k8s.io/v1 endpointslices EndpointSlice namespaced
events.k8s.io/v1 events Event namespaced ev
flowcontrol.apiserver.k8s.io/v1 flowschemas FlowSchema cluster
flowcontrol.apiserver.k8s.io/v1 prioritylevelconfigurations PriorityLevelConfiguration cluster
networking.k8s.io/v1 ingressclasses IngressClass cluster
networking.k8s.io/v1 ingresses Ingress namespaced ing
networking.k8s.io/v1 ipaddresses IPAddress cluster ip
networking.k8s.io/v1 networkpolicies NetworkPolicy namespaced netpol
networking.k8s.io/v1 servicecidrs ServiceCIDR cluster
node.k8s.io/v1 runtimeclasses RuntimeClass cluster
policy/v1 poddisruptionbudgets PodDisruptionBudget namespaced pdb
rbac.authorization.k8s.io/v1 clusterrolebindings ClusterRoleBinding cluster
rbac.authorization.k8s.io/v1 clusterroles ClusterRole cluster
rbac.authorization.k8s.io/v1 rolebindings RoleBinding namespaced
rbac.authorization.k8s.io/v1 roles Role namespaced
resource.k8s.io/v1 deviceclasses DeviceClass cluster
resource.k8s.io/v1 resourceclaims ResourceClaim namespaced
resource.k8s.io/v1 resourceclaimtemplates ResourceClaimTemplate namespaced
resource.k8s.io/v1 resourceslices ResourceSlice cluster
scheduling.k8s.io/v1 priorityclasses PriorityClass cluster pc
storage.k8s.io/v1 csidrivers CSIDriver cluster
storage.k8s.io/v1 csinodes CSINode cluster
storage.k8s.io/v1 csistoragecapacities CSIStorageCapacity namespaced
storage.k8s.io/v1 storageclasses StorageClass cluster sc
storage.k8s.io/v1 volumeattachments VolumeAttachment cluster
storage.k8s.io/v1 volumeattributesclasses VolumeAttributesClass cluster vac
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
        namespaced=scope == "namespaced",
        singular=kind.lower(),
        short_names=tuple(short.split(",")) if short else (),
        verbs=frozenset({"get", "list", "patch", "delete"}),
    )
