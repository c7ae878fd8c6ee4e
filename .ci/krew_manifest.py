"""Render krew-manifest.yaml from plugin.yaml: what krew reads to install `kubectl gitops`.

    python .ci/krew_manifest.py [SHA256SUMS [FILE]]

SHA256SUMS is the list of a release's archives, as `sha256sum` prints it. Without it the digests are
64 zeros, which krew refuses to install: the version is not released. FILE is `plugins/gitops.yaml`
of an index; without it krew-manifest.yaml is written.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from kubectl_gitops import __version__

ROOT = Path(__file__).parents[1]
UNRELEASED = "0" * 64


class _Dumper(yaml.SafeDumper):
    """Text of several lines is written as such."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def render(plugin: Mapping[str, Any], version: str, digests: Mapping[str, str] | None) -> str:
    """The manifest. `digests` maps an archive's file name to its sha256; None before a release.

    `KeyError` names an archive without a digest: a release has all of them or is none.
    """
    spec = {
        "version": f"v{version}",
        "homepage": plugin["homepage"],
        "shortDescription": plugin["shortDesc"],
        "description": plugin["longDesc"],
        "caveats": plugin["caveats"],
        "platforms": [
            _platform(
                platform, plugin["archive"].format(version=f"v{version}", **platform), digests
            )
            for platform in plugin["platforms"]
        ],
    }
    manifest = {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": plugin["name"]},
        "spec": spec,
    }
    head = "# Rendered from plugin.yaml by .ci/krew_manifest.py (`make krew-manifest`).\n"
    return head + yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, width=200)


def _platform(
    platform: Mapping[str, str], uri: str, digests: Mapping[str, str] | None
) -> dict[str, Any]:
    return {
        "selector": {"matchLabels": {"os": platform["os"], "arch": platform["arch"]}},
        "uri": uri,
        "sha256": UNRELEASED if digests is None else digests[uri.rpartition("/")[2]],
        "bin": platform["bin"],
    }


def read_digests(sums: str) -> dict[str, str]:
    """Archive names and digests of `sha256sum`'s lines: `<64 hex>  <name>`, a `*` for binary."""
    lines = (line.split(maxsplit=1) for line in sums.splitlines())
    return {name.lstrip("*").rpartition("/")[2]: digest for digest, name in lines}


def main(arguments: list[str]) -> None:
    """Write the manifest."""
    plugin = yaml.safe_load((ROOT / "plugin.yaml").read_text("utf-8"))
    digests = read_digests(Path(arguments[0]).read_text("utf-8")) if arguments else None
    text = render(plugin, __version__, digests)
    target = Path(arguments[1]) if len(arguments) > 1 else ROOT / "krew-manifest.yaml"
    target.write_text(text, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
