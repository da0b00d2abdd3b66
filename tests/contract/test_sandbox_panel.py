"""Faults in words, scenarios that can be played again, and what M-PESA knows."""

import uuid
from typing import Any

import pytest
import requests

from app.sandbox.africastalking.behaviours import BEHAVIOURS as OF_THE_GATEWAY
from app.sandbox.safaricom.behaviours import BEHAVIOURS as OF_MPESA
from app.sandbox.safaricom.behaviours import BY_LAST_DIGITS
from tests.contract.conftest import Posted
from tests.support.http_script import Reply, ScriptedServer
from tests.support.sandbox import SafaricomSandbox, SandboxProcess, wait_for

WORDS = ("name", "group", "title", "happens", "must_be_seen")


@pytest.fixture(params=["safaricom", "gateway"])
def stand_in(request: pytest.FixtureRequest) -> SandboxProcess:
    """Each of the two."""
    process = request.getfixturevalue(request.param)
    assert isinstance(process, SandboxProcess)
    return process


def in_force(stand_in: SandboxProcess) -> list[dict[str, Any]]:
    """Every fault as it is listed, without its number."""
    return [{k: v for k, v in one.items() if k != "id"} for one in stand_in.get("/faults")]


def put(stand_in: SandboxProcess, scenario: object) -> requests.Response:
    """Play a scenario."""
    return requests.put(f"{stand_in.url}/faults", json=scenario, timeout=5)


def test_every_card_speaks_in_words_and_its_example_can_be_asked_for(
    stand_in: SandboxProcess,
) -> None:
    cards = stand_in.get("/faults/vocabulary")
    assert all(str(card[word]).strip() for card in cards for word in WORDS)
    names = [card["name"] for card in cards]
    assert len(names) == len(set(names))
    assert any(card["featured"] for card in cards)
    for card in cards:
        stand_in.post("/faults", card["example"])
    assert len(stand_in.get("/faults")) == len(cards)


def test_every_behaviour_has_a_card(safaricom: SafaricomSandbox, gateway: SandboxProcess) -> None:
    """So that nothing can be made to happen that a person cannot find."""
    for stand_in, behaviours in ((safaricom, OF_MPESA), (gateway, OF_THE_GATEWAY)):
        shown = {card["example"]["do"] for card in stand_in.get("/faults/vocabulary")}
        assert shown == set(behaviours) - {"succeed"}


def test_every_magic_ending_is_told_by_the_one_who_heeds_it(
    safaricom: SafaricomSandbox, gateway: SandboxProcess
) -> None:
    assert [one["ending"] for one in safaricom.get("/magic")] == [
        f"{ending:02d}" for ending in BY_LAST_DIGITS
    ]
    assert [one["ending"] for one in gateway.get("/magic")] == ["09"]


def test_a_saved_scenario_is_played_again_alone(stand_in: SandboxProcess) -> None:
    """What was used up when it was saved is not in it."""
    api = stand_in.api
    stand_in.post("/faults", {"match": {"api": api, "nth": 2}, "do": "hang_and_drop", "hang_s": 3})
    stand_in.post("/faults", {"match": {"api": api}, "do": "half_an_answer", "times": None})
    saved = stand_in.get("/faults")
    kept = in_force(stand_in)
    stand_in.clear_faults()
    stand_in.post("/faults", {"match": {"api": api}, "do": "dripping_answer"})
    used_up = {**saved[0], "times_left": 0}
    assert put(stand_in, [*saved, used_up]).status_code == 200
    assert in_force(stand_in) == kept


def test_a_scenario_with_a_slip_changes_nothing(stand_in: SandboxProcess) -> None:
    stand_in.post("/faults", {"match": {"api": stand_in.api}, "do": "half_an_answer"})
    before = in_force(stand_in)
    for slip in ({"do": "half_an_answer"}, [{"do": "nonsense"}], ["half_an_answer"]):
        refused = put(stand_in, slip)
        assert refused.status_code == 400
        assert refused.json()["error"]
    assert in_force(stand_in) == before


def test_one_fault_can_be_taken_back(stand_in: SandboxProcess) -> None:
    first = stand_in.post("/faults", {"match": {"api": stand_in.api}, "do": "half_an_answer"})
    second = stand_in.post("/faults", {"match": {"api": stand_in.api}, "do": "hang_and_drop"})
    url = f"{stand_in.url}/faults/{first['id']}"
    assert requests.delete(url, timeout=5).status_code == 200
    assert requests.delete(url, timeout=5).status_code == 404
    assert [one["id"] for one in stand_in.get("/faults")] == [second["id"]]


def about(safaricom: SafaricomSandbox, ocid: str) -> dict[str, Any]:
    """What M-PESA says of one request."""
    [one] = safaricom.get("/truth/thinks", ocid=ocid)
    assert isinstance(one, dict)
    return one


def test_mpesa_tells_what_it_knows_of_a_payment(
    safaricom: SafaricomSandbox, posted: Posted
) -> None:
    ocid = str(uuid.uuid4())
    safaricom.pay(ocid=ocid, shillings=1500)
    posted.wait("result")
    assert wait_for(lambda: about(safaricom, ocid)["callbacks_sent"] == 1)
    told = about(safaricom, ocid)
    assert (told["verdict"], told["times_paid"], told["cents"], told["code"]) == (
        "paid", 1, 150_000, 0,
    )  # fmt: skip
    assert told["says"] == f"Paid KES 1,500.00 once, receipt {told['receipt']}."
    assert (told["calls"], told["queries"], told["callbacks_waiting"]) == (1, 0, 0)
    assert told in safaricom.get("/truth/thinks", phone="+254712345678")


@pytest.mark.parametrize(
    ("fault", "params", "verdict", "words"),
    [
        ("callback_never", {}, "paid", "Paid KES 1,500.00 once"),
        ("result_code", {"code": 2040}, "refused", "(code 2040)"),
        ("open_forever", {}, "open", "still at work"),
        ("hang_and_drop", {"hang_s": 0}, "not_taken", "Nothing was paid."),
    ],
)
def test_mpesa_knows_what_baraza_cannot(
    safaricom: SafaricomSandbox, fault: str, params: dict[str, Any], verdict: str, words: str
) -> None:
    """Also of a request that it never took, under its id."""
    ocid = str(uuid.uuid4())
    safaricom.token()
    safaricom.fault(fault, **params)
    try:
        safaricom.pay(ocid=ocid, shillings=1500)
    except requests.ConnectionError:
        assert fault == "hang_and_drop"
    told = about(safaricom, ocid)
    assert told["verdict"] == verdict
    assert words in told["says"]
    assert (told["receipt"] is not None) == (verdict == "paid")


def test_a_result_that_waits_is_announced(safaricom: SafaricomSandbox) -> None:
    ocid = str(uuid.uuid4())
    safaricom.fault("callback_late", after_s=600)
    safaricom.pay(ocid=ocid, shillings=1500)
    told = about(safaricom, ocid)
    assert (told["callbacks_waiting"], told["callbacks_sent"]) == (1, 0)
    assert told["next_callback_at"] > told["received_at"]


def test_mpesa_knows_nothing_of_what_never_reached_it(safaricom: SafaricomSandbox) -> None:
    assert safaricom.get("/truth/thinks", ocid=str(uuid.uuid4())) == []
    asked = requests.get(f"{safaricom.url}/truth/thinks", timeout=5)
    assert asked.status_code == 400


def test_an_intruder_knows_everything_but_the_secret(
    safaricom: SafaricomSandbox, listener: ScriptedServer
) -> None:
    """His success is well-formed, about the newest payout, under a token that he guessed."""
    ocid, secret = str(uuid.uuid4()), "5ec4e7" * 6 + "5ec4"
    door = f"/d/{secret}/b2c/result/{ocid}"
    listener.on(door, Reply(200))
    safaricom.pay(ocid=ocid, ResultURL=f"{listener.url}{door}")
    assert wait_for(lambda: listener.seen(door))
    forged = safaricom.post("/intruder", {})
    assert forged["ocid"] == ocid
    assert forged["http_status"] != 200
    assert len(listener.seen(door)) == 1
