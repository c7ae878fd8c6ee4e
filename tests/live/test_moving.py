"""The guides for moving over: what each page tells a person to run, run in its order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.bound import config_map
from tests.controlplane.cluster import ControlPlane
from tests.git import git, init_bare
from tests.place import Place
from tests.program import Gitops
from tests.unit.test_envelope_vectors import LEGACY

ROOT = Path(__file__).parents[2]


@pytest.fixture
def place(
    control_plane: ControlPlane, kubeconfig: Path, namespace: str, tmp_path: Path, gitops: Gitops
) -> Place:
    """A Namespace, and a repository that other tools have filled; nothing is bound yet."""
    repo = init_bare(tmp_path / "specs.git")
    return Place(namespace, repo, str(repo), control_plane, kubeconfig, gitops)


def pushed(place: Place, files: dict[str, str]) -> None:
    """A commit of somebody else's."""
    script = "commit refs/heads/main\ncommitter Bot <bot@example.com> 1700000000 +0000\n"
    script += "data 5\nspecs\n"
    for path, text in files.items():
        script += f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n"
    git(place.repo, "fast-import", "--quiet", input=script)


def states(place: Place, *flags: str | Path) -> dict[str, str]:
    """The state of each resource, by kind and name."""
    run = place.gitops("status", "-o", "json", *flags, exit=None)
    return {
        f"{item['resource']['kind']}/{item['resource']['name']}": item["state"]
        for item in run.json["items"]
    }


def test_from_kubectl_apply(place: Place, tmp_path: Path) -> None:
    """docs/moving.md: the files as they are; then a changed one is no conflict."""
    deploy = tmp_path / "deploy"
    deploy.mkdir()
    file = deploy / "settings.yaml"
    file.write_text("# ours\n" + config_map(place.namespace, "settings", ttl="24h", old="x"))
    place.kubectl("apply", "-f", str(deploy))
    place.kubectl("create", "configmap", "by-hand", "--from-literal=a=1")
    place.gitops("init", "--repo", place.repo, "--home-namespace", place.namespace)
    place.gitops("apply", "-R", "-f", deploy, "-m", "moved from deploy/")
    run = place.gitops("import", "-n", place.namespace)
    assert "configmap/by-hand" in run.stdout
    file.write_text("# ours\n" + config_map(place.namespace, "settings", ttl="12h"))
    assert place.gitops("apply", "-f", file).stdout == "configmap/settings configured\n"
    live = place.live("configmap/settings")
    assert live["data"] == {"ttl": "12h"}
    assert "annotations" not in live["metadata"]
    assert {entry["manager"] for entry in live["metadata"]["managedFields"]} == {"gitops"}
    assert place.git("show", f"main:{place.namespace}/configmap/settings.yaml").startswith("# ours")
    assert set(states(place).values()) == {"InSync"}


def test_from_a_flux_kustomization(place: Place, tmp_path: Path) -> None:
    """docs/moving-from-flux.md: the repository stays, with its files where they are."""
    label = "kustomize.toolkit.fluxcd.io/name: shop"
    text = config_map(place.namespace, "settings", ttl="24h")
    pushed(
        place,
        {
            "apps/shop/settings.yaml": f"# Flux applied this\n{text}",
            "apps/shop/kustomization.yaml": (
                "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
                "resources: [settings.yaml]\n"
            ),
            "clusters/prod/shop.yaml": (
                "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
                "metadata: {name: shop, namespace: flux-system}\nspec: {path: ./apps/shop}\n"
            ),
        },
    )
    labelled = text.replace("\ndata:", f"\n  labels: {{{label}}}\ndata:", 1)
    flux = ["--server-side", "--field-manager=kustomize-controller", "-f", "-"]
    place.kubectl("apply", *flux, input=labelled)
    home = ["--home-namespace", place.namespace]
    place.gitops("init", "--repo", place.repo, "--path", "apps/shop", *home)
    assert place.gitops("diff", exit=None).exit in (0, 1)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(place.repo), str(clone))
    git(clone, "rm", "--quiet", "apps/shop/kustomization.yaml")
    git(clone, "commit", "--quiet", "--message", "nothing to build")
    git(clone, "push", "--quiet", "origin", "HEAD:main")
    file = clone / "apps" / "shop" / "settings.yaml"
    file.write_text(file.read_text().replace("24h", "12h"))
    apply = ["apply", "-R", "-f", clone / "apps" / "shop", "--force-conflicts"]
    run = place.gitops(*apply, "-m", "moved from Flux")
    assert "configmap/settings configured" in run.stdout
    assert place.live("configmap/settings")["data"] == {"ttl": "12h"}
    moved = place.git("show", "main:apps/shop/settings.yaml")
    assert moved.startswith("# Flux applied this")
    assert "12h" in moved
    assert states(place) == {"ConfigMap/settings": "InSync"}
    assert "clusters/prod/shop.yaml" in place.files()


def test_from_the_predecessors_repository(place: Place, gitops: Gitops, tmp_path: Path) -> None:
    """docs/moving-from-the-predecessor.md: its files keep their names, its Secrets are sealed."""
    passphrase, plain, ciphertext = LEGACY[0]
    here = place.namespace
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": here},
        "data": {"user": ciphertext},
    }
    names = {
        f"60_{here}_settings_config-map.yaml": config_map(here, "settings", ttl="24h"),
        f"60_{here}_db_secret.json": json.dumps(secret, indent=2) + "\n",
        "README.md": "not a manifest\n",
    }
    pushed(place, names)
    key, phrase = tmp_path / "cluster.key", tmp_path / "old-passphrase.txt"
    gitops("secret", "keygen", "--out", key)
    phrase.write_text(passphrase)
    phrase.chmod(0o600)
    gitops("init", "--repo", place.repo, "--key-file", key, "--home-namespace", here)
    run = gitops("import", "--legacy-key", phrase, "-m", "moved from the predecessor")
    assert run.stdout == "secret/db sealed anew\n"
    assert gitops("diff", exit=None).exit == 1
    gitops("pull")
    assert place.live("secret/db")["data"] == {"user": plain}
    assert place.live("configmap/settings")["data"] == {"ttl": "24h"}
    assert set(place.files()) == set(names)
    sealed = yaml.safe_load(place.files()[f"60_{here}_db_secret.json"])
    assert sealed["data"]["user"].startswith("kgs1:")
    assert set(states(place).values()) == {"InSync"}
    assert place.git("log", "-1", "--format=%s").startswith("import secret/")


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("moving.md", ["import -n", "apply -R -f deploy/"]),
        ("moving-from-flux.md", ["--path apps/shop", "diff", "apply -R -f apps/shop --force-con"]),
        (
            "moving-from-the-predecessor.md",
            ["secret keygen", "init --repo specs.git --key-file", "import --legacy-key", "pull"],
        ),
    ],
)
def test_the_pages_tell_what_is_run_here_in_this_order(page: str, told: list[str]) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    places = [text.index(f"{words}") for words in told]
    assert places == sorted(places)
