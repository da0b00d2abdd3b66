"""`baraza dial`: a phone in the terminal."""

import sys
import time
from collections.abc import Iterator

import click

from app import config, msisdn
from app.commands.handset import Handset, NoService, SandboxNetwork, Screen, Sms
from app.errors import Refused

POLL_S = 0.5
WAIT_S = 60


@click.command(
    epilog="Scripted: baraza dial 0712345678 --reply 1 --reply 1500 --reply 4071. Without a"
    " terminal, replies are read from stdin, one a line."
)
@click.argument("phone")
@click.option("--code", help="what to dial; default: the first of USSD_SERVICE_CODES")
@click.option("--reply", "replies", multiple=True, help="type this; repeat for each screen")
@click.option(
    "--wait", default=WAIT_S, show_default=True, type=click.IntRange(min=0),
    help="seconds to wait for an SMS that the last screen promises",
)  # fmt: skip
def dial(phone: str, code: str | None, replies: tuple[str, ...], wait: int) -> None:
    """Be a member's phone: PHONE dials Baraza in the sandbox.

    Shows each screen as the phone would, asks for the reply, and waits for the SMS. In the demo
    data +254712345678 has PIN 4071 and KES 50,000, +254722345679 has PIN 5193 and Swahili.
    """
    settings = config.load()
    if settings.in_production:
        raise Refused("a real member has a real phone: dial talks to the sandbox only")
    try:
        number = msisdn.parse(phone)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong), param_hint="PHONE") from None
    handset = Handset(SandboxNetwork(settings.at_base), number)
    dialled = code or settings.ussd_service_codes[0]
    if sys.stdin.isatty() and sys.stdout.isatty() and not replies:
        from app.commands.phone_face import run

        run(handset, code=dialled, wait_s=wait)
        return
    sys.exit(converse(handset, code=dialled, replies=typed(replies), wait_s=wait))


def typed(replies: tuple[str, ...]) -> Iterator[str]:
    """What is typed, in order: the scripted replies, then the lines of stdin."""
    yield from replies
    for line in sys.stdin:
        yield line.rstrip("\r\n")


def converse(handset: Handset, *, code: str, replies: Iterator[str], wait_s: float) -> int:
    """One session in plain text. The exit code is 1 if the network failed or no SMS came."""
    known = {sms.id for sms in handset.inbox()}
    click.echo(f"{handset.phone} dials {code}")
    screen = handset.dial(code).shown
    show(screen)
    while screen.is_open:
        text = next(replies, None)
        if text is None:
            handset.drop()
            click.echo("(hung up)")
            return 0
        click.echo(f"> {screen.readable(text)}")
        try:
            screen = handset.reply(text).shown
        except NoService as ended:
            click.echo(f"({ended})", err=True)
            return 1
        show(screen)
    if screen.fault:
        return 1
    return wait_for_sms(handset, known, wait_s=wait_s) if screen.promises_sms else 0


def wait_for_sms(handset: Handset, known: set[str], *, wait_s: float) -> int:
    """Print the SMS that come, until the first has come or the time is over."""
    deadline = time.monotonic() + wait_s
    while True:
        fresh = [sms for sms in handset.inbox() if sms.id not in known]
        for sms in fresh:
            click.echo(f"\nSMS from {sms.sender}: {sms.text}")
        if fresh:
            return 0
        if time.monotonic() >= deadline:
            click.echo(f"\n(no SMS within {wait_s:.0f} s)", err=True)
            return 1
        time.sleep(POLL_S)


def show(screen: Screen) -> None:
    """Print a screen, indented, with its size."""
    click.echo()
    for line in screen.text.splitlines():
        click.echo(f"    {line}")
    click.echo(f"({screen.fault or screen.size}, {screen.milliseconds} ms)")


def newest(messages: list[Sms], limit: int) -> list[Sms]:
    """The last few SMS, newest first."""
    return messages[: -limit - 1 : -1]
