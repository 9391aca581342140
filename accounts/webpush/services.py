"""Which addresses may be posted to. A browser names its own push service, so a forged one could make this server knock
at doors inside its network; it may not.

An endpoint is taken where it is `https`, at the usual port, of a host that the setting PUSH_SERVICES names. Its address
is looked up once, must be a public one, and is the one that is connected to; redirections are not followed. An entry
with a scheme, `http://10.0.0.5:8080`, is the exact origin of a push service of one's own, and is trusted as it is.
"""

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

HTTPS_PORT = 443
MOST_CHARACTERS = 1_000


class NotAService(ValueError):
    """This address may not be posted to; the message says why. `code` is stable."""

    code = "not_a_push_service"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a message is posted: an origin (`https://host`), host, port and the path with its query."""

    origin: str
    host: str
    port: int
    path: str
    own: bool

    @property
    def secure(self) -> bool:
        """Whether it is https."""
        return self.origin.startswith("https:")


def endpoint_of(address: str, services: Sequence[str]) -> Endpoint:
    """The endpoint that an address names. Raises NotAService unless it is one of `services`."""
    if len(address) > MOST_CHARACTERS or not address.isascii() or not address.isprintable() or " " in address:
        raise NotAService("The address of the push service is not written as one.")
    try:
        parts = urlsplit(address)
        port = parts.port or (HTTPS_PORT if parts.scheme == "https" else 80)
    except ValueError as error:
        raise NotAService("The address of the push service is not written as one.") from error
    host = (parts.hostname or "").lower()
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.username is not None or parts.password is not None or not host:
        raise NotAService("The address of a push service has no user name.")
    origin = f"{parts.scheme}://{parts.netloc.lower()}"
    if origin in services:
        return Endpoint(origin, host, port, path, own=True)
    if parts.scheme != "https" or port != HTTPS_PORT or not any(_fits(host, name) for name in services):
        raise NotAService("This browser's push service is not one that the house sends to; ask the administrator.")
    return Endpoint(f"https://{host}", host, port, path, own=False)


def _fits(host: str, name: str) -> bool:
    """`*.push.apple.com` is every host below; without the star it is that host."""
    if "://" in name:
        return False
    return host.endswith(name[1:]) if name.startswith("*.") else host == name


def address_of(endpoint: Endpoint) -> str:
    """The IP address to connect to. Raises NotAService where it is not a public one, OSError where there is none."""
    found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not endpoint.own and not all(ipaddress.ip_address(each.partition("%")[0]).is_global for each in addresses):
        raise NotAService("The push service has no public address.")
    return addresses[0]
