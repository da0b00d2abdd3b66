"""`/metrics` for Prometheus, computed from PostgreSQL when it is asked for.

Nothing is counted inside processes: any number of them may come and go, and every one of them
gives the same answer. Names end in their unit.
"""

import ipaddress
from collections.abc import Iterator
from time import perf_counter

from flask import Blueprint, Flask, Response, abort, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from app.config import Settings
from app.db import Database, DatabaseAway
from app.operations import numbers
from app.operations.context import context

DOOR = "metrics"
"""The token is that of the door with this name: `settings.door_token("metrics")`."""


class DatabaseCollector(Collector):
    """Reads the numbers anew at every scrape."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment; only `baraza_database_up_bool` while PostgreSQL is away."""
        begun = perf_counter()
        try:
            with self._db.transaction() as tx:
                found = numbers.read(tx)
        except DatabaseAway:
            yield GaugeMetricFamily("baraza_database_up_bool", "PostgreSQL answers.", value=0)
            return
        yield GaugeMetricFamily("baraza_database_up_bool", "PostgreSQL answers.", value=1)
        yield from families(found)
        yield GaugeMetricFamily(
            "baraza_scrape_duration_seconds", "Reading these numbers.", value=perf_counter() - begun
        )


def families(found: numbers.Numbers) -> Iterator[Metric]:
    """The numbers as Prometheus knows them."""
    payouts = GaugeMetricFamily(
        "baraza_open_payouts_count", "Payouts that have not ended, by state.", labels=["state"]
    )
    for state, count in found.open_payouts.items():
        payouts.add_metric([state], count)
    yield payouts
    ended = GaugeMetricFamily(
        "baraza_ended_payouts_last_day_count",
        "Payouts requested in the last 24 hours that have ended, by state.",
        labels=["state"],
    )
    for state, count in found.ended_payouts.items():
        ended.add_metric([state], count)
    yield ended
    heartbeats = GaugeMetricFamily(
        "baraza_worker_heartbeat_age_seconds", "Since a worker last beat.", labels=["worker"]
    )
    for worker, age in found.heartbeats_s.items():
        heartbeats.add_metric([worker], age)
    yield heartbeats
    alerts = GaugeMetricFamily(
        "baraza_alerts_open_count", "Alerts that are open, by severity.", labels=["severity"]
    )
    for severity, count in found.alerts_open.items():
        alerts.add_metric([severity], count)
    yield alerts
    for name, meaning, value in (
        ("workers_alive_count", "Workers that beat lately.", found.workers_alive),
        ("oldest_in_doubt_age_seconds", "Age of the oldest doubt.", found.oldest_in_doubt_s),
        ("in_transit_cents", "Members' money that waits for M-PESA.", found.in_transit_cents),
        ("messages_waiting_count", "SMS not handed over yet.", found.messages_waiting),
        ("sms_paused_bool", "The SMS account is empty; nothing is sent.", found.sms_paused),
        ("sms_failed_last_day_count", "SMS that did not arrive.", found.sms_failed_last_day),
        ("sms_blocked_count", "Numbers that block our sender.", found.sms_blocked),
        ("wrong_pins_last_hour_count", "Wrong PINs of all members.", found.wrong_pins_last_hour),
        ("inbox_waiting_count", "Callbacks filed, not worked yet.", found.inbox_waiting),
        ("dead_letters_count", "Payouts that wait for a person.", found.dead_letters),
    ):
        yield GaugeMetricFamily(f"baraza_{name}", meaning, value=value)


def register(app: Flask) -> None:
    """Mount `/metrics` on the application."""
    belongings = context(app)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(DatabaseCollector(belongings.db))
    doors = Blueprint("metrics", __name__)

    @doors.get("/metrics")
    def metrics() -> Response:
        if not may_read(belongings.settings):
            # The same answer as for a page that is not there: a stranger learns nothing.
            abort(404)
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    app.register_blueprint(doors)


def may_read(settings: Settings) -> bool:
    """Whether the current request carries the token or comes from this very machine.

    A request that a proxy passed on comes from loopback too, and is told by its headers.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Bearer" and settings.opens(DOOR, token):
        return True
    passed_on = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return not passed_on and _is_loopback(request.remote_addr or "")


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
