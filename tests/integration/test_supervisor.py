"""One command runs everything: in order, again after a death, and leaves nothing behind."""

import json
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from app.children import Child, Task
from app.embedded.notes import free_port
from tests.support.folders import passable_folder
from tests.support.supervised import child, supervised

STOP_S_PROMISED = 5
MIGRATE = """
import os, psycopg
with psycopg.connect(os.environ["DATABASE_OWNER_URL"].replace("+psycopg", "")) as database:
    database.execute("CREATE TABLE made AS SELECT current_user::text AS by_name")
    database.execute("GRANT SELECT ON made TO baraza")
"""


@pytest.fixture
def var() -> Iterator[Path]:
    with passable_folder() as folder:
        yield folder / "var"


def test_children_start_in_order_and_stop_in_reverse(var: Path) -> None:
    """It is ready once all are, and Ctrl-C ends all within a few seconds."""
    names = ["sandbox", "web", "worker"]
    children = [child(var, "sandbox"), child(var, "web", port=free_port()), child(var, "worker")]
    with supervised(var, children) as run:
        run.wait_for("ready")
        run.wait_for_starts(3)
        began = time.monotonic()

        assert run.stop(signal.SIGINT) == 0

        assert time.monotonic() - began < STOP_S_PROMISED
        assert run.noted("end") == list(reversed(names))
        assert run.alive() == []
        assert not (var / "processes.json").exists()


def test_a_killed_child_runs_again(var: Path) -> None:
    with supervised(var, [child(var, "worker"), child(var, "web", port=free_port())]) as run:
        run.wait_for("ready")
        run.wait_for_starts(2)
        killed = run.children()["worker"]
        killed.kill()

        assert run.wait_for("worker ended (-9)").startswith("worker ended (-9); starting it again")
        run.wait_for_starts(3)

        assert run.children()["worker"].pid != killed.pid
        assert run.noted("start").count("web") == 1
        assert run.stop() == 0


def test_what_a_killed_child_had_started_does_not_outlive_it(var: Path) -> None:
    """A web server's orphan would hold the port that the next one needs."""
    with supervised(var, [child(var, "web", "parent")]) as run:
        run.wait_for("ready")
        run.wait_for_starts(2)
        orphan = run.children()["web-child"]
        run.children()["web"].kill()
        run.wait_for("web ended")
        run.wait_for_starts(4)

        psutil.wait_procs([orphan], timeout=5)
        assert not orphan.is_running()
        assert run.stop() == 0
        assert run.alive() == []


def test_a_child_that_keeps_ending_is_tried_less_and_less_often(var: Path) -> None:
    with supervised(
        var, [child(var, "worker", "brief"), child(var, "web", port=free_port())]
    ) as run:
        run.wait_for("ready")
        run.wait_for_starts(2)
        run.children()["worker"].kill()
        for pause in ("0.5 s", "1 s", "2 s"):
            assert f"again in {pause}" in run.wait_for("worker ended")
        assert run.stop() == 0


@pytest.mark.parametrize("how", ["obedient", "stubborn"])
def test_a_killed_supervisor_leaves_nothing_in_the_way(var: Path, how: str) -> None:
    """What the kernel could not end with it, the next start does."""
    children = [child(var, "web", how, port=free_port()), child(var, "worker", how)]
    with supervised(var, children) as first:
        first.wait_for("ready")
        first.wait_for_starts(2)
        left = list(first.children().values())
        first.stop(signal.SIGKILL)
    try:
        with supervised(var, children) as second:
            second.wait_for("ready")
            _, alive = psutil.wait_procs(left, timeout=5)
            assert alive == []
            assert second.process.poll() is None
    finally:
        for process in left:
            if process.is_running():
                process.kill()


def test_a_taken_port_names_the_setting_that_moves_it(var: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with supervised(var, [child(var, "web", port=port)]) as run:
            said = run.wait_for("refused")
            assert run.process.wait(10) == 1
            assert f"Port {port}, where web would listen, is taken" in said
            assert f"PORT={port + 10}" in said
            assert run.noted("start") == []


def test_a_failed_task_shows_its_last_words_and_starts_nothing(var: Path) -> None:
    code = "import sys; print('all went well until here'); sys.exit('no such table')"
    migrate = Task("migrate", (sys.executable, "-c", code))
    with supervised(var, [child(var, "web")], tasks=[migrate]) as run:
        run.wait_for("refused: migrate failed")
        run.wait_for("no such table")
        assert run.process.wait(10) == 1
        assert run.noted("start") == []


def test_a_child_that_does_not_start_ends_the_others(var: Path) -> None:
    command = (sys.executable, "-c", "raise SystemExit('cannot import app')")
    broken = Child("web", command, health_url=f"http://127.0.0.1:{free_port()}/")
    with supervised(var, [child(var, "worker"), broken]) as run:
        run.wait_for("refused: web did not start")
        run.wait_for("cannot import app")
        assert run.process.wait(10) == 1
        assert run.alive() == []


def test_a_second_signal_does_not_wait_for_a_stubborn_child(var: Path) -> None:
    children = [child(var, "worker", "stubborn"), child(var, "web", port=free_port())]
    with supervised(var, children) as run:
        run.wait_for("ready")
        run.wait_for_starts(2)
        began = time.monotonic()
        run.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)

        assert run.stop(signal.SIGTERM) == 0

        assert time.monotonic() - began < STOP_S_PROMISED
        assert run.alive() == []


def test_servers_are_started_handed_out_and_kept_alive(var: Path) -> None:
    """A task that needs it gets the owner's login; a killed server returns at its address."""
    migrate = Task("migrate", (sys.executable, "-c", MIGRATE), as_owner=True)
    with supervised(var, [child(var, "worker")], tasks=[migrate], environment={}) as run:
        _, url, redis_url = run.wait_for("ready").split()
        run.wait_for_starts(1)
        assert run.children()["worker"].environ()["DATABASE_URL"] == url
        assert run.children()["worker"].environ()["REDIS_URL"] == redis_url
        assert "DATABASE_OWNER_URL" not in run.children()["worker"].environ()
        assert run.children()["worker"].environ()["BARAZA_VAR"] == str(var)

        notes = json.loads(next(var.glob("postgres-*/server.json")).read_text("utf-8"))
        psutil.Process(notes["pid"]).kill()
        run.wait_for("PostgreSQL had died; it runs again.")

        with psycopg.connect(url.replace("+psycopg", "")) as database:
            assert database.execute("SELECT by_name FROM made").fetchone() == ("postgres",)
        assert run.stop() == 0
    with supervised(var, [child(var, "worker")], environment={}) as again:
        assert again.wait_for("ready").split() == ["ready", url, redis_url]
        assert again.stop() == 0
