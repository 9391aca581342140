"""Who sends: a token signed with the key of this house (VAPID, RFC 8292), and the public key that browsers subscribe
with. A push service takes messages for a subscription only from the key that it was made with, so the key must stay."""

import json
from datetime import datetime, timedelta
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from accounts.webpush.encrypt import as_text, from_text, private_key, public_point

HOLDS = timedelta(hours=12)  # a token may hold for a day


@cache
def key_of(text: str) -> EllipticCurvePrivateKey:
    """The private key from its text in the settings."""
    return private_key(from_text(text.strip()))


def public_key(text: str) -> str:
    """What a browser needs to subscribe: the public key that belongs to the private one."""
    return as_text(public_point(key_of(text)))


def authorization(text: str, *, origin: str, contact: str, at: datetime) -> str:
    """The header with which a push service at `origin` takes a message: token and public key."""
    head = _part({"typ": "JWT", "alg": "ES256"})
    claims = _part({"aud": origin, "exp": int((at + HOLDS).timestamp()), "sub": contact})
    signed = f"{head}.{claims}"
    r, s = decode_dss_signature(key_of(text).sign(signed.encode(), ECDSA(SHA256())))
    return f"vapid t={signed}.{as_text(r.to_bytes(32) + s.to_bytes(32))}, k={public_key(text)}"


def _part(claims: dict[str, object]) -> str:
    return as_text(json.dumps(claims, separators=(",", ":")).encode())
