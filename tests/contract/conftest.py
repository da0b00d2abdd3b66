"""One Safaricom and one gateway for all contract tests of a process, and what they post to."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.support import sandbox
from tests.support.http_script import Act, Reply, ScriptedServer, scripted_server
from tests.support.sandbox import SafaricomSandbox, SandboxProcess, wait_for


@dataclass
class Posted:
    """What was posted to one test's own address."""

    server: ScriptedServer
    path: str

    @property
    def url(self) -> str:
        """The base of this test's addresses."""
        return self.server.url + self.path

    def on(self, name: str, *acts: Act) -> None:
        """Answer posts to `name` like this."""
        self.server.on(f"{self.path}/{name}", *acts)

    def bodies(self, name: str) -> list[dict[str, Any]]:
        """The JSON bodies that came to `name` so far."""
        return [json.loads(seen.body) for seen in self.server.seen(f"{self.path}/{name}")]

    def forms(self, name: str) -> list[dict[str, str]]:
        """The form bodies that came to `name` so far."""
        return [
            dict(parse_qsl(seen.body.decode(), keep_blank_values=True))
            for seen in self.server.seen(f"{self.path}/{name}")
        ]

    def wait(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        """The bodies that came to `name`, once there are this many."""
        wait_for(lambda: len(self.bodies(name)) >= count)
        found = self.bodies(name)
        assert len(found) >= count, f"{len(found)} of {count} posts came to {name}"
        return found

    def wait_forms(self, name: str, count: int = 1) -> list[dict[str, str]]:
        """The forms that came to `name`, once there are this many."""
        wait_for(lambda: len(self.forms(name)) >= count)
        found = self.forms(name)
        assert len(found) >= count, f"{len(found)} of {count} posts came to {name}"
        return found


@pytest.fixture(scope="session")
def listener() -> Iterator[ScriptedServer]:
    """Where providers post to, in place of Baraza."""
    with scripted_server() as server:
        yield server


@pytest.fixture(scope="session")
def one_safaricom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SafaricomSandbox]:
    """Safaricom, ten times as fast as it is."""
    with sandbox.safaricom(tmp_path_factory.mktemp("safaricom"), "", "--speed", "10") as process:
        yield process


@pytest.fixture
def posted(listener: ScriptedServer) -> Posted:
    """An address of this test's own that answers 200."""
    made = Posted(listener, f"/{uuid.uuid4()}")
    for name in ("result", "timeout", "told"):
        made.on(name, Reply(200, b'{"ResultCode": 0}'))
    return made


@pytest.fixture
def safaricom(one_safaricom: SafaricomSandbox, posted: Posted) -> Iterator[SafaricomSandbox]:
    """Safaricom without faults, posting to this test's address."""
    one_safaricom.callbacks = posted.url
    yield one_safaricom
    one_safaricom.clear_faults()
    one_safaricom.post("/portal/unlock", {})


@pytest.fixture(scope="session")
def one_gateway(
    tmp_path_factory: pytest.TempPathFactory, listener: ScriptedServer
) -> Iterator[SandboxProcess]:
    """Africa's Talking, posting hops, reports and notices of ends to the listener."""
    folder = tmp_path_factory.mktemp("africastalking")
    end = f"{listener.url}/end"
    listener.on("/end", Reply(200))
    listener.on("/delivery", Reply(200))
    with sandbox.africastalking(folder, listener.url, "--end-url", end, "--speed", "10") as process:
        yield process


@pytest.fixture
def gateway(one_gateway: SandboxProcess) -> Iterator[SandboxProcess]:
    """Africa's Talking without faults."""
    yield one_gateway
    one_gateway.clear_faults()
