"""The bytes of an envelope: header, place, padding and text form. Knows no key."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import NoReturn

from kubectl_gitops.errors import GitopsError, printable

__all__ = [
    "GENERATED",
    "NONCE_SIZE",
    "PREFIX",
    "SALT_SIZE",
    "Envelope",
    "Header",
    "Place",
    "Scrypt",
    "is_sealed",
    "kid_of",
    "pad",
    "parse",
    "prefixed",
    "render",
    "unpad",
]

PREFIX = "kgs1:"
"""How every sealed value begins."""

DOMAIN = b"kubectl-gitops/kgs1"
SALT_SIZE = 16
NONCE_SIZE = 12
KID_SIZE = 8

_VERSION = 0x01
_AES_256_GCM_SIV = 0x01
_JSON_VALUE = 0x04
_HKDF = 0x01
_SCRYPT = 0x02
_TAG_SIZE = 16
_FIXED_SIZE = 4 + KID_SIZE
_SCRYPT_SIZE = 3 + SALT_SIZE
_SMALLEST = 64


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: the resource as the branch names it, and a JSON pointer in its body.

    The API group and not the version, so that a value outlives a move from `v1beta1` to `v1`. A
    Secret inside another resource is named by that resource and the pointer from its root.
    """

    group: str
    kind: str
    namespace: str
    name: str
    pointer: str

    def __str__(self) -> str:
        """`secret/prod/db /data/password`: safe to print."""
        parts = (self.kind.lower(), self.namespace, self.name)
        return printable("/".join(part for part in parts if part) + " " + self.pointer)

    def encode(self) -> bytes:
        """The place as authenticated data: length-prefixed, so no two places share an encoding."""
        parts = (self.group, self.kind, self.namespace, self.name, self.pointer)
        try:
            return prefixed(DOMAIN) + b"".join(prefixed(part.encode()) for part in parts)
        except UnicodeEncodeError as error:
            raise GitopsError(f"{self}: its name is not valid Unicode") from error


@dataclass(frozen=True, slots=True)
class Scrypt:
    """The parameters under which a free-form key became a key: N as a power of two, r, p, salt."""

    log2n: int
    r: int
    p: int
    salt: bytes

    def encode(self) -> bytes:
        """The 19 bytes of the header."""
        return bytes((self.log2n, self.r, self.p)) + self.salt


GENERATED: None = None
"""The `kdf` of a header whose key was generated, and so needs no parameters."""


@dataclass(frozen=True, slots=True)
class Header:
    """What an envelope says of itself in the clear; all of it is authenticated."""

    kid: bytes
    kdf: Scrypt | None
    json_value: bool = False

    def encode(self) -> bytes:
        """The bytes before the nonce."""
        flags = _JSON_VALUE if self.json_value else 0
        kdf, parameters = (_SCRYPT, self.kdf.encode()) if self.kdf else (_HKDF, b"")
        return bytes((_VERSION, _AES_256_GCM_SIV, flags, kdf)) + self.kid + parameters


@dataclass(frozen=True, slots=True)
class Envelope:
    """A parsed envelope: `sealed` is the ciphertext with its tag."""

    header: Header
    nonce: bytes
    sealed: bytes


def prefixed(data: bytes) -> bytes:
    """`data` behind its length as four big-endian bytes."""
    return len(data).to_bytes(4, "big") + data


def render(envelope: Envelope) -> str:
    """The text form."""
    raw = envelope.header.encode() + envelope.nonce + envelope.sealed
    return PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def is_sealed(text: object) -> bool:
    """True for a string that claims to be an envelope; whether it opens is another question."""
    return isinstance(text, str) and text.startswith(PREFIX)


def kid_of(text: str, where: object = "a sealed value") -> str:
    """The id, in hex, of the key that a value was sealed with; `GitopsError` for none."""
    return parse(text, where).header.kid.hex()


def parse(text: str, where: object) -> Envelope:
    """The parts of an envelope. `GitopsError`, naming `where`, for anything we do not write."""
    raw = _decode(text, where)
    if len(raw) < _FIXED_SIZE:
        _damaged(where)
    if raw[:2] != bytes((_VERSION, _AES_256_GCM_SIV)):
        raise GitopsError(
            f"{where} is sealed in a format this version does not know",
            "kubectl gitops version",
        )
    header = _header(raw, where)
    start = len(header.encode())
    envelope = Envelope(header, raw[start : start + NONCE_SIZE], raw[start + NONCE_SIZE :])
    if len(envelope.sealed) < _SMALLEST + _TAG_SIZE:
        _damaged(where)
    return envelope


def _decode(text: str, where: object) -> bytes:
    """Base64url in its one canonical spelling: Python's decoder skips what it does not know."""
    body = text.removeprefix(PREFIX)
    try:
        raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except (ValueError, binascii.Error) as error:
        raise GitopsError(f"{where} is damaged: it is not a whole kgs1 value") from error
    if PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("=") != text:
        _damaged(where)
    return raw


def _header(raw: bytes, where: object) -> Header:
    if raw[2] & ~_JSON_VALUE or raw[3] not in (_HKDF, _SCRYPT):
        _damaged(where)
    kid, json_value = raw[4:_FIXED_SIZE], bool(raw[2])
    if raw[3] == _HKDF:
        return Header(kid, GENERATED, json_value)
    parameters = raw[_FIXED_SIZE : _FIXED_SIZE + _SCRYPT_SIZE]
    if len(parameters) < _SCRYPT_SIZE:
        _damaged(where)
    log2n, r, p = parameters[:3]
    return Header(kid, Scrypt(log2n, r, p, parameters[3:]), json_value)


def _damaged(where: object) -> NoReturn:
    raise GitopsError(f"{where} is damaged: it is not a whole kgs1 value")


def pad(data: bytes) -> bytes:
    """ISO/IEC 7816-4 up to a bucket, so that a short value's length does not show.

    64 bytes at least: passwords, tokens and booleans look alike, the empty value too. Above that
    the buckets of PADMÉ (Nikitin et al., PETS 2019): at most 12.5 % longer.
    """
    size = len(data) + 1
    return data + b"\x80" + bytes(_bucket(size) - size)


def _bucket(size: int) -> int:
    if size <= _SMALLEST:
        return _SMALLEST
    exponent = size.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (size + mask) & ~mask


def unpad(padded: bytes) -> bytes | None:
    """What `pad` was given; None for other data."""
    data = padded.rstrip(b"\0")
    return data[:-1] if data.endswith(b"\x80") else None
