"""Everything the environment may say, read once, typed and loud.

Each name may also be given as NAME_FILE, a path whose content is the value (container secrets). Booleans take only
true/false. In production a missing or weak secret stops the start; in the demo a strong one is made and kept in VAR_DIR.
"""

import hashlib
import os
import re
import secrets
from email.utils import getaddresses
from pathlib import Path
from typing import Annotated, Literal, Self, cast
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from pydantic import BeforeValidator, Field, IPvAnyAddress, PositiveInt, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from fleet.people.rules import Role

BASE_DIR = Path(__file__).resolve().parent.parent
SHORTEST_SECRET = 50
FEWEST_LETTERS = 5
ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")
THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


def _strict_bool(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise ValueError("must be true or false")


def _words(value: object) -> object:
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _pairs(value: object) -> object:
    """`printer=300,ups=60`"""
    return dict(pair.partition("=")[::2] for pair in cast("list[str]", _words(value))) if isinstance(value, str) else value


def _is_weak(key: SecretStr) -> bool:
    letters = key.get_secret_value()
    return len(letters) < SHORTEST_SECRET or len(set(letters)) < FEWEST_LETTERS


Bool = Annotated[bool, BeforeValidator(_strict_bool)]
Rate = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}/[smhd]$")]
"""How often: `600/m` is 600 in a minute; per second, minute, hour or day."""
Words = Annotated[list[str], NoDecode, BeforeValidator(_words)]


class Env(BaseSettings):
    model_config = SettingsConfigDict(extra="ignore", case_sensitive=True)

    MODE: Literal["demo", "test", "production"] = "demo"
    DEBUG: Bool = False
    VAR_DIR: Path = BASE_DIR / "var"
    SECRET_KEY: SecretStr = SecretStr("")
    SECRET_KEY_FALLBACKS: Annotated[list[SecretStr], NoDecode, BeforeValidator(_words)] = Field(default_factory=list)
    """Former SECRET_KEYs: what was signed with one of them (printed labels, sessions) still holds."""
    ENCRYPTION_KEYS: Annotated[list[SecretStr], NoDecode, BeforeValidator(_words)] = Field(default_factory=list)
    ALLOWED_HOSTS: Words = Field(default_factory=lambda: ["localhost", "127.0.0.1", "[::1]"])
    TRUSTED_ORIGINS: Words = Field(default_factory=list)
    BEHIND_TLS: Bool = False
    BASE_URL: str = "http://localhost:8000"
    PROXIES: int = Field(default=0, ge=0)
    """How many reverse proxies of ours stand in front: so many last entries of X-Forwarded-For are believed."""
    SECOND_FACTOR_ROLES: Annotated[list[Role], NoDecode, BeforeValidator(_words)] = Field(default_factory=list)
    """Whoever holds one of these roles sets up a second factor before anything else: `administrator,approver`."""
    API_RATE_PERSON: Rate = "600/m"
    API_RATE_STRANGER: Rate = "60/m"
    """Of one address, for requests without a valid token or session."""

    DATABASE_URL: SecretStr = SecretStr("")
    BROKER_URL: SecretStr = SecretStr("")
    BROKER_PREFIX: str = Field(default="fleetdesk", pattern=r"^[a-z0-9-]{1,40}$")
    """Names this installation's queues and cache keys, so that several can share one broker."""

    RUN_DIR: Path | None = None
    """Where the private directories of playbook runs live; memory-backed where the machine has it."""
    RUN_LEASE_S: int = Field(default=60, ge=2)
    RUN_SANDBOX: Literal["", "bwrap"] = ""
    """bwrap: playbooks run inside bubblewrap and see only what they need of this machine."""
    RUN_GRACE_S: int = Field(default=10, ge=1)
    """At its time limit a playbook is asked to stop; after so many seconds more it is killed with all its processes."""
    KEEP_RUN_LOGS_DAYS: int = Field(default=396, ge=7)
    """How long the log lines of a run are kept; what it did to which device stays."""
    POLL_INTERVAL_S: int = Field(default=30, ge=1)
    POLL_INTERVALS: Annotated[dict[str, PositiveInt], NoDecode, BeforeValidator(_pairs)] = Field(default_factory=dict)
    """Of kinds of devices that are asked at another pace: `printer=300,ups=60`, in seconds."""
    POLL_SHARDS: int = Field(default=0, ge=0, le=256)
    """Into how many parts the devices are split that workers poll side by side; the same for all processes.

    0: one on SQLite, which has one writer at a time anyway, and four elsewhere.
    """
    POLL_WINDOW: int = Field(default=400, ge=1, le=20_000)
    """How many devices a worker asks at once; each has a socket."""
    POLL_LEASE_S: int = Field(default=20, ge=2)
    """What a worker that has not been heard of for so long was asking is asked by another one."""
    POLL_RETRY_S: int = Field(default=5, ge=1)
    """How soon a device that did not answer is asked again before it counts as down."""
    KEEP_SAMPLES_DAYS: int = Field(default=30, ge=2)
    KEEP_HOURLY_DAYS: int = Field(default=396, ge=32)
    KEEP_DAILY_DAYS: int = Field(default=3653, ge=366)
    """How long what was measured is kept: each poll, its hours (13 months), its days (10 years)."""
    REOPEN_DAYS: int = Field(default=14, ge=1, le=366)
    """How long a resolved ticket can be opened again; then it is closed, and the matter becomes a new ticket."""
    SNMP_TIMEOUT_S: float = Field(default=2.0, gt=0)
    """How long one SNMP request waits for its answer; every request is made twice before it counts as unanswered."""
    TRAP_ADDRESS: str = "127.0.0.1"
    TRAP_PORT: int = 8162
    TRAP_RELAYS: Annotated[list[IPvAnyAddress], NoDecode, BeforeValidator(_words)] = Field(default_factory=list)
    """Addresses that pass on other devices' notifications: they alone are believed when they say whose one is."""
    LAB_SNMP_PORT: int = 16161
    LAB_SSH_PORT: int = 2200

    WEBHOOKS_TO_LOOPBACK: Bool | None = None
    """Whether webhooks may go to this very machine; unset: outside of production only."""

    EMAIL_URL: SecretStr = SecretStr("")
    MAIL_FROM: str = ""
    """Who mail is from: `it@stadt.example`, or `IT-Service <it@stadt.example>`; the demo's unless set."""
    LOG_JSON: Bool = False

    @field_validator("VAR_DIR", mode="after")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value if value.is_absolute() else BASE_DIR / value

    @field_validator("MAIL_FROM", mode="after")
    @classmethod
    def _one_address(cls, value: str) -> str:
        addresses = [address for _name, address in getaddresses([value])]
        if value and not (len(addresses) == 1 and ADDRESS.fullmatch(addresses[0]) and value.isprintable()):
            raise ValueError("must be one address: it@stadt.example, or IT-Service <it@stadt.example>")
        return value

    @model_validator(mode="after")
    def _secrets_are_there(self) -> Self:
        if self.MODE == "production":
            self._refuse_weak_secrets()
            if self.EMAIL_URL.get_secret_value() and not self.MAIL_FROM:
                raise ValueError("MAIL_FROM must be set in production where EMAIL_URL is: people answer to that address")
            return self
        if not self.SECRET_KEY.get_secret_value():
            self.SECRET_KEY = SecretStr(_kept(self.VAR_DIR / "secret_key", secrets.token_urlsafe(64)))
        if not self.ENCRYPTION_KEYS:
            key = _kept(self.VAR_DIR / "encryption_key", Fernet.generate_key().decode())
            self.ENCRYPTION_KEYS = [SecretStr(key)]
        return self

    @model_validator(mode="after")
    def _production_is_for_others(self) -> Self:
        """Whoever is sent a link or shown an error sits at another machine."""
        if self.MODE != "production":
            return self
        if self.DEBUG:
            raise ValueError("DEBUG must be false in production: its error pages show settings and what was typed")
        address = urlsplit(self.BASE_URL)
        if address.scheme not in {"http", "https"} or (address.hostname or "localhost") in THIS_MACHINE:
            raise ValueError(
                "BASE_URL must be the address that people type in production, as https://fleetdesk.stadt.example"
            )
        return self

    def _refuse_weak_secrets(self) -> None:
        for name, keys in {"SECRET_KEY": [self.SECRET_KEY], "SECRET_KEY_FALLBACKS": self.SECRET_KEY_FALLBACKS}.items():
            if any(map(_is_weak, keys)):
                raise ValueError(f"{name} must be random and at least {SHORTEST_SECRET} characters long in production")
        if not self.ENCRYPTION_KEYS:
            raise ValueError("ENCRYPTION_KEYS must hold at least one Fernet key in production")
        for key in self.ENCRYPTION_KEYS:
            Fernet(key.get_secret_value())
        if not self.DATABASE_URL.get_secret_value() or not self.BROKER_URL.get_secret_value():
            raise ValueError("DATABASE_URL and BROKER_URL must be set in production")

    @property
    def run_dir(self) -> Path:
        """Memory rather than disk, so that what a run needs in clear is gone with the power."""
        if self.RUN_DIR is not None:
            return self.RUN_DIR
        memory = Path("/dev/shm")  # noqa: S108  (a private 0700 directory is made inside)
        if memory.is_dir() and os.access(memory, os.W_OK):
            return memory / f"fleetdesk-{os.getuid()}-{hashlib.sha256(str(self.VAR_DIR).encode()).hexdigest()[:8]}"
        return self.VAR_DIR / "runs"


def _kept(path: Path, fresh: str) -> str:
    """The secret kept at `path`; written with `fresh` (mode 0600) by whoever comes first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(fresh)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()


def _values_from_files() -> dict[str, str]:
    """NAME_FILE=/path for every known NAME; the file wins over nothing, both together are an error."""
    values = {}
    for name in Env.model_fields:
        path = os.environ.get(f"{name}_FILE")
        if path is None:
            continue
        if name in os.environ:
            raise ValueError(f"{name} and {name}_FILE are both set; keep one")
        values[name] = Path(path).read_text().strip()
    return values


def read() -> Env:
    return Env(**_values_from_files())  # type: ignore[arg-type]  # pydantic parses the text
