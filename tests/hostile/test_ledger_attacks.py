"""Runs every attack of ledger.sql and asks which rule refused it."""

import re
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.hostile.conftest import Attacker

HEAD = re.compile(
    r"^---- (?:(?P<role>\w+) )?refused by (?P<rules>[\w ]+): (?P<name>.*)$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack in one variant."""

    name: str
    role: str
    rules: frozenset[str]
    sql: str
    on_partition: bool = False
    as_replica: bool = False

    def __str__(self) -> str:
        where = ", partition" if self.on_partition else ""
        how = ", replica" if self.as_replica else ""
        return f"{self.name}{where}{how}"


def attacks() -> list[Attack]:
    every = []
    text = Path(__file__).with_name("ledger.sql").read_text("utf-8")
    heads = list(HEAD.finditer(text))
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        sql = text[head.end() : following.start() if following else None]
        name, role = head["name"], head["role"] or ""
        rules = frozenset(head["rules"].split(" or "))
        for on_partition in (False, True) if "{" in sql else (False,):
            every.extend(
                Attack(name, role, rules, sql, on_partition, as_replica)
                for as_replica in ((False,) if role else (False, True))
            )
    return every


def run(attacker: Attacker, attack: Attack) -> None:
    suffix = f"_{attacker.month}" if attack.on_partition else ""
    sql = attack.sql
    for table in ("posting", "journal_entry"):
        sql = sql.replace("{" + table + "}", f"ledger.{table}{suffix}")
    if attack.as_replica:
        attacker.run("SET LOCAL session_replication_role = replica")
    if attack.role:
        attacker.run(f"SET SESSION AUTHORIZATION {attack.role}")
    attacker.run(sql)


@pytest.mark.parametrize("attack", attacks(), ids=str)
def test_attack_is_refused(attacker: Attacker, attack: Attack) -> None:
    """The rule that should refuse it does, and no other."""
    with pytest.raises(psycopg.Error) as refused:
        run(attacker, attack)
    error = refused.value
    assert attack.rules & {error.diag.constraint_name, error.sqlstate}


def test_the_attacks_were_read() -> None:
    """A slip in the reading of ledger.sql cannot make this suite empty."""
    every = attacks()
    assert len({(a.name, a.role) for a in every}) > 80
    assert {"", "baraza_app", "baraza_reader"} == {a.role for a in every}
