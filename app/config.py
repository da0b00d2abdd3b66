"""Every setting, with its unit, its default and its meaning.

Settings come from the environment. All faults are reported at once, by the setting's name.
Development has working defaults for everything; production refuses those that are secrets.
"""

import hashlib
import hmac
import ipaddress
import os
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from app.errors import Misconfigured
from app.msisdn import is_e164, mask

DEVELOPMENT_SECRET = "for-development-only"  # noqa: S105 - refused in production
MASK = "********"
SECRET_LENGTH_MIN = 32

Names = Annotated[tuple[str, ...], NoDecode]
Seconds = Annotated[tuple[int, ...], NoDecode]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode]
Phones = Annotated[tuple[SecretStr, ...], NoDecode]
"""Numbers of people: no error and no list shows them whole."""


class Settings(BaseSettings):
    """What an operator may set. Field names are the environment's names in lower case."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False)

    baraza_env: Literal["development", "production"] = Field(
        "development", description="production refuses default secrets, the sandbox and plain HTTP"
    )
    baraza_var: Path = Field(Path("var"), description="folder for data, logs and embedded servers")
    sacco_name: str = Field("Baraza SACCO", description="shown first on every menu", max_length=20)
    sacco_phone: str = Field("0700000111", description="help line in menus and SMS", max_length=13)

    sacco_hours: str = Field(
        "Mon-Fri 8am-5pm", description="opening hours on the help screen", max_length=24
    )

    database_url: str = Field("", description="PostgreSQL 15 to 18; empty: Baraza starts its own")
    database_owner_url: str = Field(
        "", description="login that may migrate; empty: the same as DATABASE_URL"
    )
    database_pool_max: int = Field(5, ge=1, le=100, description="connections per process")
    redis_url: str = Field("", description="Redis 6.2 or newer, or Valkey; empty: starts its own")

    host: str = Field("127.0.0.1", description="address that the web server listens on")
    port: int = Field(8000, ge=1, le=65535, description="port of the web server")
    web_workers: int = Field(1, ge=1, le=64, description="web server processes")
    staff_pages: bool = Field(
        True, description="whether this web server has the staff pages; false: members' doors only"
    )
    staff_passkeys_required: bool = Field(
        True,
        description="in production, managers agree only with a passkey; false where there is none",
    )
    public_url: str = Field(
        "", description="base that providers call back; empty: http://127.0.0.1:PORT"
    )
    trusted_proxies: int = Field(
        0, ge=0, le=5, description="proxies of ours in front; 0 believes no X-Forwarded-For"
    )

    daraja_url: str = Field("", description="Daraja's base; empty: the sandbox on PORT+1")
    daraja_consumer_key: SecretStr = Field(SecretStr(DEVELOPMENT_SECRET), description="app key")
    daraja_consumer_secret: SecretStr = Field(
        SecretStr(DEVELOPMENT_SECRET), description="app secret"
    )
    daraja_shortcode: str = Field("600999", pattern=r"^[0-9]{5,7}$", description="B2C shortcode")
    daraja_initiator: str = Field("barazaapi", description="API operator's user name")
    daraja_initiator_password: SecretStr = Field(
        SecretStr(DEVELOPMENT_SECRET), description="valid 90 days at Safaricom"
    )
    daraja_password_set_on: date | None = Field(
        None, description="day it was set, 2026-11-23; an alert comes two weeks before it ends"
    )
    daraja_certificate: Path | None = Field(
        None, description="PEM or DER of Safaricom's key; empty: the sandbox's own"
    )
    daraja_connect_timeout_s: float = Field(5, gt=0, le=30, description="seconds")
    daraja_read_timeout_s: float = Field(25, gt=0, le=60, description="seconds")
    daraja_calls_max: int = Field(32, ge=1, le=64, description="payout calls at once per process")
    daraja_calls_per_s_max: int = Field(
        20, ge=1, le=1000, description="calls a second from all processes; fewer once refused"
    )
    float_reserve_kes: int = Field(
        0, ge=0, description="shillings; below this on M-PESA no payout is begun; 0: no limit"
    )
    float_ask_every_min: int = Field(
        15, ge=0, le=1440,
        description="minutes without news of the float until M-PESA is asked; 0: never by itself",
    )  # fmt: skip

    payout_resend_after_s: Seconds = Field(
        (5, 30, 120), description="comma; unanswered call: the same request again, then never"
    )
    payout_ask_after_s: Seconds = Field(
        (90, 300, 900, 3600, 21_600, 86_400),
        description="comma; status queries after the first call, the last one repeats",
    )
    payout_doubt_after_s: int = Field(
        120, ge=1, description="seconds without a result until a payout is in doubt"
    )
    payout_notice_after_s: int = Field(
        120, ge=1, description="seconds of silence until the member is told"
    )
    payout_unsent_expires_after_s: int = Field(
        21_600, ge=60, description="seconds until what was never sent goes back into savings"
    )

    sim_check: Literal["off", "on"] = Field(
        "off", description="ask AT Insights before money leaves whether the SIM was replaced lately"
    )
    sim_check_wait_s: int = Field(60, ge=1, le=3600, description="seconds that an answer may take")
    sim_check_fresh_h: int = Field(
        6, ge=0, le=168, description="hours that an answer which tells of a swap holds back others"
    )
    sim_swap_days: int = Field(
        3, ge=1, le=90, description="a SIM replaced this many days ago or less is sent nothing"
    )
    sim_check_unanswered: Literal["low_limit", "cancel"] = Field(
        "low_limit",
        description="no answer in time: send up to the limit after a change, or give it back",
    )

    start_pin_valid_h: int = Field(72, ge=1, le=720, description="hours until a start PIN expires")

    at_url: str = Field("", description="Africa's Talking's base; empty: the sandbox on PORT+2")
    at_username: str = Field("sandbox", description="account name")
    at_api_key: SecretStr = Field(SecretStr(DEVELOPMENT_SECRET), description="account key")
    at_sender_id: str = Field("", description="transactional sender; empty: the gateway's own")
    at_insights_url: str = Field(
        "", description="AT Insights' base, for SIM checks; empty: the sandbox on PORT+2"
    )
    at_read_timeout_s: float = Field(9, gt=0, le=30, description="seconds")

    audit_every_s: int = Field(
        60, ge=5, le=240, description="seconds between audits of what is new; one a night reads all"
    )
    alert_webhook_url: str = Field("", description="address that alerts are posted to; empty: none")
    alert_webhook_secret: SecretStr = Field(
        SecretStr(DEVELOPMENT_SECRET), description="signs what is posted there"
    )
    alert_phones: Phones = Field((), description="comma; +254...; on duty: SMS of every page")
    alert_escalation_phones: Phones = Field(
        (), description="comma; +254...; SMS of a page that nobody acknowledged"
    )
    alert_escalate_after_min: int = Field(
        15, ge=1, le=1440, description="minutes until a page that nobody acknowledged escalates"
    )
    alert_sms_per_h_max: int = Field(
        10,
        ge=1,
        le=100,
        description="SMS an hour to each of these phones; the last tells of the rest",
    )

    ussd_service_codes: Names = Field(("*384*2025#",), description="comma; codes we answer")
    callback_secrets: Secrets = Field(
        (SecretStr(DEVELOPMENT_SECRET),), description="comma, newest first; keys of our doors"
    )
    callback_sources: Names = Field((), description="comma; CIDRs that may call back; empty: all")
    pin_pepper: SecretStr = Field(
        SecretStr(DEVELOPMENT_SECRET), description="outside the database; losing it loses all PINs"
    )
    secret_key: SecretStr = Field(
        SecretStr(DEVELOPMENT_SECRET), description="signs staff sessions, encrypts stored tokens"
    )

    @field_validator(
        "ussd_service_codes",
        "callback_secrets",
        "callback_sources",
        "alert_phones",
        "alert_escalation_phones",
        "payout_resend_after_s",
        "payout_ask_after_s",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("callback_sources")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for cidr in value:
            ipaddress.ip_network(cidr)
        return value

    @field_validator("alert_phones", "alert_escalation_phones")
    @classmethod
    def _phones(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for number in value:
            if not is_e164(number.get_secret_value()):
                raise ValueError("must be numbers such as +254712345678")
        return value

    @field_validator("callback_secrets")
    @classmethod
    def _some_secret(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not value:
            raise ValueError("at least one secret is needed")
        return value

    @field_validator("payout_resend_after_s", "payout_ask_after_s")
    @classmethod
    def _rising(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value or value[0] < 1 or list(value) != sorted(set(value)):
            raise ValueError("must be whole seconds, each greater than the one before")
        return value

    @field_validator("database_url", "database_owner_url")
    @classmethod
    def _postgres(cls, value: str) -> str:
        if not value:
            return value
        scheme, _, rest = value.partition("://")
        if scheme not in {"postgresql", "postgres", "postgresql+psycopg"} or not rest:
            raise ValueError("must look like postgresql://user:password@host:5432/name")
        return f"postgresql+psycopg://{rest}"

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("must look like redis://host:6379/0")
        return value

    @field_validator("public_url", "daraja_url", "at_url", "at_insights_url", "alert_webhook_url")
    @classmethod
    def _http(cls, value: str) -> str:
        if value and (
            urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname
        ):
            raise ValueError("must look like https://host")
        return value.rstrip("/")

    @field_validator("daraja_certificate", "daraja_password_set_on", mode="before")
    @classmethod
    def _none(cls, value: object) -> object:
        return None if value == "" else value

    @model_validator(mode="after")
    def _fit_for_production(self) -> Self:
        faults = _production_faults(self) if self.in_production else []
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed in: `load` hands over the environment, so that tests need none."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @property
    def in_production(self) -> bool:
        """Whether members' real money is behind this process."""
        return self.baraza_env == "production"

    @property
    def public_base(self) -> str:
        """Where providers reach us."""
        return self.public_url or f"http://127.0.0.1:{self.port}"

    @property
    def daraja_base(self) -> str:
        """Where Daraja is."""
        return self.daraja_url or f"http://127.0.0.1:{self.port + 1}"

    @property
    def at_base(self) -> str:
        """Where Africa's Talking is."""
        return self.at_url or f"http://127.0.0.1:{self.port + 2}"

    @property
    def at_insights_base(self) -> str:
        """Where Africa's Talking's Insights are."""
        return self.at_insights_url or f"http://127.0.0.1:{self.port + 2}"

    @property
    def wants_sandbox(self) -> bool:
        """Whether neither provider was named, so that ours stand in for them."""
        return not self.daraja_url and not self.at_url and not self.in_production

    def door_tokens(self, door: str) -> tuple[str, ...]:
        """The path secrets of one of our doors, newest first.

        A door is `ussd`, `sms`, or the id that a provider's answer will carry. Each has a token of
        its own, so that a leaked address opens one payout at the most.
        """
        return tuple(
            hmac.new(s.get_secret_value().encode(), door.encode(), hashlib.sha256).hexdigest()[:40]
            for s in self.callback_secrets
        )

    def door_token(self, door: str) -> str:
        """The newest path secret of a door, for the addresses that we hand out."""
        return self.door_tokens(door)[0]

    def opens(self, door: str, token: str) -> bool:
        """Whether this token opens the door. Takes the same time for every wrong one."""
        tried = token.encode()
        # Every secret is compared, whichever of them fits.
        fits = [hmac.compare_digest(good.encode(), tried) for good in self.door_tokens(door)]
        return any(fits)

    @property
    def daraja_certificate_file(self) -> Path:
        """The certificate that payout credentials are encrypted with."""
        return self.daraja_certificate or self.baraza_var / "sandbox" / "safaricom.pem"

    def masked(self) -> dict[str, str]:
        """Every setting as text, secrets hidden: what `baraza config` prints."""
        shown = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr) or name == "callback_secrets":
                shown[name.upper()] = MASK
            elif name in {"alert_phones", "alert_escalation_phones"}:
                shown[name.upper()] = ",".join(mask(one.get_secret_value()) for one in value)
            elif name == "alert_webhook_url" and value:
                shown[name.upper()] = _without_path(value)
            elif name in {"database_url", "database_owner_url", "redis_url"} and value:
                shown[name.upper()] = _without_password(value)
            elif isinstance(value, tuple):
                shown[name.upper()] = ",".join(map(str, value))
            else:
                shown[name.upper()] = "" if value is None else str(value)
        return shown


def _production_faults(settings: Settings) -> list[str]:
    """What a development default or a slip must never do to members' money."""
    secrets = ("daraja_consumer_key", "daraja_consumer_secret", "daraja_initiator_password",
               "at_api_key", "pin_pepper", "secret_key")  # fmt: skip
    needed = ("database_url", "redis_url", "daraja_certificate", "callback_sources")
    addresses = ("public_url", "daraja_url", "at_url")
    long_enough = ("pin_pepper", "secret_key")

    def secret(name: str) -> str:
        value: SecretStr = getattr(settings, name)
        return value.get_secret_value()

    callback_keys = [key.get_secret_value() for key in settings.callback_secrets]
    return [
        *(
            f"{name.upper()} must be set in production"
            for name in secrets
            if secret(name) in {"", DEVELOPMENT_SECRET}
        ),
        *(
            f"{name.upper()} needs {SECRET_LENGTH_MIN} characters or more"
            for name in long_enough
            if len(secret(name)) < SECRET_LENGTH_MIN
        ),
        *(
            f"CALLBACK_SECRETS: number {n} needs {SECRET_LENGTH_MIN} characters or more"
            for n, key in enumerate(callback_keys, start=1)
            if len(key) < SECRET_LENGTH_MIN
        ),
        *(
            f"{name.upper()} must be set in production"
            for name in needed
            if not getattr(settings, name)
        ),
        *(
            f"{name.upper()} must be an https:// address in production"
            for name in addresses
            if not getattr(settings, name).startswith("https://")
        ),
        *_webhook_faults(settings),
    ]


def _webhook_faults(settings: Settings) -> list[str]:
    """Alerts tell strangers where we are weak, and a forged one sends people the wrong way."""
    if not settings.alert_webhook_url:
        return []
    secret = settings.alert_webhook_secret.get_secret_value()
    faults = []
    if not settings.alert_webhook_url.startswith("https://"):
        faults.append("ALERT_WEBHOOK_URL must be an https:// address in production")
    if secret == DEVELOPMENT_SECRET or len(secret) < SECRET_LENGTH_MIN:
        faults.append(f"ALERT_WEBHOOK_SECRET needs {SECRET_LENGTH_MIN} characters or more")
    return faults


def _without_path(url: str) -> str:
    """Addresses of chat rooms hold their secret in the path."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}/{MASK}"


def _without_password(url: str) -> str:
    """An address as it may be shown: PostgreSQL and Redis take a password in its query too."""
    parts = urlsplit(url)
    if parts.password is not None:
        netloc = parts.netloc.replace(f":{parts.password}@", f":{MASK}@")
        parts = parts._replace(netloc=netloc)
    query = re.sub(r"(?i)(password|passfile|sslpassword)=[^&]*", rf"\1={MASK}", parts.query)
    return parts._replace(query=query).geturl()


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment.

    Raises:
        Misconfigured: every fault, one line each, by the setting's name; no value is repeated,
            since it may be a secret.
    """
    source = os.environ if environment is None else environment
    given = {name: source[name.upper()] for name in Settings.model_fields if name.upper() in source}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as refused:
        lines: list[str] = []
        for fault in refused.errors(include_url=False, include_input=False, include_context=False):
            name = str(fault["loc"][0]).upper() if fault["loc"] else ""
            text = fault["msg"].removeprefix("Value error, ")
            lines.extend(f"{name}: {part}" if name else part for part in text.split("; "))
        raise Misconfigured("\n".join(lines)) from None
