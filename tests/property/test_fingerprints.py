"""What an entry means is written in two ways, for speed and for proof: they must be one text."""

from uuid import UUID

import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql import ARRAY

from app.db import Database
from app.ledger.entries import Kind

REFERENCES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
LINES = st.lists(
    st.tuples(st.integers(1, 2**63 - 1), st.integers(-(2**63), 2**63 - 1)),
    max_size=5,
    unique_by=lambda line: line[0],
)
_BOTH = sa.text(
    "SELECT r.fingerprint, ledger.fingerprint(r.kind, r.reference, r.reverses,"
    "  (SELECT jsonb_agg(jsonb_build_array(account, cents) ORDER BY account)"
    "   FROM unnest(:accounts, :cents) u(account, cents)))"
    " FROM ledger.entry_requests(ARRAY[:id], ARRAY[:kind], ARRAY[date '2026-11-24'],"
    "  ARRAY[:reference], ARRAY[:reverses], array_fill(:id, ARRAY[:lines]), :accounts, :cents) r"
).bindparams(
    sa.bindparam("id", type_=sa.Uuid),
    sa.bindparam("reverses", type_=sa.Uuid),
    sa.bindparam("accounts", type_=ARRAY(sa.BigInteger)),
    sa.bindparam("cents", type_=ARRAY(sa.BigInteger)),
)
ID = UUID("019a0000-0000-7000-8000-000000000001")


def test_the_meaning_that_is_posted_is_the_one_that_is_audited(owner_db: Database) -> None:
    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(REFERENCES, st.sampled_from(list(Kind)), st.none() | st.uuids(), LINES)
    @example('"\\/\b\f\n\r\t\x01\x7f\u2028é😀', Kind.RESERVE, ID, [(2, -5), (1, 5)])
    @example("", Kind.OPENING, None, [])
    def law(
        reference: str, kind: Kind, reverses: UUID | None, lines: list[tuple[int, int]]
    ) -> None:
        facts = {
            "id": ID, "kind": kind.value, "reference": reference, "reverses": reverses,
            "lines": len(lines), "accounts": [account for account, _ in lines],
            "cents": [cents for _, cents in lines],
        }  # fmt: skip
        with owner_db.transaction() as tx:
            posted, audited = tx.execute(_BOTH, facts).one()
        assert bytes(posted) == bytes(audited)

    law()
