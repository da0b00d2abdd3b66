"""Where the page may be: play money, seen by nobody but the machine that it runs on."""

from ipaddress import ip_address

from app.config import Settings


def fits(settings: Settings) -> bool:
    """Whether this installation has the page.

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
