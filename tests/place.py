"""A Namespace that is bound to a bare repository: what the program did there, seen from outside.

Git is asked through git and the cluster through kubectl, never through our own code.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.controlplane.cluster import ControlPlane
from tests.git import git
from tests.program import Gitops, Run

__all__ = ["Place"]

# Kinds that no controller writes by itself: a resourceVersion that moved was moved by a command.
_QUIET = "configmaps,secrets,services,serviceaccounts"


@dataclass(frozen=True, slots=True)
class Place:
    """One Namespace (the context's own, and the set's home), its repository and the program.

    `url` is the repository as the program names it.
    """

    namespace: str
    repo: Path
    url: str
    plane: ControlPlane
    kubeconfig: Path
    gitops: Gitops

    def apply(self, text: str, *flags: str, exit: int | None = 0) -> Run:
        """`apply -f -` of a text."""
        return self.gitops("apply", "-f", "-", *flags, input=text, exit=exit)

    def kubectl(self, *arguments: str, input: str = "", check: bool = True) -> str:
        """The stdout of the real kubectl in this Namespace."""
        answer = self.plane.kubectl(
            *arguments, input=input, check=check, kubeconfig=self.kubeconfig
        )
        return answer.stdout

    def live(self, name: str) -> dict[str, Any]:
        """The live object that `TYPE/NAME` means; empty where there is none."""
        flags = ("-o", "json", "--ignore-not-found", "--show-managed-fields")
        found: dict[str, Any] = json.loads(self.kubectl("get", name, *flags) or "{}")
        return found

    def git(self, *arguments: str) -> str:
        """Git in the repository of the branch."""
        return git(self.repo, *arguments)

    @property
    def tip(self) -> str:
        """The commit of the branch."""
        return self.git("rev-parse", "main")

    @property
    def committed(self) -> str:
        """What a command says last that has just made the branch's newest commit."""
        return f"kubectl-gitops: committed {self.tip[:7]} to main of {self.url}\n"

    def subjects(self, since: str = "") -> list[str]:
        """The subjects of the commits after `since`, newest first."""
        return self.git("log", "--format=%s", f"{since}..main" if since else "main").splitlines()

    def message(self, commit: str = "main") -> str:
        """Everything a commit says."""
        return self.git("log", "-1", "--format=%B", commit).rstrip("\n")

    def files(self, commit: str = "main") -> dict[str, str]:
        """Every file of a commit but the settings, by path; without its last line feed."""
        names = self.git("ls-tree", "-r", "--name-only", commit).splitlines()
        return {
            name: self.git("show", f"{commit}:{name}") for name in names if name != ".gitops.toml"
        }

    def state(self) -> dict[str, str]:
        """Refs, Git objects and resourceVersions: equal around a command that changed nothing."""
        refs = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        counted = self.git("count-objects", "-v").splitlines()
        listed = json.loads(self.kubectl("get", _QUIET, "-o", "json"))["items"]
        versions = {
            f"{item['kind']}/{item['metadata']['name']}": item["metadata"]["resourceVersion"]
            for item in listed
            if item["metadata"]["name"] != "kube-root-ca.crt"
        }
        return {**dict(row.split(" ") for row in (*refs, *counted)), **versions}
