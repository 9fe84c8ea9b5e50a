"""Settings, all from the environment and checked at start by name. The README has their table."""

from pathlib import Path
from typing import Any

import psycopg2.extensions
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from cxcenter import environment as env
from cxcenter.administration.menu import UNFOLD  # noqa: F401 — a setting of django-unfold
from cxcenter.core.logs import logging_settings

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.text("VAR_DIR", str(BASE_DIR / "var")))
SOCKET_DIR = env.socket_folder(VAR_DIR)

# --- Where it runs -----------------------------------------------------------------------------
PRODUCTION = env.text("CX_ENV", "local") == "production"
DEBUG = env.flag("DEBUG", default=False)
# A local start has a fixed key, so that a restart signs nobody out; production must bring its own.
SECRET_KEY = env.text("SECRET_KEY", None if PRODUCTION else "local-only-key-that-production-refuses-to-start-with")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1]")
if PRODUCTION and not ALLOWED_HOSTS:
    raise ImproperlyConfigured("set the environment variable ALLOWED_HOSTS (see the README, Settings)")
PORT = env.whole("PORT", 8000, low=1, high=65_534)
BIND = env.text("BIND", "127.0.0.1")
PUBLIC_URL = env.text("PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
WEB_PROCESSES = env.whole("WEB_PROCESSES", 2, low=1, high=64)
# Each thread keeps one database connection: threads × processes stay below max_connections.
WEB_THREADS = env.whole("WEB_THREADS", 8, low=1, high=64)
DEMO = env.text("DEMO", "off" if PRODUCTION else "on")
if DEMO not in {"off", "on", "live"}:
    raise ImproperlyConfigured(f"DEMO must be off, on or live, not {DEMO!r}")

# --- Database and Redis ------------------------------------------------------------------------
EMBEDDED_DATABASE_URL = f"postgresql:///cxcenter?host={SOCKET_DIR}&user=cxcenter"
EMBEDDED_REDIS_URL = f"unix://{SOCKET_DIR}/valkey.sock?db=0"
DATABASE_URL = env.text("DATABASE_URL", None if PRODUCTION else EMBEDDED_DATABASE_URL)
REDIS_URL = env.text("REDIS_URL", None if PRODUCTION else EMBEDDED_REDIS_URL)


def _database(url: str) -> dict[str, object]:
    """Turn a libpq address into Django's database entry; other schemes are refused by name."""
    try:
        parts = psycopg2.extensions.parse_dsn(url)
    except psycopg2.ProgrammingError as error:
        raise ImproperlyConfigured(f"DATABASE_URL is not a PostgreSQL address: {error}".strip()) from None
    named = {key: parts.pop(key, "") for key in ("dbname", "user", "password", "host", "port")}
    return {
        "ENGINE": "cxcenter.core.postgresql",
        "NAME": named["dbname"],
        "USER": named["user"],
        "PASSWORD": named["password"],
        "HOST": named["host"],
        "PORT": named["port"],
        # Kept connections: HTTP runs in fixed threads (asgi.py), so their number is bounded.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 5, **parts},
    }


DATABASES = {"default": _database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        # It counts tries and calls: a Redis that hangs must not hold up who signs in or writes.
        "OPTIONS": {"socket_timeout": 0.3, "socket_connect_timeout": 0.3},
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "cx"},
    }
}

# --- Apps --------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "cxcenter.administration.apps.Administration",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "channels",
    "csp",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "cxcenter",
    "cxcenter.core",
    "cxcenter.accounts",
    "customers",
    "interactions",
    "routing",
    "campaigns",
    "quality",
    "cxcenter.desk",
    "cxcenter.widget",
    "cxcenter.board",
    "cxcenter.bridge",
]
AUTH_USER_MODEL = "accounts.User"
SESSION_ENGINE = "cxcenter.accounts.sessions"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"
# In production nobody signs in with the password of the demo users.
AUTHENTICATION_BACKENDS = ["cxcenter.accounts.backends.NoDemoPasswords"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

MIDDLEWARE = [
    "cxcenter.core.middleware.RequestContext",
    "cxcenter.api.middleware.FinalSlash",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "cxcenter.core.middleware.ContentPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "cxcenter.accounts.middleware.Preferences",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "cxcenter.urls"
ASGI_APPLICATION = "cxcenter.asgi.application"
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
            "builtins": ["cxcenter.core.templatetags.cx"],
        },
    }
]

# --- Languages and time ------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ru", _("Russian"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "cxcenter.formats"
DEFAULT_ZONE = env.text("DEFAULT_ZONE", "Europe/Moscow")
PHONE_REGION = env.text("PHONE_REGION", "RU")

# --- Files -------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = Path(env.text("MEDIA_DIR", str(VAR_DIR / "files")))
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# Recordings of calls: a folder, or a bucket that speaks S3.
RECORDINGS_S3_BUCKET = env.text("RECORDINGS_S3_BUCKET", "")
if RECORDINGS_S3_BUCKET:
    try:
        from botocore.config import Config

        from interactions import bucket as _bucket  # noqa: F401 — it needs django-storages
    except ImportError:
        raise ImproperlyConfigured(
            "RECORDINGS_S3_BUCKET is set, but what speaks S3 is not installed: tools/install.sh requirements-s3.txt"
        ) from None
    RECORDINGS_S3_URL = env.text("RECORDINGS_S3_URL", "")
    STORAGES["recordings"] = {
        "BACKEND": "interactions.bucket.Bucket",
        "OPTIONS": {
            "bucket_name": RECORDINGS_S3_BUCKET,
            "endpoint_url": RECORDINGS_S3_URL or None,
            "region_name": env.text("RECORDINGS_S3_REGION", "") or None,
            "access_key": env.text("RECORDINGS_S3_ACCESS_KEY", "") or None,
            "secret_key": env.text("RECORDINGS_S3_SECRET_KEY", "") or None,
            "file_overwrite": True,
            "client_config": Config(
                # Whoever waits has his own tries: a bucket that is away must not hold up a thread of the web.
                connect_timeout=3,
                read_timeout=20,
                retries={"total_max_attempts": 2},
                # Servers that are not Amazon's know buckets by paths, and not all the newer checksums.
                s3={"addressing_style": "path" if RECORDINGS_S3_URL else "auto"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        },
    }
else:
    # By itself a folder beside the other files.
    STORAGES["recordings"] = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": env.text("RECORDINGS_DIR", "") or None},
    }
# 32 bytes in base64: files are encrypted with it. Old keys stay in the list as long as files lie under them.
RECORDINGS_KEY = env.text("RECORDINGS_KEY", "")
RECORDINGS_OLD_KEYS = env.words("RECORDINGS_OLD_KEYS")
# A folder with a Whisper model: what was said is recognised. `interactions.speech.check` looks into it.
ASR_MODEL_DIR = env.text("ASR_MODEL_DIR", "")
ASR_LANGUAGE = env.text("ASR_LANGUAGE", "auto")
if not (STATIC_ROOT / "staticfiles.json").exists():
    # Before the first `collectstatic` (tests, a bare `manage.py`) files are served as they lie.
    STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_USE_FINDERS = STORAGES["staticfiles"]["BACKEND"].startswith("django.")
UPLOAD_LIMIT_MB = env.whole("UPLOAD_LIMIT_MB", 25, low=1, high=1000)
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- Voice -------------------------------------------------------------------------------------
# By which browsers find a way to each other. Within one network none is needed.
STUN_URLS = env.words("STUN_URLS")
TURN_URLS = env.words("TURN_URLS")
TURN_SECRET = env.text("TURN_SECRET") if TURN_URLS else ""
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- Safety ------------------------------------------------------------------------------------
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 60 * 60 * 12
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
if PRODUCTION:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=True)
    SECURE_HSTS_SECONDS = env.whole("SECURE_HSTS_SECONDS", 31_536_000, high=63_072_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
# Hosts inside the own network that webhooks may call all the same.
WEBHOOK_ALLOWED_HOSTS = env.words("WEBHOOK_ALLOWED_HOSTS")
# How many proxies stand before us: so many addresses at the end of X-Forwarded-For are believed.
TRUSTED_PROXIES = env.whole("TRUSTED_PROXIES", 0, high=8)

# --- REST API ----------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "cxcenter.accounts.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["cxcenter.core.api.permissions.Scoped"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["cxcenter.core.api.serializers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "cxcenter.core.api.pagination.KeysetPagination",
    "DEFAULT_SCHEMA_CLASS": "cxcenter.core.api.schema.ApiSchema",
    "DEFAULT_THROTTLE_CLASSES": ["cxcenter.core.api.throttling.TokenThrottle"],
    "DEFAULT_THROTTLE_RATES": {"token": env.text("API_RATE", "6000/min")},
    "EXCEPTION_HANDLER": "cxcenter.core.api.problems.problem_response",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "CX Center API",
    "DESCRIPTION": "Customers, conversations, routing and cases of CX Center. See /api/docs/.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "PartyKindEnum": "customers.choices.PartyKind",
        "ErasureReasonEnum": "customers.choices.ErasureReason",
        "ExportReasonEnum": "customers.choices.ExportReason",
        "ResolvedEnum": "customers.choices.RESOLVED",
        "IdentityKindEnum": "customers.models.Identity.Kind",
        "ChannelKindEnum": "interactions.choices.ChannelKind",
        "CaseKindEnum": "interactions.choices.CaseKind",
        "CaseStatusEnum": "interactions.choices.CaseStatus",
        "TaskKindEnum": "interactions.choices.TaskKind",
        "FileKindEnum": "interactions.models.Attachment.Kind",
        "DeliveryStateEnum": "cxcenter.core.models.WebhookDelivery.State",
        "OperatorStateEnum": "routing.choices.State",
    },
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "cxcenter.api.schema.tighten",
    ],
}

# --- Background work ---------------------------------------------------------------------------
# Celery writes a socket address in its own way: redis+socket:///path.
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "now"
CELERY_TASK_ROUTES: dict[str, dict[str, str]] = {
    "*.bulk_*": {"queue": "bulk"},
    "*.asr_*": {"queue": "asr"},
    # It waits for other people's servers: timers must not wait behind it.
    "cxcenter.core.tasks.deliver_webhooks": {"queue": "bulk"},
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "socket_timeout": 5, "socket_connect_timeout": 2}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_ACKS_LATE = True
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat")
# A sweep that could not start within its second is dropped: the next one does its work.
CELERY_BEAT_SCHEDULE = {
    "decide by time": {"task": "routing.tasks.decide", "schedule": 0.5, "options": {"expires": 0.5}},
    "sweep routing": {"task": "routing.tasks.sweep", "schedule": 1.0, "options": {"expires": 1}},
    "follow platforms": {"task": "cxcenter.bridge.tasks.sweep", "schedule": 2.0, "options": {"expires": 2}},
    "fetch recordings": {"task": "cxcenter.bridge.tasks.bulk_fetch", "schedule": 5.0, "options": {"expires": 5}},
    "sweep outbox": {"task": "cxcenter.core.tasks.sweep_outbox", "schedule": 1.0, "options": {"expires": 1}},
    "watch for anomalies": {"task": "quality.tasks.watch", "schedule": 15.0, "options": {"expires": 15}},
    "deliver webhooks": {"task": "cxcenter.core.tasks.deliver_webhooks", "schedule": 5.0, "options": {"expires": 5}},
    "rebuild golden records": {"task": "customers.tasks.bulk_rebuild", "schedule": 10.0, "options": {"expires": 10}},
    "compare records": {"task": "customers.tasks.bulk_compare", "schedule": 10.0, "options": {"expires": 10}},
    "import customers": {"task": "customers.tasks.bulk_import", "schedule": 5.0, "options": {"expires": 5}},
    "train matching": {
        "task": "customers.tasks.bulk_train",
        "schedule": crontab(hour=3, minute=0),
        "options": {"expires": 3600},
    },
    "sweep words": {
        "task": "customers.tasks.bulk_sweep_words",
        "schedule": crontab(hour=3, minute=30),
        "options": {"expires": 3600},
    },
    "clear tables after erasures": {
        "task": "customers.tasks.bulk_clear_tables",
        "schedule": crontab(hour=3, minute=30),
        "options": {"expires": 3600},
    },
    "choose estimators": {
        "task": "routing.tasks.bulk_choose_estimators",
        "schedule": crontab(hour=4, minute=0),
        "options": {"expires": 3600},
    },
    "sum up days": {"task": "quality.tasks.bulk_roll_up", "schedule": 600.0, "options": {"expires": 600}},
    "simulate": {"task": "quality.tasks.bulk_simulate", "schedule": 5.0, "options": {"expires": 5}},
    "discard erased files": {
        "task": "interactions.tasks.bulk_discard_files",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "finish recordings": {
        "task": "interactions.tasks.bulk_finish_recordings",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "delete old recordings": {
        "task": "interactions.tasks.bulk_expire_recordings",
        "schedule": crontab(hour=2, minute=30),
        "options": {"expires": 3600},
    },
    # Without a model there is no worker that would take it.
    **(
        {"recognise speech": {"task": "interactions.tasks.asr_recognise", "schedule": 10.0, "options": {"expires": 10}}}
        if ASR_MODEL_DIR
        else {}
    ),
    "sweep old rows": {"task": "cxcenter.core.tasks.sweep_old_rows", "schedule": 3600.0, "options": {"expires": 600}},
}

# --- Logs --------------------------------------------------------------------------------------
LOGGING_CONFIG = None
logging_settings(production=PRODUCTION, level=env.text("LOG_LEVEL", "INFO"))
