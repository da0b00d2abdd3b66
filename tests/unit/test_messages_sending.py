"""What follows from each answer of the gateway, and from delivery reports. Pure."""

import pytest

from app.messages import delivery, sending
from app.messages.answers import ATTEMPTS_MAX, DOUBTS_MAX, Result, judge
from app.messages.delivery import Report
from app.providers.africastalking import Accepted, InDoubt, Rejected, SmsOutcome, TryLater


def test_an_accepted_message_keeps_the_gateways_id() -> None:
    assert Result("accepted", provider_message_id="ATXid_1") == judge(
        Accepted("ATXid_1"), attempt=1
    )


def test_an_accepted_message_without_an_id_is_accepted() -> None:
    assert Result("accepted") == judge(Accepted(None), attempt=1)


def test_a_permanent_refusal_ends_it_with_the_reason() -> None:
    outcome = Rejected("406", "UserInBlacklist", permanent=True)
    expected = Result("failed", failure="UserInBlacklist (406)", blocked=True)
    assert expected == judge(outcome, attempt=1)
    outcome = Rejected("403", "InvalidPhoneNumber", permanent=True)
    assert Result("failed", failure="InvalidPhoneNumber (403)") == judge(outcome, attempt=1)


@pytest.mark.parametrize(
    ("attempt", "wait_s"), [(1, 5), (2, 30), (3, 120), (4, 600), (5, 3600), (6, 3600)]
)
def test_waits_grow_and_the_last_one_repeats(attempt: int, wait_s: int) -> None:
    outcome = TryLater("GatewayError")
    assert Result("again", "GatewayError", wait_s=wait_s) == judge(outcome, attempt=attempt)


def test_another_route_may_be_found_later() -> None:
    outcome = Rejected("407", "CouldNotRoute", permanent=False)
    assert Result("again", "CouldNotRoute (407)", wait_s=5) == judge(outcome, attempt=1)


def test_without_credit_the_attempt_is_not_the_messages_fault() -> None:
    """Even the last one: it waits until the account has credit again."""
    outcome = TryLater("InsufficientBalance", out_of_credit=True)
    expected = Result("again", "InsufficientBalance", wait_s=0, out_of_credit=True)
    assert expected == judge(outcome, attempt=ATTEMPTS_MAX)
    assert expected == judge(outcome, attempt=1, blocked=True)


@pytest.mark.parametrize(
    "outcome",
    [
        TryLater("GatewayError"),
        Rejected("407", "CouldNotRoute", permanent=False),
        InDoubt("timeout"),
    ],
)
def test_a_number_that_blocks_us_is_tried_once(outcome: SmsOutcome) -> None:
    """It will most likely not arrive; staff read why."""
    result = judge(outcome, attempt=1, blocked=True)
    assert result.end == "failed"
    assert "one attempt, for the number blocks us" in (result.failure or "")


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Rejected("400", "bad: Your start PIN is 4826", permanent=True),
         "bad: Your start PIN is **** (400)"),
        (Rejected("407", "CouldNotRoute 48", permanent=False), "CouldNotRoute ** (407)"),
        (TryLater("no route for 4826"), "no route for ****"),
        (TryLater("4826", out_of_credit=True), "****"),
        (InDoubt("odd: 4826"), "no clear answer: odd: ****; it may have arrived"),
    ],
)  # fmt: skip
def test_of_a_secret_text_no_digit_of_the_gateways_words_is_kept(
    outcome: SmsOutcome, expected: str
) -> None:
    """A gateway may repeat in its answer what it was given, cut off anywhere."""
    assert expected == judge(outcome, attempt=1, secret=True).failure


def test_a_doubtful_message_is_sent_again_but_slowly_and_less_often() -> None:
    """It may have arrived each time; a member must not get a dozen."""
    assert judge(InDoubt("timeout"), attempt=1).wait_s == 120
    assert judge(InDoubt("timeout"), attempt=DOUBTS_MAX - 1).end == "again"
    assert judge(InDoubt("timeout"), attempt=DOUBTS_MAX).end == "failed"


def test_giving_up_says_so() -> None:
    result = judge(TryLater("GatewayError"), attempt=ATTEMPTS_MAX)
    assert Result("failed", failure="given up after 12 attempts: GatewayError") == result


def test_a_lease_outlasts_the_slowest_wave() -> None:
    """Connect, and the longest reading that settings allow."""
    assert sending.LEASE_S > 3 + 30 + 10


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["Sent"], (None, None)),
        (["Submitted", "Buffered", "NeverHeardOf"], (None, None)),
        (["Success"], ("delivered", None)),
        (["Success", "Sent"], ("delivered", None)),
        (["Failed"], ("failed", "Failed")),
        (["AbsentSubscriber", "Success"], ("delivered", None)),
        (["Success", "Failed"], ("delivered", None)),
        (["Expired", "Sent"], ("failed", "Expired")),
        (["Sent", "Rejected", "Failed"], ("failed", "Failed")),
    ],
)
def test_all_reports_together_judge_a_message(
    statuses: list[str], expected: tuple[str | None, str | None]
) -> None:
    """Whatever order they came in, `Success` wins, and words that we do not know say nothing."""
    assert expected == delivery.judge([Report("ATXid_1", status) for status in statuses])


def test_a_failure_tells_its_reason() -> None:
    reports = [Report("ATXid_1", "Failed", "UserInBlackList")]
    assert delivery.judge(reports) == ("failed", "Failed: UserInBlackList")


def test_foreign_words_are_made_fit_to_keep() -> None:
    """PostgreSQL refuses a zero byte, and a log line has room for one line."""
    assert delivery.fit(" ATX\x00id\n_1 ") == "ATXid_1"
    assert len(delivery.fit("x" * 5_000)) == 100
