"""Which cluster and user a kubeconfig and the flags choose."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from kubectl_gitops.cluster.kubeconfig import (
    Choice,
    Entry,
    Kubeconfig,
    choose,
    impersonation,
    kubeconfig_paths,
)
from kubectl_gitops.cluster.options import ConnectionOptions
from kubectl_gitops.errors import GitopsError

NO_FLAGS = ConnectionOptions()
CONTEXTS = (
    Entry("dev", {"cluster": "kind", "user": "ada", "namespace": "shop"}, "/k/config"),
    Entry("prod", {"cluster": "eks", "user": "exec"}, "/k/config"),
)
CLUSTERS = (
    Entry("kind", {"server": "https://kind", "tls-server-name": "kind.local"}, "/k/config"),
    Entry("eks", {"server": "https://eks", "certificate-authority-data": "Q0E="}, "/k/config"),
)
USERS = (
    Entry("ada", {"token": "t"}, "/k/config"),
    Entry("exec", {"exec": {"command": "aws"}, "tokenFile": "/t"}, "/k/config"),
)


def chosen(options: ConnectionOptions, current: str = "dev") -> Choice:
    return choose(options, Kubeconfig(current, CONTEXTS, CLUSTERS, USERS))


def refused(options: ConnectionOptions, current: str = "dev") -> str:
    with pytest.raises(GitopsError) as error:
        chosen(options, current)
    return error.value.message


def test_without_flags_the_current_context_is_chosen() -> None:
    assert chosen(NO_FLAGS) == Choice("dev", "shop", CLUSTERS[0], USERS[0])


def test_a_context_without_a_namespace_means_default() -> None:
    assert chosen(NO_FLAGS, "prod") == Choice("prod", "default", CLUSTERS[1], USERS[1])


def test_every_part_of_a_context_can_be_replaced_by_a_flag() -> None:
    options = ConnectionOptions(context="prod", cluster="kind", user="ada", namespace="web")
    assert chosen(options) == Choice("prod", "web", CLUSTERS[0], USERS[0])


def test_a_server_named_by_a_flag_needs_no_kubeconfig() -> None:
    options = ConnectionOptions(server="https://here", token="t")
    server, user = {"server": "https://here"}, {"token": "t"}
    assert choose(options, Kubeconfig()) == Choice(
        "", "default", Entry("", server), Entry("", user)
    )


def test_names_that_are_not_there_are_refused_in_kubectls_words() -> None:
    assert refused(ConnectionOptions(context="x")) == ('context "x" does not exist')
    assert refused(NO_FLAGS, "gone") == 'context "gone" does not exist'
    assert refused(ConnectionOptions(cluster="x")) == 'no server found for cluster "x"'
    assert refused(ConnectionOptions(user="x\x1b")) == 'auth info "x\\x1b" does not exist'


def test_another_server_drops_the_name_its_certificate_was_checked_for() -> None:
    assert chosen(ConnectionOptions(server="https://new")).cluster.value == {
        "server": "https://new"
    }


def test_a_server_without_a_scheme_is_plain_unless_flags_speak_of_tls() -> None:
    plain = ConnectionOptions(server="localhost:8080")
    assert chosen(plain).cluster.value["server"] == "http://localhost:8080"
    for flags in ({"insecure_skip_tls_verify": True}, {"certificate_authority": "/ca"}):
        assert chosen(replace(plain, **flags)).cluster.value["server"] == "https://localhost:8080"


def test_a_certificate_authority_of_a_flag_replaces_the_one_of_the_file(tmp_path: Path) -> None:
    os.chdir(tmp_path)
    options = ConnectionOptions(context="prod", certificate_authority="ca.crt")
    assert chosen(options).cluster.value == {
        "server": "https://eks",
        "certificate-authority": str(tmp_path / "ca.crt"),
    }
    insecure = ConnectionOptions(context="prod", insecure_skip_tls_verify=True)
    assert chosen(insecure).cluster.value == {
        "server": "https://eks",
        "insecure-skip-tls-verify": True,
    }


@pytest.mark.parametrize(
    ("options", "user"),
    [
        (ConnectionOptions(token="new"), {"token": "new"}),
        (
            ConnectionOptions(username="ada", password="p"),
            {"username": "ada", "password": "p"},
        ),
        (
            ConnectionOptions(client_certificate="/c", client_key="/k"),
            {"client-certificate": "/c", "client-key": "/k"},
        ),
    ],
)
def test_credentials_of_a_flag_go_before_a_plugin(
    options: ConnectionOptions, user: dict[str, str]
) -> None:
    assert chosen(replace(options, context="prod")).user.value == user


def test_certificates_of_a_flag_replace_those_in_the_file() -> None:
    data = {"client-certificate-data": "Yw==", "client-key-data": "aw==", "token": "t"}
    options = ConnectionOptions(user="u", client_certificate="/c", client_key="/k")
    choice = choose(options, Kubeconfig("dev", CONTEXTS, CLUSTERS, (Entry("u", data),)))
    assert choice.user.value == {"token": "t", "client-certificate": "/c", "client-key": "/k"}


def test_files_are_looked_for_beside_the_kubeconfig_that_names_them() -> None:
    user = Entry("ada", {"tokenFile": "token", "client-key": "/abs/key"}, "/users/config")
    cluster = Entry("kind", {"server": "s", "certificate-authority": "ca"}, "/clusters/config")
    choice = choose(NO_FLAGS, Kubeconfig("dev", CONTEXTS, (cluster,), (user,)))
    assert choice.user.value == {"tokenFile": "/users/token", "client-key": "/abs/key"}
    assert choice.cluster.value == {"server": "s", "certificate-authority": "/clusters/ca"}


def test_an_entry_nothing_replaces_stays_the_one_that_is_written_back() -> None:
    assert chosen(NO_FLAGS).user.value is USERS[0].value


def test_the_files_are_those_that_kubectl_would_merge(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("kind: Config")
    second.write_text("kind: Config")
    (tmp_path / "empty").touch()
    environ = {"KUBECONFIG": f"{first}:{tmp_path}/gone::{tmp_path}/empty:{second}"}
    assert kubeconfig_paths(NO_FLAGS, environ) == [str(first), str(second)]
    assert kubeconfig_paths(ConnectionOptions(kubeconfig=str(second)), environ) == [str(second)]
    assert kubeconfig_paths(NO_FLAGS, {}) == []
    home = Path("~/.kube/config").expanduser()
    home.parent.mkdir()
    home.write_text("kind: Config")
    assert kubeconfig_paths(NO_FLAGS, {}) == [str(home)]


def test_a_kubeconfig_that_was_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(GitopsError) as error:
        kubeconfig_paths(ConnectionOptions(kubeconfig="/nope"), {})
    assert error.value.message == "stat /nope: no such file or directory"
    assert error.value.hints == ("kubectl config get-contexts",)


def test_acting_as_somebody_else_is_said_in_headers() -> None:
    options = ConnectionOptions(
        as_user="bob", as_uid="7", as_groups=("a", "b"), as_user_extra=("scopes=x", "scopes=y")
    )
    assert impersonation(options, {"as": "eve", "as-groups": ["c"]}) == [
        ("Impersonate-User", "bob"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-scopes", "x"),
        ("Impersonate-Extra-scopes", "y"),
    ]


def test_a_kubeconfig_can_say_whom_to_act_as() -> None:
    user = {
        "as": "bob",
        "as-uid": "7",
        "as-groups": ["a"],
        "as-user-extra": {"scopes": ["x", "y"]},
    }
    assert impersonation(NO_FLAGS, user) == [
        ("Impersonate-User", "bob"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Extra-scopes", "x"),
        ("Impersonate-Extra-scopes", "y"),
    ]
    assert impersonation(NO_FLAGS, {}) == []


NOBODY = "requesting uid, groups or user-extra without impersonating a user"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (ConnectionOptions(as_user=""), NOBODY),
        (ConnectionOptions(as_groups=("a",)), NOBODY),
        (ConnectionOptions(as_uid="7"), NOBODY),
        (ConnectionOptions(as_user="bob", as_groups=("",)), "the group to impersonate is empty"),
        (
            ConnectionOptions(as_user="bob", as_user_extra=("scopes",)),
            'invalid user extra "scopes": it must be KEY=VALUE',
        ),
    ],
)
def test_an_empty_identity_never_means_our_own_rights(
    options: ConnectionOptions, message: str
) -> None:
    with pytest.raises(GitopsError) as error:
        impersonation(options, {})
    assert error.value.message == message
