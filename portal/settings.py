"""Django's settings; what the environment can change is declared in `portal.env`."""

from typing import Any

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from portal import env, logs

env.read_dotenv()

BASE_DIR = env.BASE_DIR
DATA_DIR = env.value("PORTAL_DATA_DIR")
IS_EMBEDDED = env.value("PORTAL_EMBEDDED")

SECRET_KEY = env.value("SECRET_KEY")
DEBUG = env.value("DEBUG")
ALLOWED_HOSTS = env.value("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = env.value("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "portal.apps.PortalAdminConfig",
    "portal.apps.PortalConfig",
    "incidents",
    "tenants",
    "allauth",
    "allauth.account",
    "django_htmx",
    "csp",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.logs.RequestLogMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "tenants.middleware.ServedDoorsMiddleware",
    "portal.web.polls.UnchangedMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "tenants.middleware.DoorMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.web.context.portal",
            ],
        },
    }
]

# --- Database: the login role; an administrator's connection only where it was given. ---

_DATABASE: dict[str, Any] = {
    "ENGINE": "django.db.backends.postgresql",
    "CONN_MAX_AGE": None,
    "CONN_HEALTH_CHECKS": True,
    "ATOMIC_REQUESTS": True,
    "DISABLE_SERVER_SIDE_CURSORS": True,
}
_LOGIN_DATABASE = env.value("DATABASE_URL")
# Planning the door's and the pages' statements takes longer than running them: let the server
# keep their plans. It knows which plans depend on the role, so scopes do not mix.
_LOGIN_OPTIONS = {
    "server_side_binding": True,
    "prepare_threshold": 2,
    "connect_timeout": env.value("DATABASE_WAIT_SECONDS"),
}
DATABASES: dict[str, dict[str, Any]] = {
    "default": _LOGIN_DATABASE | _DATABASE | {"OPTIONS": _LOGIN_DATABASE.get("OPTIONS", {}) | _LOGIN_OPTIONS}
}
DATABASE_POOL_SIZE = env.value("DATABASE_POOL_SIZE")
DATABASE_WAIT_SECONDS = env.value("DATABASE_WAIT_SECONDS")
ADMIN_DATABASE = env.value("DATABASE_ADMIN_URL")
if ADMIN_DATABASE:
    # Migrations run as the role that owns the objects, whoever the administrator is.
    DATABASES["owner"] = ADMIN_DATABASE | {
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": ADMIN_DATABASE.get("OPTIONS", {}) | {"options": "-c role=portal_owner"},
    }
DATABASE_ROUTERS = ["portal.routers.OwnerRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Cache and worker ---

REDIS_URL = env.value("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "portal",
        "OPTIONS": {
            "socket_connect_timeout": 0.5,
            "socket_timeout": 0.5,
            "serializer": "portal.cached_values.JsonValues",
        },
    }
}
CELERY_BROKER_URL = env.value("CELERY_BROKER_URL") or REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 600}
CELERY_WORKER_UNACKED_RESTORE_INTERVAL = 5
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = 300
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"

# --- People and sign-in ---

# A browser takes a cookie of such a name from this very host alone, over HTTPS.
_BOUND = "__Host-" if env.value("SECURE") else ""
AUTH_USER_MODEL = "tenants.User"
SESSION_ENGINE = "tenants.models.session"
SESSION_COOKIE_AGE = 60 * 60 * 12
SESSION_COOKIE_NAME = f"{_BOUND}portal_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = f"{_BOUND}portal_csrf"
CSRF_COOKIE_HTTPONLY = True
ZONE_COOKIE_NAME = f"{_BOUND}portal_zone"
MESSAGE_COOKIE_NAME = f"{_BOUND}portal_messages"
MESSAGE_STORAGE = "portal.cookies.MessageCookie"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["tenants.passwords.Argon2Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "CommonPasswordValidator")
] + [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    }
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "tenants.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
# An unknown address is worked for like a known one; tenants.adapters sends it nothing.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# From one address fewer wrong passwords than would shut out the person they are tried on.
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,100/5m/key", "verify": "120/m/ip"}
PASSWORD_RESET_TIMEOUT = 60 * 60 * 24 * 3
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if env.value("SECURE") else "http"
ALLAUTH_TRUSTED_PROXY_COUNT = env.value("TRUSTED_PROXY_COUNT")

# --- Mail: a server, or files in the data folder ---

DEFAULT_FROM_EMAIL = env.value("DEFAULT_FROM_EMAIL")
if env.value("EMAIL_URL"):
    vars().update(env.email_settings(env.value("EMAIL_URL")))
    EMAIL_TIMEOUT = 10
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = DATA_DIR / "mail"

# --- Pages, files, browser's walls ---

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "img-src": [SELF, "data:"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_HANDLERS = ["portal.uploads.TwoPagesTakeAFile"]
if env.value("SECURE"):
    if DEBUG:
        raise ImproperlyConfigured("SECURE and DEBUG exclude each other: debug pages show everything.")
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# --- Language, time, numbers ---

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# --- The portal's own ---

BUILD = env.build()
DOORS = env.value("DOORS")
VENDOR_NAME = env.value("VENDOR_NAME")
COMPANIES_NAMED_BY_DEFAULT = env.value("COMPANIES_NAMED_BY_DEFAULT")
POST_MORTEM_ANSWER_BUSINESS_DAYS = env.value("POST_MORTEM_ANSWER_BUSINESS_DAYS")
POST_MORTEM_PRELIMINARY_HOURS = env.value("POST_MORTEM_PRELIMINARY_HOURS")
POST_MORTEM_FINAL_DAYS = env.value("POST_MORTEM_FINAL_DAYS")
BUSINESS_CALENDAR = env.business_calendar()
DEGRADED_WEIGHT_PERCENT = env.value("DEGRADED_WEIGHT_PERCENT")
if DEGRADED_WEIGHT_PERCENT > 100:
    raise ImproperlyConfigured("DEGRADED_WEIGHT_PERCENT is a share: 0 to 100.")
STATEMENT_SIGNING_KEY = env.value("STATEMENT_SIGNING_KEY")
STATEMENT_OLD_PUBLIC_KEYS = env.value("STATEMENT_OLD_PUBLIC_KEYS")
POST_MORTEM_SECOND_PERSON = env.value("POST_MORTEM_SECOND_PERSON")
UPDATE_UNDO_SECONDS = env.value("UPDATE_UNDO_SECONDS")
UPDATE_SECOND_PERSON = env.value("UPDATE_SECOND_PERSON")
POLL_SECONDS = env.value("POLL_SECONDS")

LOGGING = logs.configuration(env.value("LOG_LEVEL"))
logs.configure()
