"""The secret of an authenticator app rests encrypted, and moves to a new key with all the others."""

from io import StringIO
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.fernet import Fernet
from django.core.management import call_command

from tests.conftest import City

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def test_it_is_not_stored_in_clear(city: City) -> None:
    TOTP.activate(city.technician, SECRET)

    assert SECRET not in str(Authenticator.objects.values())


def test_after_rotation_the_old_key_may_go(city: City, settings: Any) -> None:
    TOTP.activate(city.technician, SECRET)
    codes = RecoveryCodes.activate(city.technician).get_unused_codes()
    new = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new, *settings.ENCRYPTION_KEYS]

    said = StringIO()
    call_command("rotate_secrets", stdout=said)
    settings.ENCRYPTION_KEYS = [new]

    assert "mfa.Authenticator.data: 2 re-encrypted" in said.getvalue()
    stored = {row.type: row.wrap() for row in Authenticator.objects.all()}
    assert stored[Authenticator.Type.RECOVERY_CODES].get_unused_codes() == codes
    assert stored[Authenticator.Type.TOTP].validate_code("000000") is False
