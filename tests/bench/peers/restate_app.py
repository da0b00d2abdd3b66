"""The same as a Restate service: steps are journalled by its server, a result ends an awakeable."""

import asyncio

import restate
from hypercorn.asyncio import serve
from hypercorn.config import Config

from tests.bench.peers import common

payouts = restate.Service("payouts")


@payouts.handler()
async def payout(context: restate.Context, key: str) -> None:
    """One payout."""
    name, result = context.awakeable()
    await context.run_typed("debit", _in_thread(_debit), key=key)
    url = f"{common.given().door}/result/{name}"
    await context.run_typed("pay", _in_thread(common.pay), key=key, result_url=url)
    receipt = await result
    await context.run_typed("settle", _in_thread(_settle), key=key, receipt=receipt)
    await context.run_typed("tell", _in_thread(common.tell), key=key)


def _in_thread(step):  # noqa: ANN001, ANN202 - any of the steps
    async def run(**facts: str) -> None:
        await asyncio.to_thread(step, **facts)

    return run


def _debit(key: str) -> None:
    with common.sessions().begin() as session:
        common.debit(session, key)


def _settle(key: str, receipt: str) -> None:
    with common.sessions().begin() as session:
        common.settle(session, key, receipt)


def main() -> None:
    """Serve the service."""
    import sys

    config = Config()
    config.bind = [f"127.0.0.1:{sys.argv[1]}"]
    config.loglevel = "ERROR"
    asyncio.run(serve(restate.app(services=[payouts]), config))


if __name__ == "__main__":
    main()
