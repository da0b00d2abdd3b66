"""Restate: its server from npm, one service process, sixteen payouts at a time and more."""

import os
import socket
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from tests.bench.peers import common
from tests.bench.peers.common import peer

AT_ONCE = 32


def main() -> None:
    """Run it."""
    server = os.environ["RESTATE_SERVER"]
    with tempfile.TemporaryDirectory(prefix="restate-") as folder, peer() as one:
        ingress, admin, service, node = _ports(4)
        os.environ.update(
            RESTATE_BASE_DIR=folder,
            RESTATE_BIND_ADDRESS=f"127.0.0.1:{node}",
            RESTATE_ADVERTISED_ADDRESS=f"http://127.0.0.1:{node}",
            RESTATE_INGRESS__BIND_ADDRESS=f"127.0.0.1:{ingress}",
            RESTATE_ADMIN__BIND_ADDRESS=f"127.0.0.1:{admin}",
            RESTATE_LOG_FILTER="error",
            RESTATE_INGRESS_URL=f"http://127.0.0.1:{ingress}",
            DO_NOT_TRACK="1",
        )
        Path(folder).chmod(0o755)
        one.start(server)
        one.start(sys.executable, "-m", "tests.bench.peers.restate_app", str(service))
        for port in (ingress, admin, service):
            common.wait_for_port(port)
        address = {"uri": f"http://127.0.0.1:{service}"}
        url = f"http://127.0.0.1:{admin}/deployments"
        requests.post(url, json=address, timeout=20).raise_for_status()
        one.serve("tests.bench.peers.doors:restate")
        base = f"http://127.0.0.1:{ingress}/payouts/payout"
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for answer in pool.map(
                lambda key: common.http().post(base, json=key, timeout=1000), one.keys
            ):
                answer.raise_for_status()


def _ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return found


if __name__ == "__main__":
    main()
