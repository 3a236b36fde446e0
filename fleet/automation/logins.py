"""How devices are logged in to: which credentials a run needs for them, and what of those Ansible gets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fleet.automation.execution.certificates import issue
from fleet.automation.models import CredentialUse
from fleet.automation.rules.credentials import Held, Place, resolve
from fleet.automation.rules.platforms import USERS
from fleet.devices.models import Credential, Device
from fleet.secrets.types import Secret

Use = CredentialUse.Use


@dataclass(frozen=True)
class Login:
    """How Ansible logs in to one device."""

    username: str
    private_key: Secret | None = None
    password: Secret | None = None
    enable: Secret | None = None
    """What `enable` asks for, on switches whose login is not privileged."""

    def secrets(self) -> list[Secret]:
        return [secret for secret in (self.private_key, self.password, self.enable) if secret]


def login(device: Device) -> Login | None:
    credential = device.ssh_credential
    if credential is None:
        return None
    values = credential.secret
    username = values.get("username") or USERS.get(device.type.platform, "root")
    enable = Secret(values["enable_secret"]) if values.get("enable_secret") else None
    if credential.kind == Credential.Kind.SSH_KEY:
        return Login(username, private_key=Secret(values["private_key"]), enable=enable)
    return Login(username, password=Secret(values["password"]), enable=enable)


def _held(devices: Iterable[Device]) -> list[Held]:
    rows = CredentialUse.objects.filter(authority__in={device.authority_id for device in devices})
    names = ("credential_id", "use", "authority_id", "platform", "site_id", "device_id")
    return [Held(*row) for row in rows.values_list(*names)]


def _place(device: Device) -> Place:
    return Place(device.pk, device.authority_id, device.site_id, device.type.platform)


def fill_in(devices: Sequence[Device]) -> None:
    """Give devices that neither themselves nor their site say a login the one of their platform or authority, in memory."""
    lacking = [device for device in devices if device.ssh_credential_id is None]
    if not lacking:
        return
    held = _held(lacking)
    found = {device.pk: resolve(held, Use.SSH, _place(device)) for device in lacking}
    known = Credential.objects.in_bulk({pk for pk in found.values() if pk})
    for device in lacking:
        if pk := found[device.pk]:
            device.ssh_credential = known[pk]


class Keyring:
    """The keys and passwords of one run, each once, and everything of them that must not be seen."""

    def __init__(self, devices: Sequence[Device], *, lasts_s: float, run_id: int) -> None:
        held = _held(devices)
        self._chosen = {device.pk: {use: resolve(held, use, _place(device)) for use in Use} for device in devices}
        needed = {pk for chosen in self._chosen.values() for pk in chosen.values() if pk}
        self._known = Credential.objects.in_bulk(needed)
        self._lasts_s, self._run_id = lasts_s, run_id
        self.keys: dict[str, str] = {}
        self.certificates: dict[str, str] = {}
        self.secrets: list[str] = []
        self.vault_passwords = {f"vault{pk}": self._text(pk, "password") for pk in sorted(self._all(Use.VAULT))}
        self._of_snmp(devices)

    def _all(self, use: CredentialUse.Use) -> set[int]:
        return {pk for chosen in self._chosen.values() if (pk := chosen[use])}

    def _of_snmp(self, devices: Sequence[Device]) -> None:
        """No playbook gets these, but one may read them off a device."""
        for credential in (
            Credential.objects.for_snmp().filter(snmp_devices__in=[device.pk for device in devices]).distinct()
        ):
            secret = credential.secret
            self.secrets += [secret[name] for name in ("community", "auth_key", "priv_key") if secret.get(name)]

    def _text(self, pk: int, name: str) -> str:
        text = str(self._known[pk].secret[name])
        self.secrets.append(text)
        return text

    def key(self, device: Device, way_in: Login | None) -> str | None:
        """Name of the key that the device is logged in to with; with an authority's certificate, where one is set."""
        if authority := self._chosen[device.pk][Use.CA]:
            return self._certified(authority, way_in.username if way_in else "root")
        if way_in is None:
            return None
        self.secrets += [secret.reveal() for secret in way_in.secrets()]
        if not way_in.private_key:
            return None
        name = f"key-{device.ssh_credential_id}"
        self.keys[name] = way_in.private_key.reveal()
        return name

    def _certified(self, authority: int, principal: str) -> str:
        """One for each authority and user name."""
        name = f"ca-{authority}-{principal.encode().hex()[:60]}"
        if name not in self.keys:
            signer = Secret(self._text(authority, "private_key"))
            made = issue(signer, principal=principal, run_id=self._run_id, lasts_s=self._lasts_s)
            self.keys[name], self.certificates[name] = made.private_key, made.certificate
            self.secrets.append(made.private_key)
        return name

    def variables(self, device: Device) -> dict[str, Any]:
        """What Ansible needs to become more than it logged in as: `enable` of a switch, sudo of a server."""
        enable = self._chosen[device.pk][Use.ENABLE]
        if not enable:
            return {}
        return dict.fromkeys(("ansible_become_password", "enable_secret"), self._text(enable, "password"))
