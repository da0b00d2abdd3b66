"""Whether the machinery is well, what runs, and how it is set."""

from flask.typing import ResponseReturnValue

from app import redis_client
from app.operations import wellbeing
from app.operations.context import context
from app.staff.console.routes import page, reading, shown
from app.staff.permissions import Permission

ANSWER_S_MAX = 0.5
"""A Redis that takes longer is said not to answer."""


@page("/health", Permission.SEE_HEALTH)
def machinery() -> ResponseReturnValue:
    """Each thing that must hold, versions, and every setting with its secrets masked."""
    settings = context().settings
    redis = redis_client.connect(settings.redis_url, timeout_s=ANSWER_S_MAX)
    queue = wellbeing.redis_version(redis)
    redis.close()
    with reading() as tx:
        lines, versions = wellbeing.read(tx, settings, queue=queue)
    fields = type(settings).model_fields
    return shown(
        "health.html",
        lines=lines,
        versions=versions,
        is_well=all(line.sign == "good" for line in lines),
        settings=[
            (name, value, fields[name.lower()].description)
            for name, value in settings.masked().items()
        ],
    )
