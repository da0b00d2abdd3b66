"""Passkeys: a second factor that no look-alike page can pass on (WebAuthn level 2).

A device signs a question of ours together with the address of the page that asked. So what it signs
for another host is worth nothing here. A question is kept in PostgreSQL and answered once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.db import Tx
from app.errors import Refused
from app.observability import logger
from app.staff import audit
from app.staff.accounts import Staff
from app.staff.audit import Action

ANSWER_WITHIN = timedelta(minutes=2)
PASSKEYS_MAX = 10
TITLE_LENGTH_MAX = 40
CREDENTIAL_LENGTH_MAX = 20_000


class BadPasskey(Refused):
    """What the device answered does not fit: another page, another question, too late."""

    code = "ST-17"


class TooManyPasskeys(Refused):
    """More than anybody needs."""

    code = "ST-18"


@dataclass(frozen=True, slots=True)
class Page:
    """Where the browser is."""

    host: str
    """The name that passkeys belong to: no port, no scheme."""
    origin: str
    """`https://staff.sacco.example`, as the browser puts it into what is signed."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """One of a person's passkeys."""

    id: bytes
    title: str
    host: str
    made_at: datetime
    last_used_at: datetime | None


_KEYS = (
    "SELECT id, title, host, made_at, last_used_at FROM staff_passkey"
    " WHERE staff_id = :staff ORDER BY made_at"
)
_ASK = sa.text(
    "UPDATE staff SET passkey_challenge = :challenge, passkey_asked_at = now() WHERE id = :staff"
)
_TAKE = sa.text(
    "WITH asked AS (SELECT id, passkey_challenge FROM staff WHERE id = :staff"
    "  AND disabled_at IS NULL AND coalesce(locked_until <= now(), true)"
    "  AND passkey_asked_at > now() - :within FOR UPDATE)"
    " UPDATE staff s SET passkey_challenge = NULL FROM asked WHERE s.id = asked.id"
    " RETURNING asked.passkey_challenge"
)
_KEY = sa.text(
    "SELECT public_key, sign_count FROM staff_passkey"
    " WHERE id = :id AND staff_id = :staff AND host = :host FOR UPDATE"
)
_ADD = sa.text(
    "INSERT INTO staff_passkey (id, staff_id, host, public_key, sign_count, title)"
    " VALUES (:id, :staff, :host, :key, :count, :title) ON CONFLICT DO NOTHING"
)
_USED = sa.text("UPDATE staff_passkey SET sign_count = :count, last_used_at = now() WHERE id = :id")
_REMOVE = sa.text("DELETE FROM staff_passkey WHERE id = :id AND staff_id = :staff RETURNING title")


def take_question(tx: Tx, staff_id: int) -> bytes:
    """The question that waits for this person, which is thereby used up.

    Commit before the answer is looked at, so that no answer can be tried twice.

    Raises:
        BadPasskey: none waits, it waited too long, or the account is locked.
    """
    challenge = tx.scalar(_TAKE, {"staff": staff_id, "within": ANSWER_WITHIN})
    if challenge is None:
        raise BadPasskey("That took too long, or was used before. Try again.")
    return bytes(challenge)


def of(tx: Tx, staff_id: int, *, host: str | None = None) -> list[Passkey]:
    """A person's passkeys, the oldest first; or only those for one host."""
    rows = tx.execute(sa.text(_KEYS), {"staff": staff_id})
    return [Passkey(*row) for row in rows if host in {None, row.host}]


def question_to_make(tx: Tx, staff: Staff, page: Page, *, issuer: str) -> str:
    """What a browser needs to make a passkey for this person, as JSON.

    Raises:
        TooManyPasskeys: there are enough.
    """
    known = of(tx, staff.id)
    if len(known) >= PASSKEYS_MAX:
        raise TooManyPasskeys(f"Nobody needs more than {PASSKEYS_MAX}. Remove one first.")
    options = generate_registration_options(
        rp_id=page.host,
        rp_name=issuer,
        user_id=str(staff.id).encode(),
        user_name=staff.email,
        user_display_name=staff.name,
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one.id) for one in known],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    tx.execute(_ASK, {"staff": staff.id, "challenge": options.challenge})
    return options_to_json(options)


def keep(
    tx: Tx, staff: Staff, page: Page, answer: str, *, challenge: bytes, title: str, source: str
) -> None:
    """Keep a passkey that this person's device has made.

    Raises:
        BadPasskey: the answer does not fit the question, the page or the person.
    """
    try:
        made = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=page.host,
            expected_origin=page.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError) as wrong:
        raise _refused(staff.id, wrong) from wrong
    facts = {
        "id": made.credential_id,
        "staff": staff.id,
        "host": page.host,
        "key": made.credential_public_key,
        "count": made.sign_count,
        "title": " ".join(title.split())[:TITLE_LENGTH_MAX] or "Passkey",
    }
    if not tx.execute(_ADD, facts).rowcount:
        raise BadPasskey("This passkey is somebody's already.")
    audit.record(
        tx, Action.PASSKEY_MADE, staff_id=staff.id, source=source, title=str(facts["title"])
    )


def question_to_show(tx: Tx, staff_id: int, page: Page) -> str | None:
    """What a browser needs to show one of the person's passkeys, as JSON. None: there is none."""
    known = of(tx, staff_id, host=page.host)
    if not known:
        return None
    options = generate_authentication_options(
        rp_id=page.host,
        allow_credentials=[PublicKeyCredentialDescriptor(id=one.id) for one in known],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    tx.execute(_ASK, {"staff": staff_id, "challenge": options.challenge})
    return options_to_json(options)


def require(tx: Tx, staff_id: int, page: Page, answer: str, *, challenge: bytes) -> None:
    """Take an answer of one of the person's passkeys.

    Raises:
        BadPasskey: it does not fit the question, the page or the person.
    """
    try:
        shown = parse_authentication_credential_json(answer)
        row = tx.execute(_KEY, {"id": shown.raw_id, "staff": staff_id, "host": page.host}).first()
        if row is None:
            raise BadPasskey("This passkey is not one of yours here.")
        verified = verify_authentication_response(
            credential=shown,
            expected_challenge=challenge,
            expected_rp_id=page.host,
            expected_origin=page.origin,
            credential_public_key=bytes(row.public_key),
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError) as wrong:
        raise _refused(staff_id, wrong) from wrong
    tx.execute(_USED, {"id": verified.credential_id, "count": verified.new_sign_count})


def remove(tx: Tx, staff_id: int, named: str, *, source: str) -> None:
    """Forget a passkey of this person, named by its id in base64url.

    Raises:
        BadPasskey: there is none of that name.
    """
    title = tx.scalar(_REMOVE, {"id": base64url_to_bytes(named), "staff": staff_id})
    if title is None:
        raise BadPasskey("You have no such passkey.")
    audit.record(tx, Action.PASSKEY_REMOVED, staff_id=staff_id, source=source, title=title)


def _refused(staff_id: int, wrong: Exception) -> BadPasskey:
    # The library's words tell the cause to whoever looks after the system, and nothing secret.
    logger().warning("passkey_refused", staff_id=staff_id, reason=str(wrong)[:200])
    return BadPasskey("The passkey did not fit. Try again on this page, or type a code.")
