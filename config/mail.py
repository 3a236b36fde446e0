"""Where mail goes: EMAIL_URL in Django's own settings.

smtp://host:587 (in clear), smtp+tls://user:password@host:587 (STARTTLS), smtps://user:password@host:465 (TLS from the
start); empty: each mail becomes a file, which is what a demo wants. User and password are percent-encoded where needed.
"""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
TIMEOUT_S = 20


def settings_for(url: str, folder: Path) -> dict[str, Any]:
    """Raises ValueError, without repeating the URL: it holds a password."""
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend", "EMAIL_FILE_PATH": folder}
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(f"EMAIL_URL must begin with one of {', '.join(f'{scheme}://' for scheme in PORTS)} and name a host")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": TIMEOUT_S,
    }
