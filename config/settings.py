"""One settings module for every place the product runs; what differs between places is an environment variable.

`DATABASE_URL` and `REDIS_URL` name the two servers. With both unset the launcher starts the embedded ones and sets
them, so by the time Django reads this module they are always known.
"""

import sys
from pathlib import Path
from urllib.parse import unquote

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config.secret import secret_key, web_push_key

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()

HOME = Path(env.str("WATTBOURSE_HOME", default=str(BASE_DIR / "var")))
SECRET_KEY = env.str("SECRET_KEY", default="") or secret_key(HOME)
# Earlier keys: sessions, links and second steps made with them still hold.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("WATTBOURSE_DEMO", default=False)  # the login page names the demo's accounts
# Markets whose wall everybody may see without a login, by code; in the demo its own.
WALLS = env.list("WATTBOURSE_WALLS", default=["campus"] if DEMO else [])
HTTPS = env.bool("WATTBOURSE_HTTPS", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "servestatic",
    "django.contrib.staticfiles",
    "channels",
    "pgtrigger",
    "rest_framework",
    "drf_spectacular",
    "knox",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "accounts",
    "meters",
    "tariffs",
    "trading",
    "settlement",
    "planning",
    "members",
    "portal",
    "simulator",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    # Before all that may refuse a request, so that a refusal carries them too.
    "portal.middleware.ContentSecurityPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.AuditorsReadOnly",
    "accounts.signin.middleware.KnownBrowser",
    "django.contrib.messages.middleware.MessageMiddleware",
    "portal.middleware.FormOnlyMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ]
        },
    }
]

# Without a database the pure commands (replays, catalogues) still work; the first query says what is missing.
_database_url = env.str("DATABASE_URL", default="")
if _database_url:
    DATABASES = {"default": env.db_url_config(_database_url)}
    DATABASES["default"]["ENGINE"] = "django.db.backends.postgresql"
    DATABASES["default"]["HOST"] = unquote(DATABASES["default"]["HOST"])  # a socket directory arrives percent-encoded
    DATABASES["default"]["OPTIONS"] = {
        # A stalled worker must not hold a market: whoever waits gives up, whoever idles inside a transaction is ended.
        "options": "-c lock_timeout=10s -c idle_in_transaction_session_timeout=30s -c timezone=UTC",
        "pool": {"min_size": 1, "max_size": env.int("DATABASE_POOL", default=12), "timeout": 15},
    }
    # A persistent connection per thread leaks under ASGI; the pool above keeps them instead.
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    # After a restart of the server the pool hands out no dead connection.
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
else:
    DATABASES = {"default": {"ENGINE": "django.db.backends.dummy"}}

REDIS_URL = env.str("REDIS_URL", default="")
if bool(_database_url) != bool(REDIS_URL):
    raise ImproperlyConfigured("Set both DATABASE_URL and REDIS_URL, or neither (then the embedded servers are used).")

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1) if REDIS_URL.startswith("unix:") else REDIS_URL

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "portal:login"
LOGIN_REDIRECT_URL = "portal:market"
LOGOUT_REDIRECT_URL = "portal:login"
AUDITORS_MAY_SEND = (  # they change nothing but one's own session and login
    "portal:login",
    "portal:logout",
    "portal:language",
    "accounts:second_step",
    "accounts:passkey_begin",
    "accounts:passkey_finish",
    "accounts:confirm",
    "accounts:forgotten",
    "accounts:reset",
    "accounts:password",
    "accounts:totp",
    "accounts:totp_remove",
    "accounts:codes",
    "accounts:passkey_add_begin",
    "accounts:passkey_add_finish",
    "accounts:passkey_remove",
    "accounts:sign_out_one",
    "accounts:sign_out_others",
    "accounts:email",
    "accounts:email_confirm",
    "accounts:export",
    "accounts:erase",
    "portal:notices_read",
    "portal:notices_settings",
    "portal:notices_device",
    "portal:notices_device_remove",
)
# Where mail goes: smtp+tls://user:password@host:587; until it is set, into files.
vars().update(env.email_url("EMAIL_URL", default="filemail://"))
EMAIL_FILE_PATH = str(HOME / "mail")
EMAIL_TIMEOUT = 10  # a mail server that does not answer holds nobody up
DEFAULT_FROM_EMAIL = env.str("WATTBOURSE_MAIL_FROM", default="wattbourse@localhost")
# The site's own address, for links in mails that no request asked for: https://energy.example.vn
SITE_ADDRESS = env.str("WATTBOURSE_ADDRESS", default="").rstrip("/")
# Messages to browsers: the key that signs them, whom a push service may write to, and the push services of the browsers
# (docs/notices.md). An entry with a scheme is the exact origin of a service of one's own.
WEB_PUSH_KEY = env.str("WATTBOURSE_WEB_PUSH_KEY", default="") or web_push_key(HOME)
WEB_PUSH_CONTACT = env.str("WATTBOURSE_WEB_PUSH_CONTACT", default=f"mailto:{DEFAULT_FROM_EMAIL}")
PUSH_SERVICES = env.list(
    "WATTBOURSE_PUSH_SERVICES",
    default=[
        "fcm.googleapis.com",
        "updates.push.services.mozilla.com",
        "*.push.apple.com",
        "*.notify.windows.com",
    ],
)

# Whether administrators must add a passkey or an authenticator app before they may do anything.
STAFF_NEED_SECOND_STEP = env.bool("WATTBOURSE_STAFF_SECOND_STEP", default=not DEMO)
# How many times one may guess at once for one name, and from one address; both fill up again slowly.
SIGN_INS_AT_ONCE = env.int("WATTBOURSE_SIGN_INS_AT_ONCE", default=1_000 if DEMO else 20)
SIGN_INS_PER_ADDRESS = env.int("WATTBOURSE_SIGN_INS_PER_ADDRESS", default=10_000 if DEMO else 100)
INVITATION_DAYS = env.int("WATTBOURSE_INVITATION_DAYS", default=7)
# What other apps hold about a participant, and whether it has open money (accounts/signin/holdings.py).
PERSONAL_DATA = "config.personal_data.HeldData"

MFA_ADAPTER = "accounts.signin.adapter.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Wattbourse"
MFA_TOTP_TOLERANCE = 1  # a phone's clock may be half a minute off
MFA_RECOVERY_CODE_COUNT = 10
MFA_RECOVERY_CODE_DIGITS = 10

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("vi", _("Vietnamese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
# Where PDFs of documents lie, and where invoices wait for the e-invoice provider's program.
DOCUMENTS_FOLDER = Path(env.str("WATTBOURSE_DOCUMENTS", default=str(HOME / "documents")))
EINVOICE_OUTBOX = Path(env.str("WATTBOURSE_EINVOICE_OUTBOX", default=str(HOME / "e-invoices")))
# Where a job of yours writes backups, so that the health page can tell how old the newest is.
BACKUPS_FOLDER = env.str("WATTBOURSE_BACKUPS", default="")
# A class that takes a folder for the site and is an `EInvoiceProvider` (settlement/documents/providers.py).
EINVOICE_PROVIDER = env.str("WATTBOURSE_EINVOICE_PROVIDER", default="settlement.documents.providers.FileDrop")

# The folder of collected files: each has a digest in its name, so browsers keep it for good, and lies compressed beside
# itself. ./run collects before it starts. Where the variable is not set, each file is served as it lies in its app.
_static = env.str("WATTBOURSE_STATIC", default="")
STATIC_ROOT = Path(_static or HOME / "static")
STATIC_COLLECTED = "collectstatic" in sys.argv or (bool(_static) and (STATIC_ROOT / "staticfiles.json").exists())
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "config.statics.CollectedStatics"
        if STATIC_COLLECTED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
SERVESTATIC_USE_FINDERS = not STATIC_COLLECTED

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# The longest form is a rulebook of 2 MB, percent-encoded. Files and bodies of the API have limits of their own.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "knox.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Wattbourse API",
    "VERSION": "1",
    "DESCRIPTION": "Orders, market data and meter readings of a local energy market. Energy in Wh, prices in VND/kWh.",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
}

SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SESSION_COOKIE_HTTPONLY = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
