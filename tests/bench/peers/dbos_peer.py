"""DBOS Transact: a durable workflow a payout, transactions checkpointed with their work.

One process and eight threads, which measured best. Results come in by a door of their own process,
so that they do not fight for the workflows' interpreter.
"""

from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa
from dbos import DBOS, SetWorkflowID, SQLAlchemyDatasource

from tests.bench.peers import common
from tests.bench.peers.common import given, peer

THREADS = 8
RESULT_S_MAX = 600


def main() -> None:
    """Run it."""
    with peer() as one:
        with common.sessions().begin() as session:
            session.execute(sa.text("DROP SCHEMA IF EXISTS dbos CASCADE"))
        url = given().database_url
        DBOS(
            config={
                "name": "peer",
                "system_database_url": url,
                "run_admin_server": False,
                "log_level": "ERROR",
            }
        )
        source = SQLAlchemyDatasource.create(url, engine_kwargs={"pool_size": 16})

        def debit(key: str) -> None:
            common.debit(source.sql_session(), key)

        def settle(key: str, receipt: str) -> None:
            common.settle(source.sql_session(), key, receipt)

        @DBOS.step()
        def pay(key: str) -> None:
            common.pay(key, f"{given().door}/result/{key}")

        @DBOS.step()
        def tell(key: str) -> None:
            common.tell(key)

        @DBOS.workflow()
        def payout(key: str) -> None:
            source.run_tx_step({"name": "debit"}, debit, key)
            pay(key)
            body = DBOS.recv("result", timeout_seconds=RESULT_S_MAX)
            source.run_tx_step({"name": "settle"}, settle, key, common.receipt_in(body))
            tell(key)

        DBOS.launch()
        one.serve("tests.bench.peers.doors:dbos")

        def start(key: str) -> None:
            with SetWorkflowID(key):
                payout(key)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(start, one.keys))
        DBOS.destroy()


if __name__ == "__main__":
    main()
