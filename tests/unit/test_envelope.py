"""The envelope: fixed vectors, the key policy, and everything that must be refused."""

from __future__ import annotations

import base64
import random
import string
import subprocess
import sys
from dataclasses import replace

import pytest

from kubectl_gitops.envelope import (
    Key,
    Keyring,
    Place,
    check_key,
    find_place,
    is_sealed,
    kid_of,
    new_key,
    open_sealed,
    seal,
)
from kubectl_gitops.envelope import keys as keys_module
from kubectl_gitops.envelope.layout import Scrypt, pad, unpad
from kubectl_gitops.errors import GitopsError

PLACE = Place("", "Secret", "prod", "db", "/data/password")
GENERATED_TEXT = "kgk1-aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypte3m4um"
FREEFORM_TEXT = "correct-horse-battery-staple-0123456789abcdef"
SALT = bytes(range(16))
KEY = Key.generated(bytes(range(32)))
KEYRING = Keyring.of([GENERATED_TEXT])
HUNTER2 = (
    "kgs1:AQEAAVw3weUEaeJ9ihl8SuzfV0FYNy8sxzLTPZCz3D8QX1RezSZK2o1dMsBIREiOzSmQumuU_ZuHOr3U_WWz1f"
    "dPTt-m1JK7iYC1ZfgheJOTGCKSoD9LlVgVvXi_hRZTELyV3fpzrN4"
)
EMPTY = (
    "kgs1:AQEAAVw3weUEaeJ9ACK09dTpS15890U4AnHxAX9_MeMWakfGYHEYH6qSfjpohIKU7nLNbs1pNKUEtZ6rqfL2QH"
    "Parhl3U_1cM06stORKTnaPy0G_FmnqLUsoKldS9ZpyFrHuta6S4Y4"
)
VALUE = b"hunter2"


def refusal(text: str, place: Place = PLACE, keyring: Keyring = KEYRING) -> str:
    with pytest.raises(GitopsError) as raised:
        open_sealed(keyring, text, place)
    assert "hunter2" not in raised.value.message
    return raised.value.message


def raw(text: str) -> bytes:
    body = text.removeprefix("kgs1:")
    return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))


def text_of(data: bytes) -> str:
    return "kgs1:" + base64.urlsafe_b64encode(data).decode().rstrip("=")


def test_the_format_is_what_it_was() -> None:
    assert KEY.kid == "5c37c1e50469e27d"
    assert seal(KEY, VALUE, PLACE) == HUNTER2
    assert seal(KEY, b"", PLACE) == EMPTY
    assert Key.freeform(FREEFORM_TEXT, SALT).kid == "665309858de9b6e0"


def test_a_value_opens_at_its_place() -> None:
    assert open_sealed(KEYRING, HUNTER2, PLACE) == VALUE
    assert open_sealed(KEYRING, EMPTY, PLACE) == b""
    assert KEYRING.primary() == KEY


def test_a_free_form_key_needs_nothing_but_its_string_to_open() -> None:
    sealed = seal(Keyring.of([FREEFORM_TEXT], SALT).primary(), VALUE, PLACE)
    assert len(sealed) == 169
    assert open_sealed(Keyring.of([FREEFORM_TEXT]), sealed, PLACE) == VALUE


def test_sealing_with_a_free_form_key_needs_the_salt_of_a_store() -> None:
    with pytest.raises(GitopsError) as raised:
        Keyring.of([FREEFORM_TEXT]).primary()
    assert raised.value.message == (
        "a free-form key needs the salt of a store; a generated one needs none"
    )
    assert raised.value.hints == (
        "kubectl gitops init --repo URL",
        "kubectl gitops secret keygen --out FILE",
    )


def test_a_sealed_value_is_told_from_others_and_names_its_key() -> None:
    assert is_sealed(HUNTER2)
    assert not is_sealed("aHVudGVyMg==")
    assert not is_sealed(7)
    assert kid_of(HUNTER2) == "5c37c1e50469e27d"


def test_no_api_server_takes_a_sealed_value_for_base64() -> None:
    with pytest.raises(ValueError, match="Only base64 data is allowed"):
        base64.b64decode(HUNTER2, validate=True)


def test_every_flipped_bit_is_refused() -> None:
    whole = raw(HUNTER2)
    for bit in range(len(whole) * 8):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        refusal(text_of(bytes(changed)))


def test_every_truncation_is_refused() -> None:
    for length in range(len(HUNTER2)):
        if length >= len("kgs1:"):
            refusal(HUNTER2[:length])
    for length in range(len(raw(HUNTER2))):
        refusal(text_of(raw(HUNTER2)[:length]))


@pytest.mark.parametrize(
    "other",
    [
        replace(PLACE, namespace="dev"),
        replace(PLACE, name="db2"),
        replace(PLACE, pointer="/data/user"),
        replace(PLACE, kind="ConfigMap"),
        replace(PLACE, group="example.com"),
        Place("", "Secret", "pro", "ddb", "/data/password"),
    ],
)
def test_a_moved_value_is_refused_and_its_origin_can_be_found(other: Place) -> None:
    assert refusal(HUNTER2, other) == (
        f"{other} does not open: it was changed, or sealed for another place"
    )
    assert find_place(KEYRING, HUNTER2, [other, PLACE]) == PLACE
    assert find_place(KEYRING, HUNTER2, [other]) is None


@pytest.mark.parametrize(
    "text",
    [
        "kgs1:",
        "kgs1:!!!!",
        "kgs1:A",
        HUNTER2 + "=",
        HUNTER2 + "\n",
        HUNTER2[:40] + " " + HUNTER2[40:],
        HUNTER2[:-1] + "5",  # the same bytes, spelled with the unused bits set
        text_of(raw(HUNTER2)[:12]),
        text_of(b"\x01\x01\x00\x02" + bytes(20)),
        text_of(b"\x01\x01\x00\x03" + raw(HUNTER2)[4:]),
        text_of(b"\x01\x01\x01\x01" + raw(HUNTER2)[4:]),
        text_of(b"\x01\x01\x08\x01" + raw(HUNTER2)[4:]),
    ],
)
def test_a_damaged_value_is_refused_by_name(text: str) -> None:
    assert refusal(text) == "secret/prod/db /data/password is damaged: it is not a whole kgs1 value"


@pytest.mark.parametrize("start", [b"\x02\x01", b"\x00\x01", b"\x01\x02"])
def test_another_version_or_algorithm_is_refused(start: bytes) -> None:
    assert refusal(text_of(start + raw(HUNTER2)[2:])) == (
        "secret/prod/db /data/password is sealed in a format this version does not know"
    )


def test_bytes_and_json_values_are_not_taken_for_each_other() -> None:
    sealed = seal(KEY, b'"hunter2"', PLACE, json_value=True)
    assert open_sealed(KEYRING, sealed, PLACE, json_value=True) == b'"hunter2"'
    assert refusal(sealed) == (
        "secret/prod/db /data/password does not open: it holds another kind of value"
    )


def test_an_unknown_key_is_named_beside_the_keys_held() -> None:
    other = Key.generated(bytes(32))
    assert refusal(seal(other, VALUE, PLACE)) == (
        f"secret/prod/db /data/password is sealed with key {other.kid}, "
        "which is not held (held: 5c37c1e50469e27d)"
    )
    freeform = Keyring.of([FREEFORM_TEXT])
    assert refusal(HUNTER2, keyring=freeform) == (
        "secret/prod/db /data/password is sealed with key 5c37c1e50469e27d, "
        "which is not held (held: none)"
    )
    elsewhere = seal(Keyring.of([FREEFORM_TEXT], SALT).primary(), VALUE, PLACE)
    assert refusal(elsewhere, keyring=Keyring.of(["Another long string, of words"])).startswith(
        "secret/prod/db /data/password is sealed with key 665309858de9b6e0, which is not held (held"
    )


def test_the_first_key_seals_and_all_of_them_open() -> None:
    second = new_key()
    ring = Keyring.of([second, GENERATED_TEXT])
    assert ring.kids() == (Keyring.of([second]).primary().kid, "5c37c1e50469e27d")
    assert open_sealed(ring, HUNTER2, PLACE) == VALUE
    assert kid_of(seal(ring.primary(), VALUE, PLACE)) == ring.kids()[0]


def test_a_place_is_printed_without_control_characters() -> None:
    hostile = Place("", "Secret", "", "d\x1bb", "/data/\u202ea")
    assert str(hostile) == r"secret/d\x1bb /data/\u202ea"


def test_a_place_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(GitopsError, match="its name is not valid Unicode"):
        seal(KEY, VALUE, replace(PLACE, pointer="/data/\ud800"))


def test_nothing_of_a_key_is_shown() -> None:
    shown = repr(KEY) + repr(KEYRING) + repr(Keyring.of([FREEFORM_TEXT]))
    assert GENERATED_TEXT not in shown
    assert FREEFORM_TEXT not in shown
    assert repr(KEY.encryption) not in shown


GUESSED = (
    "the key can be guessed: it is made of runs such as abc and 321, and of what it said before"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the key has 0 characters, it needs at least 24"),
        ("a1b2c3d4e5f6g7h8i9j0k1l", "the key has 23 characters, it needs at least 24"),
        ("aaaaaaaaabbbbbbbbcccccccdd", "the key has only 4 different characters, it needs 10"),
        ("0123456789ab0123456789ab", "the key repeats itself"),
        ("0123456789abc0123456789abc01", "the key repeats itself"),
        ("abcdefghijklmnopqrstuvwxyz", GUESSED),
        ("aBcDeFgHiJkLmNoPqRsTuVwXyZ9876543210", GUESSED),
        ("qwertyuiopasdfghjklzxcvbnm1234567890", GUESSED),
        ("password123password123password456", GUESSED),
        ("0123456789abcdefghijklmn\0", "the key holds a NUL character"),
        ("0123456789abcdefghijklmn\ud800", "the key is not valid Unicode"),
        (
            GENERATED_TEXT[:-1] + "5",
            "the key is damaged: its checksum does not hold; copy it again",
        ),
        (GENERATED_TEXT[:-2], "the key is damaged: its checksum does not hold; copy it again"),
        ("kgk1-!", "the key is damaged: its checksum does not hold; copy it again"),
    ],
)
def test_a_weak_or_damaged_key_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(GitopsError) as raised:
        check_key(text)
    assert raised.value.message == message
    assert raised.value.hints == ("kubectl gitops secret keygen --out FILE",)
    with pytest.raises(GitopsError):
        Keyring.of([GENERATED_TEXT, text])


@pytest.mark.parametrize(
    "text", [GENERATED_TEXT, GENERATED_TEXT.upper(), FREEFORM_TEXT, "Grüße aus dem Hinterland!"]
)
def test_a_long_random_string_is_a_key(text: str) -> None:
    check_key(text)


@pytest.mark.parametrize("letters", ["0123456789", "0123456789abcdef", string.printable[:94]])
def test_no_random_string_of_24_characters_is_called_weak(letters: str) -> None:
    chance = random.Random(24)
    texts = ["".join(chance.choices(letters, k=24)) for _ in range(3000)]
    varied = [text for text in texts if len(set(text)) >= 10]
    assert len(varied) > 1000
    for text in varied:
        check_key(text)


def test_a_generated_key_passes_its_own_check_and_ignores_case() -> None:
    text = new_key()
    check_key(text)
    assert len(text) == 63
    assert Keyring.of([text.upper()]).primary() == Keyring.of([text]).primary()


def test_a_keyring_without_keys_is_refused() -> None:
    with pytest.raises(GitopsError, match="there is no key"):
        Keyring.of([])


# --- what a hostile branch may ask for ------------------------------------------------------


def costing(log2n: int, r: int, p: int, salt: bytes = SALT) -> str:
    header = b"\x01\x01\x00\x02" + bytes(8) + bytes((log2n, r, p)) + salt
    return text_of(header + bytes(12 + 64 + 16))


@pytest.mark.parametrize(
    ("log2n", "r", "p"),
    [(21, 1, 1), (16, 17, 1), (16, 8, 5), (0, 8, 1), (16, 0, 1), (16, 8, 0), (19, 8, 1)],
)
def test_a_header_that_asks_for_too_much_is_refused(log2n: int, r: int, p: int) -> None:
    message = refusal(costing(log2n, r, p), keyring=Keyring.of([FREEFORM_TEXT]))
    assert message == (
        "secret/prod/db /data/password is refused: "
        "its key derivation asks for more than this program allows"
    )


def test_the_ninth_derivation_of_a_run_is_refused() -> None:
    ring = Keyring.of([FREEFORM_TEXT])
    for n in range(8):
        assert "which is not held" in refusal(costing(1, 1, 1, bytes((n,)) * 16), keyring=ring)
    assert refusal(costing(1, 1, 1, bytes((9,)) * 16), keyring=ring) == (
        "secret/prod/db /data/password is refused: too many different key derivations in one run"
    )
    assert "which is not held" in refusal(costing(1, 1, 1, bytes(16)), keyring=ring)


def test_headers_cost_nothing_where_no_free_form_key_is_held() -> None:
    for n in range(20):
        assert "which is not held" in refusal(costing(18, 8, 4, bytes((n,)) * 16))


def test_a_cheaply_derived_key_opens_but_never_seals() -> None:
    cheap = Key.derived(FREEFORM_TEXT, Scrypt(15, 8, 2, SALT))
    with pytest.raises(GitopsError, match="was derived too cheaply to seal with"):
        seal(cheap, VALUE, PLACE)


def test_a_salt_of_another_length_is_refused() -> None:
    with pytest.raises(GitopsError, match="the salt of a free-form key has 16 bytes"):
        Key.freeform(FREEFORM_TEXT, b"short")


def test_a_derivation_is_paid_for_once_in_a_process() -> None:
    ring = Keyring.of([FREEFORM_TEXT], SALT)
    ring.primary()
    before = keys_module._stretch.cache_info()
    Keyring.of([FREEFORM_TEXT], SALT).primary()
    after = keys_module._stretch.cache_info()
    assert (after.misses, after.hits) == (before.misses, before.hits + 1)


# --- padding --------------------------------------------------------------------------------


def test_short_values_have_one_length() -> None:
    assert {len(seal(KEY, b"x" * n, PLACE)) for n in range(64)} == {len(HUNTER2)}


@pytest.mark.parametrize(
    ("length", "padded"), [(63, 64), (64, 72), (100, 104), (1000, 1024), (1 << 20, 1081344)]
)
def test_longer_values_are_padded_by_an_eighth_at_most(length: int, padded: int) -> None:
    assert len(pad(b"x" * length)) == padded
    assert padded <= (length + 1) * 1.125


def test_what_was_not_padded_is_not_unpadded() -> None:
    assert unpad(b"") is None
    assert unpad(bytes(64)) is None
    assert unpad(b"value") is None
    assert unpad(pad(b"\x80\x00")) == b"\x80\x00"


def test_asking_whether_a_value_is_sealed_loads_no_cipher() -> None:
    program = (
        "import sys; from kubectl_gitops.envelope import is_sealed, check_key; "
        "is_sealed('x'); sys.exit('cryptography' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
