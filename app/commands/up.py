"""`baraza up`: everything on one machine, for a newcomer and for a small SACCO's trial."""

import contextlib
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from app import config, playground
from app.children import Child, Task
from app.config import Settings
from app.errors import Refused

if TYPE_CHECKING:
    from app.embedded import Servers

SANDBOX_DEADLINES = {
    "PAYOUT_RESEND_AFTER_S": "2,10,30",
    "PAYOUT_ASK_AFTER_S": "10,20,40,80,300,900,3600",
    "PAYOUT_DOUBT_AFTER_S": "5",
    "PAYOUT_NOTICE_AFTER_S": "20",
    "DARAJA_READ_TIMEOUT_S": "5",
}
"""With the sandbox, silence is looked into within seconds, so that a person can watch it.

They are settings like any other: what the environment says comes first.
"""
DEMO_ROLES = "support, finance, ops, manager, auditor or security"
DEMO_STAFF_PASSWORD = "play-money-only"  # noqa: S105 - never made in production
"""As `app.staff.demo` has them, which is too large for this small process; a test holds both."""
SMALL_MEMORY = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "1048576"}
"""Gives the memory of each PIN check back at once. Read by GNU's C library, ignored by others."""
REDIS_PORT = 6379
LOOK_S_MAX = 1.0
INTRODUCE_S_MAX = 10
BARAZA = os.path.join(os.path.dirname(sys.executable), "baraza")  # noqa: PTH118, PTH120 - small imports


@click.command()
def up() -> None:
    """Start everything on this machine: servers, sandbox, web, workers, timekeeper.

    Ctrl-C stops it all and keeps the data under var/. Set DATABASE_URL and REDIS_URL to use
    servers of your own, PORT to move it.
    """
    settings = config.load()
    if settings.in_production:
        raise Refused(
            "`baraza up` is for one machine and play money. In production run `baraza migrate`,"
            " then `baraza web`, `baraza worker` and `baraza clock`, each under your supervisor."
        )
    environment = environment_of(settings)
    from app.supervisor import Supervisor

    def ready(servers: "Servers") -> None:
        introduce_members(settings, servers)
        click.echo(banner(settings))

    click.echo("Starting Baraza. The first start takes a few seconds longer...")
    Supervisor(
        settings.baraza_var,
        children(settings),
        tasks=tasks(settings),
        environment=environment,
    ).run(ready)
    click.echo("Stopped. The data is kept.")


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment that every process gets."""
    deadlines = SANDBOX_DEADLINES if settings.wants_sandbox else {}
    return {**SMALL_MEMORY, **deadlines, **os.environ}


def introduce_members(settings: Settings, servers: "Servers") -> None:
    """Tell M-PESA's stand-in who has which number. Without it its results name nobody."""
    if not settings.wants_sandbox:
        return
    url = servers.database_url or settings.database_url
    # A process of its own, so that this small one need not know databases. Payouts need no names:
    # if it fails, all goes on.
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(
            (sys.executable, "-m", "app.commands.subscribers"),
            env={**environment_of(settings), "DATABASE_URL": url},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=INTRODUCE_S_MAX,
            check=False,
        )


def tasks(settings: Settings) -> list[Task]:
    """What must be done before the processes start."""
    del settings
    return [
        Task("migrate", (BARAZA, "migrate"), as_owner=True),
        Task("seed", (sys.executable, "-m", "app.commands.seed"), as_owner=True),
    ]


def children(settings: Settings) -> list[Child]:
    """The processes, in the order in which they start."""
    from app.commands.processes import sandbox_commands

    stand_ins = []
    if settings.wants_sandbox:
        names = ("safaricom", "africastalking")
        for offset, (name, command) in enumerate(
            zip(names, sandbox_commands(settings), strict=True), start=1
        ):
            port = settings.port + offset
            stand_ins.append(
                Child(
                    name,
                    tuple(command),
                    health_url=f"http://127.0.0.1:{port}/health",
                    port=port,
                )
            )
    return [
        *stand_ins,
        # One parent for both, so that they share their memory.
        Child("worker", (BARAZA, "worker", "--with-clock")),
        Child(
            "web",
            (BARAZA, "web"),
            health_url=f"http://{settings.host}:{settings.port}/health/ready",
            port=settings.port,
            host=settings.host,
        ),
    ]


def banner(settings: Settings) -> str:
    """What a newcomer needs to know once everything runs."""
    code = settings.ussd_service_codes[0]
    base = f"http://{settings.host}:{settings.port}"
    lines = ["", f"  Baraza runs on {base}", ""]
    if playground.fits(settings):
        lines += [
            f"  Phone in the browser  {base}/sandbox/phone",
            f"                dial {code}, PIN 4071, savings KES 50,000.00",
        ]
    lines.append(f"  Staff pages   {base}/staff")
    if playground.fits(settings):
        lines += [
            f"                sign in as ops@demo.example, password {DEMO_STAFF_PASSWORD}",
            f"                (or {DEMO_ROLES}@demo.example; one click each on the phone page)",
        ]
    else:
        lines.append("                make an account with `baraza staff create EMAIL`")
    if settings.wants_sandbox:
        lines += [
            "  In a terminal .venv/bin/baraza dial +254712345678      (another one)",
            "  Amounts       ...01 M-PESA never answers but pays, ...02 refuses, ...03 stays",
            "                silent but has paid; every other amount succeeds",
            "  Deadlines     shorter than in production: `baraza config` shows both",
        ]
    if settings.redis_url and not _answers(settings.redis_url):
        lines.append("  Redis         does not answer: all is well, only slower, until it does")
    if moved := sorted(name.upper() for name in settings.model_fields_set):
        lines.append(f"  Settings      set these in the other terminal too: {', '.join(moved)}")
    lines += [
        "",
        "  Prove it      .venv/bin/baraza audit",
        f"  Logs          {settings.baraza_var}/log/",
        "  Ctrl-C stops everything and keeps the data.",
        "",
    ]
    return "\n".join(lines)


def _answers(url: str) -> bool:
    """Whether anything listens at the address of a server that was named."""
    parts = urlsplit(url)
    if not parts.hostname:
        return True  # a socket in the file system: whoever uses it will say so
    try:
        with socket.create_connection((parts.hostname, parts.port or REDIS_PORT), LOOK_S_MAX):
            return True
    except OSError:
        return False
