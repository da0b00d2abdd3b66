"""Baraza's processes, each as a command of its own."""

import os
import signal
import subprocess
import sys
import time

import click

from app.commands.servers import running
from app.config import Settings
from app.embedded.notes import make_folder
from app.errors import Misconfigured, Refused

SANDBOX_PORT_MAX = 65_533


@click.command()
def web() -> None:
    """Serve USSD, callbacks and staff pages on HOST:PORT."""
    with running() as settings:
        _hand_on(settings)
        from app import webserver

        webserver.run(settings)


@click.command()
@click.option(
    "--only", multiple=True, metavar="GROUP",
    help="pay, money or talk; may be repeated; default: all three",
)  # fmt: skip
@click.option("--with-clock", is_flag=True, help="keep the time too, as `baraza clock` does")
def worker(only: tuple[str, ...], *, with_clock: bool) -> None:
    """Move payouts: one process for calls to M-PESA, one for the books, one for SMS."""
    from workers import main as workers_main
    from workers.queues import CLOCK, GROUPS

    unknown = set(only) - set(GROUPS)
    if unknown:
        raise click.BadParameter(
            f"{', '.join(sorted(unknown))}: choose from {', '.join(GROUPS)}", param_hint="--only"
        )
    names = [*(only or GROUPS), *([CLOCK] if with_clock else [])]
    with running() as settings:
        workers_main.run(settings, names)


@click.command()
def clock() -> None:
    """Find in PostgreSQL whatever is due and ring for it again, every second."""
    from workers import clock as timekeeper

    with running() as settings:
        timekeeper.run(settings)


@click.command()
def migrate() -> None:
    """Bring the database to this version's schema. Safe to repeat."""
    from app.commands.session import curable
    from app.migrations import migrate as bring_up

    with running() as settings, curable():
        bring_up(settings.database_owner_url or settings.database_url)
    click.echo("The database has this version's schema.")


@click.command()
def sandbox() -> None:
    """Run stand-ins for Safaricom (PORT+1) and Africa's Talking (PORT+2). Never in production."""
    with running() as settings:
        commands = sandbox_commands(settings)
        processes = [subprocess.Popen(command) for command in commands]
        try:
            _until_stopped(processes)
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()


def sandbox_commands(settings: Settings) -> list[list[str]]:
    """The command lines of both stand-ins, fitting these settings.

    Raises:
        Refused: in production.
        Misconfigured: there are no two ports after PORT, or BARAZA_VAR cannot be written to.
    """
    if settings.in_production:
        raise Refused("the sandbox never runs with BARAZA_ENV=production")
    if settings.port > SANDBOX_PORT_MAX:
        raise Misconfigured(f"PORT: at most {SANDBOX_PORT_MAX}; the sandbox needs the two after it")
    make_folder(settings.baraza_var / "sandbox")
    state = str(settings.baraza_var / "sandbox")
    ussd = f"{settings.public_base}/ussd/{settings.door_token('ussd')}"
    delivery = f"{settings.public_base}/sms/{settings.door_token('sms')}/delivery"
    insights = f"{settings.public_base}/insights/{settings.door_token('insights')}/sim-swap"
    return [
        [sys.executable, "-m", "app.sandbox.safaricom", "--port", str(settings.port + 1),
         "--state", state],
        [sys.executable, "-m", "app.sandbox.africastalking", "--port", str(settings.port + 2),
         "--state", state, "--ussd-url", ussd, "--end-url", f"{ussd}/end",
         "--delivery-url", delivery, "--insights-url", insights,
         "--service-code", settings.ussd_service_codes[0]],
    ]  # fmt: skip


def _until_stopped(processes: list[subprocess.Popen[bytes]]) -> None:
    stop = False

    def on_signal(*_: object) -> None:
        nonlocal stop
        stop = True

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    while not stop:
        if any(process.poll() is not None for process in processes):
            raise Misconfigured("a stand-in stopped; its message is above")
        time.sleep(0.2)


def _hand_on(settings: Settings) -> None:
    """Give processes that the web server starts the servers that were found."""
    os.environ["DATABASE_URL"] = settings.database_url
    os.environ["REDIS_URL"] = settings.redis_url
