"""What others post to us is made safe to keep: no credentials, nothing PostgreSQL cannot hold."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.providers.daraja_results import (
    B2cResult,
    StatusResult,
    StatusSays,
    Unreadable,
    parse_b2c_result,
    parse_status_result,
    parse_timeout,
)
from app.providers.daraja_values import PhoneMatch, same_phone
from app.providers.loose_json import DEPTH_MAX, REMOVED, TEXT_MAX, loads, strip_secrets
from app.providers.result_codes import Verdict, lookup

SECRET = "kO3dSECRET"

KEYS = st.sampled_from(
    ["Result", "ResultType", "ResultCode", "ResultParameters", "ResultParameter", "Key", "Value",
     "TransactionID", "OriginatorConversationID", "Originator Conversation ID", "ResultDesc"]
) | st.text(max_size=8)  # fmt: skip
VALUES = st.sampled_from(
    [0, "0", 1, 2040, "SFC_IC0003", "Amount", "TransactionAmount", "TransactionStatus",
     "Completed", "ReceiverPartyPublicName", "2547***678 - A", "CreditPartyName", 1500.0]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | VALUES,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=30,
)


@given(JSON)
@settings(max_examples=200, deadline=None)
def test_no_json_makes_a_parser_raise(body: Any) -> None:
    """Whoever posts whatever: the answer is a value."""
    assert isinstance(parse_b2c_result(body), B2cResult | Unreadable)
    assert isinstance(parse_status_result(body), StatusResult | Unreadable)
    parse_timeout(body)
    lookup(body)


@given(JSON)
@settings(max_examples=150, deadline=None)
def test_whatever_is_posted_can_be_kept(body: Any) -> None:
    """Standard JSON, valid UTF-8, no NUL: what PostgreSQL's jsonb accepts."""
    kept = json.dumps(strip_secrets(body), allow_nan=False, ensure_ascii=False)
    assert "\0" not in kept
    assert "\\u0000" not in kept
    assert kept.encode().decode() == kept


@given(JSON)
@settings(max_examples=150, deadline=None)
def test_what_is_kept_proves_no_more_than_what_came(body: Any) -> None:
    """Stripping may lose a proof; it may never make one."""
    proofs = {Verdict.SUCCESS, Verdict.DEFINITE_NO}
    came, kept = parse_b2c_result(body), parse_b2c_result(strip_secrets(body))
    if isinstance(kept, B2cResult) and kept.verdict in proofs:
        assert isinstance(came, B2cResult)
        assert kept.verdict == came.verdict


@given(st.text() | st.from_regex(r"[0-9*xX +-]{0,30}"))
@settings(max_examples=150, deadline=None)
def test_any_text_compares_with_a_number(told: str) -> None:
    assert same_phone("+254712345678", told) in PhoneMatch


@given(st.binary(max_size=200))
def test_any_bytes_can_be_loaded(raw: bytes) -> None:
    loads(raw)


@pytest.mark.parametrize(
    "raw", [b"[" * 200_000, b'{"a":' * 200_000, b"\xff", b"", b"9" * 10_000, b"<html>"]
)
def test_bytes_that_are_no_json_load_as_nothing(raw: bytes) -> None:
    """Also those that are made to break a parser."""
    assert loads(raw) is None


@pytest.mark.parametrize(
    "body",
    [
        {"SecurityCredential": SECRET, "Amount": "1500"},
        {"Result": {"securitycredential": SECRET}},
        {"a": [{"b": {"Security Credential": SECRET}}]},
        {"Password": SECRET, "InitiatorPassword": {"is": SECRET}},
        {"ResultParameter": [{"Key": "SecurityCredential", "Value": SECRET}]},
        {"ResultParameter": {"Value": [SECRET], "Key": "Security Credential"}},
    ],
)
def test_credentials_are_taken_out_at_any_depth(body: Any) -> None:
    """A queue-timeout notice is our own request sent back, credential included."""
    kept = json.dumps(strip_secrets(body))
    assert SECRET not in kept
    assert REMOVED in kept


def test_everything_else_is_kept_as_it_came() -> None:
    body = {"Result": {"ResultCode": 0, "X": [1, 2.5, None, True, "text", {"Key": "a"}]}}
    assert body == strip_secrets(body)


def test_sizes_are_bounded() -> None:
    deep: Any = "end"
    for _ in range(DEPTH_MAX + 5):
        deep = {"a": deep}
    kept = strip_secrets({"long": "x" * 10_000, "many": list(range(10_000)), "deep": deep})
    assert len(kept["long"]) == TEXT_MAX
    assert len(json.dumps(kept)) < 10_000
    assert "end" not in json.dumps(kept)


def test_an_unclear_status_is_the_default() -> None:
    """An envelope with nothing in it but a zero says nothing about a payout."""
    result = parse_status_result({"Result": {"ResultType": 0, "ResultCode": 0}})
    assert isinstance(result, StatusResult)
    assert result.says is StatusSays.UNCLEAR
