"""Who may call: the application by its token, the operator by an encrypted password."""

import base64
import binascii
import hmac
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from app.sandbox.process import DEVELOPMENT_SECRET
from app.sandbox.store import Store

TOKEN_SECONDS = 3599
WRONG_PASSWORDS_MAX = 3
_KEY_BITS = 2048
INVALID_INITIATOR = 2001
LOCKED_INITIATOR = 8006


@dataclass(frozen=True, slots=True)
class Customer:
    """The one customer of this Safaricom. Secrets come from the environment, never as arguments."""

    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    shortcode: str
    initiator: str
    initiator_password: str = field(repr=False)

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> "Customer":
        """From the same settings that Baraza reads."""
        given = environment.get
        return cls(
            consumer_key=given("DARAJA_CONSUMER_KEY", DEVELOPMENT_SECRET),
            consumer_secret=given("DARAJA_CONSUMER_SECRET", DEVELOPMENT_SECRET),
            shortcode=given("DARAJA_SHORTCODE", "600999"),
            initiator=given("DARAJA_INITIATOR", "barazaapi"),
            initiator_password=given("DARAJA_INITIATOR_PASSWORD", DEVELOPMENT_SECRET),
        )


class Access:
    """Tokens and the operator's credential."""

    def __init__(self, store: Store, customer: Customer, folder: Path) -> None:
        self._store = store
        self._customer = customer
        self._key, self.certificate = _key_pair(folder)
        self._password = lru_cache(maxsize=64)(self._decrypt)

    def knows_application(self, authorization: str) -> bool:
        """Whether a Basic header carries the application's key and secret."""
        pair = f"{self._customer.consumer_key}:{self._customer.consumer_secret}"
        wanted = b"Basic " + base64.b64encode(pair.encode())
        return hmac.compare_digest(authorization.encode(), wanted)

    def new_token(self, *, seconds: float = TOKEN_SECONDS) -> str:
        """A token. The one before is dead from now on."""
        token = secrets.token_urlsafe(21)
        self._store.run(
            "INSERT INTO token VALUES (1, ?, ?)"
            " ON CONFLICT DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at",
            token, time.time() + seconds,
        )  # fmt: skip
        return token

    def kill_token(self) -> None:
        """Let the present token be invalid."""
        self._store.run("DELETE FROM token")

    def opens(self, authorization: str) -> bool:
        """Whether a Bearer header carries the living token."""
        row = self._store.row("SELECT value, expires_at FROM token")
        return (
            row is not None
            and row["expires_at"] > time.time()
            and hmac.compare_digest(authorization.encode(), f"Bearer {row['value']}".encode())
        )

    def refuses(self, *, initiator: str, credential: str) -> int | None:
        """The result code for a wrong operator, or None. Too many wrong ones lock it for good."""
        right = initiator == self._customer.initiator and hmac.compare_digest(
            self._password(credential), self._customer.initiator_password.encode()
        )
        with self._store.transaction():
            wrong = self._store.value("SELECT wrong_passwords FROM operator") or 0
            if wrong >= WRONG_PASSWORDS_MAX:
                return LOCKED_INITIATOR
            self._count(0 if right else wrong + 1)
        return None if right else INVALID_INITIATOR

    def unlock(self) -> None:
        """What the organisation's administrator does on the portal."""
        self._count(0)

    def _count(self, wrong: int) -> None:
        self._store.run(
            "INSERT INTO operator VALUES (1, ?)"
            " ON CONFLICT DO UPDATE SET wrong_passwords = excluded.wrong_passwords",
            wrong,
        )

    def _decrypt(self, credential: str) -> bytes:
        try:
            return self._key.decrypt(
                base64.b64decode(credential, validate=True), padding.PKCS1v15()
            )
        except (ValueError, binascii.Error):
            return b""


def _key_pair(folder: Path) -> tuple[rsa.RSAPrivateKey, bytes]:
    """The key and the certificate (PEM), made on the first start and kept."""
    key_file, certificate_file = folder / "safaricom.key", folder / "safaricom.pem"
    if key_file.exists() and certificate_file.exists():
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key, certificate_file.read_bytes()
    key = rsa.generate_private_key(public_exponent=65_537, key_size=_KEY_BITS)
    key_file.touch(mode=0o600)
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    certificate = _expired_certificate(key).public_bytes(serialization.Encoding.PEM)
    certificate_file.write_bytes(certificate)
    return key, certificate


def _expired_certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    """Expired, like the certificates that Safaricom really publishes."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox.safaricom.invalid")])
    end = datetime(2018, 3, 21, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=365))
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )
