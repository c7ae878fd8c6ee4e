"""A second implementation of the envelope, written from its description and the RFCs alone.

It shares nothing with the first but AES on one block and SHA-256, so agreement means that the
description is whole: with it and a key the values of a branch can be read without this program.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from kubectl_gitops.envelope import Key, Place, seal

RAW = bytes(range(32))
FREEFORM = "correct-horse-battery-staple-0123456789abcdef"
PLACE = ("", "Secret", "prod", "db", "/data/password")
ONE, POLYNOMIAL = 1, (1 << 128) | (1 << 127) | (1 << 126) | (1 << 121) | 1


def aes(key: bytes, block: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(block)


def number(data: bytes) -> int:
    return int.from_bytes(data, "little")


def multiply(a: int, b: int) -> int:
    """In the field of RFC 8452, section 3."""
    product = 0
    for bit in range(128):
        product ^= (a << bit) if b >> bit & 1 else 0
    for bit in range(255, 127, -1):
        product ^= (POLYNOMIAL << (bit - 128)) if product >> bit & 1 else 0
    return product


def dot(a: int, b: int) -> int:
    """a · b · x^-128, where x^-128 = x^127 + x^124 + x^121 + x^114 + 1."""
    inverse = (1 << 127) | (1 << 124) | (1 << 121) | (1 << 114) | ONE
    return multiply(multiply(a, b), inverse)


def blocks(data: bytes) -> list[bytes]:
    padded = data + bytes(-len(data) % 16)
    return [padded[n : n + 16] for n in range(0, len(padded), 16)]


def polyval(h: bytes, data: list[bytes]) -> bytes:
    state = 0
    for block in data:
        state = dot(state ^ number(block), number(h))
    return state.to_bytes(16, "little")


def gcm_siv_open(key: bytes, nonce: bytes, sealed: bytes, data: bytes) -> bytes:
    """RFC 8452, section 5, for a key of 32 bytes."""
    halves = [aes(key, n.to_bytes(4, "little") + nonce)[:8] for n in range(6)]
    authentication, encryption = b"".join(halves[:2]), b"".join(halves[2:])
    ciphertext, tag = sealed[:-16], sealed[-16:]
    start = tag[:15] + bytes([tag[15] | 0x80])
    counter = number(start[:4])
    stream = b"".join(
        aes(encryption, ((counter + n) % 2**32).to_bytes(4, "little") + start[4:])
        for n in range(len(blocks(ciphertext)))
    )
    plaintext = bytes(a ^ b for a, b in zip(ciphertext, stream, strict=False))
    lengths = (8 * len(data)).to_bytes(8, "little") + (8 * len(plaintext)).to_bytes(8, "little")
    s = polyval(authentication, [*blocks(data), *blocks(plaintext), lengths])
    mixed = bytes(a ^ b for a, b in zip(s, nonce + bytes(4), strict=True))
    assert aes(encryption, mixed[:15] + bytes([mixed[15] & 0x7F])) == tag
    return plaintext


def expand(prk: bytes, info: bytes, length: int) -> bytes:
    return hmac.digest(prk, info + b"\x01", hashlib.sha256)[:length]


def with_length(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def reference_open(secret: bytes, text: str, place: tuple[str, ...]) -> bytes:
    assert text.startswith("kgs1:")
    body = text[5:]
    raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    version, algorithm, flags, kdf = raw[:4]
    assert (version, algorithm, flags) == (1, 1, 0)
    header = raw[: 12 if kdf == 1 else 31]
    if kdf == 2:
        n, r, p = 1 << raw[12], raw[13], raw[14]
        secret = hashlib.scrypt(
            secret, salt=raw[15:31], n=n, r=r, p=p, dklen=32, maxmem=256 * n * r
        )
    prk = hmac.digest(b"kubectl-gitops/kgs1", secret, hashlib.sha256)
    assert expand(prk, b"kgs1 kid", 8) == raw[4:12]
    data = header + b"".join(with_length(p.encode()) for p in ("kubectl-gitops/kgs1", *place))
    nonce, sealed = raw[len(header) : len(header) + 12], raw[len(header) + 12 :]
    padded = gcm_siv_open(expand(prk, b"kgs1 enc 01", 32), nonce, sealed, data)
    derived = hmac.digest(expand(prk, b"kgs1 nonce", 32), with_length(data) + padded, "sha256")
    assert derived[:12] == nonce
    value, marker, zeros = padded.rpartition(b"\x80")
    assert marker
    assert not zeros.strip(b"\0")
    return value


def test_the_reference_opens_a_published_vector() -> None:
    """RFC 8452, C.2: the first with a plaintext and additional data of odd lengths."""
    key = bytes.fromhex("6545fc880c94a95198874296d5cc1fd161320b6920ce07787f86743b275d1ab3")
    nonce = bytes.fromhex("2f6d1f0434d8848c1177441f")
    sealed = bytes.fromhex("a254dad4f3f96b62b84dc40c84636a5ec12020ec8c2c")
    plaintext = gcm_siv_open(key, nonce, sealed, bytes.fromhex("6787f3ea22c127aaf195"))
    assert plaintext.hex() == "195495860f04"


@pytest.mark.parametrize("value", [b"", b"hunter2", bytes(range(200)), b"\x80\0\0", b"x" * 63])
def test_the_reference_opens_what_a_generated_key_sealed(value: bytes) -> None:
    assert reference_open(RAW, seal(Key.generated(RAW), value, Place(*PLACE)), PLACE) == value


def test_the_reference_opens_what_a_free_form_key_sealed() -> None:
    sealed = seal(Key.freeform(FREEFORM, bytes(range(16))), b"hunter2", Place(*PLACE))
    assert reference_open(FREEFORM.encode(), sealed, PLACE) == b"hunter2"
