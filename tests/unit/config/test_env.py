"""What the environment says is read once, strictly; production does not start on a weak secret."""

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from config import env
from config.env import Env

STRONG = "f8Qz-and-so-on-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment that says nothing but where to keep files."""
    for name in Env.model_fields:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    return monkeypatch


@pytest.fixture
def production(bare: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in {
        "MODE": "production",
        "SECRET_KEY": STRONG,
        "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "DATABASE_URL": "postgres://db/fleetdesk",
        "BROKER_URL": "redis://broker/0",
        "BASE_URL": "https://fleetdesk.stadt.example",
    }.items():
        bare.setenv(name, value)
    return bare


def test_the_demo_makes_its_secrets_and_keeps_them_to_itself(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first, second = env.read(), env.read()

    assert first.SECRET_KEY == second.SECRET_KEY
    assert first.ENCRYPTION_KEYS == second.ENCRYPTION_KEYS
    for name in ("secret_key", "encryption_key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_production_starts_when_all_is_said(production: pytest.MonkeyPatch) -> None:
    assert env.read().MODE == "production"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "a" * 80),
        ("ENCRYPTION_KEYS", ""),
        ("ENCRYPTION_KEYS", "no-fernet-key"),
        ("DATABASE_URL", ""),
        ("BROKER_URL", ""),
        ("SECRET_KEY_FALLBACKS", f"{STRONG},short"),
    ],
)
def test_production_refuses_what_is_missing_or_weak(production: pytest.MonkeyPatch, name: str, value: str) -> None:
    production.setenv(name, value)

    with pytest.raises(ValueError):
        env.read()


def test_production_sends_no_mail_from_an_address_of_the_demo(production: pytest.MonkeyPatch) -> None:
    production.setenv("EMAIL_URL", "smtp+tls://post.stadt.example:587")
    with pytest.raises(ValueError, match="MAIL_FROM"):
        env.read()

    production.setenv("MAIL_FROM", "IT-Service <it@stadt.example>")

    assert env.read().MAIL_FROM == "IT-Service <it@stadt.example>"


@pytest.mark.parametrize("value", ["it", "it@", "a@x.example, b@x.example", "IT\nBcc: a@x.example <it@x.example>", " "])
def test_mail_is_from_one_address(bare: pytest.MonkeyPatch, value: str) -> None:
    bare.setenv("MAIL_FROM", value)

    with pytest.raises(ValueError, match="MAIL_FROM"):
        env.read()


def test_production_shows_no_error_pages_of_developers(production: pytest.MonkeyPatch) -> None:
    production.setenv("DEBUG", "true")

    with pytest.raises(ValueError, match="DEBUG must be false"):
        env.read()


@pytest.mark.parametrize(
    "value", ["", "fleetdesk.stadt.example", "http://localhost:8000", "https://127.0.0.1", "http://[::1]:8000"]
)
def test_production_sends_nobody_a_link_to_their_own_machine(production: pytest.MonkeyPatch, value: str) -> None:
    production.setenv("BASE_URL", value)

    with pytest.raises(ValueError, match="BASE_URL must be the address"):
        env.read()


def test_production_asks_to_be_told_its_address(production: pytest.MonkeyPatch) -> None:
    production.delenv("BASE_URL")

    with pytest.raises(ValueError, match="BASE_URL must be the address"):
        env.read()


def test_former_keys_are_a_list(production: pytest.MonkeyPatch) -> None:
    production.setenv("SECRET_KEY_FALLBACKS", f"{STRONG[::-1]}, {STRONG.swapcase()}")

    keys = [key.get_secret_value() for key in env.read().SECRET_KEY_FALLBACKS]

    assert keys == [STRONG[::-1], STRONG.swapcase()]


@pytest.mark.parametrize("value", ["1", "yes", "on", "", "tru"])
def test_a_boolean_is_true_or_false_and_nothing_else(bare: pytest.MonkeyPatch, value: str) -> None:
    bare.setenv("DEBUG", value)

    with pytest.raises(ValueError, match="true or false"):
        env.read()


@pytest.mark.parametrize("value", ["", "0/m", "600", "600/w", "600/m, 5/s", "-1/m", "many/m"])
@pytest.mark.parametrize("name", ["API_RATE_PERSON", "API_RATE_STRANGER"])
def test_a_rate_is_a_number_in_a_second_minute_hour_or_day(bare: pytest.MonkeyPatch, name: str, value: str) -> None:
    bare.setenv(name, value)

    with pytest.raises(ValueError, match=name):
        env.read()


def test_a_value_may_stand_in_a_file(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{STRONG}\n")
    bare.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))

    assert env.read().SECRET_KEY.get_secret_value() == STRONG


def test_a_value_said_twice_is_an_error(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setenv("SECRET_KEY", STRONG)
    bare.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))

    with pytest.raises(ValueError, match="both set"):
        env.read()


def test_secrets_do_not_print(production: pytest.MonkeyPatch) -> None:
    production.setenv("DATABASE_URL", "postgres://user:planted@db/fleetdesk")

    assert "planted" not in repr(env.read())
    assert STRONG not in repr(env.read())
