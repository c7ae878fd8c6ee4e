"""The same command line through kubectl and through the program, on the same API server.

Each side has a Namespace of its own, named alike but for the last letter, and the same files to
stand in. What is compared: stdout, the exit code, the error, and every object that either has
afterwards. Differences that are meant have a name, which `docs/differences.md` has, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from textwrap import dedent
from typing import Any

import yaml

from tests.bound import Bound
from tests.program import Run

__all__ = ["Beside", "Meant"]

_KINDS = (
    "configmaps,secrets,services,serviceaccounts,deployments.apps,jobs.batch,ingresses,"
    "persistentvolumeclaims,roles,rolebindings,statefulsets.apps,horizontalpodautoscalers"
)
_SERVERS = frozenset(
    {"creationTimestamp", "generation", "managedFields", "namespace", "resourceVersion", "uid"}
)
_MARKS = frozenset(
    {
        "applyset.kubernetes.io/part-of",
        "deployment.kubernetes.io/revision",
        "kubectl.kubernetes.io/last-applied-configuration",
    }
)
_TIMES = frozenset({"kubectl.kubernetes.io/restartedAt"})
_ADDRESSES = frozenset({"clusterIP", "clusterIPs", "nodePort", "healthCheckNodePort", "volumeName"})
_MADE_BY_OTHERS = frozenset({"ConfigMap/kube-root-ca.crt", "ServiceAccount/default"})


class Meant(StrEnum):
    """A difference that is meant; its text begins a row of the table in `docs/differences.md`."""

    SERVER_SIDE = "server-side apply says `serverside-applied`"
    FORCE_CONFLICTS = "`--force-conflicts` only with `--server-side`"
    CONFLICT = "a conflict with another field manager ends with 1"
    ALL_OR_NOTHING = "applies what it can, reports the rest"
    TWICE = "the same resource twice: applied twice"
    DUPLICATE_KEYS = "duplicate keys in YAML: the last one wins"
    MASKED = "`apply -o json` and `-o yaml` print the values of Secrets"
    UNASKED = "`--dry-run=client` compares with the last-applied annotation"
    UNKNOWN_FIELDS = "`--validate=false` lets unknown fields through"
    STRING_DATA = "says `configured` of a Secret with `stringData` every time"
    DIFF = "`diff` shows what `diff -u -N` says of two directories"
    PRINTERS = "`-o jsonpath`, `-o go-template`, `-o kyaml`"
    PLACES = "says which file cannot be read"
    PRUNES = "`apply --prune` looks for the last-applied annotation"


@dataclass(frozen=True, slots=True)
class Beside:
    """The two sides; a test runs its command lines in order, as a story."""

    ours: Bound
    theirs: Path
    their_namespace: str
    directory: Path

    def write(self, **files: str) -> None:
        """Files for the command lines: `shop__a_yaml="…"` is shop/a.yaml."""
        for name, text in files.items():
            path = self.directory / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text))

    def kubectl(self, *words: str, input: str = "") -> None:
        """The same change to both sides, made with kubectl."""
        for kubeconfig in (self.theirs, self.ours.kubeconfig):
            self.ours.plane.kubectl(
                *self._placed(words, kubeconfig), input=dedent(input), kubeconfig=kubeconfig
            )

    def assert_same(
        self, line: str, *meant: Meant, input: str = "", env: Mapping[str, str] | None = None
    ) -> tuple[Run, Run]:
        """Run `kubectl LINE` and `kubectl gitops LINE`; all that is compared must be the same.

        `NS` in the line and in the input stands for the Namespace of the side.
        """
        theirs, ours = self.both(line, input=input, env=env)
        assert ours.exit == theirs.exit or Meant.CONFLICT in meant, told(line, theirs, ours)
        assert _read(ours.stdout, meant) == _read(theirs.stdout, meant), told(line, theirs, ours)
        said, says = _errors(theirs.stderr), _errors(ours.stderr)
        assert bool(said) == bool(says), told(line, theirs, ours)
        warned = [] if Meant.PRUNES in meant else _WARNING.findall(theirs.stderr)
        assert [one for one in warned if one not in ours.stderr] == [], told(line, theirs, ours)
        if not _OWN_WORDS.intersection(meant):
            text = "\n".join(says)
            assert [one for one in said if one not in text] == [], told(line, theirs, ours)
        assert self.objects(self.ours.kubeconfig) == self.objects(self.theirs)
        return theirs, ours

    def differs(self, line: str, meant: Meant) -> tuple[Run, Run]:
        """What each side said where the difference of that name is meant; the test tells which."""
        theirs, ours = self.both(line)
        assert (theirs.exit, theirs.stdout) != (ours.exit, ours.stdout), meant
        return theirs, ours

    def both(
        self, line: str, *, input: str = "", env: Mapping[str, str] | None = None
    ) -> tuple[Run, Run]:
        """What each side said, its Namespace written as `NS`."""
        words = line.split()
        theirs = self._theirs(words, dedent(input), env or {})
        mine = self.ours.program(
            *self._placed(words, self.ours.kubeconfig),
            input=self._placed([dedent(input)], self.ours.kubeconfig)[0],
            exit=None,
            env={"KUBECONFIG": str(self.ours.kubeconfig), **(env or {})},
        )
        return theirs, self._shown(mine, self.ours.namespace)

    def _theirs(self, words: list[str], input: str, env: Mapping[str, str]) -> Run:
        answer = self.ours.plane.kubectl(
            *self._placed(words, self.theirs),
            input=self._placed([input], self.theirs)[0],
            check=False,
            kubeconfig=self.theirs,
            env=env,
        )
        run = Run(answer.returncode, answer.stdout, answer.stderr)
        return self._shown(run, self.their_namespace)

    def _shown(self, run: Run, namespace: str) -> Run:
        return Run(
            run.exit,
            run.stdout.replace(namespace, "NS"),
            run.stderr.replace(namespace, "NS").replace("kubectl gitops ", "kubectl "),
        )

    def _placed(self, words: Iterable[str], side: Path) -> list[str]:
        namespace = self.their_namespace if side == self.theirs else self.ours.namespace
        return [re.sub(r"\bNS\b", namespace, word) for word in words]

    def objects(self, kubeconfig: Path) -> dict[str, Any]:
        """What a side has, without what only servers and either program's own marks set."""
        answer = self.ours.plane.kubectl("get", _KINDS, "-o", "json", kubeconfig=kubeconfig)
        found = {
            f"{o['kind']}/{o['metadata']['name']}": o for o in json.loads(answer.stdout)["items"]
        }
        return {
            name: essence(body)
            for name, body in found.items()
            if name not in _MADE_BY_OTHERS and not name.startswith("ConfigMap/kubectl-gitops-")
        }


def told(line: str, theirs: Run, ours: Run) -> str:
    """Both sides, for a failed assertion."""
    sides = (
        f"--- {name}: exit {run.exit}\n{run.stdout}--- stderr\n{run.stderr}"
        for name, run in (("kubectl", theirs), ("kubectl gitops", ours))
    )
    return f"\n$ {line}\n" + "\n".join(sides)


def essence(value: Any) -> Any:
    """An object without its status, its identity, and the marks that programs leave."""
    if isinstance(value, list):
        return [essence(item) for item in value]
    if not isinstance(value, dict):
        return value
    dropped = _ADDRESSES | ({"status"} if "kind" in value else frozenset())
    found = {key: essence(part) for key, part in value.items() if key not in dropped}
    if isinstance(metadata := found.get("metadata"), dict):
        found["metadata"] = _metadata(metadata)
    return found


def _metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    kept = {key: part for key, part in metadata.items() if key not in _SERVERS}
    if "deletionTimestamp" in kept:
        kept["deletionTimestamp"] = "a time"
    for key in ("annotations", "labels"):
        if isinstance(kept.get(key), dict):
            kept[key] = {
                name: "a time" if name in _TIMES else text
                for name, text in kept[key].items()
                if name not in _MARKS
            }
            if not kept[key]:
                del kept[key]
    return kept


_APPLIED = re.compile(r" (created|configured|unchanged|serverside-applied)$", re.MULTILINE)


def _read(text: str, meant: Iterable[Meant]) -> Any:
    """Result lines as they are; resources by what they say."""
    if Meant.DIFF in meant:
        return bool(text)
    if Meant.STRING_DATA in meant:
        return re.sub(r"^(secret/\S+) \w+$", r"\1 -", text, flags=re.MULTILINE)
    if Meant.SERVER_SIDE in meant:
        return _APPLIED.sub(" applied", text)
    if text.startswith("{"):
        return essence(json.loads(text))
    if text.startswith("apiVersion:"):
        return [essence(body) for body in yaml.safe_load_all(text)]
    return text


# kubectl misses its annotation wherever somebody else made the resource; here nobody does.
_WARNING = re.compile(r"^Warning: (?!.*last-applied-configuration)(.*)$", re.MULTILINE)
_OWN_WORDS = frozenset({Meant.CONFLICT, Meant.PLACES, Meant.PRINTERS})
_KLOG = re.compile(r"[WE]\d{4} ")
_FORMAL = re.compile(r"^error: |error when \w+ \"[^\"]*\": |\w+ in version .* handled as a \w+: ")
_NO_ERRORS = ("kubectl-gitops:", "hint:", "Warning:", "See '")


def _errors(text: str) -> list[str]:
    """The lines that say what went wrong, without the words that many errors begin with."""
    lines = (line.rstrip() for line in text.splitlines() if line and not _KLOG.match(line))
    return [_FORMAL.sub("", line) for line in lines if not line.startswith(_NO_ERRORS)]
