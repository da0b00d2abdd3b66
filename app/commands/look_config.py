"""`baraza config`: every setting, and the addresses to register with the providers."""

import click

from app import config as settings_module
from app.commands import output
from app.commands.up import SANDBOX_DEADLINES
from app.config import Settings


@click.command()
@output.as_json
def config(*, as_json: bool) -> None:
    """Every setting, secrets hidden, and the addresses to register.

    Settings are environment variables of these names. The addresses hold secrets of their own:
    give them to the provider and to nobody else.
    """
    settings = settings_module.load()
    masked, doors = settings.masked(), addresses(settings)
    if as_json:
        output.print_json({"settings": masked, "register": doors})
        return
    screen = output.console()
    fields = type(settings).model_fields
    rows = [(name, value, fields[name.lower()].description) for name, value in masked.items()]
    screen.print(output.table(("Setting", "Value", "Meaning"), rows))
    if shorter := sandbox_deadlines(settings):
        screen.print(
            "\nShorter under `baraza up` with the sandbox, unless you set them", style="bold"
        )
        for name, value in shorter.items():
            click.echo(f"  {name}={value}")
    screen.print("\nRegister with Africa's Talking", style="bold")
    for purpose, address in doors.items():
        screen.print(f"{purpose}:")
        # On a line of its own and never folded, so that it can be copied.
        click.echo(f"  {address}")
    screen.print(
        "\nSafaricom needs no registration: every request carries its own addresses, under"
        f" {settings.public_base}/d/. They must be reachable from its network."
    )


def sandbox_deadlines(settings: Settings) -> dict[str, str]:
    """The deadlines that `baraza up` shortens with these settings, as its processes get them."""
    if not settings.wants_sandbox:
        return {}
    given = settings.model_fields_set
    return {name: value for name, value in SANDBOX_DEADLINES.items() if name.lower() not in given}


def addresses(settings: Settings) -> dict[str, str]:
    """The callback addresses that an operator registers by hand, by purpose."""
    base = settings.public_base
    ussd, sms = settings.door_token("ussd"), settings.door_token("sms")
    return {
        "USSD callback": f"{base}/ussd/{ussd}",
        "USSD end of session": f"{base}/ussd/{ussd}/end",
        "SMS delivery reports": f"{base}/sms/{sms}/delivery",
        "SIM swap answers": f"{base}/insights/{settings.door_token('insights')}/sim-swap",
    }
