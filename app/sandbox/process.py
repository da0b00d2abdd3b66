"""How a sandbox process begins and ends."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from app.sandbox.store import Store
from app.sandbox.web import Server

REFUSED = 2
DEVELOPMENT_SECRET = "for-development-only"  # noqa: S105 - what every sandbox accepts by default


def parser(program: str, description: str) -> argparse.ArgumentParser:
    """The arguments that both sandboxes know."""
    made = argparse.ArgumentParser(prog=program, description=description)
    made.add_argument("--port", type=int, required=True, help="on 127.0.0.1; 0 takes a free one")
    made.add_argument("--state", type=Path, required=True, help="folder for what it remembers")
    made.add_argument("--delay", type=float, default=0.3, help="seconds until an ordinary result")
    made.add_argument("--speed", type=float, default=1.0, help="divides the long built-in delays")
    return made


def leave_if_production(environment: Mapping[str, str] | None = None) -> None:
    """End the process where members' real money is: a sandbox would answer in Safaricom's name."""
    if (os.environ if environment is None else environment).get("BARAZA_ENV") == "production":
        print("The sandbox does not run with BARAZA_ENV=production.", file=sys.stderr)  # noqa: T201
        sys.exit(REFUSED)


def run(server: Server, store: Store, begin: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT. Prints the address once it answers there."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    begin()
    print(f"listening on {server.url}", flush=True)  # noqa: T201 - the starter reads it
    stop.wait()
    store.close()
    # Threads may be in the middle of a silence of a minute. Nothing they hold is worth waiting
    # for: what counts is committed.
    os._exit(0)
