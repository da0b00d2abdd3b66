"""The settings without which no production starts, none of them anybody's."""

LONG = "x" * 40
PRODUCTION = {
    "BARAZA_ENV": "production",
    "DATABASE_URL": "postgres://baraza:pw@db/baraza",
    "REDIS_URL": "redis://cache/0",
    "PUBLIC_URL": "https://baraza.example.co.ke",
    "DARAJA_URL": "https://daraja.example",
    "DARAJA_CERTIFICATE": "/etc/baraza/safaricom.pem",
    "AT_URL": "https://sms.example",
    "CALLBACK_SOURCES": "196.201.214.0/24, 196.201.213.44",
    "CALLBACK_SECRETS": f"{LONG}1,{LONG}2",
    **dict.fromkeys(
        (
            "DARAJA_CONSUMER_KEY",
            "DARAJA_CONSUMER_SECRET",
            "DARAJA_INITIATOR_PASSWORD",
            "AT_API_KEY",
            "PIN_PEPPER",
            "SECRET_KEY",
        ),
        LONG,
    ),
}
