"""The predecessor's values (sdm-pack-k8s): opened, so that its users can come over; never written.

AES-256-CBC with a key and an IV that depend on nothing but the passphrase, over the base64 text of
the value, unauthenticated. A wrong key passes the padding once in 256, so what comes out must be
base64, too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from functools import cache

from kubectl_gitops.errors import GitopsError

__all__ = ["open_legacy"]

_BLOCK = 16


def open_legacy(passphrase: str, text: str) -> str:
    """What its `secret decrypt` printed: the base64 text of the value.

    `GitopsError` where the value is damaged or the passphrase is another.
    """
    from kubectl_gitops.envelope.primitives import cbc_open

    ciphertext = _decode(text)
    key, iv = _key_and_iv(passphrase)
    plaintext = cbc_open(key, iv, ciphertext) if ciphertext else None
    if plaintext is None or not _is_base64(plaintext):
        raise GitopsError("the value does not open with this passphrase")
    return plaintext.decode("ascii")


def _decode(text: str) -> bytes:
    """Base64 as Node reads it: white space and the URL-safe alphabet are welcome."""
    compact = "".join(text.split()).translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        ciphertext = base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (ValueError, binascii.Error) as error:
        raise GitopsError("the value is not base64") from error
    if len(ciphertext) % _BLOCK:
        raise GitopsError(f"the value is damaged: its length is no multiple of {_BLOCK} bytes")
    return ciphertext


@cache
def _key_and_iv(passphrase: str) -> tuple[bytes, bytes]:
    key = _derive(passphrase, 32)
    return key, _derive(base64.b64encode(key).decode(), _BLOCK)


def _derive(passphrase: str, length: int) -> bytes:
    from kubectl_gitops.envelope.primitives import scrypt

    password = passphrase.encode()
    salt = hashlib.sha256(base64.b64encode(password)).hexdigest().encode()
    return scrypt(password, salt, n=1 << 14, r=8, p=1, length=length)


def _is_base64(plaintext: bytes) -> bool:
    try:
        base64.b64decode(plaintext, validate=True)
    except (ValueError, binascii.Error):
        return False
    return True
