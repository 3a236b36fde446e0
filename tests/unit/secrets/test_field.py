"""The column never holds clear text, cannot be searched, and opens only with its key."""

import pytest
from cryptography.fernet import Fernet
from django.core import serializers
from django.core.exceptions import FieldError
from django.db import connection

from fleet.devices.models import Credential
from fleet.secrets.crypto import UndecipherableError
from tests.conftest import City


def stored(credential: Credential) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM devices_credential WHERE id = %s", [credential.pk])
        return str(cursor.fetchone()[0])


def test_what_is_stored_is_not_what_was_given(city: City) -> None:
    assert "planted-community" not in stored(city.snmp)
    assert Credential.objects.get(pk=city.snmp.pk).secret == {"community": "planted-community"}


def test_the_same_secret_never_looks_the_same(city: City) -> None:
    before = stored(city.snmp)
    city.snmp.save()

    assert stored(city.snmp) != before


def test_it_cannot_be_searched(city: City) -> None:
    with pytest.raises(FieldError, match="cannot be searched"):
        Credential.objects.filter(secret__contains="planted").exists()


def test_it_is_not_serialised(city: City) -> None:
    with pytest.raises(FieldError, match="secret"):
        serializers.serialize("json", [city.snmp])


def test_without_its_key_it_does_not_open(city: City, settings: pytest.FixtureRequest) -> None:
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(UndecipherableError):
        Credential.objects.get(pk=city.snmp.pk)
