"""One Credential row becomes one SNMP credential; the clear text stays inside it and never shows."""

from fleet.devices.models import Credential
from fleet.secrets.crypto import UndecipherableError
from fleet.snmp.types import Auth, Priv, V1Credential, V2cCredential, V3Credential
from fleet.snmp.types import Credential as SnmpCredential


class CredentialError(ValueError):
    """The row does not hold what SNMP needs; the text names the row, never its content."""


def snmp(row: Credential) -> SnmpCredential:
    """Raises CredentialError."""
    try:
        if row.kind == Credential.Kind.SNMP_V1:
            return V1Credential(row.secret["community"])
        if row.kind == Credential.Kind.SNMP_V2C:
            return V2cCredential(row.secret["community"])
        if row.kind == Credential.Kind.SNMP_V3:
            return _v3(row.secret)
    except UndecipherableError:
        raise CredentialError(f"no key opens credential {row.pk}") from None
    except (KeyError, ValueError, TypeError):
        raise CredentialError(f"credential {row.pk} is incomplete") from None  # the cause might quote the secret
    raise CredentialError(f"credential {row.pk} is not for SNMP")


def _v3(secret: dict[str, str]) -> V3Credential:
    return V3Credential(
        user=secret["user"],
        auth_protocol=Auth(secret.get("auth_protocol") or Auth.NONE),
        auth_key=secret.get("auth_key") or "",
        priv_protocol=Priv(secret.get("priv_protocol") or Priv.NONE),
        priv_key=secret.get("priv_key") or "",
    )
