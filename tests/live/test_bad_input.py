"""Bad input: one clear message, the documented exit code, nothing committed, nothing changed."""

from __future__ import annotations

import re
from pathlib import Path

from tests.bound import Bound, config_map
from tests.git import git

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: hunter2}\n"
NOTHING = "kubectl-gitops: nothing was committed and nothing was changed\n"


def refused(bound: Bound, *words: str | Path, exit: int = 1, input: str = "") -> str:
    """What a command says on stderr that must do nothing."""
    tip = bound.tip
    run = bound(*words, exit=exit, input=input)
    assert (bound.tip, run.stdout) == (tip, "")
    return run.stderr


# What is wrong with the second manifest of two, and what is said. {s} is the namespace.
MANIFESTS = {
    "broken": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n data: [\n",
        "error: broken YAML in STDIN, line 13, column 2: did not find expected key\n",
    ),
    "a key twice": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: '1'\n  x: '2'\n",
        'error: broken YAML in STDIN, line 14, column 3: duplicate key "x", first given in line '
        "13\n",
    ),
    "a tab": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: a\n",
        "error: broken YAML in STDIN, line 12, column 1: found character that cannot start any "
        "token\n",
    ),
    "a sentence": (
        "just a sentence\n",
        "error: broken YAML in STDIN, line 9, column 1: a manifest is a map of keys and values\n",
    ),
    "no kind": ("apiVersion: v1\nmetadata: {name: a}\n", "error: STDIN, line 9: kind not set\n"),
    "no name": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n",
        "error: STDIN, line 9: ConfigMap has no metadata.name\n",
    ),
    "an unknown kind": (
        "apiVersion: example.com/v1\nkind: Wodget\nmetadata: {name: a}\n",
        'error: resource mapping not found for name: "a" namespace: "" from "STDIN": no matches '
        'for kind "Wodget" in version "example.com/v1"; ensure CRDs are installed first\n'
        "hint: kubectl api-resources\n",
    ),
    "the first one again, and different": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\ndata: {x: '2'}\n",
        "error: configmap/{s}/good is given twice with different content: STDIN, line 1 and STDIN, "
        "line 9\n",
    ),
    "a field that nobody knows": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndatta: {x: '1'}\n",
        "error: configmap/{s}/a: Error from server (BadRequest): strict decoding error: unknown "
        f'field "datta"\n{NOTHING}',
    ),
    "a namespace that is not there": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: nowhere}\n",
        "error: configmap/nowhere/a: Error from server (NotFound): namespaces "
        f'"nowhere" not found\n{NOTHING}',
    ),
    "what validation refuses": (
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 99999}]}\n",
        'error: service/{s}/a: The Service "a" is invalid:\n'
        "* spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive\n"
        "* spec.ports[0].targetPort: Invalid value: 99999: must be between 1 and 65535, "
        "inclusive\n"
        f"{NOTHING}",
    ),
    "a name that is none": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_A_Name}\n",
        'error: configmap/{s}/Not_A_Name: The ConfigMap "Not_A_Name" is invalid: metadata.name: '
        'Invalid value: "Not_A_Name": a lowercase RFC 1123 subdomain must consist of lower case '
        "alphanumeric characters, '-' or '.', and must start and end with an alphanumeric "
        "character (e.g. 'example.com', regex used for validation is "
        r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        f"\n{NOTHING}",
    ),
    "a Secret, and no key": (
        SECRET,
        "error: secret/{s}/db has values to seal, and there is no key\n"
        "hint: kubectl gitops secret keygen --out FILE\n"
        "hint: export KUBECTL_GITOPS_KEY_FILE=FILE\n",
    ),
    "another set's label": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
        "  labels: {applyset.kubernetes.io/part-of: applyset-other-v1}\n",
        "error: configmap/{s}/a: the manifest carries the label applyset.kubernetes.io/part-of of "
        "another set; remove it\n",
    ),
    "a thousand million values": (
        "a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
        "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c]\n"
        "e: &e [*d, *d, *d, *d, *d, *d, *d, *d]\nf: [*e, *e, *e, *e, *e, *e, *e, *e]\n",
        "error: broken YAML in STDIN, line 14, column 13: a document of more than 250,000 values, "
        "aliases included\n",
    ),
}


def test_one_bad_manifest_stops_them_all(bound: Bound) -> None:
    space = bound.namespace
    good = config_map(space, "good", x="1")
    said = {
        what: refused(bound, "apply", "-f", "-", input=f"{good}---\n{text}")
        for what, (text, _) in MANIFESTS.items()
    }
    assert said == {what: text.replace("{s}", space) for what, (_, text) in MANIFESTS.items()}
    assert bound.there("configmap,service,secret") == ["configmap/kube-root-ca.crt"]


def test_all_refusals_of_a_dry_run_are_told(bound: Bound) -> None:
    space = bound.namespace
    bad = "".join(
        f"---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{}}\n"
        for name in "ab"
    )
    err = refused(bound, "apply", "-f", "-", input=config_map(space, "good") + bad)
    assert err == (
        f'error: service/{space}/a: The Service "a" is invalid: spec.ports: Required value\n'
        f'error: service/{space}/b: The Service "b" is invalid: spec.ports: Required value\n'
        f"{NOTHING}"
    )
    assert bound.there("configmap/good") == []


def test_words_that_mean_nothing(bound: Bound, tmp_path: Path) -> None:
    """kubectl's own words, and its exit code: 1 for apply and delete."""
    (tmp_path / "empty").mkdir()
    other = config_map("other", "a")
    nothing = tmp_path / "none.yaml"
    said = [
        refused(bound, "apply", "-f", nothing),
        refused(bound, "apply", "-f", tmp_path / "empty"),
        refused(bound, "apply"),
        refused(bound, "apply", "-f", "-", "-n", "elsewhere", input=other),
        refused(bound, "apply", "-f", "-"),
        refused(bound, "delete", "wodget/a"),
        refused(bound, "delete", "configmap/none"),
        refused(bound, "delete", "configmap"),
        refused(bound, "apply", "--wodget", "-f", "-"),
        refused(bound, "pull", "--wodget", exit=2),
        refused(bound, "wodget", exit=2),
    ]
    assert [text.splitlines()[0] for text in said] == [
        f'error: the path "{nothing}" does not exist',
        f"error: error reading [{tmp_path / 'empty'}]: recognized file extensions are "
        "[.json .yaml .yml]",
        "error: must specify one of -f and -k",
        'error: the namespace from the provided object "other" does not match the namespace '
        "\"elsewhere\". You must pass '--namespace=other' to perform this operation.",
        "error: no objects passed to apply",
        'error: the server doesn\'t have a resource type "wodget"',
        'Error from server (NotFound): configmaps "none" not found',
        "error: resource(s) were provided, but no name was specified",
        "error: unknown flag: --wodget",
        "error: unknown flag: --wodget",
        "error: no such command 'wodget'",
    ]


def test_keys_that_do_not_fit(bound: Bound, key_file: Path, tmp_path: Path) -> None:
    """Too weak, not the store's own, for everyone to read, or not there."""
    other = tmp_path / "other.key"
    changed = SECRET.replace("hunter2", "hunter3")
    keygen = "hint: kubectl gitops secret keygen --out FILE\n"

    def said(*words: str | Path) -> str:
        """A key's id is of its own; what was sealed with it is named by it."""
        err = refused(bound, *words, "--key-file", other, input=changed)
        text = err.replace(str(other), "KEY").replace(bound.namespace, "NS")
        return re.sub(r"\b[0-9a-f]{16}\b", "ID", text)

    weak = []
    for key in ("hunter2", "", "a" * 24):
        other.write_text(f"{key}\n")
        other.chmod(0o600)
        weak.append(said("apply", "-f", "-"))
    assert weak == [
        f"error: KEY: the key has 7 characters, it needs at least 24\n{keygen}",
        f"error: KEY: the key has 0 characters, it needs at least 24\n{keygen}",
        f"error: KEY: the key has only 1 different characters, it needs 10\n{keygen}",
    ]
    other.unlink()
    assert said("apply", "-f", "-") == "error: cannot read KEY: no such file or directory\n"

    bound("apply", "-f", "-", "--key-file", key_file, input=SECRET)
    bound("secret", "keygen", "--out", other)
    assert said("apply", "-f", "-") == (
        "error: the first key you hold (ID) is not one that this set seals with (ID)\n"
        "hint: kubectl gitops status --key-file FILE   # the file with a listed key\n"
        "hint: kubectl gitops secret rekey             # or seal all of it with the first key\n"
    )
    place = "secret/NS/db /data/password is sealed with key ID"
    assert said("pull") == f"error: {place}, which is not held (held: ID)\n"
    other.chmod(0o644)
    assert said("apply", "-f", "-") == "error: KEY can be read by others\nhint: chmod 600 KEY\n"
    assert bound.live("secret/db")["data"] == {"password": "aHVudGVyMg=="}


def test_a_key_is_never_written_over_a_file(bound: Bound, key_file: Path) -> None:
    before = key_file.read_bytes()
    err = refused(bound, "secret", "keygen", "--out", key_file)
    assert err == f"error: {key_file} is there already; a key is never replaced\n"
    assert key_file.read_bytes() == before


def test_no_cluster(bound: Bound, tmp_path: Path) -> None:
    text = config_map(bound.namespace, "a", x="1")
    verbs = {
        ("apply", "-f", "-"): 1,
        ("pull",): 1,
        ("status",): 2,
        ("diff",): 2,
        ("init", "--repo", str(bound.repo)): 1,
    }
    down = (
        "error: The connection to the server 127.0.0.1:1 was refused - did you specify the right "
        "host or port?\nhint: kubectl cluster-info\n"
    )
    contexts = "hint: kubectl config get-contexts\n"
    absent = f"error: stat {tmp_path}/none: no such file or directory\n{contexts}"
    unknown = f'error: context "none" does not exist\n{contexts}'
    for verb, code in verbs.items():
        flags = ["--server", "https://127.0.0.1:1"], ["--kubeconfig", f"{tmp_path}/none"]
        said = [refused(bound, *verb, *one, exit=code, input=text) for one in flags]
        said.append(refused(bound, *verb, "--context", "none", exit=code, input=text))
        assert said == [down, absent, unknown], verb


def test_no_store(bound: Bound, tmp_path: Path) -> None:
    """One that is gone, is none, has a work tree, or that nobody has bound to a cluster."""
    clone, empty, gone = (tmp_path / name for name in ("clone", "empty", "gone.git"))
    git(bound.repo, "clone", "--quiet", str(bound.repo), str(clone))
    empty.mkdir()
    text, here = config_map(bound.namespace, "a", x="1"), str(bound.repo)
    unbound = "holds no .gitops.toml: it is not bound to a cluster yet"
    init = "hint: kubectl gitops init"
    expected = {
        ("--repo", str(gone)): (
            f"error: there is no repository at {gone}\nhint: git init --bare {gone}\n"
        ),
        ("--repo", str(empty)): (
            f"error: {empty} is not a Git repository\nhint: git init --bare {empty}\n"
        ),
        ("--repo", str(clone)): (
            f"error: {clone} has a work tree; a store is a bare repository\n"
            f"hint: git clone --bare {clone} {clone}.git\n"
        ),
        ("--repo", "https://127.0.0.1:1/x.git"): (
            "error: cannot reach https://127.0.0.1:1/x.git: connection refused\n"
            "hint: git ls-remote https://127.0.0.1:1/x.git\n"
        ),
        ("--branch", "none"): (
            f"error: {here} none {unbound}\n{init} --repo {here} --branch none\n"
        ),
        ("--path", "none"): (
            f"error: {here} main none/ {unbound}\n{init} --repo {here} --branch main --path none\n"
        ),
        ("--path", "../up"): "error: ../up is no path inside a repository\n",
    }
    for flags, said in expected.items():
        run = bound("apply", "-f", "-", *flags, exit=None, input=text)
        assert (run.exit, run.stdout, run.stderr) == (1, "", said)
    assert bound.there("configmap/a") == []


def test_settings_of_the_branch_that_cannot_be_read(bound: Bound) -> None:
    text, good = config_map(bound.namespace, "a", x="1"), bound.file(".gitops.toml")
    bad = {
        "set = [\n": "error: .gitops.toml: Invalid value (at end of document)\n",
        f'{good}\n[hooks]\nrun = "x"\n': (
            f"error: .gitops.toml: unknown setting hooks (line {len(good.splitlines()) + 2})\n"
        ),
        f'key-file = "/k"\n{good}': (
            "error: .gitops.toml may not set key-file: that is for each person's own "
            "configuration\n"
        ),
        good.replace("format = 1", "format = 9"): (
            "error: .gitops.toml has format 9, written by a newer version; this one knows format "
            "1\n"
            "hint: kubectl krew upgrade gitops\nhint: pip install --upgrade kubectl-gitops\n"
        ),
        "format = 1\n": 'error: .gitops.toml names no set\nhint: set = "NAME"\n',
    }
    for content, said in bad.items():
        bound.commit({".gitops.toml": content})
        assert refused(bound, "apply", "-f", "-", input=text) == said
    assert refused(bound, "pull") == said
    assert refused(bound, "status", exit=2) == said
    assert refused(bound, "history") == said
    assert bound.there("configmap/a") == []


def test_a_configuration_that_cannot_be_read(bound: Bound) -> None:
    file = Path(".config/kubectl-gitops/config.toml").absolute()
    text, good = config_map(bound.namespace, "a", x="1"), file.read_text()
    mend = f"hint: ${{EDITOR:-vi}} {file}\n"
    bad = {
        "targets = [\n": f"error: {file}: Invalid value (at end of document)\n{mend}",
        '[targets.x]\nrepo = "r"\nbranhc = "main"\n': (
            f"error: {file}: target x: unknown setting branhc (line 3), did you mean branch?\n"
            f"{mend}"
        ),
        "format = 2\n[targets.x]\n": (
            f"error: {file} has format 2, written by a newer version; this one knows format 1\n"
            "hint: kubectl krew upgrade gitops\nhint: pip install --upgrade kubectl-gitops\n"
        ),
        "[targets.x]\n": (
            f"error: {file}: target x names no repo\nhint: kubectl gitops init --repo URL\n"
        ),
        f"{good}\n[hooks]\n": (
            f"error: {file}: unknown setting hooks (line {len(good.splitlines()) + 2})\n{mend}"
        ),
        "": "error: no cluster is recorded yet\nhint: kubectl gitops init --repo URL\n",
    }
    for content, said in bad.items():
        file.write_text(content)
        assert refused(bound, "apply", "-f", "-", input=text) == said
        assert file.read_text() == content
    assert bound.there("configmap/a") == []
