"""Segments, held against a slow and obvious way of cutting a text."""

from hypothesis import given
from hypothesis import strategies as st

from app.messages.segments import Segments, segments
from ussd_menus.gsm7 import ALPHABET, EXTENSION

GSM7 = st.text(alphabet=list(ALPHABET + EXTENSION), max_size=500)
ANYTHING = st.text(max_size=300)


@given(GSM7)
def test_gsm7_parts_hold_the_whole_text_and_split_no_letter(text: str) -> None:
    """Cutting off as many letters as fit, again and again, gives as many parts."""
    units = [chr(27) + c if c in EXTENSION else c for c in text]
    length = len("".join(units))
    parts = 1
    if length > 160:
        parts, part = 0, ""
        for unit in units:
            if len(part + unit) > 153:
                parts, part = parts + 1, ""
            part += unit
        parts += 1
    assert Segments("gsm7", length, parts) == segments(text)


@given(ANYTHING)
def test_one_letter_outside_makes_the_whole_text_ucs2(text: str) -> None:
    """Its length is then that of its UTF-16."""
    counted = segments(text + "\u2019")
    units = len((text + "\u2019").encode("utf-16-be", "surrogatepass")) // 2
    assert ("ucs2", units) == (counted.encoding, counted.length)
    assert (counted.count == 1) == (units <= 70)


@given(ANYTHING, ANYTHING)
def test_more_text_never_takes_fewer_segments_in_one_alphabet(one: str, other: str) -> None:
    """Adding text adds segments or leaves their number."""
    before, after = segments(one), segments(one + other)
    if before.encoding == after.encoding:
        assert before.count <= after.count
