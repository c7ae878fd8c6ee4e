"""`apply` where kubectl has nothing to compare with: the branch alone, checkouts, limits, hints."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from tests.bound import Bound, config_map
from tests.git import git

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: APP}}
  template:
    metadata: {labels: {app: APP}}
    spec: {containers: [{name: web, image: nginx}]}
"""
CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [MODE], storageClassName: none, resources: {requests: {storage: 1Gi}}}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {{name: {}}}
spec: {{type: NodePort, ports: [{{port: 80}}]}}
"""
FIXED = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: a, finalizers: [example.com/holds]}}
immutable: true
data: {{x: "{}"}}
"""
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {}}}\n"
ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: {}}}
rules: []
"""


def test_record_only_writes_the_branch_and_leaves_the_cluster_alone(bound: Bound) -> None:
    space = bound.namespace
    bound.apply(config_map(space, "a", x="1"))
    before = bound.live("configmap/a")["metadata"]["resourceVersion"]
    text = f"{config_map(space, 'a', x='2')}---\n{config_map(space, 'b', x='1')}"
    run = bound.apply(text, "--record-only", "-m", "for tonight")
    assert run.stdout == "configmap/a recorded\nconfigmap/b recorded\n"
    assert run.stderr.splitlines()[-2:] == [
        "kubectl-gitops: the cluster was left as it is",
        "hint: kubectl gitops pull",
    ]
    assert bound.live("configmap/a")["metadata"]["resourceVersion"] == before
    assert bound.there("configmap/b") == []
    assert 'x: "2"' in bound.file(f"{space}/configmap/a.yaml")
    again = bound.apply(text, "--record-only")
    assert (again.stdout, again.stderr) == ("configmap/a unchanged\nconfigmap/b unchanged\n", "")
    assert bound("pull").stdout == "configmap/a configured\nconfigmap/b created\n"


def test_what_is_only_recorded_is_checked_like_anything_else(bound: Bound) -> None:
    tip = bound.tip
    run = bound.apply(
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n", "--record-only", exit=1
    )
    assert 'The Service "a" is invalid' in run.stderr
    forced = bound.apply(config_map(bound.namespace, "a"), "--record-only", "--force", exit=1)
    assert "--force cannot be used with --record-only" in forced.stderr
    assert bound.tip == tip


def test_a_checkout_of_the_store_is_brought_up_to_date_by_the_hint(
    bound: Bound, tmp_path: Path
) -> None:
    space = bound.namespace
    bound.apply(config_map(space, "a", x="1"))
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(bound.repo), str(clone))
    mine = clone / space / "configmap" / "a.yaml"
    mine.write_text(config_map(space, "a", x="2"))
    (clone / "new.yaml").write_text(config_map(space, "b", x="1"))
    run = bound("apply", "-f", mine, "-f", clone / "new.yaml")
    hint = f"git -C {clone} pull --rebase --autostash"
    assert f"hint: {hint}   # it is behind now\n" in run.stderr
    git(clone, "pull", "--rebase", "--autostash", "--quiet")
    assert git(clone, "status", "--porcelain") == "?? new.yaml"
    assert git(clone, "rev-parse", "HEAD") == bound.tip
    unchanged = bound("apply", "-R", "-f", clone / space)
    assert "git -C" not in unchanged.stderr
    elsewhere = tmp_path / "elsewhere.yaml"
    elsewhere.write_text(config_map(space, "a", x="3"))
    assert "git -C" not in bound("apply", "-f", elsewhere).stderr


def test_a_checkout_that_cannot_be_read_is_nobodys_failure(bound: Bound, tmp_path: Path) -> None:
    space = bound.namespace
    bound.apply(config_map(space, "a", x="1"))
    first = "[core]\n\trepositoryformatversion = 1\n[extensions]\n\t"
    oddities = {
        "extension": f"{first}noop-v9 = true\n",
        "partial": f"{first}partialClone = origin\n",
        "reftable": f"{first}refStorage = reftable\n",
        "version": "[core]\n\trepositoryformatversion = 7\n",
        "broken": "[[[broken\n",
    }
    for name, config in oddities.items():
        clone = tmp_path / name
        git(tmp_path, "clone", "--quiet", str(bound.repo), str(clone))
        (clone / ".git" / "config").write_text(config)
        (clone / "new.yaml").write_text(config_map(space, name, x="1"))
        run = bound("apply", "-f", clone / "new.yaml")
        assert run.stdout == f"configmap/{name} created\n"
        assert "git -C" not in run.stderr
    link = tmp_path / "link"
    link.mkdir()
    (link / "new.yaml").write_text(config_map(space, "link", x="1"))
    for text in ("", "\udcff\udcfe", "gitdir: elsewhere\n"):
        (link / ".git").write_bytes(text.encode(errors="surrogateescape"))
        bound("apply", "-f", link / "new.yaml")


def test_the_hint_names_a_work_tree_as_a_shell_reads_it(bound: Bound, tmp_path: Path) -> None:
    clone, linked = tmp_path / "my clone", tmp_path / "linked"
    git(tmp_path, "clone", "--quiet", str(bound.repo), str(clone))
    (clone / "new.yaml").write_text(config_map(bound.namespace, "a", x="1"))
    run = bound("apply", "-f", clone / "new.yaml")
    assert f"hint: git -C '{clone}' pull --rebase --autostash   #" in run.stderr
    git(clone, "checkout", "--quiet", "--detach")
    git(clone, "worktree", "add", "--quiet", str(linked), "main")
    (linked / "new.yaml").write_text(config_map(bound.namespace, "b", x="1"))
    run = bound("apply", "-f", linked / "new.yaml", "-f", clone / "new.yaml")
    assert f"hint: git -C {linked} pull --rebase --autostash   #" in run.stderr
    assert str(clone) not in run.stderr


def test_what_a_rule_of_the_branch_would_seal_is_masked_where_it_is_live(
    bound: Bound, key_file: Path
) -> None:
    rule = '\n[[seal]]\nkind = "ConfigMap"\npaths = ["/data/pw"]\n'
    bound.commit({".gitops.toml": bound.file(".gitops.toml") + rule})
    with_key = ("--key-file", str(key_file))
    text = config_map(bound.namespace, "a", open="1")
    bound.apply(text, *with_key)
    bound.kubectl("patch", "configmap/a", "-p", '{"data": {"pw": "correct-horse"}}')
    for flags in (("--dry-run=client",), ("--dry-run=server",), ()):
        for form in ("json", "yaml"):
            run = bound.apply(text, "-o", form, "--show-managed-fields", *flags, *with_key)
            assert yaml.safe_load(run.stdout)["data"] == {"open": "1", "pw": "***"}
            assert "correct-horse" not in run.stderr


def test_a_name_too_long_for_a_file_ends_an_external_diff_clearly(
    bound: Bound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECTL_EXTERNAL_DIFF", "diff -u -N")
    text = config_map(bound.namespace, "a" * 250, x="1")
    run = bound("diff", "-f", "-", input=text, exit=2)
    assert "cannot be written: File name too long\nhint: unset KUBECTL" in run.stderr


def test_a_dry_run_refuses_what_stands_twice_as_the_change_would(bound: Bound) -> None:
    text = config_map(bound.namespace, "a", x="1")
    bound.apply(text)
    bound.commit({"again.yaml": text})
    twice = f"error: configmap/{bound.namespace}/a stands twice in the branch: "
    for flags in ((), ("--dry-run=client",), ("--dry-run=server",)):
        run = bound.apply(text, *flags, exit=1)
        assert (run.stdout, run.stderr.startswith(twice)) == ("", True)
    assert bound("diff", "-f", "-", input=text, exit=2).stderr.startswith(twice)


def test_a_refused_change_of_a_fixed_field_offers_to_make_it_anew(bound: Bound) -> None:
    bound.apply(WEB.replace("APP", "web"))
    tip, uid = bound.tip, bound.live("deployment/web")["metadata"]["uid"]
    other = WEB.replace("APP", "shop")
    run = bound.apply(other, exit=1)
    assert "spec.selector: Invalid value" in run.stderr
    assert "field is immutable" in run.stderr
    where = f"deployment/{bound.namespace}/web"
    assert (
        f"hint: kubectl gitops apply -f FILE --force   # delete and create {where} again\n"
    ) in run.stderr
    assert (bound.tip, bound.live("deployment/web")["metadata"]["uid"]) == (tip, uid)
    assert bound.apply(other, "--force", "--cascade").stdout == "deployment.apps/web configured\n"
    assert bound.live("deployment/web")["metadata"]["uid"] != uid
    assert bound("status", exit=None).stdout.count("Drifted") == 0


def test_what_would_be_refused_anew_is_not_deleted(bound: Bound) -> None:
    bound.apply(WEB.replace("APP", "web"))
    uid = bound.live("deployment/web")["metadata"]["uid"]
    broken = WEB.replace("APP", "shop").replace("{name: web, image: nginx}", "{name: web}")
    run = bound.apply(broken, "--force", exit=1)
    assert "--force" not in run.stderr
    assert bound.live("deployment/web")["metadata"]["uid"] == uid


def test_an_address_of_another_service_is_not_free_when_the_old_one_is_gone(bound: Bound) -> None:
    bound.apply("---\n".join(SERVICE.format(name) for name in "ab"))
    a, b = (bound.live(f"service/{name}")["spec"] for name in "ab")

    def moved(address: str, port: int) -> str:
        text = SERVICE.format("a").replace("port: 80", f"port: 80, nodePort: {port}")
        return text.replace("type: NodePort", f"type: NodePort, clusterIP: {address}")

    mine, others = a["ports"][0]["nodePort"], b["ports"][0]["nodePort"]
    free = a["clusterIP"].rpartition(".")[0] + ".253"
    run = bound.apply(moved(free, others), "--force", exit=1)
    assert "provided port is already allocated" in run.stderr
    assert bound.live("service/a")["spec"] == a
    assert bound.apply(moved(free, mine), "--force").stdout == "service/a configured\n"
    assert bound.live("service/a")["spec"]["clusterIP"] == free


def test_a_pull_makes_anew_what_still_goes_when_it_looks(bound: Bound) -> None:
    fixed = FIXED.format("1")
    bound.apply(fixed)
    bound.kubectl("delete", "--wait=false", "configmap/a")
    path = f"{bound.namespace}/configmap/a.yaml"
    bound.commit({path: bound.file(path).replace('x: "1"', 'x: "2"')})
    with ThreadPoolExecutor() as pool:
        pull = pool.submit(bound, "pull")
        with pytest.raises(TimeoutError):
            pull.result(3)
        bound.kubectl("patch", "configmap/a", "-p", '{"metadata": {"finalizers": null}}')
        assert pull.result().stdout == "configmap/a created\n"
    assert bound.live("configmap/a")["data"] == {"x": "2"}
    bound.kubectl("patch", "configmap/a", "-p", '{"metadata": {"finalizers": null}}')


def test_force_never_deletes_a_claim(bound: Bound) -> None:
    bound.apply(CLAIM.replace("MODE", "ReadWriteOnce"))
    uid = bound.live("pvc/data")["metadata"]["uid"]
    run = bound.apply(CLAIM.replace("MODE", "ReadWriteMany"), "--force", exit=1)
    assert "spec is immutable" in run.stderr
    assert "--force" not in run.stderr
    assert bound.live("pvc/data")["metadata"]["uid"] == uid


def test_a_prune_beyond_the_limit_needs_a_yes(bound: Bound) -> None:
    space = bound.namespace
    names = "abcdefgh"
    bound.apply("---\n".join(config_map(space, name, x="1") for name in names))
    tip, kept = bound.tip, config_map(space, "a", x="1")
    run = bound.apply(kept, "--prune", "--all", exit=1)
    assert run.stderr == (
        f"error: 7 resources would be pruned (configmap/{space}/b, configmap/{space}/c, "
        f"configmap/{space}/d, …), and that needs a yes; nothing was changed\n"
        "hint: kubectl gitops apply -f FILE --prune --all --allow-prune 7\n"
    )
    assert bound.tip == tip
    assert bound.apply(kept, "--prune", "--all", "--allow-prune", "6", exit=1).stdout == ""
    done = bound.apply(kept, "--prune", "--all", "--allow-prune", "7")
    pruned = "".join(f"configmap/{name} pruned\n" for name in names[1:])
    assert done.stdout == f"configmap/a unchanged\n{pruned}"
    assert list(bound.files()) == [".gitops.toml", f"{space}/configmap/a.yaml"]
    assert bound("undo", "--yes").stdout.count(" created\n") == 7


def test_a_prune_leaves_what_is_marked_to_stay_and_what_is_elsewhere(
    bound: Bound, namespace: str
) -> None:
    marked = config_map(namespace, "marked", x="1").replace(
        "metadata:\n", "metadata:\n  annotations: {kubectl-gitops/prune: disabled}\n"
    )
    role = ROLE.format(namespace)
    a, b = (config_map(namespace, name, x="1") for name in "ab")
    bound.apply("---\n".join((a, b, marked, role)))
    run = bound.apply(a, "--prune", "--all")
    assert run.stdout == "configmap/a unchanged\nconfigmap/b pruned\n"
    where = f"configmap/{namespace}/marked"
    assert f"{where} is not pruned: kubectl-gitops/prune: disabled\n" in run.stderr
    assert len(bound.there("configmap/marked", f"clusterrole/{namespace}")) == 2
    bound.kubectl("delete", f"clusterrole/{namespace}")


def test_a_namespace_is_not_pruned_from_under_what_comes_or_stays(
    bound: Bound, namespace: str
) -> None:
    marked = config_map(namespace, "marked", x="1").replace(
        "metadata:\n", "metadata:\n  annotations: {kubectl-gitops/prune: disabled}\n"
    )
    spaces = [f"{namespace}-{end}" for end in ("comes", "stays", "goes")]
    comes, stays, goes = spaces
    other = [NAMESPACE.format(space) for space in spaces]
    bound.apply("---\n".join((ROLE.format(namespace), *other, config_map(comes, "a", x="1"))))
    bound.apply(marked.replace(namespace, stays))
    bound.kubectl("create", "configmap", "by-hand", "-n", goes)
    keep = (ROLE.format(namespace), config_map(comes, "b", x="1"), config_map(stays, "c", x="1"))
    text = "---\n".join(keep)
    few = bound.apply(text, "--prune", "--all", "--allow-prune", "2", exit=1)
    assert few.stderr.endswith("hint: kubectl gitops apply -f FILE --prune --all --allow-prune 3\n")
    run = bound.apply(text, "--prune", "--all", "--allow-prune", "3")
    assert f"namespace/{comes} is not pruned: it holds resources that stay\n" in run.stderr
    assert f"namespace/{stays} is not pruned: it holds resources that stay\n" in run.stderr
    assert f"configmap/{goes}/by-hand goes along (recorded first)\n" in run.stderr
    pruned = [line for line in run.stdout.splitlines() if line.endswith(" pruned")]
    assert sorted(pruned) == ["configmap/a pruned", f"namespace/{goes} pruned"]
    there = (f"namespace/{space}" for space in spaces)
    assert len(bound.there(*there)) == 2
    assert bound.there("configmap/b", "-n", comes) == ["configmap/b"]
    assert bound.there("configmap/marked", "-n", stays) == ["configmap/marked"]
    bound.kubectl("delete", "--wait=false", "ns", comes, stays)
    bound.kubectl("delete", f"clusterrole/{namespace}")


def test_nothing_is_pruned_where_something_is_refused(bound: Bound) -> None:
    space = bound.namespace
    bound.apply(f"{config_map(space, 'a', x='1')}---\n{config_map(space, 'b', x='1')}")
    broken = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
    assert bound.apply(broken, "--prune", "--all", exit=1).stdout == ""
    assert len(bound.there("configmap/a", "configmap/b")) == 2


def test_verbose_tells_of_requests_and_of_nothing_in_them(bound: Bound, key_file: Path) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: correct-horse}\n"
    run = bound.apply(secret, "--key-file", str(key_file), "-v=6")
    url = f"{bound.plane.url}/api/v1/namespaces/{bound.namespace}/secrets/s"
    assert any(line.startswith(f"PATCH {url}?") for line in run.stderr.splitlines())
    assert "correct-horse" not in run.stderr
    assert "Bearer" not in run.stderr
    assert "PATCH" not in bound.apply(secret, "--key-file", str(key_file), "-v", "5").stderr


def test_what_is_refused_after_all_is_put_back(bound: Bound) -> None:
    """The trial of a creation does not notice an address that another Service holds."""
    port = "apiVersion: v1\nkind: Service\nmetadata: {name: NAME}\nspec: {ports: [{port: 80}]}\n"
    a, b = port.replace("NAME", "a"), port.replace("NAME", "b")
    bound.apply(f"{a}---\n{b}")
    taken = bound.live("service/b")["spec"]["clusterIP"]
    uid = bound.live("service/a")["metadata"]["uid"]
    run = bound.apply(a.replace("spec: {", f"spec: {{clusterIP: {taken}, "), "--force", exit=1)
    where = f"service/{bound.namespace}/a"
    assert f"{where}: it was deleted for that, and was put back as it was\n" in run.stderr
    assert "provided IP is already allocated" in run.stderr
    assert "the branch holds the former content again" in run.stderr
    live = bound.live("service/a")
    assert live["metadata"]["uid"] != uid
    assert live["spec"]["clusterIP"] != taken
    assert "clusterIP" not in bound.file(f"{bound.namespace}/service/a.yaml")
    assert bound("status").exit == 0
