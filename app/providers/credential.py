"""Safaricom's SecurityCredential: the API operator's password under Safaricom's public key."""

import base64
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.errors import Misconfigured


class Credential:
    """Made once, when first needed, and used for every request: its padding is random anyway."""

    def __init__(self, *, certificate: Path, password: str) -> None:
        self._certificate = certificate
        self._password = password
        self._lock = threading.Lock()
        self._made: str | None = None

    def text(self) -> str:
        """The credential in base64: 344 characters with Safaricom's 2048-bit key.

        Raises:
            Misconfigured: the certificate is missing or is none. The next use tries again.
        """
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def _make(self) -> str:
        try:
            key = _load(self._certificate.read_bytes()).public_key()
        except OSError as missing:
            raise Misconfigured(
                f"DARAJA_CERTIFICATE cannot be read: {type(missing).__name__}"
            ) from None
        except ValueError:
            raise Misconfigured("DARAJA_CERTIFICATE is no certificate in PEM or DER") from None
        if not isinstance(key, rsa.RSAPublicKey):
            raise Misconfigured("DARAJA_CERTIFICATE holds no RSA key")
        # PKCS#1 v1.5, not OAEP: that is what Safaricom decrypts.
        sealed = key.encrypt(self._password.encode(), padding.PKCS1v15())
        return base64.b64encode(sealed).decode()


def _load(content: bytes) -> x509.Certificate:
    # Both published certificates expired years ago and are still the ones in use, so the dates
    # are not looked at.
    try:
        return x509.load_pem_x509_certificate(content)
    except ValueError:
        return x509.load_der_x509_certificate(content)
