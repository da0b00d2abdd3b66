"""When a name that M-PESA tells is another one than the member's."""

import pytest

from app.payouts.payees import Payee, compare
from app.providers.daraja_values import name_in


@pytest.mark.parametrize(
    ("on_file", "told"),
    [
        ("Amina Otieno", "AMINA WANJIRU OTIENO"),
        ("Otieno, Amina", "AMINA  WANJIRU"),
        ("Peter O'Brien Mutua", "OBRIEN P"),
        ("Jane Ng\u2019ang\u02bca", "NG'ANG'A"),
        ("Zo\u00eb Wairimu", "ZOE NJERI"),
        ("Mary Wanjiru-Kamau", "KAMAU M"),
        ("Xavier Ouma", "XAVIER"),
    ],
)
def test_one_word_in_common_is_enough(on_file: str, told: str) -> None:
    assert Payee.SAME is compare(on_file, told)


@pytest.mark.parametrize(
    ("on_file", "told"),
    [
        ("Amina Otieno", "JOHN KAMAU"),
        ("Amina Otieno", "AMINATA OTIENOH"),
        # What is too short to tell people apart fits nothing.
        ("Li wa Otieno", "LI WA KAMAU"),
    ],
)
def test_no_word_in_common_is_another_name(on_file: str, told: str) -> None:
    assert Payee.OTHER is compare(on_file, told)


@pytest.mark.parametrize(
    "told",
    [
        None,
        "",
        "A*****",
        "AMI*** OTI***",
        "JOHN K****",
        "XXXXX",
        "J\u2022\u2022\u2022",
        "J K",
        "...",
    ],
)
def test_an_absent_or_masked_name_says_nothing(told: str | None) -> None:
    assert compare("Amina Otieno", told) is None


@pytest.mark.parametrize(
    ("party", "name"),
    [
        ("254712345678 - AMINA WANJIRU OTIENO", "AMINA WANJIRU OTIENO"),
        ("2547***678 - A*****", "A*****"),
        ("0712345678-MARY WANJIRU-KAMAU", "MARY WANJIRU-KAMAU"),
        ("254712345678 - ", None),
        ("254712345678", None),
        ("AMINA - OTIENO", None),
        (None, None),
    ],
)
def test_the_name_in_a_party(party: str | None, name: str | None) -> None:
    assert name == name_in(party)
