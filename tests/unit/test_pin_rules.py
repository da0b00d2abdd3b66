"""What a PIN may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pin_rules import PIN_DIGITS, WeakPin, is_digits, is_weak, refuse_weak

ALL = [f"{number:04d}" for number in range(10_000)]


@pytest.mark.parametrize(
    "pin", ["", "407", "40711", "12a4", " 4071", "-407", "\u0664\u0660\u0667\u0661", "\u00b2222"]
)
def test_only_four_ascii_digits_are_a_pin(pin: str) -> None:
    """Digits of other scripts look right to Python and cannot be typed on every phone."""
    with pytest.raises(WeakPin, match="has 4 digits"):
        refuse_weak(pin)
    assert is_weak(pin)


@pytest.mark.parametrize("pin", ["0000", "7777", "1234", "4321", "7890", "0987", "8901", "2109"])
def test_what_a_thief_tries_first_is_refused_and_not_repeated(pin: str) -> None:
    """Repeats, and runs up or down, also past the 0 key. Messages end in logs."""
    with pytest.raises(WeakPin) as refused:
        refuse_weak(pin)
    assert pin not in str(refused.value)
    assert is_weak(pin)


@pytest.mark.parametrize("pin", ["4071", "5193", "1235", "1010", "2580", "1122"])
def test_other_pins_are_accepted(pin: str) -> None:
    refuse_weak(pin)
    assert not is_weak(pin)


def test_the_rule_takes_little_from_the_ten_thousand() -> None:
    """Ten repeats, ten runs up, ten runs down: a long list of bad PINs would help guessing."""
    assert sum(map(is_weak, ALL)) == 30


@given(st.text(max_size=6))
def test_no_text_is_a_pin_but_the_ten_thousand(text: str) -> None:
    assert is_digits(text, PIN_DIGITS) == (text in ALL)
