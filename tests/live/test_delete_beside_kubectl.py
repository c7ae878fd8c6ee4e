"""`delete` beside the real kubectl: the same command lines, the same words, the same end.

Each test is a story that both sides live through. On our side everything that is deleted was
applied before, and after every command line the branch holds exactly what the cluster holds.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.live.beside_kubectl import Beside
from tests.program import Run

A, B, C = (
    f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, labels: {{app: web, n: {name}}}}}
data: {{a: b}}
"""
    for name in "abc"
)
ACCOUNT = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, labels: {app: robot}}\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: Opaque\n"
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx}]}
"""
HELD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME, finalizers: [example.com/hold]}\n"
ALL = "---\n".join((A, B, C, ACCOUNT))
UNLOCK = '{"metadata":{"finalizers":null}}'
IMMEDIATE = (
    "Warning: Immediate deletion does not wait for confirmation that the running resource has been "
    "terminated. The resource may continue to run on the cluster indefinitely.\n"
)


def made(beside: Beside, text: str = ALL) -> None:
    """What each side has: applied by kubectl there, by the program here."""
    beside.ours.plane.kubectl("apply", "-f", "-", input=text, kubeconfig=beside.theirs)
    beside.ours.apply(text)


def same(beside: Beside, line: str, **how: Any) -> Run:
    """The same on both sides, and the branch holds what the cluster holds."""
    _, ours = beside.assert_same(f"delete {line}", **how)
    assert declared(beside) == living(beside), line
    return ours


def declared(beside: Beside) -> set[str]:
    """`configmap/a` for every file of the branch."""
    paths = [path.split("/") for path in beside.ours.files() if path.endswith(".yaml")]
    return {f"{kind.partition('.')[0]}/{name[:-5]}" for _, kind, name in paths}


def living(beside: Beside) -> set[str]:
    return {name.lower() for name in beside.objects(beside.ours.kubeconfig)}


def test_by_name(beside: Beside) -> None:
    for line in (
        "configmap a",
        "configmaps a b",
        "cm/a configmap/b serviceaccounts/a",
        "cm,sa a",
        "cm,cm c",
        "configmaps.v1. a",
        "ConfigMap a",
        "cm a -o name",
        "cm a -o=name",
        "cm/a --output name",
        "cm a -n NS",
        "cm a -n=NS",
        "cm a --namespace NS --wait=true",
        "cm a b --wait=false",
        "cm a --now",
        "cm a --now=true",
        "cm a --grace-period=0",
        "cm a --grace-period -1",
        "cm a --grace-period=5 --timeout=1m",
        "cm a --cascade",
        "cm a --cascade=background",
        "cm a --cascade=foreground",
        "cm a --cascade=orphan",
        "cm a --cascade=false",
        "cm a --ignore-not-found",
        "cm nope --ignore-not-found",
        "cm nope --ignore-not-found=true -o name",
        "cm,sa nope --ignore-not-found",
        "cm a --warnings-as-errors",
    ):
        made(beside)
        same(beside, line)


def test_by_force(beside: Beside) -> None:
    for line in ("cm a --force", "cm a --force=true --grace-period=0", "cm a --force -o name"):
        made(beside)
        ours = same(beside, line)
        assert ours.stderr.startswith(IMMEDIATE)
    made(beside)
    assert same(beside, "cm a --force --dry-run=client").stderr == IMMEDIATE


def test_by_selector(beside: Beside) -> None:
    for line in (
        "cm -l n=a",
        "cm -l=n=a",
        "cm -ln=a",
        "cm --selector n!=a",
        "cm,sa -l app=web",
        "cm,serviceaccounts,secrets -l app",
        "cm -l app=web -o name",
        "cm -l app=web,n=b",
        "cm -l app=nothing",
        "cm,secrets -l app=nothing -o name",
        "cm -l x==",
        "cm --field-selector metadata.name=b",
        "cm --field-selector=metadata.name!=b",
        "cm --field-selector metadata.name=b -l app=web",
        "cm --field-selector metadata.name=b -l app=robot",
        "cm -l app=web --ignore-not-found=false",
        "cm --all --now",
        "cm,sa --all",
        "cm --all=true",
        "secrets --all",
        "cm -l n=a -A",
        "cm -n nowhere --all",
        "cm -l app=web --dry-run=client",
        "cm -l app=web --dry-run=server",
        "cm --all --dry-run=client -o name",
    ):
        made(beside)
        same(beside, line)


def test_by_file(beside: Beside) -> None:
    beside.write(
        a_yaml=A,
        all_yaml=ALL,
        dir__b_yaml=B,
        dir__deep__c_json='{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}',
        list_yaml="apiVersion: v1\nkind: List\nitems:\n"
        "- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n"
        "- {apiVersion: v1, kind: ServiceAccount, metadata: {name: a}}\n",
        o__kustomization_yaml="resources: [all.yaml]\n",
        o__all_yaml=f"{A}---\n{B}",
        empty_yaml="# nothing\n",
    )
    for line in (
        "-f a.yaml",
        "-f=a.yaml -o name",
        "-f all.yaml",
        "-f dir",
        "-R -f dir",
        "-Rf dir --recursive=true",
        "-f a.yaml,dir/b.yaml",
        "-f a.yaml -f dir",
        "-f dir/*.yaml",
        "-f list.yaml",
        "-k o",
        "-f all.yaml -l app=robot",
        "-f all.yaml -l app=nothing",
        "-f all.yaml --all",
        "-f all.yaml --field-selector metadata.name=a",
        "-f empty.yaml",
        "-f all.yaml --dry-run=client",
        "-f all.yaml --dry-run=server",
        "-f a.yaml -n NS",
    ):
        made(beside)
        same(beside, line)
    made(beside)
    same(beside, "-f -", input=f"{A}---\n{C}")
    same(beside, "-f a.yaml --ignore-not-found")


def test_dry_runs(beside: Beside) -> None:
    made(beside)
    for line in (
        "cm a --dry-run=client",
        "cm nope --dry-run=client",
        "cm a --dry-run",
        "cm a --dry-run=true",
        "cm a --dry-run=server",
        "cm nope --dry-run=server",
        "cm a --dry-run=server -o name",
        "cm a b --dry-run=server --wait",
        "cm a --dry-run=none --dry-run=client",
    ):
        same(beside, line)
    assert living(beside) == {"configmap/a", "configmap/b", "configmap/c", "serviceaccount/a"}
    same(beside, "cm a --dry-run=false")


def test_a_prompt(beside: Beside) -> None:
    made(beside)
    for line, answer in (
        ("cm a b -i", "n\n"),
        ("cm a b -i", ""),
        ("cm a -i", "yes\n"),
        ("cm a -i", "\ny\n"),
        ("cm -l app=web --interactive", "N\n"),
        ("cm a -i --dry-run=server", "y\n"),
        ("cm a -i --dry-run=client", "y\n"),
        ("cm nope -i", "y\n"),
        ("cm nope -i --ignore-not-found", "y\n"),
        ("cm -l app=nothing -i", "y\n"),
        ("cm a -i", "Y\n"),
        ("cm,sa -l n=b -i -o name", "y\n"),
        ("cm --all -i=false", ""),
    ):
        same(beside, line, input=answer)


def test_what_is_not_there(beside: Beside) -> None:
    beside.write(
        gone_yaml=A.replace("name: a", "name: gone"),
        alien_yaml="apiVersion: foo.io/v1\nkind: Foo\nmetadata: {name: a}\n",
        other_yaml=A.replace("name: a,", "name: a, namespace: default,"),
    )
    for line in (
        "cm nope",
        "cm nope neither",
        "cm/nope deployments.apps/nope",
        "cm,sa nope",
        "deploy.apps nope",
        "ns nope",
        "-f gone.yaml",
        "-f alien.yaml",
        "-f other.yaml",
        "-f other.yaml -n NS",
        "foo a",
        "foo --all",
        "foo/a cm/a",
        "foo.bar.io a",
        "deployments.v1beta1.apps a",
        "cm -n nowhere a",
    ):
        same(beside, line)
    made(beside)
    theirs, ours = beside.both("delete cm a nope")
    assert (theirs.exit, ours.exit) == (1, 1)
    assert (theirs.stdout, ours.stdout) == ('configmap "a" deleted from NS namespace\n', "")
    assert ours.stderr == (
        f"{theirs.stderr}kubectl-gitops: nothing was committed and nothing was changed\n"
    )


def test_what_only_the_branch_has_leaves_it(beside: Beside) -> None:
    """`pull` would make it again, so it is no error here."""
    made(beside)
    beside.kubectl("delete", "cm", "a")
    theirs, ours = beside.both("delete cm a")
    assert (theirs.exit, ours.exit) == (1, 0)
    assert theirs.stdout == ours.stdout == ""
    assert "kubectl-gitops: configmap/NS/a: it is gone\n" in ours.stderr
    assert declared(beside) == living(beside) == {"configmap/b", "configmap/c", "serviceaccount/a"}


def test_what_is_named_twice_goes_once(beside: Beside) -> None:
    beside.write(twice_yaml=f"{A}---\n{A}data: {{x: y}}\n".replace("data: {a: b}\ndata", "data"))
    for line in ("delete cm a a", "delete -f twice.yaml"):
        made(beside)
        theirs, ours = beside.both(line)
        assert (theirs.exit, ours.exit) == (1, 0)
        assert ours.stdout == theirs.stdout == 'configmap "a" deleted from NS namespace\n'


@pytest.mark.parametrize(
    "lines",
    [
        (
            "",
            "cm",
            "-R",
            "-f nope.yaml",
            "-f",
            "-f empty",
            "-f a.yaml -k o",
            "-k o -R",
            "-k nowhere",
            "cm -f a.yaml",
            "cm a -f a.yaml",
            "cm/a -f a.yaml",
            "cm,sa a -f a.yaml",
            "cm/a b",
            "cm/a/b",
            "cm/",
            "/a",
            "cm,sa/a",
            "cm,, a",
            "pods/x/y a",
            "all a",
        ),
        (
            "-l x=y",
            "--all",
            "cm a -l x=y",
            "cm/a -l x=y",
            "cm,sa a --all",
            "cm --all -l x=y",
            "cm --all --field-selector x=y",
            "cm a --all -l x=y",
            "cm -l !!",
            "cm -l a=b=c",
            "cm --field-selector foo=bar",
            "cm --field-selector foo",
            "cm -l",
            "cm a -A",
            "cm/a -A",
            "sa,cm a -A",
        ),
        (
            "cm a --bogus",
            "cm a --bogus=x",
            "cm a -Z",
            "cm a -o json",
            "cm a -o",
            "cm a --wait=x",
            "cm a -i=x",
            "cm a -A=maybe",
            "cm a --ignore-not-found=x",
            "cm a --grace-period=x",
            "cm a --grace-period",
            "cm a --timeout=5",
            "cm a --timeout=x",
            "cm a --timeout=5d",
            "cm a --cascade=x",
            "cm a --cascade=",
            "cm a --dry-run=x",
            "cm a --now --grace-period=3",
            "cm a --force --grace-period=3",
            "cm a --force --now",
            "cm a -o wide --all",
        ),
    ],
    ids=["arguments", "selectors", "flags"],
)
def test_what_cannot_be_meant(beside: Beside, lines: tuple[str, ...]) -> None:
    """Refused with kubectl's words and its exit code, and nothing is committed or changed."""
    beside.write(a_yaml=A, o__kustomization_yaml="resources: []\n", empty__notes_txt="none")
    made(beside, A)
    before = beside.ours.tip
    for line in lines:
        assert same(beside, line).exit == 1, line
    assert beside.ours.tip == before
    assert living(beside) == {"configmap/a"}


def test_waiting_that_runs_out(beside: Beside) -> None:
    """The lines are those of kubectl, which waits for the first one only; ours names all."""
    both = f"{HELD.replace('NAME', 'a')}---\n{HELD.replace('NAME', 'b')}"
    for line in (
        "delete cm a b --timeout=1s",
        "delete cm a --timeout=-1s",
        "delete cm a --now --timeout=1s",
        "delete cm a b --wait=false",
        "delete cm -l held --timeout=1s",
    ):
        made(beside, both)
        _, ours = beside.assert_same(line)
        expected = 1 if ours.stdout.startswith("configmap") and "wait=false" not in line else 0
        assert ours.exit == expected
        for name in ("a", "b"):
            beside.kubectl("patch", "cm", name, "-p", UNLOCK)
        beside.kubectl("delete", "cm", "a", "b", "--ignore-not-found")


def test_what_has_dependents_and_what_has_no_namespace(beside: Beside) -> None:
    made(beside, WEB)
    beside.kubectl("wait", "--for=condition=Available", "deploy/web", "--timeout=60s")
    same(beside, "deploy web --cascade=orphan")
    for kubeconfig in (beside.theirs, beside.ours.kubeconfig):
        found = beside.ours.plane.kubectl("get", "rs,pods", "-o", "name", kubeconfig=kubeconfig)
        assert len(found.stdout.split()) == 2
    same(beside, "rs -l app=web --cascade=foreground")
    ours = same(beside, "namespaces nowhere -n NS")
    scope = "Warning: deleting cluster-scoped resources, not scoped to the provided namespace\n"
    assert ours.stderr.startswith(scope)
    same(beside, "ns kube-system --dry-run=server")
    same(beside, "ns default")
    same(beside, "all --all --dry-run=client")


def test_who_may_not(beside: Beside) -> None:
    """Who may not read cannot delete here, for what goes is read first."""
    made(beside)
    same(beside, "cm --all --as alice")
    same(beside, "cm -l app=web --as=alice")
