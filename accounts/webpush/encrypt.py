"""A message that only one browser can read: RFC 8291 over the content coding `aes128gcm` of RFC 8188.

A browser hands out a public key and a secret when it subscribes. For each message a new key pair is made; its shared
secret with the browser's key, mixed with the browser's secret and a random salt, gives the key of AES-128-GCM. The push
service in between sees salt, the new public key and noise. The worked example of RFC 8291, appendix A, is the test.
"""

import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from hmac import digest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

POINT_BYTES, AUTH_BYTES, SALT_BYTES = 65, 16, 16
RECORD_BYTES = 4_096  # one record holds the whole message
MOST_BYTES = 3_000  # every push service takes a message of 4,096 bytes once it is encrypted
_LAST_RECORD = b"\x02"
_TEXT = re.compile(r"[A-Za-z0-9_-]*={0,2}")


class BadKeys(ValueError):
    """What a browser gave as its keys are none; the message says what is wrong."""

    code = "bad_keys"


def from_text(text: str) -> bytes:
    """Bytes from base64url without padding. Raises BadKeys, also for what Python's own reader would pass over."""
    if not _TEXT.fullmatch(text):
        raise BadKeys("The browser's keys are not base64url.")
    try:
        return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError as error:
        raise BadKeys("The browser's keys are not base64url.") from error


def as_text(data: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def public_point(key: EllipticCurvePrivateKey | EllipticCurvePublicKey) -> bytes:
    """A public key as the 65 bytes of its point."""
    public = key.public_key() if isinstance(key, EllipticCurvePrivateKey) else key
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def private_key(scalar: bytes) -> EllipticCurvePrivateKey:
    """A private key from its 32 bytes."""
    return derive_private_key(int.from_bytes(scalar), SECP256R1())


def check_keys(p256dh: str, auth: str) -> tuple[EllipticCurvePublicKey, bytes]:
    """A browser's public key and secret. Raises BadKeys where they are none."""
    point, secret = from_text(p256dh), from_text(auth)
    if len(point) != POINT_BYTES or len(secret) != AUTH_BYTES:
        raise BadKeys("The browser's keys have the wrong length.")
    try:
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point), secret
    except ValueError as error:
        raise BadKeys("The browser's public key is no point of the curve.") from error


def encrypt(
    message: bytes, p256dh: str, auth: str, *, own: EllipticCurvePrivateKey | None = None, salt: bytes | None = None
) -> bytes:
    """The body of a push request. `own` and `salt` are new for each message; only a worked example names them.

    Raises BadKeys, and ValueError for a message of more than 3,000 bytes.
    """
    if len(message) > MOST_BYTES:
        raise ValueError(f"A message may have {MOST_BYTES} bytes and not {len(message)}.")
    browser, secret = check_keys(p256dh, auth)
    own, salt = own or generate_private_key(SECP256R1()), salt or os.urandom(SALT_BYTES)
    sender = public_point(own)
    key, nonce = _keys(own.exchange(ECDH(), browser), secret, public_point(browser), sender, salt)
    header = salt + RECORD_BYTES.to_bytes(4) + bytes((len(sender),)) + sender
    return header + AESGCM(key).encrypt(nonce, message + _LAST_RECORD, None)


def decrypt(body: bytes, browser: EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """What a browser does with the body: the message. Raises ValueError where it is not meant for this browser."""
    salt, size = body[:SALT_BYTES], body[SALT_BYTES + 4]
    sender = body[SALT_BYTES + 5 : SALT_BYTES + 5 + size]
    point = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), sender)
    key, nonce = _keys(browser.exchange(ECDH(), point), auth, public_point(browser), sender, salt)
    try:
        padded = AESGCM(key).decrypt(nonce, body[SALT_BYTES + 5 + size :], None)
    except InvalidTag as error:
        raise ValueError("The message was encrypted for another browser.") from error
    return padded.rstrip(b"\0")[:-1]


def _keys(shared: bytes, auth: bytes, browser: bytes, sender: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """Content key and nonce (RFC 8291, section 3.4); HKDF of one block each."""
    mixed = _expand(_hmac(auth, shared), b"WebPush: info\0" + browser + sender, 32)
    seed = _hmac(salt, mixed)
    return _expand(seed, b"Content-Encoding: aes128gcm\0", 16), _expand(seed, b"Content-Encoding: nonce\0", 12)


def _expand(key: bytes, info: bytes, size: int) -> bytes:
    return _hmac(key, info + b"\x01")[:size]


def _hmac(key: bytes, data: bytes) -> bytes:
    return digest(key, data, sha256)
