"""How django-allauth keeps second steps here: their secrets encrypted by the installation's key.

Whoever has a copy of the database alone can compute no one-time code. After a change of SECRET_KEY the earlier one must
stand in SECRET_KEY_FALLBACKS, else authenticator apps have to be set up again.
"""

from base64 import urlsafe_b64encode
from hashlib import sha256

from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser

PURPOSE = b"wattbourse second step "


def _cipher() -> MultiFernet:
    keys = [str(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    return MultiFernet([Fernet(urlsafe_b64encode(sha256(PURPOSE + key.encode()).digest())) for key in keys])


class Adapter(DefaultMFAAdapter):
    """Secrets encrypted; people and the site named as the pages name them."""

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def _get_site_name(self) -> str:
        return "Wattbourse"

    def _get_user_identifier(self, user: AbstractBaseUser) -> str:
        return user.get_username()
