"""What a request to Daraja may be, and the credential that goes with it."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding

from app.errors import Misconfigured
from app.providers.credential import Credential
from app.providers.daraja import PayRequest, pay_body_hash
from tests.support import safaricom

PASSWORD = "Initiator#Pass%1"
PAY = PayRequest(
    ocid="7f0c2d1e-5b7a-4c39-9a5e-2f6d8c1b0a47",
    msisdn="+254712345678",
    amount_cents=150_000,
    result_url="https://us.example/d/t0k3n/b2c/result/1",
    timeout_url="https://us.example/d/t0k3n/b2c/timeout/1",
)


def test_the_hash_of_a_request_is_its_meaning() -> None:
    """Equal for every resend, also when callback secrets were changed in between."""
    again = replace(PAY, result_url="https://us.example/d/other", timeout_url="x")
    assert pay_body_hash(PAY) == pay_body_hash(again)
    changed = [
        replace(PAY, amount_cents=150_100),
        replace(PAY, msisdn="+254712345679"),
        replace(PAY, ocid="other"),
        replace(PAY, remarks="Other words"),
    ]
    assert len({pay_body_hash(PAY), *map(pay_body_hash, changed)}) == 5
    assert len(pay_body_hash(PAY)) == 32


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount_cents": 150_050}, {"amount_cents": 0}, {"amount_cents": -100},
        {"msisdn": "254712345678"}, {"remarks": "x"}, {"remarks": "x" * 101},
        {"remarks": "\u00e9" * 5}, {"ocid": ""},
    ],
)  # fmt: skip
def test_a_request_that_could_never_be_right_cannot_be_made(wrong: dict[str, Any]) -> None:
    """Cents are refused, not rounded."""
    with pytest.raises((AssertionError, ValueError)):
        replace(PAY, **wrong)


def test_the_credential_is_made_once_from_pem_or_der(tmp_path: Path) -> None:
    """344 base64 characters; Safaricom decrypts them to the plain password."""
    key = safaricom.new_key()
    certificate = safaricom.write_certificate(tmp_path, key)
    for file in (certificate, certificate.with_suffix(".cer")):
        credential = Credential(certificate=file, password=PASSWORD)
        text = credential.text()
        assert len(text) == 344
        assert text == credential.text()
        opened = key.decrypt(base64.b64decode(text), padding.PKCS1v15())
        assert opened == PASSWORD.encode()


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"-----BEGIN CERTIFICATE-----"])
def test_a_certificate_that_is_none_names_its_setting(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "safaricom.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Misconfigured, match="DARAJA_CERTIFICATE"):
        Credential(certificate=file, password=PASSWORD).text()
