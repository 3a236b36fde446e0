"""A new key comes, everything moves to it, the old one goes."""

from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from fleet.devices import services as devices
from fleet.devices.models import Credential
from fleet.secrets import rotation
from tests.conftest import City

NEW = Fernet.generate_key().decode()


def rotate() -> str:
    said = StringIO()
    call_command("rotate_secrets", stdout=said)
    return said.getvalue()


def test_after_rotation_the_old_key_may_go(city: City, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [NEW, *settings.ENCRYPTION_KEYS]

    said = rotate()

    settings.ENCRYPTION_KEYS = [NEW]
    assert Credential.objects.get(pk=city.snmp.pk).secret == {"community": "planted-community"}
    assert "devices.Credential.secret: 2 re-encrypted" in said


def test_a_second_rotation_has_nothing_left_to_do(city: City, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [NEW, *settings.ENCRYPTION_KEYS]
    rotate()

    assert "devices.Credential.secret: 0 re-encrypted" in rotate()


def test_it_goes_on_where_it_was_stopped(city: City, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 1)
    settings.ENCRYPTION_KEYS = [NEW, *settings.ENCRYPTION_KEYS]
    devices.replace_secret(credential=city.snmp, secret={"community": "already-under-the-new-key"})

    assert "devices.Credential.secret: 1 re-encrypted" in rotate()


def test_every_encrypted_column_of_the_product_takes_part() -> None:
    assert {str(column) for column in rotation.columns()} >= {
        "devices.Credential.secret",
        "automation.Change.secret_arguments",
    }


def test_a_missing_key_stops_it_and_says_where(city: City, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [NEW]

    with pytest.raises(CommandError, match=r"devices\.Credential\.secret: no key"):
        rotate()
