"""`init`: a cluster and a branch get to know each other, and no other gets in by mistake."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Any

from tests.bound import Bound, config_map
from tests.controlplane.cluster import ControlPlane
from tests.git import git, init_bare
from tests.githttp import GitServer
from tests.program import Gitops


def shared(repo: Path, path: str = ".gitops.toml") -> dict[str, Any]:
    """What the branch tells everyone who uses it."""
    return tomllib.loads(git(repo, "cat-file", "blob", f"main:{path}"))


def configured(home: Path = Path(".config/kubectl-gitops/config.toml")) -> dict[str, Any]:
    """The person's own configuration, in the HOME that the tests stand in."""
    targets: dict[str, Any] = tomllib.loads(home.read_text())["targets"]
    return targets


def test_a_path_that_is_not_there_becomes_a_bare_repository(
    gitops: Gitops, control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    repo = tmp_path / "shop.git"
    run = gitops("init", "--repo", repo)
    assert run.stdout == ""
    assert run.stderr == (
        f"kubectl-gitops: made a bare repository in {repo}\n"
        f"kubectl-gitops: context first is recorded in main of {repo} as set shop\n"
        f"kubectl-gitops: 0 of 0 resources recorded in namespace {namespace}\n"
        "hint: kubectl gitops apply -f FILE\n"
        "hint: kubectl gitops secret keygen --out FILE   # before the first Secret\n"
    )
    assert git(repo, "rev-parse", "--is-bare-repository") == "true"
    assert git(repo, "symbolic-ref", "HEAD") == "refs/heads/main"
    told = shared(repo)
    salt = told.pop("keys")["salt"]
    assert len(bytes.fromhex(salt)) == 16
    assert told == {
        "format": 1,
        "set": "shop",
        "home-namespace": "default",
        "default-namespace": "default",
        "clusters": {control_plane.uid: "first"},
    }
    assert configured() == {
        "first": {
            "repo": str(repo),
            "branch": "main",
            "context": "first",
            "cluster": control_plane.uid,
        }
    }
    body = git(repo, "log", "-1", "--format=%an%n%B").splitlines()
    assert body[0] == "Ada Lovelace"
    assert body[-3:] == [
        "Gitops-Operation: init",
        f"Gitops-Cluster: {control_plane.uid}",
        "Gitops-User: admin",
    ]


def test_init_writes_nothing_into_the_cluster(bound: Bound) -> None:
    assert bound.there("configmap") == ["configmap/kube-root-ca.crt"]


def test_init_says_how_much_is_not_recorded_yet(bound: Bound, tmp_path: Path) -> None:
    bound.kubectl("create", "configmap", "a")
    bound.kubectl("create", "serviceaccount", "web")
    run = bound("init", "--repo", tmp_path / "new.git", "--name", "again")
    assert run.stderr.splitlines()[2:4] == [
        f"kubectl-gitops: 0 of 2 resources recorded in namespace {bound.namespace}",
        f"hint: kubectl gitops import -n {bound.namespace}",
    ]


def test_init_again_changes_nothing_and_says_what_is_there(bound: Bound) -> None:
    bound.apply(config_map(bound.namespace, "a"))
    tip, before = bound.tip, configured()
    run = bound("init", "--repo", bound.repo)
    assert run.stderr.splitlines()[1:] == [
        "kubectl-gitops: the branch holds 1 resource",
        "hint: kubectl gitops pull",
    ]
    assert (bound.tip, configured()) == (tip, before)


def test_a_branch_and_a_path_of_ones_own(bound: Bound) -> None:
    space, repo = bound.namespace, str(bound.repo)
    where = ["--repo", repo, "--branch", "prod", "--path", "clusters/eu"]
    bound("init", *where, "--set", f"{space}-eu", "--home-namespace", space, "--name", "eu")
    bound.apply(config_map(space, "a"), "--target", "eu")
    paths = git(bound.repo, "ls-tree", "-r", "--name-only", "prod").splitlines()
    assert paths == ["clusters/eu/.gitops.toml", f"clusters/eu/{space}/configmap/a.yaml"]
    assert configured()["eu"]["path"] == "clusters/eu"
    assert [item["resource"]["name"] for item in told(bound, "--target", "eu")] == ["a"]
    assert told(bound, "--target", "first") == []


def told(bound: Bound, *flags: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = bound("status", "-o", "json", *flags).json["items"]
    return items


def test_a_store_of_another_cluster_is_refused_until_it_is_adopted(
    bound: Bound, second_control_plane: ControlPlane
) -> None:
    space = bound.namespace
    bound.apply(config_map("default", f"of-{space}", x="1"))
    other = bound.elsewhere(second_control_plane.kubeconfig, second_control_plane)
    tip, first, second = bound.tip, bound.plane.uid, other.plane.uid
    init = ["init", "--repo", str(bound.repo)]

    run = other(*init, exit=1)
    assert (run.stdout, run.stderr) == (
        "",
        f"error: {bound.repo} is bound to another cluster: first (uid {first})\n"
        f"hint: kubectl gitops init --repo {bound.repo} --adopt-store             "
        "# this cluster, too\n"
        f"hint: kubectl gitops init --repo {bound.repo} --adopt-store --replace   "
        "# the other one is gone\n",
    )
    assert bound.tip == tip
    assert list(configured()) == ["first"]

    other.kubectl("create", "namespace", space)
    run = other(*init, "--adopt-store")
    assert run.stderr.splitlines()[-1] == "hint: kubectl gitops pull"
    assert shared(bound.repo)["clusters"] == {first: "first", second: "second"}
    assert sorted(configured()) == ["first", "second"]
    assert other("pull").stdout == f"configmap/of-{space} created\n"
    assert told(other)[0]["state"] == told(bound)[0]["state"] == "InSync"

    other(*init, "--adopt-store", "--replace")
    assert shared(bound.repo)["clusters"] == {second: "second"}
    run = bound("pull", exit=1)
    assert run.stderr.splitlines()[0] == (
        f"error: this cluster (first, uid {first}) is not one that the branch may be applied to "
        "(second)"
    )
    other.kubectl("delete", "configmap", "-n", "default", f"of-{space}")
    other.plane.delete_namespace(space)
    bound.kubectl("delete", "configmap", "-n", "default", f"of-{space}")


def test_the_context_chooses_the_target(
    bound: Bound, second_control_plane: ControlPlane, tmp_path: Path
) -> None:
    other = bound.elsewhere(second_control_plane.kubeconfig, second_control_plane)
    other("init", "--repo", tmp_path / "other.git")
    bound.apply(config_map(bound.namespace, "a"))
    assert len(told(bound)) == 1
    assert told(other) == []
    refused = bound("status", "--target", "nobody", exit=2)
    assert refused.stderr.splitlines()[0] == (
        "error: no target is named nobody; configured: first, second"
    )


def test_jobs_need_no_state(bound: Bound, tmp_path: Path) -> None:
    """Every command takes the repository itself, by flag or by variable."""
    bound.apply(config_map(bound.namespace, "a", x="1"))
    bound.kubectl("delete", "configmap/a")
    env = {"XDG_CONFIG_HOME": str(tmp_path), "KUBECONFIG": str(bound.kubeconfig)}
    run = bound.program("status", exit=1 + 1, env=env)
    assert run.stderr.splitlines()[0] == "error: no cluster is recorded yet"
    by_flag = bound.program("status", "--repo", bound.repo, exit=1, env=env)
    assert "Missing" in by_flag.stdout
    by_variable = bound.program("pull", env={**env, "KUBECTL_GITOPS_REPO": str(bound.repo)})
    assert by_variable.stdout == "configmap/a created\n"
    assert list(tmp_path.glob("kubectl-gitops/*")) == []


def test_a_server_with_a_password_that_is_never_shown(
    gitops: Gitops, namespace: str, http_repo: GitServer
) -> None:
    run = gitops("init", "--repo", http_repo.url_with_password, "--home-namespace", namespace)
    config = Path(".config/kubectl-gitops/config.toml")
    assert f"recorded in main of {http_repo.url}" in run.stderr
    assert "password is stored in" in run.stderr
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    text = config_map(namespace, "a", x="1")
    runs = [run, gitops("apply", "-f", "-", input=text), gitops("status"), gitops("history")]
    assert [one for one in runs if http_repo.password in one.stdout + one.stderr] == []
    assert http_repo.password not in git(http_repo.path, "log", "-p", "--all")


def test_the_first_key_is_listed_and_the_next_store_knows_it(
    gitops: Gitops, namespace: str, bare_repo: Path, key_file: Path
) -> None:
    gitops("init", "--repo", bare_repo, "--key-file", key_file, "--home-namespace", namespace)
    (kid,) = shared(bare_repo)["keys"]["ids"]
    assert len(bytes.fromhex(kid)) == 8
    assert configured()["first"]["key-file"] == str(key_file)
    assert key_file.read_text().strip() not in git(bare_repo, "log", "-p", "--all")


def test_the_author_is_the_user_whom_the_cluster_knows_where_git_knows_none(
    gitops: Gitops, namespace: str, bare_repo: Path
) -> None:
    unknown = {
        f"GIT_{who}_{what}": "" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    gitops("init", "--repo", bare_repo, "--home-namespace", namespace, env=unknown)
    assert git(bare_repo, "log", "-1", "--format=%an") == "admin"


def test_what_is_no_store_is_refused_and_left_as_it_is(
    gitops: Gitops, namespace: str, tmp_path: Path
) -> None:
    worktree, folder, file = (tmp_path / name for name in ("clone", "folder", "file"))
    worktree.mkdir()
    git(worktree, "init", "--quiet", "--initial-branch=main")
    folder.mkdir()
    (folder / "notes.txt").write_text("mine\n")
    file.write_text("mine\n")
    for path in (worktree, folder, file):
        run = gitops("init", "--repo", path, exit=None)
        assert (run.exit, run.stdout) == (1, ""), run
        first, *hints = run.stderr.splitlines()
        assert first.startswith("error: "), run
        assert str(path) in first, run
        assert all(hint.startswith("hint: ") for hint in hints), run
    assert not Path(".config/kubectl-gitops/config.toml").exists()
    assert list(folder.iterdir()) == [folder / "notes.txt"]
    assert file.read_text() == "mine\n"


def test_what_cannot_be_carried_out_makes_nothing(bound: Bound, tmp_path: Path) -> None:
    """Neither a repository nor a commit; what is settled in a branch is not asked for again."""
    new, here = ["--repo", f"{tmp_path}/new.git"], ["--repo", str(bound.repo)]
    settled = "is for a new branch; what this one says is changed in its .gitops.toml"
    refused = {
        (*new, "--branch", "a..b"): (2, "a..b is no name of a branch"),
        (*new, "--path", "../up"): (2, "../up is no path inside a repository"),
        (*new, "--name", "a b"): (2, "'a b' is no name for a target"),
        (*new, "--set", "Bad_Set"): (
            1,
            ".gitops.toml: set must be a name as Kubernetes has them: a-z, 0-9 and '-', up to 63",
        ),
        (*new, "--selector", "a in ("): (
            1,
            '.gitops.toml: scope.selector: the provided selector "a in (" is not valid: '
            "unable to parse requirement: found '', expected: ',' or ')'",
        ),
        (*new, "--replace"): (2, "--replace goes with --adopt-store"),
        (*new, "--key-file", f"{tmp_path}/none"): (
            1,
            f"cannot read {tmp_path}/none: no such file or directory",
        ),
        (*here, "--set", "other"): (1, f"--set {settled}"),
        (*here, "--home-namespace", "other"): (1, f"--home-namespace {settled}"),
        (*here, "--scope-namespace", "other"): (1, f"--scope-namespace {settled}"),
    }
    tip, before = bound.tip, configured()
    for flags, (code, said) in refused.items():
        run = bound("init", *flags, exit=code)
        assert run.stderr.splitlines()[0] == f"error: {said}"
    assert (bound.tip, configured()) == (tip, before)
    assert not (tmp_path / "new.git").exists()


def test_who_may_not_read_kube_system_adopts_by_the_home_of_the_set(
    bound: Bound, control_plane: ControlPlane
) -> None:
    grant = ["--clusterrole=admin", "--user=alice"]
    bound.kubectl("create", "rolebinding", "alice", *grant)
    alice = bound.elsewhere(control_plane.kubeconfig_of("alice"), control_plane)
    alice("init", "--repo", str(bound.repo), "--adopt-store")
    home = bound.plane.request("GET", f"/api/v1/namespaces/{bound.namespace}")["metadata"]["uid"]
    assert shared(bound.repo)["clusters"] == {control_plane.uid: "first", home: "first"}
    assert told(alice) == told(bound) == []


def test_a_bare_repository_with_commits_of_other_things_is_taken_as_it_is(
    gitops: Gitops, namespace: str, bare_repo: Path, tmp_path: Path
) -> None:
    other = init_bare(tmp_path / "other.git")
    script = (
        "commit refs/heads/main\ncommitter A <a@b> 1 +0000\ndata 1\nx\n"
        "M 644 inline README\ndata 2\nhi\n"
    )
    git(other, "fast-import", "--quiet", input=script)
    gitops("init", "--repo", other, "--home-namespace", namespace)
    assert git(other, "ls-tree", "-r", "--name-only", "main").split() == [".gitops.toml", "README"]
