"""Sealing and opening one value."""

from __future__ import annotations

from collections.abc import Iterable

from kubectl_gitops.envelope.keys import Key, Keyring
from kubectl_gitops.envelope.layout import (
    NONCE_SIZE,
    Envelope,
    Header,
    Place,
    pad,
    parse,
    prefixed,
    render,
    unpad,
)
from kubectl_gitops.errors import GitopsError

__all__ = ["find_place", "is_held", "open_sealed", "seal"]


def seal(key: Key, plaintext: bytes, place: Place, *, json_value: bool = False) -> str:
    """The envelope of a value for one place; the same arguments always give the same text."""
    from kubectl_gitops.envelope.primitives import gcm_siv_seal, hmac_sha256

    key.check_strength()
    header = Header(key.id, key.kdf, json_value)
    data = header.encode() + place.encode()
    padded = pad(plaintext)
    nonce = hmac_sha256(key.nonce, prefixed(data) + padded)[:NONCE_SIZE]
    return render(Envelope(header, nonce, gcm_siv_seal(key.encryption, nonce, padded, data)))


def open_sealed(keyring: Keyring, text: str, place: Place, *, json_value: bool = False) -> bytes:
    """The value of an envelope at its place.

    `GitopsError`, naming the place and never the text, where the key is not held, or the envelope
    was changed, belongs to another place, or holds the other kind of value.
    """
    envelope = parse(text, place)
    key = keyring.find(envelope.header, place)
    plaintext = _plaintext(key, envelope, place)
    if plaintext is None:
        raise GitopsError(
            f"{place} does not open: it was changed, or sealed for another place",
            "kubectl gitops apply -f FILE   # the value in the clear: it is sealed for this place",
        )
    if envelope.header.json_value != json_value:
        raise GitopsError(f"{place} does not open: it holds another kind of value")
    return plaintext


def is_held(keyring: Keyring, text: str) -> bool:
    """Whether the key that sealed a value is held; `GitopsError` where it is no whole envelope."""
    header = parse(text, "a sealed value").header
    try:
        keyring.find(header, "a sealed value")
    except GitopsError:
        return False
    return True


def find_place(keyring: Keyring, text: str, places: Iterable[Place]) -> Place | None:
    """The one of `places` that a value was sealed for: where a moved one came from."""
    envelope = parse(text, "a sealed value")
    key = keyring.find(envelope.header, "a sealed value")
    return next((place for place in places if _plaintext(key, envelope, place) is not None), None)


def _plaintext(key: Key, envelope: Envelope, place: Place) -> bytes | None:
    from kubectl_gitops.envelope.primitives import gcm_siv_open

    data = envelope.header.encode() + place.encode()
    padded = gcm_siv_open(key.encryption, envelope.nonce, envelope.sealed, data)
    return None if padded is None else unpad(padded)
