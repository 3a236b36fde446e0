"""Django's settings, made from config.env alone."""

import dj_database_url
from celery.schedules import schedule
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config import env as environment
from config import logs, mail

env = environment.read()

BASE_DIR = environment.BASE_DIR
VAR_DIR = env.VAR_DIR
MODE = env.MODE
DEBUG = env.DEBUG
SECRET_KEY = env.SECRET_KEY.get_secret_value()
SECRET_KEY_FALLBACKS = [key.get_secret_value() for key in env.SECRET_KEY_FALLBACKS]
ENCRYPTION_KEYS = [key.get_secret_value() for key in env.ENCRYPTION_KEYS]
ALLOWED_HOSTS = env.ALLOWED_HOSTS
CSRF_TRUSTED_ORIGINS = env.TRUSTED_ORIGINS
BASE_URL = env.BASE_URL

INSTALLED_APPS = [
    "helpdesk.privacy",
    "helpdesk.portal",
    "helpdesk.mail",
    "helpdesk.finding",
    "helpdesk.catalogue",
    "helpdesk.knowledge",
    "helpdesk.tickets",
    "fleet.lab",
    "fleet.automation",
    "fleet.monitoring",
    "fleet.devices",
    "fleet.sites",
    "fleet.people",
    "fleet.events",
    "fleet.web",
    "fleet.secrets",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "heroicons",
    "ninja",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "fleet.people.middleware.ReadersLanguage",
    "fleet.web.middleware.ApiProblems",
    "fleet.people.middleware.LoginRequired",
    "fleet.people.second_factor.SecondFactorFirst",
    "helpdesk.finding.middleware.DefaultViews",
    "django.contrib.messages.middleware.MessageMiddleware",
    "fleet.web.middleware.WrongMethodPages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
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
                "fleet.web.context.page",
            ],
        },
    },
]

# --- data -------------------------------------------------------------------------------------------------------------

SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-20000;",
}
DATABASES = {
    "default": dj_database_url.parse(
        env.DATABASE_URL.get_secret_value() or f"sqlite:///{VAR_DIR / 'fleetdesk.sqlite3'}",
        conn_max_age=60,
        conn_health_checks=True,
    ),
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
    DATABASES["default"]["TEST"] = {"NAME": VAR_DIR / "tests.sqlite3"}  # a file: threads and processes share it
else:  # PostgreSQL would compile a report's query for seconds that is answered in milliseconds
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("options", "-c jit=off")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- people -----------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": VAR_DIR / "cache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    },
}
if env.BROKER_URL.get_secret_value().startswith(("redis://", "rediss://")):
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": env.BROKER_URL.get_secret_value(),
            "KEY_PREFIX": env.BROKER_PREFIX,
        },
    }
ALLAUTH_TRUSTED_PROXY_COUNT = NINJA_NUM_PROXIES = env.PROXIES
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_ADAPTER = "fleet.people.adapter.AccountAdapter"
ACCOUNT_FORMS = {"reset_password": "fleet.people.password_forms.ForgottenForm"}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "reset_password": "20/m/ip,5/m/key",
    "change_password": "5/m/user",
    "reauthenticate": "10/m/user",
    "reset_password_from_key": "20/m/ip",
}
SECOND_FACTOR_ROLES = frozenset(env.SECOND_FACTOR_ROLES)
MFA_ADAPTER = "fleet.people.adapter.SecondFactors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # nobody signs up here: administrators say the address, and the invitation goes to it
MFA_TOTP_ISSUER = "Fleetdesk"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = MODE != "production"  # the demo speaks http on localhost

# --- language and time --------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "de"
LANGUAGES = [("de", _("German")), ("en", _("English"))]
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [BASE_DIR / "fleet" / "people" / "allauth_locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Berlin"

# --- pages --------------------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
WHITENOISE_USE_FINDERS = MODE != "production"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.BEHIND_TLS
SECURE_HSTS_SECONDS = 31_536_000 if env.BEHIND_TLS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.BEHIND_TLS else None
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "fleet.web.views.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
NINJA_PAGINATION_PER_PAGE = 50
NINJA_DEFAULT_THROTTLE_RATES = {"user": env.API_RATE_PERSON, "anon": env.API_RATE_STRANGER}
if MODE == "test":  # tests ask faster than anybody
    NINJA_DEFAULT_THROTTLE_RATES = dict.fromkeys(NINJA_DEFAULT_THROTTLE_RATES, "1000000/s")

# --- mail ---------------------------------------------------------------------------------------------------------------

DEFAULT_FROM_EMAIL = env.MAIL_FROM or "Fleetdesk <fleetdesk@musterstadt.example>"
globals().update(mail.settings_for(env.EMAIL_URL.get_secret_value(), VAR_DIR / "mail"))  # EMAIL_BACKEND and what it needs

MAIL_BYTES = 40 * 2**20
MAIL_READ_S = 20
MAIL_POLL_S = 60
"""How large a mail may be to be read, how long reading one may take, and for how long a mailbox is read in one go."""

# --- files --------------------------------------------------------------------------------------------------------------

MEDIA_ROOT = VAR_DIR / "files"
"""Attachments and mail as it came. Served by views that ask who may see them, and by nothing else."""
FILE_BYTES = 25 * 2**20
FILES_BYTES = 50 * 2**20
FILES_PER_ARTICLE = 20
DATA_UPLOAD_MAX_NUMBER_FILES = 2 * FILES_PER_ARTICLE
"""Beyond that a request is not read at all; before, the form says how many it takes."""
FILE_UPLOAD_HANDLERS = [
    "fleet.web.uploads.RefuseTooLarge",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# --- work in the background ---------------------------------------------------------------------------------------------

BROKER_DIR = VAR_DIR / "broker"
CELERY_BROKER_URL = env.BROKER_URL.get_secret_value() or "filesystem://"
if CELERY_BROKER_URL == "filesystem://":
    for folder in (BROKER_DIR / "queue", BROKER_DIR / "control"):
        folder.mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "queue"),
        "data_folder_out": str(BROKER_DIR / "queue"),
        "control_folder": str(BROKER_DIR / "control"),
        "polling_interval": 0.1,
    }
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # Celery delivers, the row decides: a redelivery must never run anything twice.
QUEUES = {
    name: f"{env.BROKER_PREFIX}.{name}" for name in ("default", "automation", "polling", "asking", "searching", "mail")
}
CELERY_TASK_DEFAULT_QUEUE = QUEUES["default"]
CELERY_TASK_ROUTES = {
    "fleet.automation.verify": {"queue": QUEUES["default"]},  # devices stay locked until then: not behind playbooks
    "fleet.automation.look_after_loss": {"queue": QUEUES["default"]},
    "fleet.automation.*": {"queue": QUEUES["automation"]},
    "fleet.monitoring.poll_now": {"queue": QUEUES["asking"]},  # a person waits: workers of its own
    "fleet.monitoring.search": {"queue": QUEUES["searching"]},  # takes its time, and must take none from polling
    "fleet.monitoring.judge": {"queue": QUEUES["default"]},  # it must take no time from polling
    "fleet.monitoring.*": {"queue": QUEUES["polling"]},
    "helpdesk.mail.poll": {"queue": QUEUES["mail"]},  # slow mail servers hold nothing but this
}
CELERY_CONTROL_EXCHANGE = f"{env.BROKER_PREFIX}.control"
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_PUBLISH_RETRY = False  # with the broker away the next tick finds what is due: no request waits for it
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # in memory: intervals need no file that a kill could spoil
CELERY_BEAT_SCHEDULE = {
    "deliver events": {"task": "fleet.events.deliver", "schedule": schedule(5.0), "options": {"expires": 5}},
    "poll due devices": {
        "task": "fleet.monitoring.poll_due",
        "schedule": schedule(2.0),
        "options": {"expires": 4},  # where the polling is: a storm of events on the default queue delays no poll
    },
    "judge sites in doubt": {
        "task": "fleet.monitoring.judge",
        "schedule": schedule(2.0),
        "options": {"expires": 4},
    },
    "tend monitoring": {
        "task": "fleet.monitoring.tend",
        "schedule": schedule(10.0),
        "options": {"expires": 10, "queue": QUEUES["default"]},
    },
    "roll up samples": {
        "task": "fleet.monitoring.roll_up",
        "schedule": schedule(60.0),
        "options": {"expires": 60, "queue": QUEUES["default"]},
    },
    "look around": {
        "task": "fleet.monitoring.look_around",
        "schedule": schedule(60.0),
        "options": {"expires": 60, "queue": QUEUES["default"]},
    },
    "answer privacy": {"task": "helpdesk.privacy.work", "schedule": schedule(20.0), "options": {"expires": 20}},
    "delete what is due": {"task": "helpdesk.privacy.keep", "schedule": schedule(60.0), "options": {"expires": 60}},
    "send mail": {"task": "helpdesk.mail.send_due", "schedule": schedule(10.0), "options": {"expires": 10}},
    "send webhooks": {
        "task": "fleet.events.send_webhooks",
        "schedule": schedule(5.0),
        "options": {"expires": 10, "queue": QUEUES["default"]},
    },
    "poll mailboxes": {"task": "helpdesk.mail.poll_due", "schedule": schedule(20.0), "options": {"expires": 20}},
    "sweep mail": {"task": "helpdesk.mail.sweep", "schedule": schedule(3600.0), "options": {"expires": 3600}},
    "tend tickets": {"task": "helpdesk.tickets.tend", "schedule": schedule(5.0), "options": {"expires": 5}},
    "tend changes": {
        "task": "fleet.automation.tend",
        "schedule": schedule(2.0),
        "options": {"expires": 4, "queue": QUEUES["default"]},
    },
    "keep backups": {"task": "fleet.automation.keep_backups", "schedule": schedule(60.0), "options": {"expires": 60}},
    "check intent": {"task": "fleet.automation.check_intent", "schedule": schedule(60.0), "options": {"expires": 60}},
    "tidy intent": {"task": "fleet.automation.tidy_intent", "schedule": schedule(3600.0), "options": {"expires": 3600}},
    "settle rotations": {
        "task": "fleet.automation.settle_rotations",
        "schedule": schedule(60.0),
        "options": {"expires": 60},
    },
    "tidy automation": {
        "task": "fleet.automation.tidy",
        "schedule": schedule(3600.0),
        "options": {"expires": 3600, "queue": QUEUES["default"]},
    },
}

WEBHOOKS_TO_LOOPBACK = MODE != "production" if env.WEBHOOKS_TO_LOOPBACK is None else env.WEBHOOKS_TO_LOOPBACK
PLAYBOOKS_DIR = BASE_DIR / "playbooks"
INVENTORY_DIR = BASE_DIR / "inventory"
SOURCES_DIR = VAR_DIR / "sources"
SOURCE_PROTOCOLS = ("https", "ssh")
RUN_DIR = env.run_dir
RUN_LEASE_S = env.RUN_LEASE_S
RUN_SANDBOX = env.RUN_SANDBOX
RUN_GRACE_S = env.RUN_GRACE_S
KEEP_RUN_LOGS_DAYS = env.KEEP_RUN_LOGS_DAYS
POLL_INTERVAL_S = env.POLL_INTERVAL_S
POLL_RETRY_S = env.POLL_RETRY_S
POLL_INTERVALS = env.POLL_INTERVALS
POLL_SHARDS = env.POLL_SHARDS or (1 if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3" else 4)
POLL_WINDOW = env.POLL_WINDOW
POLL_LEASE_S = env.POLL_LEASE_S
SNMP_TIMEOUT_S = env.SNMP_TIMEOUT_S
KEEP_SAMPLES_DAYS = env.KEEP_SAMPLES_DAYS
KEEP_HOURLY_DAYS = env.KEEP_HOURLY_DAYS
KEEP_DAILY_DAYS = env.KEEP_DAILY_DAYS
REOPEN_DAYS = env.REOPEN_DAYS
TRAP_ADDRESS = env.TRAP_ADDRESS
TRAP_PORT = env.TRAP_PORT
TRAP_RELAYS = frozenset(map(str, env.TRAP_RELAYS))
LAB_DIR = VAR_DIR / "lab"
LAB_SNMP_PORT = env.LAB_SNMP_PORT
LAB_SSH_PORT = env.LAB_SSH_PORT

LOGGING = logs.configuration(as_json=env.LOG_JSON)
