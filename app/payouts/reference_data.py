"""Loads the tables that code states once: states and moves. Run at each migration."""

import sqlalchemy as sa

from app.payouts.states import MOVES, RESERVED_STATES, State


def load(owner: sa.Connection) -> None:
    """Make the database's states and moves those of `states`. Only the owner may."""
    owner.execute(
        sa.text(
            "INSERT INTO payout_state (name, is_open) VALUES (:name, :is_open)"
            " ON CONFLICT (name) DO UPDATE SET is_open = excluded.is_open"
        ),
        [{"name": state, "is_open": state in RESERVED_STATES} for state in State],
    )
    owner.execute(sa.text("DELETE FROM payout_move"))
    owner.execute(
        sa.text("INSERT INTO payout_move VALUES (:source, :target, :needs)"),
        [{"source": m.source, "target": m.target, "needs": m.needs} for m in MOVES],
    )
