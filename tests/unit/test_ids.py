import re
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app import ids

MOMENTS = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2090, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(MOMENTS, st.binary(min_size=10, max_size=10))
def test_an_id_carries_its_moment_and_is_a_version_7_uuid(at: datetime, noise: bytes) -> None:
    made = ids.uuid7(at, lambda _: noise)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert ids.id_time(made) == at.replace(microsecond=at.microsecond // 1000 * 1000)
    assert ids.id_date(made) == at.date()


@given(MOMENTS, MOMENTS)
def test_ids_sort_by_time(one: datetime, other: datetime) -> None:
    earlier, later = sorted([one, other])
    if (later - earlier).total_seconds() > 0.001:
        assert ids.uuid7(earlier) < ids.uuid7(later)


def test_a_published_example_is_read_right() -> None:
    """The example of RFC 9562, appendix A.6."""
    example = UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")
    assert ids.id_time(example) == datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


@given(st.binary(min_size=8, max_size=8))
def test_references_use_letters_that_people_can_tell_apart(noise: bytes) -> None:
    assert re.fullmatch("BRZ[2-9A-HJKMNP-Z]{7}", ids.reference(lambda _: noise))


def test_a_payout_has_one_id_at_the_provider_for_ever() -> None:
    payout = ids.uuid7(datetime(2026, 11, 23, tzinfo=UTC))
    assert ids.originator_conversation_id(payout) == str(payout)
