"""The certificates of one control plane: an authority, the API server's, and the administrator's.

They are made as kubeadm makes them, with the extensions that a strict verifier (Python 3.13's
default) insists on, so no client of the tests ever has to switch verification off.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["Pki", "write_pki"]

VALIDITY = timedelta(days=365)
SERVER_NAMES = (
    x509.DNSName("localhost"),
    x509.DNSName("kubernetes.default.svc"),
    x509.IPAddress(ip_address("127.0.0.1")),
)


@dataclass(frozen=True, slots=True)
class Pki:
    """PEM files in one directory: ca, server, admin as NAME.crt and NAME.key; sa.pub, sa.key."""

    directory: Path

    def certificate(self, name: str) -> Path:
        return self.directory / f"{name}.crt"

    def key(self, name: str) -> Path:
        return self.directory / f"{name}.key"

    @property
    def account_key(self) -> Path:
        """The public half of the key pair that signs ServiceAccount tokens."""
        return self.directory / "sa.pub"


@dataclass(frozen=True, slots=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def write_pki(directory: Path) -> Pki:
    """Make everything anew below `directory`."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    pki = Pki(directory)
    authority = _make_authority()
    _write(pki, "ca", authority.certificate, authority.key)
    server = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")])
    _issue(pki, "server", server, ExtendedKeyUsageOID.SERVER_AUTH, authority)
    admin = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:masters"),
            x509.NameAttribute(NameOID.COMMON_NAME, "admin"),
        ]
    )
    _issue(pki, "admin", admin, ExtendedKeyUsageOID.CLIENT_AUTH, authority)
    accounts = ec.generate_private_key(ec.SECP256R1())
    _write_key(pki.key("sa"), accounts)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = accounts.public_key().public_bytes(serialization.Encoding.PEM, form)
    pki.account_key.write_bytes(public)
    return pki


def _make_authority() -> _Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "controlplane")])
    usage = _key_usage(signs_certificates=True)
    builder = _builder(name, name, key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True)
    return _Authority(builder.sign(key, hashes.SHA256()), key)


def _issue(
    pki: Pki, name: str, subject: x509.Name, usage: x509.ObjectIdentifier, authority: _Authority
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = _builder(subject, authority.certificate.subject, key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
    builder = builder.add_extension(_key_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    builder = builder.add_extension(issuer, critical=False)
    if usage == ExtendedKeyUsageOID.SERVER_AUTH:
        names = x509.SubjectAlternativeName(SERVER_NAMES)
        builder = builder.add_extension(names, critical=False)
    _write(pki, name, builder.sign(authority.key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + VALIDITY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(
    pki: Pki, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> None:
    pki.certificate(name).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    _write_key(pki.key(name), key)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
