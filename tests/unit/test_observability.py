import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from app import observability
from app.observability import configure_logs, logger, quietly


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Logging as a process sets it up, put back afterwards."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()
    observability._ours.configured()
    structlog.contextvars.clear_contextvars()


def test_a_log_line_is_json_and_holds_no_secret(
    own_logging: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("test")
    logger().info(
        "hop_served",
        text="1*500*4071",
        pin="4071",
        headers={"Authorization": "Bearer abc"},
        note=["call +254712345678 back"],
        reference="BRZ2345678",
    )
    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "hop_served"
    assert line["reference"] == "BRZ2345678"
    assert line["process"] == "test"
    assert "4071" not in json.dumps(line)
    assert "abc" not in json.dumps(line)
    assert line["note"] == ["call 0712***678 back"]


def test_lines_of_libraries_take_the_same_road(
    own_logging: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("test")
    logging.getLogger("some.library").warning("lost %s", "254712345678")
    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "lost 0712***678"


def test_what_is_only_tried_is_not_told(
    own_logging: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """A preview settles nothing, so no line may say that it did."""
    configure_logs("test")
    with quietly():
        logger().critical("payout_paid")
    logger().info("after")
    assert "after" == json.loads(capsys.readouterr().err)["event"]
