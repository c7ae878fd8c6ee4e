"""`.gitops.toml`: what is read, what is refused, and that edits keep people's comments."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_gitops.errors import GitopsError
from kubectl_gitops.resource import ResourceId, ResourcePattern
from kubectl_gitops.sealing import SealRule
from kubectl_gitops.settings import (
    IgnoreRule,
    StoreSettings,
    parse_store_settings,
    render_store_settings,
    settings_path,
    update_store_settings,
)

WHOLE = """\
# Ours, since 2026.
format = 1
set = "shop"
home-namespace = "gitops"
default-namespace = "shop"  # where files say none

[scope]
namespaces = [
    "shop",       # the shop itself
    "shop-jobs",  # its jobs
]
selector = "team=shop"

[clusters]
# Frankfurt
"6b1c8f0e-0000-4000-8000-000000000001" = "prod-eu"

[keys]
ids = ["5c37c1e50469e27d"]  # Alice has it
salt = "000102030405060708090a0b0c0d0e0f"

# SMTP stands in a ConfigMap.
[[seal]]
group = ""
kind = "ConfigMap"
namespace = "shop"
name = "smtp"
paths = ["/data/password"]

[[ignore]]
group = "apps"
kind = "Deployment"
pointers = ["/spec/replicas"]

[[ignore]]
managers = ["vpa"]
"""

SETTINGS = StoreSettings(
    set_name="shop",
    format=1,
    home_namespace="gitops",
    default_namespace="shop",
    namespaces=("shop", "shop-jobs"),
    selector="team=shop",
    clusters={"6b1c8f0e-0000-4000-8000-000000000001": "prod-eu"},
    key_ids=("5c37c1e50469e27d",),
    salt=bytes(range(16)),
    seals=(SealRule(ResourcePattern("", "ConfigMap", "shop", "smtp"), ("/data/password",)),),
    ignores=(
        IgnoreRule(ResourcePattern("apps", "Deployment"), ("/spec/replicas",)),
        IgnoreRule(ResourcePattern(), (), ("vpa",)),
    ),
)


def refusal(text: str) -> str:
    with pytest.raises(GitopsError) as raised:
        parse_store_settings(text)
    return raised.value.message


def test_every_setting_is_read() -> None:
    assert parse_store_settings(WHOLE) == SETTINGS


def test_a_name_is_all_that_must_be_said() -> None:
    assert parse_store_settings('set = "shop"\n') == StoreSettings("shop")


def test_settings_are_rendered_so_that_they_read_back() -> None:
    for settings in (SETTINGS, StoreSettings("shop")):
        assert parse_store_settings(render_store_settings(settings)) == settings


def test_a_new_file_says_what_it_is_for() -> None:
    assert render_store_settings(StoreSettings("shop", clusters={"6b1c": "prod"})) == (
        "# What everyone who uses this branch with kubectl gitops shares."
        " Keys and commands are never named\n"
        "# here; they belong to each person's own configuration.\n"
        'format = 1\nset = "shop"\nhome-namespace = "default"\ndefault-namespace = "default"\n'
        "\n"
        '[clusters]\n6b1c = "prod"\n'
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('set = "shop"\nnamespace = "x"\n', "unknown setting namespace"),
        (
            'set = "shop"\nhome-namspace = "x"\n',
            "home-namspace (line 2), did you mean home-namespace?",
        ),
        (
            'set = "shop"\n[scope]\nnamespce = []\n',
            "scope: unknown setting namespce (line 3), did you mean",
        ),
        ('set = "shop"\n[[seal]]\npath = []\n', "seal: unknown setting path, did you mean paths?"),
        ('set = "shop"\n"\\u001b" = 1\n', r"unknown setting \x1b"),
        ("", ".gitops.toml names no set"),
        ('set = ["shop"]\n', ".gitops.toml: set must be a string without control characters"),
        ('set = "Shop"\n', "set must be a name as Kubernetes has them"),
        ('set = "shop\\n"\n', "set must be a string without control characters"),
        ('set = "shop"\nset = "shop"\n', ".gitops.toml: Cannot overwrite a value (at line 2"),
        ('set = "shop"\nscope = 1\n', "scope must be a table"),
        ('set = "shop"\n[scope]\nnamespaces = "shop"\n', "namespaces must be a list of strings"),
        ('set = "shop"\n[scope]\nnamespaces = ["a/b"]\n', "namespaces must be a name as"),
        ('set = "shop"\n[keys]\nids = ["abc"]\n', "ids must be a list of key ids, 16 hex digits"),
        ('set = "shop"\n[keys]\nsalt = "00"\n', "salt must be 32 hex digits"),
        ('set = "shop"\n[clusters]\na = 1\n', "clusters must be a string"),
        ('set = "shop"\nclusters = "a"\n', "clusters must be a table"),
        ('set = "shop"\nseal = "x"\n', "seal must be an array of tables"),
        ('set = "shop"\n[[seal]]\nkind = "X"\n', "seal names no paths"),
        ('set = "shop"\n[[seal]]\npaths = ["data"]\n', "paths must be a list of JSON pointers"),
        ('set = "shop"\n[[ignore]]\nkind = "X"\n', "ignore names neither pointers nor managers"),
        ('set = "shop"\n[[ignore]]\npointers = ["/"]\n', "pointers must be a list of JSON point"),
        ('set = "shop"\nformat = "1"\n', "format must be a number, 1 for this version"),
        ('set = "shop"\nformat = true\n', "format must be a number"),
        ('set = "shop"\nformat = 0\n', "format must be a number"),
        ("x = " + "[" * 5000, "nested too deeply"),
        ("x = " + "1" * 5000, "Exceeds the limit"),
        ("#" * 300_000, ".gitops.toml is longer than 256 KiB"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(text: str, message: str) -> None:
    assert message in refusal(text)


@pytest.mark.parametrize(
    "name", ["repo", "branch", "path", "key-file", "key", "key-cmd", "context", "kubeconfig"]
)
def test_the_branch_may_not_say_what_belongs_to_a_person(name: str) -> None:
    assert refusal(f'set = "shop"\n{name} = "/etc/passwd"\n') == (
        f".gitops.toml may not set {name}: that is for each person's own configuration"
    )


@pytest.mark.parametrize("name", ["kdf", "log2n", "file", "command"])
def test_the_branch_can_neither_weaken_a_key_nor_name_one(name: str) -> None:
    assert f"keys: unknown setting {name}" in refusal(f'set = "shop"\n[keys]\n{name} = "x"\n')


def test_a_newer_format_names_the_upgrade_before_anything_else() -> None:
    with pytest.raises(GitopsError) as raised:
        parse_store_settings('format = 2\nset = "shop"\nnew = "thing"\n')
    assert raised.value.message == (
        ".gitops.toml has format 2, written by a newer version; this one knows format 1"
    )
    assert raised.value.hints == (
        "kubectl krew upgrade gitops",
        "pip install --upgrade kubectl-gitops",
    )


def test_an_edit_that_changes_nothing_changes_no_byte() -> None:
    assert update_store_settings(WHOLE) == WHOLE
    assert update_store_settings(WHOLE, set_name="shop", namespaces=("shop", "shop-jobs")) == WHOLE


def test_an_edit_touches_only_what_it_names() -> None:
    changed = update_store_settings(
        WHOLE,
        clusters={**SETTINGS.clusters, "7a00": "staging"},
        key_ids=("5c37c1e50469e27d", "0123456789abcdef"),
        namespaces=("shop",),
    )
    assert changed == (
        WHOLE.replace('    "shop-jobs",  # its jobs\n', "")
        .replace('= "prod-eu"\n', '= "prod-eu"\n7a00 = "staging"\n')
        .replace('["5c37c1e50469e27d"]', '["5c37c1e50469e27d", "0123456789abcdef"]')
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"clusters": {"7a00": "staging"}},
        {"clusters": {}},
        {"key_ids": ()},
        {"key_ids": ("0123456789abcdef", "5c37c1e50469e27d")},
        {"salt": None},
        {"salt": bytes(16)},
        {"selector": ""},
        {"namespaces": ()},
        {"namespaces": ("other",)},
        {"seals": ()},
        {"seals": (SealRule(ResourcePattern(kind="X"), ("/a", "/b")),)},
        {"ignores": (IgnoreRule(ResourcePattern(name="x"), ("/a",), ("b",)),)},
        {"set_name": "other", "home_namespace": "x", "default_namespace": "y"},
    ],
)
def test_every_field_can_be_changed_and_comments_stay(changes: dict[str, object]) -> None:
    changed = update_store_settings(WHOLE, **changes)
    assert parse_store_settings(changed) == replace(SETTINGS, **changes)  # type: ignore[arg-type]
    assert changed.startswith("# Ours, since 2026.\n")
    assert "# Alice has it" in changed or changes.get("key_ids") == ()
    assert "# SMTP stands in a ConfigMap." in changed or "seals" in changes


def test_settings_are_added_to_a_file_that_lacks_their_tables() -> None:
    changed = update_store_settings(
        '# ours\nset = "shop"\n\n[scope]\nselector = "a=b"\n',
        key_ids=("5c37c1e50469e27d",),
        salt=bytes(16),
        default_namespace="shop",
    )
    assert parse_store_settings(changed) == StoreSettings(
        "shop",
        selector="a=b",
        key_ids=("5c37c1e50469e27d",),
        salt=bytes(16),
        default_namespace="shop",
    )
    assert changed.startswith('# ours\nset = "shop"\n')


def test_an_edit_that_would_not_read_back_is_refused() -> None:
    with pytest.raises(GitopsError, match="set must be a name"):
        update_store_settings(WHOLE, set_name="Not A Name")


def test_rules_are_for_the_resources_they_name() -> None:
    deployment = ResourceId("apps", "Deployment", "shop", "web")
    rule = IgnoreRule(ResourcePattern("apps", "Deployment"), ("/spec/replicas",))
    live = {"metadata": {}}
    assert rule.pointers_for(deployment, live) == ("/spec/replicas",)
    assert rule.pointers_for(replace(deployment, group=""), live) == ()


# The scope

WEB = ResourceId("apps", "Deployment", "shop", "web")
SHOP = ResourceId("", "Namespace", "", "shop")
CLUSTER_ROLE = ResourceId("rbac.authorization.k8s.io", "ClusterRole", "", "shop")
SCOPED = StoreSettings("shop", namespaces=("shop", "shop-jobs"), selector="team=shop")
TEAM = {"team": "shop"}


def test_a_set_without_a_scope_holds_everything() -> None:
    for id in (WEB, SHOP, CLUSTER_ROLE):
        assert StoreSettings("shop").outside(id, None) == ""


@pytest.mark.parametrize(
    ("id", "labels", "why"),
    [
        (WEB, TEAM, ""),
        (SHOP, TEAM, ""),
        (replace(WEB, namespace="shop-jobs"), TEAM, ""),
        (
            replace(WEB, namespace="other"),
            TEAM,
            "namespace other is outside of the set's scope (shop, shop-jobs)",
        ),
        (
            replace(SHOP, name="other"),
            TEAM,
            "namespace other is outside of the set's scope (shop, shop-jobs)",
        ),
        (
            CLUSTER_ROLE,
            TEAM,
            "a cluster-scoped resource is outside of the set's scope (shop, shop-jobs)",
        ),
        (
            replace(SHOP, group="example.com"),
            TEAM,
            "a cluster-scoped resource is outside of the set's scope (shop, shop-jobs)",
        ),
        (WEB, {"team": "other"}, "its labels are outside of the set's scope (team=shop)"),
        (WEB, None, "its labels are outside of the set's scope (team=shop)"),
    ],
)
def test_the_scope_holds_its_namespaces_and_what_has_its_labels(
    id: ResourceId, labels: dict[str, str] | None, why: str
) -> None:
    assert SCOPED.outside(id, labels) == why


# Ignored fields


def live_deployment() -> dict[str, object]:
    def entry(manager: str, fields: dict[str, object]) -> dict[str, object]:
        return {"manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsV1": fields}

    spec = {"f:replicas": {}, "f:template": {"f:spec": {"f:priority": {}}}}
    managed = [
        entry("gitops", {"f:spec": {"f:paused": {}}}),
        entry("scaler", {"f:spec": spec}),
        entry("injector", {"f:metadata": {"f:labels": {"f:injected": {}}}}),
        {"manager": "scaler", "operation": "Apply", "apiVersion": "v1"},
    ]
    return {"metadata": {"name": "web", "managedFields": managed}}


@pytest.mark.parametrize(
    ("pointers", "managers", "meant"),
    [
        (("/spec/replicas", "/spec/x"), (), ("/spec/replicas", "/spec/x")),
        ((), ("scaler",), ("/spec/replicas", "/spec/template/spec/priority")),
        (
            (),
            ("injector", "scaler"),
            ("/spec/replicas", "/spec/template/spec/priority", "/metadata/labels/injected"),
        ),
        (("/spec/template",), ("scaler",), ("/spec/template/spec/priority",)),
        (("/spec/replicas",), ("scaler", "injector"), ("/spec/replicas",)),
        (("/spec/rep",), ("scaler",), ()),
        ((), ("nobody",), ()),
    ],
)
def test_a_rule_means_its_pointers_or_what_its_managers_own_below_them(
    pointers: tuple[str, ...], managers: tuple[str, ...], meant: tuple[str, ...]
) -> None:
    rule = IgnoreRule(ResourcePattern(kind="Deployment"), pointers, managers)
    assert rule.pointers_for(WEB, live_deployment()) == meant


def test_a_rule_means_nothing_of_another_resource() -> None:
    rule = IgnoreRule(ResourcePattern(name="other"), ("/spec/replicas",), ("scaler",))
    assert rule.pointers_for(WEB, live_deployment()) == ()


@pytest.mark.parametrize(
    ("path", "place"), [("", ".gitops.toml"), ("clusters/prod", "clusters/prod/.gitops.toml")]
)
def test_the_settings_stand_in_the_sets_directory(path: str, place: str) -> None:
    assert settings_path(path) == place
