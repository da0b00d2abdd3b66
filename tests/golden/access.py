"""Journeys about who may do what: PINs, standing, help, language, and how the menu is walked."""

from app.members import standing
from tests.golden.journey import journey, without_pin
from tests.support.story import ID_DIGITS, PIN, Story

NEW_PIN = "8305"


@without_pin
def first_use(story: Story) -> None:
    """A start PIN and her ID lead to a PIN of her own, and that to the menu."""
    start_pin = story.start_pin()
    story.dial()
    story.reply(start_pin, ID_DIGITS, NEW_PIN, NEW_PIN)
    story.dial()
    story.reply("2", NEW_PIN)


@without_pin
def first_use_slips(story: Story) -> None:
    """What can go wrong on the way to a PIN: shape, wrong ID, an easy PIN, two that differ."""
    start_pin = story.start_pin()
    story.dial()
    story.reply("12", start_pin, "33", "9999", start_pin, ID_DIGITS)
    story.reply("1234", NEW_PIN, "8306", NEW_PIN, NEW_PIN)


@without_pin
def start_pin_void(story: Story) -> None:
    """Three wrong tries: the start PIN is void, and the right digits come too late."""
    start_pin = story.start_pin()
    story.dial()
    story.reply(start_pin, "9999", start_pin, "9998", start_pin, "9997")
    story.dial()


@without_pin
def start_pin_expired(story: Story) -> None:
    """Her start PIN is no longer valid."""
    story.start_pin()
    story.sql("UPDATE member SET start_pin_until = now() - interval '1 second' WHERE id = :id")
    story.dial()


@without_pin
def start_pin_expires_meanwhile(story: Story) -> None:
    """Her start PIN runs out while she types."""
    start_pin = story.start_pin()
    story.dial()
    story.reply(start_pin)
    story.meanwhile(
        "The start PIN runs out.",
        lambda: story.sql(
            "UPDATE member SET start_pin_until = now() - interval '1 second' WHERE id = :id"
        ),
    )
    story.reply(ID_DIGITS)


@without_pin
def no_pin(story: Story) -> None:
    """She has no PIN, and no start PIN is out."""
    story.dial()


@journey
def wrong_pin_locks(story: Story) -> None:
    """Three wrong PINs lock for half an hour, in this session and the next."""
    story.dial()
    story.reply("1", "500", "1111", "2222", "3333")
    story.dial()


@journey
def wrong_pin_locks_for_good(story: Story) -> None:
    """Five wrong PINs in a day: only staff can unlock."""
    story.dial()
    story.reply("2", "1111", "2222", "3333")
    story.meanwhile(
        "Half an hour passes.",
        lambda: story.sql(
            "UPDATE member SET pin_locked_until = now() - interval '1 second' WHERE id = :id"
        ),
    )
    story.dial()
    story.reply("2", "1111", "2222")
    story.dial()


@journey
def locked_meanwhile(story: Story) -> None:
    """Her PIN is locked from another phone while this session goes on."""
    story.dial()
    story.reply("2")
    other = story.site.phone(story.number).dial().reply("2")
    story.meanwhile("Somebody tries PINs.", lambda: other.reply("1111", "2222", "3333"))
    story.reply(PIN)


@journey
def change_pin(story: Story) -> None:
    """She changes her PIN; the new one counts from the next dial."""
    story.dial()
    story.reply("5", "1", PIN, NEW_PIN, NEW_PIN)
    story.dial()
    story.reply("2", PIN, NEW_PIN)


@journey
def change_pin_slips(story: Story) -> None:
    """What can go wrong with a new PIN: easy, two that differ, the present one, an earlier one."""
    story.dial()
    story.reply("5", "1", "1111", PIN)
    story.reply("5555", NEW_PIN, "8306", PIN, PIN, NEW_PIN, NEW_PIN)
    story.dial()
    story.reply("5", "1", NEW_PIN, PIN, PIN)


@journey
def help_screen(story: Story) -> None:
    """Help: whom to call, when, and how to guard the SIM card."""
    story.dial()
    story.reply("6")


@journey
def language(story: Story) -> None:
    """The other language, at once and from the next dial on; and back."""
    story.dial()
    story.reply("7", "1", "500")
    story.dial()
    story.reply("7")


@journey
def wrong_choice(story: Story) -> None:
    """What is no option, no amount or no PIN is asked for again, never more than that."""
    story.dial()
    story.reply("9", "", "#", "1")
    story.reply("49", "1,000", "0500", "\u0665\u0660\u0660", "250001", "500")
    story.reply("40", "40715", "\u0664\u0660\u0667\u0661", PIN)


@journey
def back_and_home(story: Story) -> None:
    """0 goes back a screen, 00 to the main menu; what was typed is forgotten."""
    story.dial()
    story.reply("0", "1", "500", "0", "0", "5", "2", "1", "00", "1", "600")


@journey
def deep_dial(story: Story) -> None:
    """Options and amounts can be dialled; a PIN in the dialled string is never looked at."""
    story.dial("1*500")
    story.reply(PIN)
    story.dial("2*4071")
    story.reply(PIN)


@journey
def dropped(story: Story) -> None:
    """The signal is lost on the PIN screen: nothing has happened, two keys lead back."""
    story.dial()
    story.reply("1", "500")
    story.drop()
    story.dial()
    story.reply("1", "500", PIN)


@journey
def unregistered(story: Story) -> None:
    """A number that nobody has registered."""
    story.lose_number()
    story.dial()


@journey
def dormant(story: Story) -> None:
    """A dormant account cannot be used by phone."""
    story.sql("UPDATE member SET status = 'dormant' WHERE id = :id")
    story.dial()


@journey
def joint(story: Story) -> None:
    """A joint account: all but withdrawals."""
    story.sql("UPDATE member SET mandate = 'joint' WHERE id = :id")
    story.dial()
    story.reply("1")
    story.dial()
    story.reply("2", PIN)


@journey
def court_lien(story: Story) -> None:
    """A court order: all but withdrawals, also where it comes while she types."""
    story.dial()
    story.reply("1", "500")
    story.meanwhile(
        "A court order comes.",
        lambda: story.sql("UPDATE member SET status = 'court_lien' WHERE id = :id"),
    )
    story.reply(PIN)
    story.dial()
    story.reply("1")


@journey
def locked_by_staff(story: Story) -> None:
    """Staff lock the phone service for her number, and open it again."""
    story.meanwhile("She has lost her phone.", lambda: story.staff(standing.lock_phone))
    story.dial()
    story.meanwhile("She has found it.", lambda: story.staff(standing.unlock))
    story.dial()


@journey
def reset_by_staff(story: Story) -> None:
    """Staff reset her PIN. The earlier one cannot come back, and withdrawals wait for a while."""
    start_pins: list[str] = []
    story.limits(after_change_wait_hours=24)
    story.meanwhile("She forgot her PIN.", lambda: start_pins.append(story.start_pin()))
    story.dial()
    story.reply(start_pins[0], ID_DIGITS, PIN, PIN, NEW_PIN, NEW_PIN)
    story.dial()
    story.reply("1", "500", NEW_PIN)


@journey
def number_changed(story: Story) -> None:
    """Staff give her another number: both numbers are told, and withdrawals wait."""
    story.limits(after_change_wait_hours=24)
    story.meanwhile("She has a new number.", story.change_number)
    story.withdraw()
