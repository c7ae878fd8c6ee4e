"""The envelope `kgs1`: how one value of a Secret stands in Git.

The text is `kgs1:` and base64url, without padding, of::

    offset length field
    0      1      version   0x01
    1      1      algorithm 0x01, AES-256-GCM-SIV (RFC 8452) with a derived nonce
    2      1      flags     0x04: the plaintext is a JSON value, else bytes; no other bit is known
    3      1      kdf       0x01 HKDF-SHA256 of a generated key, 0x02 scrypt of a free-form one
    4      8      kid       names the key
    12     0, 19  log2(N), r, p and a salt of 16 bytes, for scrypt only
    ..     12     nonce
    ..     n + 16 ciphertext of the padded value, and its tag

The header and the value's place are authenticated, so a value moved to another resource or another
key does not open. `:` and `_` are outside standard base64: an API server refuses a Secret that was
sent with its values sealed.

The nonce is derived from the plaintext and its place, so the same value at the same place gives
the same text: diffs stay quiet, and two people who apply one Secret make one blob. What that
shows is that a value went back to a former one at its own place, and nothing across places.
GCM-SIV and not GCM, because a nonce that repeats by accident then shows equality and nothing more.

Nothing here reads a file, a clock or the environment; `cryptography` is loaded by the first key.
"""

from __future__ import annotations

from kubectl_gitops.envelope.keys import Key, Keyring, check_key, new_key
from kubectl_gitops.envelope.layout import PREFIX, SALT_SIZE, Place, is_sealed, kid_of
from kubectl_gitops.envelope.legacy import open_legacy
from kubectl_gitops.envelope.values import find_place, is_held, open_sealed, seal

__all__ = [
    "PREFIX",
    "SALT_SIZE",
    "Key",
    "Keyring",
    "Place",
    "check_key",
    "find_place",
    "is_held",
    "is_sealed",
    "kid_of",
    "new_key",
    "open_legacy",
    "open_sealed",
    "seal",
]
