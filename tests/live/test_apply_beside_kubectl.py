"""`apply` and `diff` beside the real kubectl: the same command lines, the same words, the same end.

Each test is a story that both sides live through, command line by command line.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.beside_kubectl import Beside, Meant
from tests.real_manifests import FOLDER, needs_real_manifests

MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: NAME
  labels: {app: LABEL}
data:
  colour: COLOUR
"""
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1.25
        ports: [{containerPort: 80}]
        resources: {limits: {cpu: 100m}}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}}
spec:
  selector: {app: web}
  ports: [{port: 80}]
"""
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: database}
stringData: {password: correct-horse}
"""
JSON = (
    '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "json"}, "data": {"a": "1"}}\n'
)


def a_map(name: str, colour: str = "blue", label: str = "web") -> str:
    return MAP.replace("NAME", name).replace("LABEL", label).replace("COLOUR", colour)


def test_created_unchanged_configured(beside: Beside) -> None:
    beside.write(a_yaml=a_map("a"), b_yaml=a_map("b"), web_yaml=f"{WEB}---\n{SERVICE}")
    beside.assert_same("apply -f a.yaml")
    beside.assert_same("apply -f a.yaml")
    beside.assert_same("apply -f a.yaml -f b.yaml")
    beside.write(a_yaml=a_map("a", "red"))
    beside.assert_same("apply -f=a.yaml,b.yaml")
    beside.assert_same("apply --filename web.yaml")
    beside.assert_same("apply --filename=web.yaml --wait=false")
    beside.write(web_yaml=WEB.replace("1.25", "1.26"))
    beside.assert_same("apply -f web.yaml -n NS")
    beside.assert_same("apply -f web.yaml --namespace=NS --timeout=5s")


def test_every_kind_of_source(beside: Beside) -> None:
    beside.write(
        d__a_yaml=a_map("a"),
        d__b_json=JSON,
        d__notes_txt="no manifest",
        d__deep__c_yml=a_map("c"),
        o__kustomization_yaml="resources: [all.yaml]\nnamePrefix: x-\n",
        o__all_yaml=f"{SERVICE}---\n{a_map('k')}",
        list_yaml="apiVersion: v1\nkind: List\nitems:\n"
        "- {apiVersion: v1, kind: ConfigMap, metadata: {name: l1}}\n"
        "- {apiVersion: v1, kind: ConfigMap, metadata: {name: l2}}\n",
        maps_yaml="apiVersion: v1\nkind: ConfigMapList\nitems: [{metadata: {name: m1}}]\n",
        comments_yaml=f"# nothing\n---\n# here\n---\n{a_map('after')}",
    )
    beside.assert_same("apply -f d")
    beside.assert_same("apply -R -f d")
    beside.assert_same("apply -Rf d")
    beside.assert_same("apply --recursive=true -f d/deep/")
    beside.assert_same("apply -f d/*.json")
    beside.assert_same("apply -k o")
    beside.assert_same("apply --kustomize=o/")
    beside.assert_same("apply -f list.yaml")
    beside.assert_same("apply -f maps.yaml")
    beside.assert_same("apply -f comments.yaml")
    beside.assert_same("apply -f -", input=a_map("piped"))
    beside.assert_same("apply -f - -f d/a.yaml", input=JSON)


def test_selectors(beside: Beside) -> None:
    beside.write(all_yaml=f"{a_map('a')}---\n{a_map('b', label='db')}---\n{JSON}")
    beside.assert_same("apply -f all.yaml -l app=web")
    beside.assert_same("apply -f all.yaml -l app!=web")
    beside.assert_same("apply -f all.yaml --selector app")
    beside.assert_same("apply -f all.yaml -l=app=none")
    beside.assert_same("diff -f all.yaml -l app=web", Meant.DIFF)
    beside.assert_same("apply -f all.yaml -l app=a=b")


def test_dry_runs(beside: Beside) -> None:
    beside.write(a_yaml=a_map("a"), b_yaml=a_map("b"))
    beside.assert_same("apply -f a.yaml --dry-run=client")
    beside.assert_same("apply -f a.yaml --dry-run=server")
    beside.assert_same("apply -f a.yaml --dry-run")
    beside.assert_same("apply -f a.yaml --dry-run=none")
    beside.assert_same("apply -f a.yaml --dry-run=server")
    beside.assert_same("apply -f a.yaml --dry-run=client")
    beside.write(a_yaml=a_map("a", "red"))
    beside.assert_same("apply -f a.yaml -f b.yaml --dry-run=client")
    beside.assert_same("apply -f a.yaml -f b.yaml --dry-run=server")
    beside.assert_same("apply -f a.yaml --dry-run=server -o name")
    beside.assert_same("apply -f a.yaml --dry-run=maybe")


def test_output(beside: Beside) -> None:
    beside.write(a_yaml=a_map("a", "<&>"), b_yaml=a_map("b", "'12'"), web_yaml=WEB)
    beside.assert_same("apply -f a.yaml -f b.yaml -o name")
    beside.assert_same("apply -f a.yaml -o json")
    beside.assert_same("apply -f a.yaml --output=yaml")
    beside.assert_same("apply -f a.yaml -f b.yaml -o json")
    beside.assert_same("apply -f a.yaml -f b.yaml -o yaml")
    beside.assert_same("apply -f web.yaml -o yaml --dry-run=server")
    beside.assert_same("apply -f b.yaml -o yaml --dry-run=client")
    beside.assert_same("apply -f a.yaml -o wide", Meant.PRINTERS)
    theirs, ours = beside.both("apply -f a.yaml -o json --show-managed-fields")
    assert ('"managedFields"' in theirs.stdout) is ('"managedFields"' in ours.stdout) is True


def test_what_cannot_be_read(beside: Beside) -> None:
    beside.write(
        a_yaml=a_map("a"),
        empty_yaml="",
        comments_yaml="# nothing\n",
        broken_yaml="kind: [\n",
        tab_yaml="a:\n\tb: c\n",
        kindless_yaml="apiVersion: v1\nmetadata: {name: a}\n",
        versionless_yaml="kind: ConfigMap\nmetadata: {name: a}\n",
        nameless_yaml="apiVersion: v1\nkind: ConfigMap\n",
        unknown_yaml="apiVersion: foo.io/v1\nkind: Foo\nmetadata: {name: x}\n",
        generated_yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: foo-}\n",
        elsewhere_yaml=a_map("a").replace("name: a", "name: a\n  namespace: default"),
        field_yaml=f"{a_map('a')}colour: red\n",
    )
    (beside.directory / "d").mkdir()
    for words in (
        "-f empty.yaml",
        "-f comments.yaml",
        "-f none.yaml",
        "-f *.none",
        "-f d",
        "-k d",
        "-k none",
        "-f unknown.yaml",
        "-f generated.yaml",
        "-f elsewhere.yaml -n NS",
        "-f field.yaml",
        "-f field.yaml --validate=strict",
        "-f http://127.0.0.1:9/x.yaml",
        "-f - -f -",
    ):
        beside.assert_same(f"apply {words}")
    for name in ("broken", "tab", "kindless", "versionless", "nameless"):
        beside.assert_same(f"apply -f {name}.yaml", Meant.PLACES)
    beside.assert_same("apply -f field.yaml --validate")
    for how in ("false", "ignore", "warn"):
        _, ours = beside.differs(f"apply -f field.yaml --validate={how}", Meant.UNKNOWN_FIELDS)
        assert ours.exit == 1
        assert 'unknown field "colour"' in ours.stderr


def test_words_that_are_refused(beside: Beside) -> None:
    beside.write(a_yaml=a_map("a"), d__a_yaml=a_map("a"))
    for words in (
        "",
        "-R",
        "-f a.yaml -k d",
        "-k d -R",
        "foo",
        "-f",
        "--filename",
        "--foo",
        "-x",
        "-f a.yaml --prune",
        "-f a.yaml --prune --all -l a=b",
        "-f a.yaml --validate=maybe",
        "-f a.yaml -l a=b=c",
        "-f a.yaml --dry-run=client --server-side",
        "-f a.yaml --force --server-side",
        "-f a.yaml --force --prune --all",
        "-f a.yaml --force --dry-run=server",
        "-f a.yaml --grace-period=soon",
        "-f a.yaml --timeout=soon",
        "-f a.yaml --cascade=often",
        "-f a.yaml --wait=perhaps",
        "-f a.yaml --context=none",
        "-f a.yaml --as",
    ):
        beside.assert_same(f"apply {words}")
    for words in ("-f a.yaml -k d", "foo", "-f none.yaml", "-k d -R", "-f a.yaml -l a=b=c"):
        beside.assert_same(f"diff {words}")


def test_what_the_server_refuses(beside: Beside) -> None:
    beside.write(
        one_yaml=WEB.replace("replicas: 1", "replicas: -1"),
        two_yaml=WEB.replace("replicas: 1", "replicas: -1").replace(
            "app: web}}\n  temp", "a: b}}\n  temp"
        ),
        none_yaml=a_map("a").replace("metadata:\n", "metadata:\n  namespace: nowhere\n"),
    )
    beside.assert_same("apply -f one.yaml")
    beside.assert_same("apply -f two.yaml")
    beside.assert_same("apply -f none.yaml")
    beside.assert_same("apply -f one.yaml --dry-run=server")


def test_fields_that_cannot_be_changed(beside: Beside) -> None:
    beside.write(web_yaml=WEB)
    beside.assert_same("apply -f web.yaml")
    beside.write(web_yaml=WEB.replace("app: web}", "app: shop}"))
    beside.assert_same("apply -f web.yaml")
    beside.assert_same("apply -f web.yaml --force --grace-period=1")
    beside.assert_same("apply -f web.yaml --force=false")


def test_other_kinds(beside: Beside, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECTL_GITOPS_KEY_FILE", str(key_file))
    beside.write(
        all_yaml=f"{SECRET}---\n{SERVICE}---\n"
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r}\n"
        'rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]\n---\n'
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\n"
        "spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}\n---\n"
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n",
    )
    beside.assert_same("apply -f all.yaml")
    beside.assert_same("apply -f all.yaml", Meant.STRING_DATA)
    beside.write(all_yaml=SECRET.replace("correct", "wrong"))
    beside.assert_same("apply -f all.yaml")
    _, ours = beside.differs("apply -f all.yaml -o yaml", Meant.MASKED)
    assert "password: '***'" in ours.stdout or 'password: "***"' in ours.stdout


def test_pruning(beside: Beside) -> None:
    beside.write(all_yaml=f"{a_map('a')}---\n{a_map('b')}---\n{a_map('c', label='db')}")
    beside.assert_same("apply -f all.yaml")
    beside.write(all_yaml=a_map("a"))
    beside.assert_same("apply -f all.yaml --prune -l app=web --dry-run=server", Meant.PRUNES)
    beside.assert_same("apply -f all.yaml --prune -l app=web --dry-run=client", Meant.PRUNES)
    beside.assert_same("apply -f all.yaml --prune -l app=web", Meant.PRUNES)
    beside.assert_same("apply -f all.yaml --prune -l app=web", Meant.PRUNES)
    beside.write(all_yaml=f"{a_map('a')}---\n{a_map('d')}")
    beside.assert_same("apply -f all.yaml --prune -l app=db", Meant.PRUNES)


def test_server_side(beside: Beside) -> None:
    beside.write(a_yaml=a_map("a"))
    beside.assert_same("apply -f a.yaml --server-side", Meant.SERVER_SIDE)
    beside.write(a_yaml=a_map("a", "red"))
    beside.assert_same("apply -f a.yaml --server-side=true", Meant.SERVER_SIDE)
    beside.kubectl(
        "patch", "cm/a", "--field-manager=kubectl-edit", "-p", '{"data": {"colour": "green"}}'
    )
    beside.assert_same("apply -f a.yaml --server-side", Meant.SERVER_SIDE, Meant.CONFLICT)
    beside.assert_same("apply -f a.yaml --server-side --force-conflicts", Meant.SERVER_SIDE)


def test_taken_over_from_client_side_apply(beside: Beside) -> None:
    beside.write(a_yaml=f"{a_map('a')}  gone: 'yes'\n")
    beside.kubectl("apply", "-f", "a.yaml")
    beside.write(a_yaml=a_map("a"))
    beside.assert_same("apply -f a.yaml")
    beside.assert_same("apply -f a.yaml")


def test_differences(beside: Beside) -> None:
    beside.write(
        a_yaml=a_map("a"), o__kustomization_yaml="resources: [../o/a.yaml]\n", o__a_yaml=a_map("a")
    )
    beside.assert_same("diff -f a.yaml", Meant.DIFF)
    beside.assert_same("apply -f a.yaml")
    beside.assert_same("diff -f a.yaml")
    beside.assert_same("diff -k o")
    beside.write(a_yaml=a_map("a", "red"))
    beside.assert_same("diff -f a.yaml", Meant.DIFF)
    beside.assert_same("diff -f a.yaml --server-side=true", Meant.DIFF)
    beside.assert_same("diff -R -f a.yaml --concurrency=4", Meant.DIFF)
    beside.assert_same("diff -f a.yaml", env={"KUBECTL_EXTERNAL_DIFF": "false"})
    beside.assert_same("diff -f a.yaml", env={"KUBECTL_EXTERNAL_DIFF": "true"})
    beside.assert_same("diff -f a.yaml", Meant.DIFF, env={"KUBECTL_EXTERNAL_DIFF": "diff -rq ;x"})


def test_warnings_of_the_server(beside: Beside) -> None:
    old = "apiVersion: v1\nkind: Endpoints\nmetadata: {name: NAME}\nsubsets: []\n"
    beside.write(
        old_yaml=f"{old.replace('NAME', 'one')}---\n{old.replace('NAME', 'two')}",
        twice_yaml=WEB.replace(
            "image: nginx:1.25",
            "image: nginx:1.25\n        env: [{name: A, value: '1'}, {name: A, value: '2'}]",
        ),
    )
    _, ours = beside.assert_same("apply -f old.yaml")
    assert ours.stderr.count("Warning:") == 1
    beside.write(old_yaml=old.replace("NAME", "three"))
    beside.assert_same("apply -f old.yaml --warnings-as-errors --dry-run=server")
    beside.assert_same("apply -f old.yaml --warnings-as-errors=true")
    theirs, ours = beside.both("apply -f twice.yaml")
    assert (theirs.exit, ours.exit) == (0, 1)
    assert 'duplicate entries for key [name="A"]' in ours.stderr


def test_what_kubectl_made(beside: Beside) -> None:
    beside.write(a_yaml=a_map("a"), web_yaml=WEB)
    beside.kubectl("create", "-f", "a.yaml")
    beside.kubectl("create", "deployment", "web", "--image=nginx:1.24")
    beside.kubectl("scale", "deployment/web", "--replicas=2")
    beside.kubectl("label", "cm/a", "team=shop")
    beside.assert_same("apply -f a.yaml")
    beside.write(web_yaml=WEB.replace("name: web\n        image", "name: nginx\n        image"))
    beside.assert_same("apply -f web.yaml")
    beside.kubectl("set", "env", "deployment/web", "A=1")
    beside.kubectl("rollout", "restart", "deployment/web")
    beside.assert_same("apply -f web.yaml --force-conflicts=true --server-side", Meant.SERVER_SIDE)


@needs_real_manifests
def test_a_real_application(beside: Beside) -> None:
    file = FOLDER / "online-boutique" / "kubernetes-manifests.yaml"
    beside.assert_same(f"apply -f {file}")
    beside.assert_same(f"apply -f {file}")
    beside.assert_same(f"diff -f {file}")
    beside.assert_same(f"apply -f {file} -l app=frontend -o name")


def test_every_selector_is_refused_in_the_same_words(beside: Beside) -> None:
    beside.write(a_yaml=a_map("a"))
    for selector in ("a=b=c", "a,,b", "=a", "!!a", "a=(b)", "a===b", "a!b", "(a)", "a=b,"):
        beside.assert_same(f"apply -f a.yaml -l {selector}")


def test_what_is_meant_to_differ(beside: Beside) -> None:
    beside.write(
        a_yaml=a_map("a"),
        some_yaml=f"{a_map('good')}---\n{WEB.replace('replicas: 1', 'replicas: -1')}",
        twice_yaml=f"{a_map('twice')}---\n{a_map('twice')}",
        keys_yaml=f"{a_map('keys')}  colour: red\n",
    )
    theirs, ours = beside.differs("apply -f some.yaml", Meant.ALL_OR_NOTHING)
    assert (theirs.exit, theirs.stdout) == (1, "configmap/good created\n")
    assert (ours.exit, ours.stdout) == (1, "")
    theirs, ours = beside.differs("apply -f twice.yaml", Meant.TWICE)
    assert theirs.stdout == "configmap/twice created\nconfigmap/twice unchanged\n"
    assert ours.stdout == "configmap/twice created\n"
    theirs, ours = beside.differs("apply -f keys.yaml", Meant.DUPLICATE_KEYS)
    assert (theirs.exit, ours.exit) == (0, 1)
    beside.kubectl("apply", "-f", "a.yaml")
    theirs, ours = beside.differs("apply -f a.yaml --dry-run=client", Meant.UNASKED)
    assert theirs.stdout == "configmap/a unchanged (dry run)\n"
    assert ours.stdout == "configmap/a configured (dry run)\n"
    theirs, ours = beside.differs("apply -f a.yaml --force-conflicts", Meant.FORCE_CONFLICTS)
    assert (theirs.exit, ours.stdout) == (1, "configmap/a configured\n")
