"""Secrets in links: what is sent, and what is stored of it.

A secret of 256 random bits needs no slow hash: nobody can try them all. So SHA-256 is what the database keeps.
"""

from hashlib import sha256


def digest_of(secret: str) -> str:
    """What is stored of a secret: 64 hexadecimal digits."""
    return sha256(secret.encode("utf-8")).hexdigest()
