"""Where play money may be played with: the phone page, and demo staff, on this machine alone."""

from ipaddress import ip_address

from app.config import Settings


def fits(settings: Settings) -> bool:
    """Whether this installation is one to play with.

    Not in production, not where a provider is real, not on an address that others reach, and not
    behind a proxy, which could be reached for us.
    """
    return settings.wants_sandbox and not settings.trusted_proxies and is_loopback(settings.host)


def host_name(host: str) -> str:
    """The name or address in a Host header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def is_loopback(host: str) -> bool:
    """Whether this name or address means this machine and no other."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
