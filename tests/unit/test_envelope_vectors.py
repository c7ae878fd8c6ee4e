"""The published vectors of every primitive under the envelope, typed in from the RFCs."""

from __future__ import annotations

import pytest
from cryptography.exceptions import UnsupportedAlgorithm

from kubectl_gitops.envelope import open_legacy, primitives
from kubectl_gitops.envelope.primitives import (
    expand,
    extract,
    gcm_siv_open,
    gcm_siv_seal,
    hmac_sha256,
    scrypt,
)
from kubectl_gitops.errors import GitopsError


def blocks(first: int, last: int) -> str:
    """The RFC's plaintexts: blocks of 16 bytes that count in their first byte."""
    return "".join(f"{n:02x}" + "00" * 15 for n in range(first, last + 1))


KEY = "01" + "00" * 31
NONCE = "03" + "00" * 11

# RFC 8452, C.2, AEAD_AES_256_GCM_SIV: key, nonce, plaintext, additional data, result.
C2 = [
    (KEY, NONCE, "", "", "07f5f4169bbf55a8400cd47ea6fd400f"),
    (KEY, NONCE, "0100000000000000", "", "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"),
    (
        KEY,
        NONCE,
        "010000000000000000000000",
        "",
        "9aab2aeb3faa0a34aea8e2b18ca50da9ae6559e48fd10f6e5c9ca17e",
    ),
    (
        KEY,
        NONCE,
        blocks(1, 1),
        "",
        "85a01b63025ba19b7fd3ddfc033b3e76c9eac6fa700942702e90862383c6c366",
    ),
    (
        KEY,
        NONCE,
        blocks(1, 2),
        "",
        "4a6a9db4c8c6549201b9edb53006cba821ec9cf850948a7c86c68ac7539d027f"
        "e819e63abcd020b006a976397632eb5d",
    ),
    (
        KEY,
        NONCE,
        blocks(1, 3),
        "",
        "c00d121893a9fa603f48ccc1ca3c57ce7499245ea0046db16c53c7c66fe717e3"
        "9cf6c748837b61f6ee3adcee17534ed5790bc96880a99ba804bd12c0e6a22cc4",
    ),
    (
        KEY,
        NONCE,
        blocks(1, 4),
        "",
        "c2d5160a1f8683834910acdafc41fbb1632d4a353e8b905ec9a5499ac34f96c7"
        "e1049eb080883891a4db8caaa1f99dd004d80487540735234e3744512c6f90ce"
        "112864c269fc0d9d88c61fa47e39aa08",
    ),
    (KEY, NONCE, "0200000000000000", "01", "1de22967237a813291213f267e3b452f02d01ae33e4ec854"),
    (
        KEY,
        NONCE,
        "020000000000000000000000",
        "01",
        "163d6f9cc1b346cd453a2e4cc1a4a19ae800941ccdc57cc8413c277f",
    ),
    (
        KEY,
        NONCE,
        blocks(2, 2),
        "01",
        "c91545823cc24f17dbb0e9e807d5ec17b292d28ff61189e8e49f3875ef91aff7",
    ),
    (
        KEY,
        NONCE,
        blocks(2, 3),
        "01",
        "07dad364bfc2b9da89116d7bef6daaaf6f255510aa654f920ac81b94e8bad365"
        "aea1bad12702e1965604374aab96dbbc",
    ),
    (
        KEY,
        NONCE,
        blocks(2, 4),
        "01",
        "c67a1f0f567a5198aa1fcc8e3f21314336f7f51ca8b1af61feac35a86416fa47"
        "fbca3b5f749cdf564527f2314f42fe2503332742b228c647173616cfd44c54eb",
    ),
    (
        KEY,
        NONCE,
        blocks(2, 5),
        "01",
        "67fd45e126bfb9a79930c43aad2d36967d3f0e4d217c1e551f59727870beefc9"
        "8cb933a8fce9de887b1e40799988db1fc3f91880ed405b2dd298318858467c89"
        "5bde0285037c5de81e5b570a049b62a0",
    ),
    (
        KEY,
        NONCE,
        "02000000",
        "010000000000000000000000",
        "22b3f4cd1835e517741dfddccfa07fa4661b74cf",
    ),
    (
        KEY,
        NONCE,
        blocks(3, 3) + "04000000",
        blocks(1, 1) + "0200",
        "43dd0163cdb48f9fe3212bf61b201976067f342bb879ad976d8242acc188ab59cabfe307",
    ),
    (
        KEY,
        NONCE,
        blocks(3, 3) + "0400",
        blocks(1, 1) + "02000000",
        "462401724b5ce6588d5a54aae5375513a075cfcdf5042112aa29685c912fc2056543",
    ),
    (
        "e66021d5eb8e4f4066d4adb9c33560e4f46e44bb3da0015c94f7088736864200",
        "e0eaf5284d884a0e77d31646",
        "",
        "",
        "169fbb2fbf389a995f6390af22228a62",
    ),
    (
        "bae8e37fc83441b16034566b7a806c46bb91c3c5aedb64a6c590bc84d1a5e269",
        "e4b47801afc0577e34699b9e",
        "671fdd",
        "4fbdc66f14",
        "0eaccb93da9bb81333aee0c785b240d319719d",
    ),
    (
        "6545fc880c94a95198874296d5cc1fd161320b6920ce07787f86743b275d1ab3",
        "2f6d1f0434d8848c1177441f",
        "195495860f04",
        "6787f3ea22c127aaf195",
        "a254dad4f3f96b62b84dc40c84636a5ec12020ec8c2c",
    ),
    (
        "d1894728b3fed1473c528b8426a582995929a1499e9ad8780c8d63d0ab4149c0",
        "9f572c614b4745914474e7c7",
        "c9882e5386fd9f92ec",
        "489c8fde2be2cf97e74e932d4ed87d",
        "0df9e308678244c44bc0fd3dc6628dfe55ebb0b9fb2295c8c2",
    ),
    (
        "a44102952ef94b02b805249bac80e6f61455bfac8308a2d40d8c845117808235",
        "5c9e940fea2f582950a70d5a",
        "1db2316fd568378da107b52b",
        "0da55210cc1c1b0abde3b2f204d1e9f8b06bc47f",
        "8dbeb9f7255bf5769dd56692404099c2587f64979f21826706d497d5",
    ),
    (
        "9745b3d1ae06556fb6aa7890bebc18fe6b3db4da3d57aa94842b9803a96e07fb",
        "6de71860f762ebfbd08284e4",
        "21702de0de18baa9c9596291b08466",
        "f37de21c7ff901cfe8a69615a93fdf7a98cad481796245709f",
        "793576dfa5c0f88729a7ed3c2f1bffb3080d28f6ebb5d3648ce97bd5ba67fd",
    ),
    (
        "b18853f68d833640e42a3c02c25b64869e146d7b233987bddfc240871d7576f7",
        "028ec6eb5ea7e298342a94d4",
        "b202b370ef9768ec6561c4fe6b7e7296fa85",
        "9c2159058b1f0fe91433a5bdc20e214eab7fecef4454a10ef0657df21ac7",
        "857e16a64915a787637687db4a9519635cdd454fc2a154fea91f8363a39fec7d0a49",
    ),
    (
        "3c535de192eaed3822a2fbbe2ca9dfc88255e14a661b8aa82cc54236093bbc23",
        "688089e55540db1872504e1c",
        "ced532ce4159b035277d4dfbb7db62968b13cd4eec",
        "734320ccc9d9bbbb19cb81b2af4ecbc3e72834321f7aa0f70b7282b4f33df23f167541",
        "626660c26ea6612fb17ad91e8e767639edd6c9faee9d6c7029675b89eaf4ba1ded1a286594",
    ),
]

# RFC 8452, C.3: the block counter wraps around.
C3 = [
    (
        "00" * 32,
        "00" * 12,
        "000000000000000000000000000000004db923dc793ee6497c76dcc03a98e108",
        "",
        "f3f80f2cf0cb2dd9c5984fcda908456cc537703b5ba70324a6793a7bf218d3ea"
        "ffffffff000000000000000000000000",
    ),
    (
        "00" * 32,
        "00" * 12,
        "eb3640277c7ffd1303c7a542d02d3e4c0000000000000000",
        "",
        "18ce4f0b8cb4d0cac65fea8f79257b20888e53e72299e56dffffffff000000000000000000000000",
    ),
]


@pytest.mark.parametrize(("key", "nonce", "plaintext", "data", "result"), C2 + C3)
def test_rfc_8452_seals_and_opens(
    key: str, nonce: str, plaintext: str, data: str, result: str
) -> None:
    k, n, p, a, r = map(bytes.fromhex, (key, nonce, plaintext, data, result))
    assert gcm_siv_seal(k, n, p, a) == r
    assert gcm_siv_open(k, n, r, a) == p


# RFC 5869, A.1 to A.3: material, salt, info, length, PRK, OKM.
HKDF = [
    (
        "0b" * 22,
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        42,
        "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        bytes(range(0x00, 0x50)).hex(),
        bytes(range(0x60, 0xB0)).hex(),
        bytes(range(0xB0, 0x100)).hex(),
        82,
        "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c6"
        "5e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ),
    (
        "0b" * 22,
        "",
        "",
        42,
        "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
]


@pytest.mark.parametrize(("material", "salt", "info", "length", "prk", "okm"), HKDF)
def test_rfc_5869_extracts_and_expands(
    material: str, salt: str, info: str, length: int, prk: str, okm: str
) -> None:
    assert extract(bytes.fromhex(salt), bytes.fromhex(material)).hex() == prk
    assert expand(bytes.fromhex(prk), bytes.fromhex(info), length).hex() == okm


# RFC 7914, section 12: password, salt, N, r, p, result. Its fourth takes 1 GiB, beyond our caps.
SCRYPT = [
    (
        "",
        "",
        16,
        1,
        1,
        "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
        "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906",
    ),
    (
        "password",
        "NaCl",
        1024,
        8,
        16,
        "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
        "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
    ),
    (
        "pleaseletmein",
        "SodiumChloride",
        16384,
        8,
        1,
        "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887",
    ),
]


@pytest.mark.parametrize(("password", "salt", "n", "r", "p", "result"), SCRYPT)
def test_rfc_7914_derives(password: str, salt: str, n: int, r: int, p: int, result: str) -> None:
    assert scrypt(password.encode(), salt.encode(), n=n, r=r, p=p, length=64).hex() == result


# RFC 4231, test cases 1 to 7 (5 is a truncated output): key, message, HMAC-SHA-256.
HMAC = [
    (
        "0b" * 20,
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    (
        b"Jefe".hex(),
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        "aa" * 20,
        b"\xdd" * 50,
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    ),
    (
        bytes(range(1, 26)).hex(),
        b"\xcd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
    ("0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
    (
        "aa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        "aa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data. "
        b"The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
]


@pytest.mark.parametrize(("key", "message", "digest"), HMAC)
def test_rfc_4231_authenticates(key: str, message: bytes, digest: str) -> None:
    assert hmac_sha256(bytes.fromhex(key), message).hex()[: len(digest)] == digest


# Made with the predecessor's own program: passphrase, base64 text, ciphertext.
LEGACY = [
    ("correct horse battery staple", "YWRtaW4=", "+8jMf4NkeORc1mEkaF17wg=="),
    (
        "p@$$ w0rd!#%&'\"\\",
        "LS0tLS1CRUdJTiBURVNULS0tLS0KbGluZSBvbmUKbGluZSB0d28KLS0tLS1FTkQgVEVTVC0tLS0tCg==",
        "w3EOKYZBOiFXjzWzQcXOTjV/bK1Dko599UmLtemU9A4IEE9jcW13y8eJv4bjvcF+"
        "dI6+p72FVIOagJnA677i6p22FUrgbr1POUaiytb7ljVdSAeV6tn2qNL/PaW76jIQ",
    ),
    ("empty value key 0123456789", "", "WUGtMYyGmHVwXsL/cXcdCg=="),
]


@pytest.mark.parametrize(("passphrase", "plaintext", "ciphertext"), LEGACY)
def test_the_predecessors_values_open(passphrase: str, plaintext: str, ciphertext: str) -> None:
    assert open_legacy(passphrase, ciphertext) == plaintext
    node_accepts = " " + ciphertext.replace("+", "-").replace("/", "_").rstrip("=") + "\n"
    assert open_legacy(passphrase, node_accepts) == plaintext


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("+8jMf4NkeORc1mEkaF17wg==", "the value does not open with this passphrase"),
        ("", "the value does not open with this passphrase"),
        ("YWRtaW4=", "the value is damaged: its length is no multiple of 16 bytes"),
        ("YWRtaW4!", "the value is not base64"),
        ("YWRta", "the value is not base64"),
    ],
)
def test_a_legacy_value_that_does_not_open_is_an_error(text: str, message: str) -> None:
    with pytest.raises(GitopsError) as raised:
        open_legacy("another passphrase", text)
    assert raised.value.message == message


@pytest.mark.parametrize("passphrase", ["wrong passphrase 0", "wrong passphrase 115"])
def test_a_wrong_legacy_passphrase_never_gives_a_value(passphrase: str) -> None:
    """The format has no tag: one wrong key in 256, here the second, passes its padding."""
    with pytest.raises(GitopsError, match="the value does not open with this passphrase"):
        open_legacy(passphrase, LEGACY[0][2])


def test_a_build_without_the_cipher_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(key: bytes) -> None:
        raise UnsupportedAlgorithm("AES-GCM-SIV is not supported by this version of OpenSSL")

    primitives._gcm_siv.cache_clear()
    monkeypatch.setattr(primitives, "AESGCMSIV", unsupported)
    with pytest.raises(GitopsError) as raised:
        gcm_siv_seal(bytes(32), bytes(12), b"", b"")
    assert raised.value.message == (
        "this build of cryptography has no AES-256-GCM-SIV; it needs OpenSSL 3.2 or newer"
    )
