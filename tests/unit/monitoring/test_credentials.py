"""One Credential row becomes one SNMP credential, and never shows what it holds."""

from typing import Any

import pytest

from fleet.devices.models import Credential
from fleet.monitoring import credentials
from fleet.snmp.types import Auth, Priv, V2cCredential, V3Credential

KEYS = {"user": "fleet", "auth_key": "quite-long-enough", "priv_key": "long-enough-too"}


@pytest.mark.parametrize(
    ("kind", "secret", "expected"),
    [
        ("snmp-v2c", {"community": "c0mmunity"}, V2cCredential("c0mmunity")),
        (
            "snmp-v3",
            {**KEYS, "auth_protocol": "SHA-256", "priv_protocol": "AES-128"},
            V3Credential("fleet", Auth.SHA256, "quite-long-enough", Priv.AES128, "long-enough-too"),
        ),
        (
            "snmp-v3",
            {**KEYS, "auth_protocol": "SHA", "priv_protocol": "AES"},
            V3Credential("fleet", Auth.SHA1, "quite-long-enough", Priv.AES128, "long-enough-too"),
        ),
        (
            "snmp-v3",
            {"user": "fleet", "auth_protocol": "", "auth_key": "", "priv_protocol": "", "priv_key": ""},
            V3Credential("fleet"),
        ),
    ],
)
def test_rows_become_credentials(kind: str, secret: dict[str, Any], expected: object) -> None:
    assert credentials.snmp(Credential(kind=kind, secret=secret)) == expected


@pytest.mark.parametrize(
    ("kind", "secret"),
    [("snmp-v2c", {}), ("snmp-v3", {"user": "x", "auth_protocol": "sha1", "auth_key": "short"}), ("ssh-key", {"a": 1})],
)
def test_what_is_unusable_is_refused_without_quoting_it(kind: str, secret: dict[str, Any]) -> None:
    with pytest.raises(credentials.CredentialError) as caught:
        credentials.snmp(Credential(kind=kind, secret=secret))
    assert "short" not in str(caught.value)
    assert caught.value.__cause__ is None
