"""Many rows in one statement: PostgreSQL is handed one array for each column.

A statement for each row is a plan and a round trip for each row; of what a batch costs, that was
the largest part.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any


def source(columns: Mapping[str, str]) -> str:
    """What to select from: rows `r` with these columns, and `nth`, the order they were given in.

    `columns` are names and PostgreSQL's types, the statement's own constants. The statement is run
    with `arrays` of the same names.
    """
    given = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in columns.items())
    return f"unnest({given}) WITH ORDINALITY AS r ({', '.join(columns)}, nth)"


def arrays(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The same rows as one list for each column.

    Raises:
        KeyError: a row lacks one of the columns.
    """
    return {name: [_plain(row[name]) for row in rows] for name in columns}


def _plain(value: Any) -> Any:
    """The driver wants all values of an array to be of one type, so no member of an enumeration."""
    return value.value if isinstance(value, Enum) else value
