"""One array for each column."""

from app import rows
from app.payouts.states import State

COLUMNS = {"id": "uuid", "state": "text"}


def test_a_statement_selects_from_typed_arrays_in_the_order_given() -> None:
    expected = (
        "unnest(CAST(:id AS uuid[]), CAST(:state AS text[])) WITH ORDINALITY AS r (id, state, nth)"
    )
    assert expected == rows.source(COLUMNS)


def test_rows_become_columns_and_members_of_enumerations_their_values() -> None:
    given = [{"id": 1, "state": State.PAID}, {"id": 2, "state": None}]
    found = rows.arrays(COLUMNS, given)
    assert {"id": [1, 2], "state": ["paid", None]} == found
    assert type(found["state"][0]) is str
