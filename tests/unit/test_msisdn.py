import pytest

from app.msisdn import is_e164, mask, mask_all, parse


@pytest.mark.parametrize(
    "written",
    [
        "0712345678",
        "+254712345678",
        "254712345678",
        "+254 712 345 678",
        "0712-345-678",
        "712345678",
    ],
)
def test_a_number_is_read_from_any_way_people_write_it(written: str) -> None:
    assert parse(written) == "+254712345678"


def test_the_new_01_numbers_are_mobile_numbers_too() -> None:
    assert parse("0112345678") == "+254112345678"


@pytest.mark.parametrize("written", ["", "hello", "0202345678", "+255712345678", "07123", "+1 202"])
def test_what_is_no_kenyan_mobile_number_is_refused_in_words(written: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        parse(written)


@pytest.mark.parametrize(
    "near_miss",
    ["+254712345678\n", " +254712345678", "254712345678", "+25471234567", "+254٧12345678"],  # noqa: RUF001
)
def test_a_gateway_sends_exactly_one_form(near_miss: str) -> None:
    assert is_e164("+254712345678")
    assert not is_e164(near_miss)


def test_masks_leave_enough_to_know_ones_own_number() -> None:
    assert mask("+254712345678") == "0712***678"


def test_numbers_are_masked_wherever_they_stand_in_a_text() -> None:
    text = "paid 254712345678 and +254722345679; 0733000111 too, not 00254712345678901"
    assert mask_all(text) == "paid 0712***678 and 0722***679; 0733***111 too, not 00254712345678901"
