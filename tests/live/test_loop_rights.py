"""The rights in `examples/loop/rights.yaml` are enough for a pull, and for nothing beside it."""

from __future__ import annotations

from pathlib import Path

from tests.bound import Bound, config_map

RIGHTS = Path(__file__).parents[2] / "examples" / "loop" / "rights.yaml"
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: {space}}}
spec: {{ports: [{{port: 80}}]}}
"""


def test_the_rights_of_the_loop_are_enough_for_its_set_and_no_more(bound: Bound) -> None:
    space = bound.namespace
    bound.kubectl("apply", "-f", "-", input=RIGHTS.read_text().replace("shop", space))
    loop = f"--as=system:serviceaccount:{space}:gitops"
    service = SERVICE.format(space=space)
    bound.commit({"a.yaml": config_map(space, "a", x="1"), "web.yaml": service})
    assert bound("pull", loop).stdout == "configmap/a created\nservice/web created\n"
    bound.commit({"web.yaml": None})
    assert bound("pull", loop).stdout == "service/web deleted\n"
    assert bound("status", loop).exit == 0
    role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nrules: []\n"
    bound.commit({"role.yaml": f"{role}metadata: {{name: r, namespace: {space}}}\n"})
    refused = bound("pull", loop, exit=None)
    assert refused.exit != 0
    assert "cannot" in refused.stderr
    bound.kubectl("delete", "clusterrole,clusterrolebinding", f"gitops-{space}-identity")
