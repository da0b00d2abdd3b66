import pytest

from app import config
from app.config import DEVELOPMENT_SECRET, MASK
from app.errors import Misconfigured
from tests.support.production import LONG, PRODUCTION


def test_development_needs_no_settings_at_all() -> None:
    settings = config.load({})
    assert settings.wants_sandbox
    assert settings.daraja_base == "http://127.0.0.1:8001"
    assert settings.public_base == "http://127.0.0.1:8000"


def test_all_faults_are_told_at_once_by_name_and_without_their_values() -> None:
    with pytest.raises(Misconfigured) as wrong:
        config.load(
            {
                "PORT": "eighty",
                "DATABASE_URL": "mysql://root:hunter2@db/x",
                "CALLBACK_SOURCES": "everywhere",
                "PAYOUT_ASK_AFTER_S": "90,30",
            }
        )
    told = str(wrong.value)
    for name in ("PORT", "DATABASE_URL", "CALLBACK_SOURCES", "PAYOUT_ASK_AFTER_S"):
        assert f"{name}: " in told
    assert "hunter2" not in told


def test_production_starts_with_everything_set() -> None:
    settings = config.load(PRODUCTION)
    assert settings.in_production
    assert not settings.wants_sandbox
    assert settings.database_url == "postgresql+psycopg://baraza:pw@db/baraza"


@pytest.mark.parametrize("name", sorted(set(PRODUCTION) - {"BARAZA_ENV"}))
def test_production_refuses_to_start_without(name: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        config.load({k: v for k, v in PRODUCTION.items() if k != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "http://baraza.example.co.ke"),
        ("PIN_PEPPER", DEVELOPMENT_SECRET),
        ("SECRET_KEY", "short"),
        ("CALLBACK_SECRETS", f"{LONG},short"),
        ("CALLBACK_SOURCES", ""),
    ],
)
def test_production_refuses_what_is_only_fit_for_development(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        config.load({**PRODUCTION, name: value})


def test_doors_open_with_the_newest_and_the_last_secret_and_no_other() -> None:
    settings = config.load({"CALLBACK_SECRETS": "newest,last"})
    newest, last = settings.door_tokens("ussd")
    assert settings.door_token("ussd") == newest
    assert settings.opens("ussd", newest)
    assert settings.opens("ussd", last)
    assert not settings.opens("sms", newest)
    assert not settings.opens("ussd", "")
    assert not settings.opens("ussd", "é")


def test_shown_settings_hold_no_secret() -> None:
    shown = config.load(PRODUCTION).masked()
    assert LONG not in "".join(shown.values())
    assert shown["DATABASE_URL"] == f"postgresql+psycopg://baraza:{MASK}@db/baraza"
    assert shown["PIN_PEPPER"] == MASK
    assert shown["CALLBACK_SOURCES"] == "196.201.214.0/24,196.201.213.44"


def test_a_password_in_an_addresss_query_is_not_shown() -> None:
    """PostgreSQL and Redis both take one there."""
    given = {
        "DATABASE_URL": "postgresql://db/baraza?password=hunter2&sslmode=require",
        "REDIS_URL": "redis://cache/0?Password=hunter2",
    }
    shown = config.load({**PRODUCTION, **given}).masked()
    assert "hunter2" not in "".join(shown.values())
    assert shown["DATABASE_URL"].endswith(f"?password={MASK}&sslmode=require")


def test_numbers_on_duty_and_the_webhooks_path_are_not_shown() -> None:
    """Chat rooms keep their secret in the path; numbers are people's own."""
    given = {
        "ALERT_PHONES": "+254711000001, +254711000002",
        "ALERT_WEBHOOK_URL": "https://chat.example/rooms/hunter2",
        "ALERT_WEBHOOK_SECRET": LONG,
    }
    shown = config.load({**PRODUCTION, **given}).masked()
    assert "0711***001,0711***002" == shown["ALERT_PHONES"]
    assert f"https://chat.example/{MASK}" == shown["ALERT_WEBHOOK_URL"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALERT_WEBHOOK_URL", "http://chat.example/rooms"),
        ("ALERT_WEBHOOK_SECRET", "short"),
        ("ALERT_PHONES", "0711000001"),
        ("ALERT_ESCALATION_PHONES", "+15551234567"),
    ],
)
def test_alerts_go_nowhere_that_could_be_wrong(name: str, value: str) -> None:
    good = {"ALERT_WEBHOOK_URL": "https://chat.example/rooms", "ALERT_WEBHOOK_SECRET": LONG}
    assert config.load({**PRODUCTION, **good}).alert_webhook_url
    with pytest.raises(Misconfigured, match=name) as wrong:
        config.load({**PRODUCTION, **good, name: value})
    assert value not in str(wrong.value)
