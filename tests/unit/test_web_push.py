"""Web Push: the worked example of RFC 8291, the token of RFC 8292, and which addresses may be posted to."""

import base64
import json
import socket
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from accounts.webpush.encrypt import (
    BadKeys,
    as_text,
    check_keys,
    decrypt,
    encrypt,
    from_text,
    private_key,
    public_point,
)
from accounts.webpush.services import NotAService, address_of, endpoint_of
from accounts.webpush.vapid import authorization, key_of, public_key
from config.secret import P256_ORDER, web_push_key

# RFC 8291, appendix A.
PLAIN = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
BROWSER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH, SALT = "BTBZMqHH6r4Tts7J_aSIgg", "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
    "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
    "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)
SERVICES = ["fcm.googleapis.com", "*.push.apple.com", "http://127.0.0.1:8099"]
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def test_the_worked_example_of_the_standard_byte_for_byte() -> None:
    made = encrypt(PLAIN, P256DH, AUTH, own=private_key(from_text(SENDER)), salt=from_text(SALT))
    assert as_text(made) == BODY


def test_a_browser_reads_what_was_encrypted_for_it_and_no_other_does() -> None:
    browser = private_key(from_text(BROWSER))
    assert decrypt(from_text(BODY), browser, from_text(AUTH)) == PLAIN
    text = "Nhà B2 có hóa đơn mới".encode()
    made = encrypt(text, P256DH, AUTH)
    assert decrypt(made, browser, from_text(AUTH)) == text and text not in made
    with pytest.raises(ValueError, match="another browser"):
        decrypt(made, generate_private_key(SECP256R1()), from_text(AUTH))


def test_each_message_has_a_key_of_its_own() -> None:
    assert encrypt(b"x", P256DH, AUTH) != encrypt(b"x", P256DH, AUTH)


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [("", AUTH), ("AAAA", AUTH), (P256DH, "AAAA"), (P256DH, "é"), ("B" + "A" * 86, AUTH), (P256DH[:-1] + "é", AUTH)],
)
def test_keys_that_are_none_are_refused(p256dh: str, auth: str) -> None:
    with pytest.raises(BadKeys):
        check_keys(p256dh, auth)


def test_too_long_a_message_is_refused() -> None:
    assert len(encrypt(b"x" * 3_000, P256DH, AUTH)) <= 4_096
    with pytest.raises(ValueError, match="3000"):
        encrypt(b"x" * 3_001, P256DH, AUTH)


def test_a_new_key_is_made_once_and_kept_for_its_owner_alone(tmp_path) -> None:
    first = web_push_key(tmp_path)
    assert web_push_key(tmp_path) == first
    assert (tmp_path / "web_push_key").stat().st_mode & 0o777 == 0o600
    assert 0 < int.from_bytes(from_text(first)) < P256_ORDER
    assert len(from_text(public_key(first))) == 65


def test_the_token_says_who_sends_where_until_when_and_is_signed() -> None:
    text = as_text((7).to_bytes(32))
    header = authorization(text, origin="https://fcm.googleapis.com", contact="mailto:a@b.vn", at=NOW)
    token, key = header.removeprefix("vapid t=").split(", k=")
    head, claims, signature = token.split(".")
    assert json.loads(from_text(head)) == {"typ": "JWT", "alg": "ES256"}
    told = json.loads(from_text(claims))
    assert told["aud"] == "https://fcm.googleapis.com" and told["sub"] == "mailto:a@b.vn"
    assert 0 < told["exp"] - NOW.timestamp() <= 86_400
    assert from_text(key) == public_point(key_of(text))
    raw = from_text(signature)
    signed = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    key_of(text).public_key().verify(signed, f"{head}.{claims}".encode(), ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        key_of(text).public_key().verify(signed, f"{head}.x{claims}".encode(), ECDSA(SHA256()))


@pytest.mark.parametrize(
    ("address", "host", "path"),
    [
        ("https://fcm.googleapis.com/fcm/send/abc?x=1", "fcm.googleapis.com", "/fcm/send/abc?x=1"),
        ("https://FCM.googleapis.com:443/a", "fcm.googleapis.com", "/a"),
        ("https://web.push.apple.com/Q", "web.push.apple.com", "/Q"),
        ("http://127.0.0.1:8099/push/1", "127.0.0.1", "/push/1"),
    ],
)
def test_known_push_services_are_taken(address: str, host: str, path: str) -> None:
    found = endpoint_of(address, SERVICES)
    assert (found.host, found.path) == (host, path)


@pytest.mark.parametrize(
    "address",
    [
        "http://fcm.googleapis.com/a",
        "https://fcm.googleapis.com:8443/a",
        "https://fcm.googleapis.com.evil.example/a",
        "https://evilfcm.googleapis.com/a",
        "https://push.apple.com.evil.example/a",
        "https://push.apple.com/a",
        "https://user:secret@fcm.googleapis.com/a",
        "https://fcm.googleapis.com@10.0.0.1/a",
        "https://127.0.0.1/a",
        "http://127.0.0.1:8098/a",
        "http://127.0.0.1:8099@10.0.0.1/a",
        "https://[::1]/a",
        "https://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "https://fcm.googleapis.com/a\r\nHost: x",
        "https://fcm.googleapis.com/ä",
        "https://[broken/a",
        "https://fcm.googleapis.com:port/a",
        "https://fcm.googleapis.com/" + "a" * 1_000,
        "",
    ],
)
def test_other_addresses_are_not_posted_to(address: str) -> None:
    with pytest.raises(NotAService):
        endpoint_of(address, SERVICES)


@pytest.mark.parametrize("address", ["10.0.0.5", "127.0.0.1", "169.254.169.254", "::1", "fd00::1", "fe80::1%eth0"])
def test_a_known_name_that_leads_inside_is_not_posted_to(monkeypatch, address: str) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(NotAService, match="public address"):
        address_of(endpoint_of("https://fcm.googleapis.com/a", SERVICES))


def test_base64url_without_padding() -> None:
    assert from_text("_-8") == base64.urlsafe_b64decode("_-8=") and as_text(b"\xff\xef") == "_-8"
