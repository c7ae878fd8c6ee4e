"""`secret`: keys, and values sealed or opened by hand. No cluster is asked."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kubectl_gitops.cli import talk
from kubectl_gitops.cli.candidates import files, resources
from kubectl_gitops.cli.flags import DropIn
from kubectl_gitops.cli.options import Options, shared_options
from kubectl_gitops.errors import Exit, GitopsError

if TYPE_CHECKING:
    from kubectl_gitops.envelope import Keyring, Place
    from kubectl_gitops.manifest import OpenManifest
    from kubectl_gitops.settings import StoreSettings

__all__ = ["secret_command"]


@click.group("secret", short_help="Make keys, seal and open values")
def secret_command() -> None:
    """Make keys, seal and open values of Secrets. More in docs/secrets.md.

    \b
    Examples:
      kubectl gitops secret keygen --out ~/.cluster.key
      printf s3cret | kubectl gitops secret encrypt secret/db -n shop --field password
    """


@secret_command.command("keygen", cls=DropIn, short_help="Make a new key")
@click.option(
    "--out",
    required=True,
    metavar="FILE",
    help="where to write it; never over a file",
    shell_complete=files,
)
def keygen_command(out: str) -> int:
    """Make a new key and write it to a file that only you can read.

    More in docs/secrets.md.

    \b
    Examples:
      kubectl gitops secret keygen --out ~/.cluster.key
      kubectl gitops init --repo ~/cluster.git --key-file ~/.cluster.key
    """
    from kubectl_gitops.envelope import Keyring, new_key
    from kubectl_gitops.settings import write_key_file

    key = new_key()
    write_key_file(Path(out).expanduser(), key)
    kid = Keyring.of([key]).primary().kid
    talk.note(f"wrote a new key ({kid}) to {out}; without it the Secrets in the branch are lost,")
    talk.note("so keep a copy where you keep what must survive this machine")
    talk.hint(f"export KUBECTL_GITOPS_KEY_FILE={out}")
    return 0


_FIELD = click.option("--field", default="", metavar="KEY", help="the key in the Secret's data")
_FILE = click.option(
    "-f", "--filename", default="", metavar="FILE", help="a whole manifest", shell_complete=files
)


@secret_command.command("encrypt", cls=DropIn, short_help="Seal a value, or a whole manifest")
@click.argument("name", default="", metavar="[secret/NAME]")
@_FIELD
@_FILE
@shared_options
def encrypt_command(options: Options, name: str, field: str, filename: str) -> int:
    """Seal a value from stdin, or with -f a whole manifest; the result goes to stdout.

    More in docs/secrets.md.

    \b
    Examples:
      printf s3cret | kubectl gitops secret encrypt secret/db -n shop --field password
      kubectl gitops secret encrypt -f db-secret.yaml -n shop
    """
    from kubectl_gitops.envelope import seal

    keyring, settings = _keys(options)
    if filename:
        return _seal_file(options, keyring, settings, filename)
    place = _place(name, options.connection.namespace or settings.default_namespace, field)
    click.echo(seal(keyring.primary(), sys.stdin.buffer.read(), place))
    return 0


@secret_command.command("decrypt", cls=DropIn, short_help="Open a value, or a whole manifest")
@click.argument("name", default="", metavar="[secret/NAME]")
@_FIELD
@_FILE
@click.option("--legacy", is_flag=True, help="open the 2019 predecessor's format")
@shared_options
def decrypt_command(options: Options, name: str, field: str, filename: str, legacy: bool) -> int:
    """Open a sealed value from stdin, or with -f a whole manifest; the result goes to stdout.

    More in docs/secrets.md.

    \b
    Examples:
      kubectl gitops secret decrypt secret/db -n shop --field password < sealed.txt
      kubectl gitops show secret/db | kubectl gitops secret decrypt -f -
    """
    from kubectl_gitops.envelope import open_sealed

    if legacy:
        return _open_legacy(options)
    keyring, settings = _keys(options)
    if filename:
        return _open_file(options, keyring, settings, filename)
    place = _place(name, options.connection.namespace or settings.default_namespace, field)
    text = sys.stdin.read().strip()
    sys.stdout.buffer.write(open_sealed(keyring, text, place))
    return 0


@secret_command.command("status", cls=DropIn, short_help="Tell what is sealed with which key")
@click.option("--check", is_flag=True, help="exit 1 unless the first key seals every value")
@shared_options
def status_command(options: Options, check: bool) -> int:
    """Tell which keys the values of the branch are sealed with, and what is not sealed at all.

    More in docs/secrets.md.

    \b
    Examples:
      kubectl gitops secret status
      kubectl gitops secret status --check
    """
    from kubectl_gitops.cli.session import open_vault
    from kubectl_gitops.operations.keys import key_report
    from kubectl_gitops.render import key_table

    vault = open_vault(options)
    branch = vault.read()
    report = key_report(branch, vault.keys(branch.settings))
    click.echo(key_table(report), nl=False)
    for place in report.clear:
        talk.warning(f"{place} stands in the clear in the branch")
    for problem in report.damaged:
        talk.error(problem)
    if report.primary and (report.others or report.clear):
        talk.hint("kubectl gitops secret rekey")
    return Exit.FAILED if check and not report.settled else 0


_REASON = click.option("-m", "--message", "reason", default="", help="why: the body of the commit")


@secret_command.command("rekey", cls=DropIn, short_help="Seal everything with another key")
@_REASON
@shared_options
def rekey_command(options: Options, reason: str) -> int:
    """Seal every value of the branch with the first key you hold, in one commit.

    From then on only that key may seal. All keys in use must be held: put the new one into the
    first line of the key file, above the old ones. Old ciphertexts stay in Git's history. More in
    docs/secrets.md.

    \b
    Examples:
      kubectl gitops secret rekey -m "the old key was on a lost laptop"
      kubectl gitops secret rekey --key-file both-keys.txt
    """
    from kubectl_gitops.cli.results import print_resealed
    from kubectl_gitops.cli.session import open_vault
    from kubectl_gitops.operations.vault import rekey, reseal

    vault = open_vault(options)
    done = reseal(vault, "rekey", reason, lambda branch: rekey(vault, branch))
    if not done.commit:
        talk.note("the first key seals every value already")
        return 0
    return print_resealed(done, vault.store)


@secret_command.command("rebind", cls=DropIn, short_help="Seal values for where they are now")
@click.argument(
    "names", nargs=-1, required=True, metavar="TYPE/NAME | TYPE NAME", shell_complete=resources
)
@click.option("--yes", "-y", is_flag=True, help="answer every question with yes")
@_REASON
@shared_options
def rebind_command(options: Options, names: tuple[str, ...], yes: bool, reason: str) -> int:
    """Seal the values of a Secret that you renamed or moved in the branch for its new place.

    A value opens only where it was sealed for, so that nobody can put it where they may read it.
    Where the values came from is said before anything is changed: look at it. More in
    docs/secrets.md.

    \b
    Examples:
      kubectl gitops secret rebind secret/db -n shop
      kubectl gitops secret rebind secret db -n shop --yes -m "db is called so now"
    """
    from kubectl_gitops.cli.past import named
    from kubectl_gitops.cli.results import print_resealed
    from kubectl_gitops.cli.session import open_past_of, open_vault
    from kubectl_gitops.operations.vault import rebind, reseal

    id = named(open_past_of(options), names, options.connection.namespace)
    vault = open_vault(options)
    done = reseal(
        vault,
        "rebind",
        reason,
        lambda branch: rebind(vault, branch, id, lambda moved: _confirm(moved, yes=yes)),
    )
    if not done.commit:
        talk.note(f"the values of {id} open where they are")
        return 0
    return print_resealed(done, vault.store)


def _confirm(moved: Mapping[Place, Place], *, yes: bool) -> None:
    for place, origin in moved.items():
        talk.note(f"{place} was sealed for {origin}")
    if yes or not talk.is_terminal():
        return
    if not talk.asks("Seal these values for where they are now?"):
        raise GitopsError("rebinding is cancelled; nothing was changed")


def _keys(options: Options) -> tuple[Keyring, StoreSettings]:
    """The keys of this person and the settings of the store, whose salt free-form keys need."""
    from kubectl_gitops.cli.session import keyring_for, open_target_store
    from kubectl_gitops.cluster import current_context
    from kubectl_gitops.operations.past import read_settings

    target, store = open_target_store(options, current_context(options.connection))
    settings = read_settings(store, store.fetch(), target.path)
    keyring = keyring_for(target, options)(settings)
    if keyring is None:
        raise GitopsError(
            "no key is known",
            "kubectl gitops secret keygen --out FILE",
            "export KUBECTL_GITOPS_KEY_FILE=FILE",
        )
    return keyring, settings


def _place(name: str, namespace: str, field: str) -> Place:
    from kubectl_gitops.envelope import Place

    kind, slash, secret = name.partition("/")
    if not slash or kind.lower() not in ("secret", "secrets") or not secret or not field:
        raise GitopsError(
            "a value belongs to a place: name the Secret and its key",
            "kubectl gitops secret encrypt secret/db -n shop --field password",
            exit=Exit.USAGE,
        )
    escaped = field.replace("~", "~0").replace("/", "~1")
    return Place("", "Secret", namespace, secret, f"/data/{escaped}")


def _manifests(options: Options, settings: StoreSettings, filename: str) -> list[OpenManifest]:
    from kubectl_gitops.cli.sources import read_sources
    from kubectl_gitops.manifest import documents, flatten, prepare

    namespace = options.connection.namespace or settings.default_namespace
    return [
        prepare(item, namespace).manifest
        for source in read_sources([filename], recursive=False)
        for document in documents(source.content, source.name)
        for item in flatten(document)
    ]


def _seal_file(options: Options, keyring: Keyring, settings: StoreSettings, filename: str) -> int:
    from kubectl_gitops.sealing import seal_manifest

    manifests = _manifests(options, settings, filename)
    _print([seal_manifest(one, keyring, None, settings.seals).text for one in manifests])
    return 0


def _open_file(options: Options, keyring: Keyring, settings: StoreSettings, filename: str) -> int:
    from kubectl_gitops.manifest import Manifest
    from kubectl_gitops.sealing import open_manifest

    manifests = _manifests(options, settings, filename)
    sealed = [Manifest(one.id, one.api_version, one.text, one.body) for one in manifests]
    _print([open_manifest(one, keyring).text for one in sealed])
    return 0


def _print(texts: list[str]) -> None:
    click.echo(
        "---\n".join(text if text.endswith("\n") else f"{text}\n" for text in texts), nl=False
    )


def _open_legacy(options: Options) -> int:
    from kubectl_gitops.envelope import open_legacy
    from kubectl_gitops.settings import read_passphrase

    passphrase = read_passphrase(os.environ, key_file=options.key_file)
    click.echo(open_legacy(passphrase, sys.stdin.read()))
    return 0
