"""Keys: the strings people hold, the policy for them, and the keyring that opens values."""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from kubectl_gitops.envelope.layout import DOMAIN, GENERATED, KID_SIZE, SALT_SIZE, Header, Scrypt
from kubectl_gitops.errors import GitopsError

__all__ = ["Key", "Keyring", "check_key", "new_key"]

KEYGEN = "kubectl gitops secret keygen --out FILE"

_GENERATED_PREFIX = "kgk1-"
_KEY_SIZE = 32
_CHECKSUM_SIZE = 4
_SHORTEST = 24
_FEWEST_DISTINCT = 10
_FEWEST_BITS = 56
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
"""What people's fingers run along, forwards and backwards."""

# The cost of a free-form key is a constant of the format: a branch may not make it cheaper.
_LOG2N, _R, _P = 16, 8, 2
# An envelope's header may ask for other costs, within what a hostile branch may make us spend.
_MOST_LOG2N, _MOST_R, _MOST_P = 20, 16, 4
_MOST_MEMORY = 256 << 20
_MOST_DERIVATIONS = 8

_derivation = threading.Lock()


def new_key() -> str:
    """A generated key: 256 random bits, and a checksum that catches a slip in copying."""
    raw = secrets.token_bytes(_KEY_SIZE)
    return _GENERATED_PREFIX + base64.b32encode(raw + _checksum(raw)).decode().rstrip("=").lower()


def check_key(text: str) -> None:
    """Refuse a key string that is damaged or could be guessed; says why, never what.

    The rule is of length and variety, not of taste: any string of 24 characters, 10 of them
    different, that is not made of runs and repetitions.
    """
    if _is_generated(text):
        _raw(text)
        return
    weakness = _weakness(text)
    if weakness:
        raise GitopsError(f"the key {weakness}", KEYGEN)


def _weakness(text: str) -> str:
    if "\0" in text:
        return "holds a NUL character"
    if len(text) < _SHORTEST:
        return f"has {len(text)} characters, it needs at least {_SHORTEST}"
    if len(set(text)) < _FEWEST_DISTINCT:
        return f"has only {len(set(text))} different characters, it needs {_FEWEST_DISTINCT}"
    if any(text[n:] == text[:-n] for n in range(1, len(text) // 2 + 1)):
        return "repeats itself"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "is not valid Unicode"
    if _bits(text) < _FEWEST_BITS:
        return "can be guessed: it is made of runs such as abc and 321, and of what it said before"
    return ""


def _bits(text: str) -> float:
    """What guessing costs at least: the characters that do not follow from those before them."""
    folded = text.lower()
    surprises = sum(not _follows(folded, n) for n in range(len(folded)))
    return surprises * math.log2(len(set(text)))


def _follows(text: str, position: int) -> bool:
    """Whether a character goes on with a run, or with three characters that were there before."""
    last = text[max(position - 2, 0) : position + 1]
    if len(last) < 3:
        return False
    runs = len(set(last)) == 1 or any(last in row or last[::-1] in row for row in _ROWS)
    return runs or last in text[:position]


def _is_generated(text: str) -> bool:
    return text[: len(_GENERATED_PREFIX)].lower() == _GENERATED_PREFIX


@cache
def _raw(text: str) -> bytes:
    """The 32 bytes of a generated key. A damaged one is never taken for a free-form one."""
    body = text[len(_GENERATED_PREFIX) :].upper()
    try:
        decoded = base64.b32decode(body + "=" * (-len(body) % 8))
    except (binascii.Error, ValueError):
        decoded = b""
    raw, checksum = decoded[:_KEY_SIZE], decoded[_KEY_SIZE:]
    if len(raw) != _KEY_SIZE or checksum != _checksum(raw):
        raise GitopsError("the key is damaged: its checksum does not hold; copy it again", KEYGEN)
    return raw


def _checksum(raw: bytes) -> bytes:
    return hashlib.sha256(b"kubectl-gitops/kgk1" + raw).digest()[:_CHECKSUM_SIZE]


@dataclass(frozen=True, slots=True)
class Key:
    """What a key string becomes: an id to show, and two keys that are never shown."""

    id: bytes
    kdf: Scrypt | None
    encryption: bytes = field(repr=False)
    nonce: bytes = field(repr=False)

    @staticmethod
    def generated(raw: bytes) -> Key:
        """From the 32 bytes of a generated key."""
        return _expanded(raw, GENERATED)

    @staticmethod
    def freeform(text: str, salt: bytes) -> Key:
        """From any other string, at the format's cost: 64 MiB and some 0.4 s."""
        return Key.derived(text, Scrypt(_LOG2N, _R, _P, salt))

    @staticmethod
    def derived(text: str, kdf: Scrypt) -> Key:
        """From any other string, at the cost an envelope names; `GitopsError` beyond the caps."""
        _check_cost(kdf)
        with _derivation:  # so that two threads do not both pay for one key
            return _expanded(_stretch(text, kdf), kdf)

    @property
    def kid(self) -> str:
        """The id as people see it: 16 hex digits."""
        return self.id.hex()

    def check_strength(self) -> None:
        """Refuse to seal with a key that was made too cheaply; opening may still be needed."""
        if self.kdf and self.kdf.log2n < _LOG2N:
            raise GitopsError(f"key {self.kid} was derived too cheaply to seal with", KEYGEN)


def _check_cost(kdf: Scrypt) -> None:
    fits = 1 <= kdf.log2n <= _MOST_LOG2N and 1 <= kdf.r <= _MOST_R and 1 <= kdf.p <= _MOST_P
    if not fits or (128 * kdf.r) << kdf.log2n > _MOST_MEMORY:
        raise GitopsError("its key derivation asks for more than this program allows")
    if len(kdf.salt) != SALT_SIZE:
        raise GitopsError(f"the salt of a free-form key has {SALT_SIZE} bytes")


@cache
def _expanded(material: bytes, kdf: Scrypt | None) -> Key:
    from kubectl_gitops.envelope.primitives import expand, extract

    prk = extract(DOMAIN, material)
    return Key(
        id=expand(prk, b"kgs1 kid", KID_SIZE),
        kdf=kdf,
        encryption=expand(prk, b"kgs1 enc 01", 32),
        nonce=expand(prk, b"kgs1 nonce", 32),
    )


@cache
def _stretch(text: str, kdf: Scrypt) -> bytes:
    from kubectl_gitops.envelope.primitives import scrypt

    return scrypt(text.encode(), kdf.salt, n=1 << kdf.log2n, r=kdf.r, p=kdf.p, length=_KEY_SIZE)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys that are held, in order: the first seals, all of them open.

    `salt` is the store's, for free-form keys; an envelope carries the salt it was made with, so
    opening needs none. Nothing is derived until a value asks for it.
    """

    texts: tuple[str, ...] = field(repr=False)
    salt: bytes | None = None
    _asked: set[Scrypt] = field(default_factory=set, repr=False, compare=False)

    @classmethod
    def of(cls, texts: Sequence[str], salt: bytes | None = None) -> Keyring:
        """A keyring of key strings, each of which the policy allows."""
        if not texts:
            raise GitopsError("there is no key", KEYGEN)
        for text in texts:
            check_key(text)
        return cls(tuple(texts), salt)

    def primary(self) -> Key:
        """The key that seals."""
        return self._key(self.texts[0])

    def kids(self) -> tuple[str, ...]:
        """The ids of the keys held, the sealing one first; without a salt only generated ones."""
        usable = (text for text in self.texts if self.salt or _is_generated(text))
        return tuple(self._key(text).kid for text in usable)

    def is_key(self, value: bytes) -> bool:
        """True where a line of a value is a key that is held."""
        lines = value.decode("utf-8", "replace").splitlines()
        return not set(self.texts).isdisjoint(lines)

    def find(self, header: Header, where: object) -> Key:
        """The key an envelope names. No trial decryption; `GitopsError` if it is not held."""
        candidates = self._candidates(header, where)
        for key in candidates:
            if key.id == header.kid:
                return key
        held = ", ".join(dict.fromkeys((*(key.kid for key in candidates), *self.kids()))) or "none"
        raise GitopsError(
            f"{where} is sealed with key {header.kid.hex()}, which is not held (held: {held})",
            "export KUBECTL_GITOPS_KEY_FILE=FILE   # one that holds this key, too",
        )

    def _candidates(self, header: Header, where: object) -> list[Key]:
        if header.kdf is GENERATED:
            return [self._key(text) for text in self.texts if _is_generated(text)]
        freeform = [text for text in self.texts if not _is_generated(text)]
        if freeform:
            self._count(header.kdf, where)
        try:
            return [Key.derived(text, header.kdf) for text in freeform]
        except GitopsError as error:
            raise GitopsError(f"{where} is refused: {error.message}") from error

    def _count(self, kdf: Scrypt, where: object) -> None:
        """Bound what envelopes can make us derive: each new salt costs half a second."""
        if kdf not in self._asked and len(self._asked) == _MOST_DERIVATIONS:
            raise GitopsError(f"{where} is refused: too many different key derivations in one run")
        self._asked.add(kdf)

    def _key(self, text: str) -> Key:
        if _is_generated(text):
            return Key.generated(_raw(text))
        if self.salt is None:
            raise GitopsError(
                "a free-form key needs the salt of a store; a generated one needs none",
                "kubectl gitops init --repo URL",
                KEYGEN,
            )
        return Key.freeform(text, self.salt)
