"""Short-lived SSH certificates (OpenSSH's PROTOCOL.certkeys), signed in memory: no authority's key ever lies in a file."""

import time
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
    load_ssh_private_key,
)

from fleet.secrets.types import Secret

EARLIER_S = 60
"""A device's clock may be behind ours."""
LONGER_S = 600
"""A device's clock may be ahead, and a run may wait for its turn."""


@dataclass(frozen=True)
class Certified:
    private_key: str
    certificate: str


def issue(authority: Secret, *, principal: str, run_id: int, lasts_s: float) -> Certified:
    """A fresh key for one run, good for one user name, from a minute ago until ten minutes after the run's time."""
    key, now = Ed25519PrivateKey.generate(), int(time.time())
    signer = load_ssh_private_key(authority.reveal().encode(), None)
    made = (
        SSHCertificateBuilder()
        .public_key(key.public_key())
        .serial(run_id)
        .type(SSHCertificateType.USER)
        .key_id(f"fleetdesk run {run_id}".encode())
        .valid_principals([principal.encode()])
        .valid_after(now - EARLIER_S)
        .valid_before(now + int(lasts_s) + LONGER_S)
        .sign(signer)  # type: ignore[arg-type]  # DSA, which it does not sign with, is refused there
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    return Certified(private, made.public_bytes().decode())
