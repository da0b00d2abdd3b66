import pytest

from ussd_menus.gsm7 import ALPHABET, EXTENSION, septets


def test_the_alphabet_is_that_of_3gpp() -> None:
    """127 letters and the escape fill the basic table; ten letters hide behind the escape."""
    assert (len(ALPHABET), len(set(ALPHABET))) == (127, 127)
    assert len(set(EXTENSION) - set(ALPHABET)) == 10


@pytest.mark.parametrize(
    ("text", "room"), [("", 0), ("Salio", 5), ("ng'ombe\n", 8), ("[€]", 6), ("£ñÄ", 3)]
)
def test_letters_take_one_septet_and_those_of_the_extension_two(text: str, room: int) -> None:
    assert room == septets(text)


@pytest.mark.parametrize("letter", ["\u2019", "\u2013", "ô", "٣", "😀", "`", "\t", "\x00", "ç"])
def test_what_phones_cannot_show_is_refused(letter: str) -> None:
    with pytest.raises(ValueError, match="is outside GSM-7"):
        septets("a" + letter)
