"""A key pair and certificate of the kind that Safaricom publishes."""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


def new_key() -> rsa.RSAPrivateKey:
    """RSA with 2048 bits, as Safaricom's."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def write_certificate(folder: Path, key: rsa.RSAPrivateKey) -> Path:
    """Write `safaricom.pem`, and `safaricom.cer` in DER. Expired for years, like the real ones."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "apicrypt.safaricom.co.ke")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime(2014, 11, 11, tzinfo=UTC))
        .not_valid_after(datetime(2016, 11, 11, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    file = folder / "safaricom.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    file.with_suffix(".cer").write_bytes(made.public_bytes(serialization.Encoding.DER))
    return file
