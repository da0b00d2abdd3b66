"""A device with passkeys, in a few lines: it signs what a browser would have it sign, or worse."""

import hashlib
import json
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(told: str) -> bytes:
    return urlsafe_b64decode(told + "=" * (-len(told) % 4))


@dataclass
class Authenticator:
    """One passkey. What a browser adds, the page's origin, is said by the caller."""

    counts: bool = True
    verifies: bool = True
    """Whether it asks its person for a finger or a PIN."""
    id: bytes = field(default_factory=lambda: token_bytes(32))
    signatures: int = 0

    def __post_init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def make(self, question: dict[str, Any], *, origin: str) -> str:
        """Answer a question to make a passkey."""
        numbers = self._key.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + public
        data = self._data(question["rp"]["id"], ATTESTED) + attested
        made = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", question["challenge"], origin)
        return self._answer(clientDataJSON=text(client), attestationObject=text(made))

    def show(self, question: dict[str, Any], *, origin: str, challenge: str = "") -> str:
        """Answer a question to show the passkey."""
        data = self._data(question["rpId"], 0)
        client = self._client("webauthn.get", challenge or question["challenge"], origin)
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            clientDataJSON=text(client), authenticatorData=text(data), signature=text(signature)
        )

    def _data(self, host: str, flags: int) -> bytes:
        self.signatures += self.counts
        flags |= PRESENT | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(host.encode()).digest() + struct.pack(">BI", flags, self.signatures)

    def _client(self, kind: str, challenge: str, origin: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin}).encode()

    def _answer(self, **response: str) -> str:
        named = text(self.id)
        return json.dumps({"id": named, "rawId": named, "type": "public-key", "response": response})
