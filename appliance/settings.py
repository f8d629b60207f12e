"""Install settings of web side, commands and Celery workers, read once from the environment.

What the last `./postern run` chose stands in var/postern.env ($POSTERN_VAR/postern.env) and is read
too, so that a command in another terminal finds the running stack; the real environment wins.
What an administrator may change at run time is a row in Postgres, never here.
"""

import os
import shlex
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF

from appliance.api.framework import REST_FRAMEWORK as REST_FRAMEWORK
from appliance.api.framework import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("POSTERN_VAR") or BASE_DIR / "var")

env = environ.FileAwareEnv()  # NAME_FILE names a file that holds the value
if os.access(VAR_DIR / "postern.env", os.R_OK):
    env.read_env(VAR_DIR / "postern.env")

# --- Names and addresses --------------------------------------------------------------------------

APPLIANCE_HOSTNAME = env.str("APPLIANCE_HOSTNAME", default="localhost")
WEB_PUBLIC_URL = env.str("WEB_PUBLIC_URL", default="http://127.0.0.1:8080").rstrip("/")
_public = urlsplit(WEB_PUBLIC_URL)
_https = _public.scheme == "https"

DEBUG = False
SECRET_KEY = env.str("SECRET_KEY").strip()
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = sorted(
    {_public.hostname or "localhost", APPLIANCE_HOSTNAME, "localhost", "127.0.0.1", "[::1]"}
    | set(env.list("WEB_ALLOWED_HOSTS", default=[]))
)
CSRF_TRUSTED_ORIGINS = [WEB_PUBLIC_URL]

# --- Applications ---------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "axes",
    "bootstrap",
    "chartkick.django",  # its Chart.js
    "csp",
    "django_htmx",
    "lucide",
    "appliance.apps.ApplianceConfig",
    "appliance.accounts",
    "appliance.api",
    "appliance.domains",
    "appliance.engines",
    "appliance.notices",
    "appliance.policies",
    "appliance.sources",
    "appliance.status",
    "appliance.ui",
    "quarantine",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "appliance.ui.middleware.PrivatePages",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",  # a view without a login says so
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "appliance.accounts.first_login.FirstLoginMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "appliance.urls"
WSGI_APPLICATION = "appliance.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

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
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- Postgres and Celery --------------------------------------------------------------------------

DATABASES = {"default": env.db("DATABASE_URL", default="postgres:///postern")}
# All four together make the filter find a Postgres that has come back with the next message: each
# alone is not enough.  No verb depends on ATOMIC_REQUESTS: each owns its transaction.
DATABASES["default"].update(ATOMIC_REQUESTS=False, CONN_MAX_AGE=None, CONN_HEALTH_CHECKS=True)
DATABASES["default"]["OPTIONS"] = {
    **DATABASES["default"].get("OPTIONS", {}),
    "connect_timeout": 5,
    "options": "-c statement_timeout=10s",
}

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="redis://127.0.0.1:6379/0").strip()
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 10,
    "socket_connect_timeout": 2,
    "max_retries": 1,  # a page does not wait for a broker that is down
    "interval_start": 0,
}
CELERY_TASK_DEFAULT_QUEUE = "celery"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_PUBLISH_RETRY = False  # beat wakes up what a lost call forgot
CELERY_TASK_TIME_LIMIT = 300  # seconds
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# --- The agent, which writes SpamAssassin's configuration -----------------------------------------

AGENT_SPAMASSASSIN_FOLDER = env.str("AGENT_SPAMASSASSIN_FOLDER", default="")
AGENT_SPAMASSASSIN_DATABASE_URL = env.str(
    "AGENT_SPAMASSASSIN_DATABASE_URL",
    default=env.str("DATABASE_URL", default="postgres:///postern"),
)
AGENT_SPAMD_PID_FILE = env.str("AGENT_SPAMD_PID_FILE", default="/run/spamd.pid")
AGENT_SPAMD_RELOAD = env.str("AGENT_SPAMD_RELOAD", default="")

# --- Postfix's programs, where it is on this machine ----------------------------------------------

WEB_POSTQUEUE = shlex.split(env.str("WEB_POSTQUEUE", default="postqueue"))
WEB_POSTSUPER = shlex.split(env.str("WEB_POSTSUPER", default="postsuper"))

# --- Calls to other machines ----------------------------------------------------------------------

WEB_LOCAL_WEBHOOK = env.bool("WEB_LOCAL_WEBHOOK", default=False)

# --- Accounts -------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
_validation = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_validation}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_validation}.CommonPasswordValidator"},
    {"NAME": "appliance.accounts.passwords.ContextWordsValidator"},
    {
        "NAME": f"{_validation}.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email",)},
    },
]

FILE_UPLOAD_HANDLERS = [
    "appliance.engines.uploads.BoundedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "appliance.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {"login": "appliance.accounts.adapter.LoginForm"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": None}  # axes counts, in Postgres
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600  # seconds; then a change of factors asks again (W2)
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105 - a class
PASSWORD_RESET_TIMEOUT = 1800  # seconds (W5)
MFA_ALLOW_UNVERIFIED_EMAIL = True  # nobody signs up: an administrator wrote the address
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_ADAPTER = "appliance.accounts.factors.FactorAdapter"
MFA_FORMS = {
    "authenticate": "appliance.accounts.factors.CodeForm",
    "reauthenticate": "appliance.accounts.factors.CodeAgainForm",
    "add_webauthn": "appliance.accounts.factors.PasskeyForm",
}
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_TOLERANCE = 1  # steps of 30 seconds before and after now (W2)
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not _https  # then browsers allow passkeys on localhost only

# Five failures for one account from one address lock this pair for 15 minutes; never the account.
AXES_USERNAME_FORM_FIELD = "login"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_SENSITIVE_PARAMETERS = ["login", "password"]
AXES_VERBOSE = False

# --- Sessions and headers -------------------------------------------------------------------------

SESSION_COOKIE_NAME = "__Host-sid" if _https else "sid"
SESSION_COOKIE_AGE = 8 * 3600  # seconds without a request
SESSION_SAVE_EVERY_REQUEST = True
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"

SECURE_SSL_REDIRECT = _https
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]  # asked on the loopback address
SECURE_HSTS_SECONDS = 365 * 86400 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-src": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

# --- Static files, language, log ------------------------------------------------------------------

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # straight from the packages: there is no collectstatic to forget
WHITENOISE_AUTOREFRESH = False

LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"django.request": {"level": "ERROR"}},  # a refused page is no fault of ours
}
