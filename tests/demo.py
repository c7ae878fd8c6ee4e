"""`make demo`: the program at work, from `init` to a second cluster made from the branch alone.

What is shown is what the commands print, run through the real kubectl against real API servers.
What is claimed at the end was checked on the way, by other means than the program itself where
there are any; the exit code is 1 if a claim does not hold. `KEEP=1` leaves both clusters up.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from typing import Any

import yaml
from jsonpatch import apply_patch

PROJECT = Path(__file__).parents[1]
PLACE = PROJECT / ".demo"
CLUSTERS = FIRST, SECOND = "demo-first", "demo-second"
PASSWORD = "example-password-not-real"
KINDS = (
    "namespaces,configmaps,secrets,services,serviceaccounts,deployments,ingresses,roles,"
    "rolebindings,networkpolicies,poddisruptionbudgets,horizontalpodautoscalers,"
    "customresourcedefinitions,vouchers"
)
WIDTH = 92


class DemoError(Exception):
    """A command of the demo did not end as it should; the message says which."""


@dataclass(frozen=True, slots=True)
class Demo:
    """The directory in which the demo happens, the environment of its commands, its findings."""

    place: Path
    environment: dict[str, str]
    claims: list[tuple[str, str]] = field(default_factory=list)

    def run(self, command: str, *, exit: int = 0) -> None:
        """Show a command and what it prints; `DemoError` where it does not end with `exit`."""
        print(_bold(f"$ {command}"), flush=True)
        process = subprocess.Popen(
            shlex.split(command),
            cwd=self.place,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
        if process.wait() != exit:
            raise DemoError(f"{command}: exit {process.returncode}, not {exit}")
        if exit:
            print(_faint(f"[exit {exit}]"))
        print()

    def ask(self, command: str) -> str:
        """What a command prints, unseen; `DemoError` where it fails."""
        answer = subprocess.run(
            shlex.split(command),
            cwd=self.place,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if answer.returncode:
            raise DemoError(f"{command}: exit {answer.returncode}\n{answer.stderr}")
        return answer.stdout

    def claim(self, text: str, problem: object) -> None:
        """Note a claim; it holds where there is no `problem`."""
        self.claims.append((text, str(problem) if problem else ""))


def main() -> int:
    keep = bool(os.environ.get("KEEP"))
    _take_down()
    try:
        proved = _show()
    except (DemoError, subprocess.CalledProcessError) as error:
        print(f"\nerror: {error}", file=sys.stderr)
        proved = False
    finally:
        if not keep:
            _take_down()
    if keep:
        _tell_how_to_look()
    return 0 if proved else 1


def _show() -> bool:
    """The whole demo; whether all it claims was found true."""
    started = time.monotonic()
    demo = _set_up()
    for chapter in CHAPTERS:
        chapter(demo)
    return _conclude(demo, time.monotonic() - started)


def _set_up() -> Demo:
    """Two control planes, and a home directory of the demo's own."""
    _tell(
        "Two control planes: etcd, API server, controllers, scheduler and one simulated Node each."
    )
    kubeconfigs = [Path(_started(name)) for name in CLUSTERS]
    home = PLACE / "home"
    (home / ".kube").mkdir(parents=True)
    config = home / ".kube" / "config"
    config.touch(mode=0o600)
    config.write_text(yaml.safe_dump(_merged(kubeconfigs)))
    demo = Demo(PLACE, _environment(home))
    shutil.copytree(PROJECT / "examples" / "shop", PLACE / "shop")
    demo.ask("git config --global user.name 'Anna Berg'")
    demo.ask("git config --global user.email anna@example.com")
    print()
    return demo


def _merged(files: list[Path]) -> dict[str, Any]:
    """One kubeconfig of several, which all call their user admin."""
    merged: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "current-context": FIRST}
    for file in files:
        config = yaml.safe_load(file.read_text())
        (user,), (context,) = config["users"], config["contexts"]
        user["name"] = context["context"]["user"] = f"{user['name']}-of-{context['name']}"
        for part in ("clusters", "users", "contexts"):
            merged.setdefault(part, []).extend(config[part])
    return merged


def _environment(home: Path) -> dict[str, str]:
    """kubectl finds its plugins on PATH; nothing of the person's own configuration is used."""
    ours = ("KUBECTL_GITOPS_", "GIT_", "XDG_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours) and k != "KUBECONFIG"}
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    return {**kept, "HOME": str(home), "PATH": path, "GIT_CONFIG_NOSYSTEM": "1"}


def _started(name: str) -> str:
    """Start one in the background, which may first have to build it; its kubeconfig."""
    began = time.monotonic()
    answer = subprocess.run(
        [sys.executable, "-m", "tests.controlplane", "up", "--name", name],
        cwd=PROJECT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    print(f"  {name} is up after {time.monotonic() - began:.0f} s", flush=True)
    return answer.stdout.strip()


def _take_down() -> None:
    for name in CLUSTERS:
        command = [sys.executable, "-m", "tests.controlplane", "down", "--name", name]
        subprocess.run(command, cwd=PROJECT, check=True)
    shutil.rmtree(PLACE, ignore_errors=True)


def begin(demo: Demo) -> None:
    _chapter("A cluster is bound to a branch")
    _tell("The plugin is found by kubectl, because kubectl-gitops is on the PATH.")
    demo.run("kubectl gitops version")
    _tell("A key for the values of Secrets; then a bare repository, which needs no server.")
    demo.run("kubectl gitops secret keygen --out cluster.key")
    demo.run("kubectl gitops init --repo shop.git --key-file cluster.key")


def apply_all(demo: Demo) -> None:
    _chapter("apply: a commit, then the cluster")
    _tell(
        "Sixteen plain manifests in no particular order: a Namespace, its members, a CRD and a "
        "resource of it."
    )
    demo.run('kubectl gitops apply -f shop -m "the shop as it stands today"')
    demo.run("git --git-dir shop.git log -1 --format=%an%n%B")
    _tell("The branch holds the text as it was written, comments and order included …")
    demo.run("git --git-dir shop.git show main:shop/configmap/settings.yaml")
    _tell("… but not the values of a Secret.")
    demo.run("git --git-dir shop.git show main:shop/secret/database.yaml")
    demo.claim("every line that was written is in the branch, comments included", _lost(demo))
    demo.claim(
        "what the branch holds is what the cluster holds, no more and no less", _unequal(demo)
    )


def edit(demo: Demo) -> None:
    _chapter("A change, and its history")
    file = demo.place / "shop" / "web.yaml"
    before = file.read_text()
    after = before.replace("replicas: 3", "replicas: 4").replace("web:1.4.0", "web:1.4.1")
    file.write_text(after)
    _tell("An editor changes two lines of web.yaml:")
    lines = unified_diff(before.splitlines(), after.splitlines(), "before", "after", "", "", 0, "")
    print("\n".join(f"  {line}" for line in list(lines)[2:]) + "\n")
    demo.run(
        'kubectl gitops apply -f shop/web.yaml -m "1.4.1 rounds prices; a fourth for the sale"'
    )
    demo.run("kubectl gitops history deployment/web -n shop")
    demo.run("kubectl gitops history deployment/web -n shop --patch --limit 1")
    demo.claim("the patches of the history lead from each revision to the next", _misled(demo))


def refuse(demo: Demo) -> None:
    _chapter("What the cluster would refuse")
    _tell("Two manifests in one command: a good one, and one with a port that does not exist.")
    bad = demo.place / "bad"
    bad.mkdir()
    for name, old, new in (("settings", "24h", "12h"), ("web", "port: 80", "port: 99999")):
        text = (demo.place / "shop" / f"{name}.yaml").read_text()
        (bad / f"{name}.yaml").write_text(text.replace(old, new))
    tip, traces = demo.ask("git --git-dir shop.git rev-parse main"), _traces(demo)
    demo.run("kubectl gitops apply -f bad", exit=1)
    untouched = tip == demo.ask("git --git-dir shop.git rev-parse main")
    demo.claim(
        "one refused resource, and nothing was committed and nothing changed",
        not untouched or _traces(demo) != traces,
    )


def drift(demo: Demo) -> None:
    _chapter("Drift, made with plain kubectl")
    demo.run("kubectl -n shop set image deployment/web web=registry.example.com/shop/web:hotfix")
    demo.run("kubectl -n shop delete service basket")
    _tell("diff shows what pull would do about it; its exit code is kubectl diff's.")
    demo.run("kubectl gitops diff", exit=1)
    demo.run("kubectl gitops status", exit=1)
    _tell("pull makes the cluster equal to the branch, and says what it takes back from whom.")
    demo.run("kubectl gitops pull")
    image = "-o jsonpath={.spec.template.spec.containers[0].image}"
    live = demo.ask(f"kubectl -n shop get deployment web {image}")
    service = demo.ask("kubectl -n shop get service basket -o name --ignore-not-found")
    undone = live.endswith(":1.4.1") and service
    demo.claim("diff and status saw the drift (exit 1), and pull undid it", not undone and live)
    traces = _traces(demo)
    demo.ask("kubectl gitops pull")
    after = _traces(demo)
    demo.claim(
        "a second pull wrote nothing", [name for name in after if after[name] != traces[name]]
    )


def remove(demo: Demo) -> None:
    _chapter("A resource is removed, and not forgotten")
    demo.run('kubectl gitops delete voucher/welcome -n shop -m "the campaign is over"')
    demo.run("kubectl gitops show voucher/welcome -n shop")
    live = demo.ask("kubectl -n shop get voucher welcome -o name --ignore-not-found")
    shown = demo.ask("kubectl gitops show voucher/welcome -n shop")
    *_, written = (demo.place / "shop" / "vouchers.yaml").read_text().split("---\n")
    demo.claim(
        "what is deleted leaves the cluster, and can be read ever after", live or shown != written
    )
    demo.run('kubectl gitops undo -m "one week more"')
    demo.run("kubectl gitops history voucher/welcome -n shop")
    live = demo.ask("kubectl -n shop get voucher welcome -o jsonpath={.spec.percent}")
    text = demo.ask("git --git-dir shop.git show main:shop/voucher.shop.example.com/welcome.yaml")
    demo.claim("undo brings it back, its comments, too", live != "10" or text != written)


def roll_out(demo: Demo) -> None:
    _chapter("A second, empty cluster is made from the branch")
    first = _contents(demo)
    demo.run(f"kubectl config use-context {SECOND}")
    demo.run("kubectl get namespaces")
    demo.run("kubectl gitops init --repo shop.git --key-file cluster.key --adopt-store")
    demo.run("kubectl gitops pull")
    demo.run("kubectl gitops status")
    demo.run("kubectl -n shop get deployments,services,ingresses")
    second = _contents(demo)
    different = [
        name for name in first.keys() | second.keys() if first.get(name) != second.get(name)
    ]
    demo.claim("one pull made the second cluster equal to the first, Secrets opened", different)
    secret = demo.ask("kubectl -n shop get secret database -o jsonpath={.data.password}")
    demo.claim(
        "the password came through the branch, and stands nowhere in it in the clear",
        base64.b64decode(secret).decode() != PASSWORD or _leaks(demo),
    )


def look_without_us(demo: Demo) -> None:
    _chapter("The branch without this program")
    _tell(
        "It is a directory of manifests. Plain kubectl applies it, Secrets excepted (their values "
        "are sealed), and plain git checks it."
    )
    demo.run("git clone --quiet shop.git clone")
    (demo.place / "clone" / "shop" / "secret" / "database.yaml").unlink()
    demo.run(
        "kubectl apply --server-side --dry-run=server --field-manager=gitops "
        "--recursive --filename clone"
    )
    demo.claim("plain kubectl applies the branch as it is", "")
    _tell(
        "The history of a resource is a chain of small files; docs/branch.md says how to follow it."
    )
    demo.run("git --git-dir shop.git show refs/gitops/history/main:shop/deployment.apps/web.json")
    demo.claim("plain git reads the same history as the program", _unlike(demo))
    demo.run("git --git-dir shop.git fsck --strict --no-dangling --no-progress")
    demo.claim("git fsck --strict finds nothing", "")


CHAPTERS: tuple[Callable[[Demo], None], ...] = (
    begin,
    apply_all,
    edit,
    refuse,
    drift,
    remove,
    roll_out,
    look_without_us,
)


def _lost(demo: Demo) -> list[str]:
    """Lines of the manifests that the branch does not hold; of the Secret none can be expected."""
    kept = set(demo.ask("git --git-dir shop.git grep -h '' main").splitlines())
    files = sorted((demo.place / "shop").glob("*.yaml"))
    lines = [line for file in files if file.stem != "database" for line in _lines(file)]
    return [line for line in lines if line not in kept and line != "---"]


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines()


def _unequal(demo: Demo) -> set[str]:
    """Resources that only one of branch and cluster has; what the set owns is told by its label."""
    files = demo.ask("git --git-dir shop.git ls-tree -r --name-only main").split()
    bodies = [
        yaml.safe_load(demo.ask(f"git --git-dir shop.git show main:{name}"))
        for name in files
        if name.endswith(".yaml")
    ]
    recorded = {_name(body) for body in bodies}
    return recorded ^ {_name(body) for body in _owned(demo)}


def _owned(demo: Demo) -> list[dict[str, Any]]:
    label = "applyset.kubernetes.io/part-of"
    items: list[dict[str, Any]] = json.loads(
        demo.ask(f"kubectl get {KINDS} -A -l {label} -o json --show-managed-fields")
    )["items"]
    return [
        item for item in items if f'"f:{label}"' in json.dumps(item["metadata"]["managedFields"])
    ]


def _name(body: dict[str, Any]) -> str:
    metadata = body["metadata"]
    return "/".join([body["kind"], metadata.get("namespace", ""), metadata["name"]])


def _traces(demo: Demo) -> dict[str, Any]:
    """What any write of ours would change; resourceVersions also move when controllers write."""
    return {
        _name(body): (
            [entry for entry in body["metadata"]["managedFields"] if entry["manager"] == "gitops"],
            _content(body),
        )
        for body in _owned(demo)
    }


def _contents(demo: Demo) -> dict[str, Any]:
    """What people set in each resource of the set, by name, without what a cluster hands out."""
    return {_name(body): _content(body) for body in _owned(demo)}


def _content(body: dict[str, Any]) -> dict[str, Any]:
    content = {k: v for k, v in body.items() if k not in ("metadata", "status")}
    spec = content.get("spec", {})
    if body["kind"] == "Service":
        content["spec"] = {k: v for k, v in spec.items() if not k.startswith("clusterIP")}
    if body["kind"] == "Deployment" and body["metadata"]["name"] == "basket":
        content["spec"] = {k: v for k, v in spec.items() if k != "replicas"}  # the autoscaler's
    annotations = body["metadata"].get("annotations", {})
    kept = {k: v for k, v in annotations.items() if not k.startswith("deployment.kubernetes.io/")}
    return {**content, "labels": body["metadata"].get("labels"), "annotations": kept}


def _misled(demo: Demo) -> list[int]:
    """Revisions whose patch, applied by a library to the revision before, gives something else."""
    what = "deployment/web -n shop"
    items = json.loads(demo.ask(f"kubectl gitops history {what} -o json"))["items"]
    bodies = {
        item["revision"]: json.loads(
            demo.ask(f"kubectl gitops show {what} --revision {item['revision']} -o json")
        )
        for item in items
    }
    wrong = [
        item["revision"]
        for item in items
        if item["patch"] is not None
        and apply_patch(bodies[item["revision"] - 1], item["patch"]) != bodies[item["revision"]]
    ]
    return wrong or ([] if len(items) == 2 else [len(items)])


def _unlike(demo: Demo) -> list[Any]:
    """Records that are not the same in the chain of blobs and in what the program prints."""
    items = json.loads(demo.ask("kubectl gitops history deployment/web -n shop -o json"))["items"]
    # What a rewrite abandoned is worked out on reading, and in no record.
    told = [{key: part for key, part in item.items() if key != "abandoned"} for item in items]
    chain = []
    blob = "refs/gitops/history/main:shop/deployment.apps/web.json"
    while blob:
        record = json.loads(demo.ask(f"git --git-dir shop.git show {blob}"))
        chain.append({field: record[field] for field in told[0]})
        blob = record["previous"]
    return [] if chain == told else [chain, told]


def _leaks(demo: Demo) -> bool:
    """Whether any object of the repository, history included, holds the password."""
    command = ["git", "--git-dir", "shop.git", "cat-file", "--batch-all-objects", "--batch"]
    objects = subprocess.run(
        command, cwd=demo.place, env=demo.environment, check=True, capture_output=True
    ).stdout
    clear = PASSWORD.encode()
    return any(form in objects for form in (clear, base64.b64encode(clear), clear.hex().encode()))


def _conclude(demo: Demo, seconds: float) -> bool:
    """Print what was proved; whether all of it was."""
    _chapter("What this has proved")
    for text, problem in demo.claims:
        print(f"  {'no ' if problem else 'yes'}  {text}" + (f": {problem}" if problem else ""))
    kept = not any(problem for _, problem in demo.claims)
    count = len(demo.claims)
    print(f"\n{count} claims, {'all hold' if kept else 'NOT all hold'}; {seconds:.0f} s\n")
    return kept


def _tell_how_to_look() -> None:
    (PLACE / "env").write_text(
        f"export HOME={PLACE / 'home'}\nunset KUBECONFIG\n"
        f"export PATH={Path(sys.executable).parent}:$PATH\ncd {PLACE}\n"
    )
    print(
        "Both clusters are up, and the repository is there. To look at them:\n"
        f"  bash --rcfile {PLACE / 'env'}\n"
        f"  kubectl config use-context {FIRST}     # or {SECOND}\n"
        "  kubectl gitops status\n"
        "  kubectl gitops history\n"
        "  git --git-dir shop.git log --stat main\n"
        "To end them (make demo does that, too, and starts anew):"
    )
    for name in CLUSTERS:
        print(f"  .venv/bin/python -m tests.controlplane down --name {name}")


def _chapter(title: str) -> None:
    print(_bold(f"{title}\n{'=' * len(title)}"), flush=True)


def _tell(text: str) -> None:
    words, line = text.split(), ""
    for word in words:
        if len(line) + len(word) >= WIDTH:
            print(line)
            line = ""
        line = f"{line} {word}".strip()
    print(line, flush=True)


def _bold(text: str) -> str:
    return f"\033[1m{text}\033[0m" if sys.stdout.isatty() else text


def _faint(text: str) -> str:
    return f"\033[2m{text}\033[0m" if sys.stdout.isatty() else text


if __name__ == "__main__":
    sys.exit(main())
