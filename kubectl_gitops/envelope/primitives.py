"""The ciphers and key derivations, as `cryptography` has them.

The only module that imports `cryptography`. It is imported by the functions that need a key, so
that commands which touch no Secret do not wait for it.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import cache

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from kubectl_gitops.errors import GitopsError

__all__ = ["cbc_open", "expand", "extract", "gcm_siv_open", "gcm_siv_seal", "hmac_sha256", "scrypt"]


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104)."""
    return hmac.new(key, message, hashlib.sha256).digest()


def extract(salt: bytes, material: bytes) -> bytes:
    """HKDF-Extract (RFC 5869, 2.2): an HMAC, which older `cryptography` does not offer alone."""
    return hmac_sha256(salt, material)


def expand(prk: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-256 (RFC 5869, 2.3)."""
    return HKDFExpand(hashes.SHA256(), length, info).derive(prk)


def scrypt(password: bytes, salt: bytes, *, n: int, r: int, p: int, length: int) -> bytes:
    """The scrypt function of RFC 7914; takes 128 · n · r bytes of memory."""
    return Scrypt(salt=salt, length=length, n=n, r=r, p=p).derive(password)


def gcm_siv_seal(key: bytes, nonce: bytes, plaintext: bytes, data: bytes) -> bytes:
    """AES-256-GCM-SIV: the ciphertext and its tag of 16 bytes."""
    return _gcm_siv(key).encrypt(nonce, plaintext, data)


def gcm_siv_open(key: bytes, nonce: bytes, ciphertext: bytes, data: bytes) -> bytes | None:
    """The plaintext, or None where the tag does not hold."""
    try:
        return _gcm_siv(key).decrypt(nonce, ciphertext, data)
    except InvalidTag:
        return None


@cache
def _gcm_siv(key: bytes) -> AESGCMSIV:
    try:
        return AESGCMSIV(key)
    except UnsupportedAlgorithm as error:  # a distribution's build on OpenSSL before 3.2
        raise GitopsError(
            "this build of cryptography has no AES-256-GCM-SIV; it needs OpenSSL 3.2 or newer",
            "pip install --upgrade cryptography",
        ) from error


def cbc_open(key: bytes, iv: bytes, ciphertext: bytes) -> bytes | None:
    """AES-CBC with PKCS #7 padding; None where the padding does not hold."""
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    unpadder = padding.PKCS7(algorithms.AES.block_size).unpadder()
    try:
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        return None
