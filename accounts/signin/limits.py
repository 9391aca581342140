"""How often somebody may guess: per name and per address, counted in Valkey before anything is checked.

A name has 20 tries at once and one more each half minute, an address 100 and one more every 3 seconds (a school sits
behind one address). A name that does not exist is counted like one that does. Codes of the second step have 6 tries and
one more each minute, per user: a million codes, of which three hold at a time, take half a year on average to guess.
A house has 2⁶⁴ addresses of IPv6, so they count as one by their first 64 bits.
"""

from hashlib import sha256
from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest

from accounts.bucket import take

NAME_PER_SECOND, ADDRESS_PER_SECOND = 1 / 30, 1 / 3
CODES_AT_ONCE, CODES_PER_SECOND = 6, 1 / 60
MAILS_AT_ONCE, MAILS_PER_SECOND = 20, 1 / 300
RESETS_AT_ONCE, RESETS_PER_SECOND = 3, 1 / 600


def address_of(request: HttpRequest) -> str:
    """Where the request comes from, as the server in front told it, without a port; empty where that is no address."""
    text = str(request.META.get("REMOTE_ADDR", ""))
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    return str((found.ipv4_mapped if isinstance(found, IPv6Address) else None) or found)


def _network_of(request: HttpRequest) -> str:
    text = address_of(request)
    return IPv6Address(text).exploded[:19] if ":" in text else text


def wait_for_name(request: HttpRequest, name: str) -> int:
    """Seconds to wait before the next try for this name or from this address; 0: go on."""
    if wait := wait_for_address(request):
        return wait
    most = settings.SIGN_INS_AT_ONCE
    return take(_key("name", name.casefold()), 1, per_second=NAME_PER_SECOND, at_once=most).wait


def wait_for_address(request: HttpRequest) -> int:
    """Seconds to wait before the next try from this address."""
    most = settings.SIGN_INS_PER_ADDRESS
    return take(_key("address", _network_of(request)), 1, per_second=ADDRESS_PER_SECOND, at_once=most).wait


def wait_for_code(user_id: int) -> int:
    """Seconds to wait before the user's next one-time or recovery code."""
    return take(_key("code", str(user_id)), 1, per_second=CODES_PER_SECOND, at_once=CODES_AT_ONCE).wait


def wait_for_mail(user_id: int) -> int:
    """Seconds to wait before the user may have the next mail sent: nobody floods a stranger's mailbox from here."""
    return take(_key("mail", str(user_id)), 1, per_second=MAILS_PER_SECOND, at_once=MAILS_AT_ONCE).wait


def wait_for_reset(request: HttpRequest, named: str) -> int:
    """Seconds to wait before the next letter about a forgotten password of this name or address, or from this browser's
    address."""
    if wait := wait_for_address(request):
        return wait
    return take(_key("reset", named.casefold()), 1, per_second=RESETS_PER_SECOND, at_once=RESETS_AT_ONCE).wait


def _key(kind: str, text: str) -> str:
    # A digest, so that Valkey holds no names and no key grows with what a stranger sends.
    site = str(settings.DATABASES["default"].get("NAME", ""))
    return f"door:{kind}:{sha256(f'{site} {text}'.encode()).hexdigest()[:32]}"
