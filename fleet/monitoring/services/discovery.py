"""Looks through an address range: asks every address, shows who answers, makes devices of those that somebody chooses."""

import logging
import time
import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from celery import current_app
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from fleet.devices import rules
from fleet.devices import services as devices
from fleet.devices.models import Credential, Device, DeviceType, Interface, Prefix, SiteCredential
from fleet.devices.services import DeviceError
from fleet.devices.services.credentials import management_prefixes, of_site
from fleet.monitoring import credentials
from fleet.monitoring.models import Found, GroupedSite, Search
from fleet.monitoring.rules import finding
from fleet.monitoring.services.asking import queue_name
from fleet.people.models import User
from fleet.snmp.errors import SnmpError, SnmpProtocolError, SnmpTooLong
from fleet.snmp.fetch import GufoFetcher, Stream
from fleet.snmp.read import read
from fleet.snmp.types import Credential as SnmpCredential
from fleet.snmp.types import Reading, Target

log = logging.getLogger(__name__)

MOST_ADDRESSES = 4096
"""A /20: the largest range that one search looks through."""
AT_ONCE = 100
TIMEOUT_S = 1.0
RETRIES = 2
"""A datagram that is lost does not hide a device."""
READ_S = 20.0
"""What takes longer to be read is found as far as it was read. All are asked side by side, so a part of the range takes no
longer, and nobody else takes the search for given up meanwhile."""
TICK_S = 30.0
LEASE = timedelta(seconds=60)
STEP_S = 0.5


@transaction.atomic
def start(*, prefix: Prefix, credential: Credential, port: int = 161, by: User | None = None) -> Search:
    """Raises DeviceError: a range too large, a community outside of the management prefixes, a search under way."""
    _check(prefix, credential)
    scope = {"authority_id": prefix.authority_id, "site_id": prefix.site_id}
    total = len(rules.hosts(prefix.cidr))
    row = Search(**scope, prefix=prefix, credential=credential, snmp_port=port, asked_by=by, total=total)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise DeviceError("cidr", _("This range is being searched already.")) from error
    transaction.on_commit(lambda: _wake(row.pk), robust=True)
    return row


def _check(prefix: Prefix, credential: Credential) -> None:
    if rules.size(prefix.cidr) > MOST_ADDRESSES:
        raise DeviceError("cidr", _("This range has more than %d addresses. Search a part of it.") % MOST_ADDRESSES)
    if credential.authority_id != prefix.authority_id or credential.kind not in Credential.SNMP_KINDS:
        raise DeviceError("credential", _("Choose a credential for SNMP."))
    try:
        credentials.snmp(credential)
    except credentials.CredentialError as error:
        reason = _("This credential is incomplete or cannot be opened with our key. Give it a new secret first.")
        raise DeviceError("credential", reason) from error
    in_clear = credential.kind in Credential.IN_CLEAR
    if in_clear and prefix.cidr not in management_prefixes(prefix.site_id):
        raise DeviceError("credential", _("A community may be sent into management ranges only. Choose SNMPv3."))


def _taken(prefix: Prefix) -> set[str]:
    """Addresses that a device of ours has: they are passed over."""
    living = Device.objects.filter(authority=prefix.authority_id).exclude(lifecycle=Device.Lifecycle.RETIRED)
    return {one for one in living.values_list("address", flat=True) if one}


def _wake(search_id: int) -> None:
    """A worker that reaches the site's network: that of its group, if it has one."""
    group = GroupedSite.objects.filter(site__in=Search.objects.filter(pk=search_id).values("site"))
    queue = group.values_list("group__queue", flat=True).first() or ""
    current_app.send_task("fleet.monitoring.search", args=[search_id], queue=queue_name("searching", queue))


def stop(*, search: Search) -> bool:
    """False if it had ended. Addresses that are being asked at this moment may still be noted."""
    ended = {"state": Search.State.STOPPED, "ended_at": timezone.now()}
    return Search.objects.unfinished().filter(pk=search.pk).update(**ended) == 1


def tend(*, now: datetime) -> None:
    """Searches whose worker died, or whose wake-up was lost, go on."""
    for search_id in Search.objects.free(now).values_list("pk", flat=True):
        _wake(search_id)


def tick(*, search_id: int) -> int:
    """Goes on with a search for a while; returns how many addresses were dealt with. A second worker finds it taken."""
    token, now = uuid.uuid4(), timezone.now()
    if not Search.objects.free(now).filter(pk=search_id).update(claim=token, claimed_until=now + LEASE):
        return 0
    asked = 0
    stop_at = time.monotonic() + TICK_S
    search = Search.objects.select_related("prefix", "credential").defer("credential__secret").get(pk=search_id)
    try:
        credential = credentials.snmp(search.credential)
    except credentials.CredentialError:
        log.exception("credential unusable", extra={"search_id": search_id})
        stop(search=search)
        return 0
    addresses, taken = rules.hosts(search.prefix.cidr), _taken(search.prefix)
    for begin in range(search.asked, search.total, AT_ONCE):
        part = addresses[begin : begin + AT_ONCE]
        said = _ask(_targets(search, credential, [one for one in part if one not in taken]))
        if not _note(search, token, part, said):
            return asked
        asked += len(part)
        if time.monotonic() > stop_at:
            break
    _hand_back(search_id, token)
    return asked


def _targets(search: Search, credential: SnmpCredential, addresses: Sequence[str]) -> list[tuple[str, Target]]:
    return [(one, Target(one, search.snmp_port, credential, timeout_s=TIMEOUT_S, retries=RETRIES)) for one in addresses]


def _ask(targets: Sequence[tuple[str, Target]]) -> dict[str, Reading | SnmpError]:
    fetcher, said = GufoFetcher(), dict[str, Reading | SnmpError]()
    with Stream[str, Reading]() as stream:
        for address, target in targets:
            stream.start(address, _read(fetcher, target), READ_S)
        while len(said) < len(targets):
            said |= stream.step(STEP_S)
    return said


async def _read(fetcher: GufoFetcher, target: Target) -> Reading:
    """Raises SnmpError. What a device says must not stop the search, whatever it is."""
    try:
        return await read(fetcher, target)
    except SnmpTooLong as slow:
        if slow.so_far is None:
            raise
        return slow.so_far
    except (SnmpError, GeneratorExit):
        raise
    except Exception as error:
        log.exception("answers could not be used", extra={"address": target.address})
        raise SnmpProtocolError(f"{target.address}: its answers could not be used") from error


@transaction.atomic
def _note(search: Search, token: uuid.UUID, addresses: Sequence[str], said: dict[str, Reading | SnmpError]) -> bool:
    """False if the search was stopped, or is another worker's by now."""
    mine = Search.objects.unfinished().filter(pk=search.pk, claim=token)
    if not mine.update(asked=F("asked") + len(addresses), claimed_until=timezone.now() + LEASE):
        return False
    answered = {address: one for address, one in said.items() if isinstance(one, Reading)}
    rows = [Found(search=search, address=address, **finding.columns(reading)) for address, reading in answered.items()]
    known = _known(search.authority_id, rows)
    for row in rows:
        row.device_id = known.get(row.serial) or known.get(row.mac)
    Found.objects.bulk_create(rows, ignore_conflicts=True)
    return True


def _known(authority_id: int, rows: Sequence[Found]) -> dict[str, int]:
    """{serial number or MAC: device}"""
    serials, macs = {row.serial for row in rows} - {""}, {row.mac for row in rows} - {""}
    living = Device.objects.filter(authority=authority_id).exclude(lifecycle=Device.Lifecycle.RETIRED)
    by_serial = dict(living.filter(serial__in=serials).values_list("serial", "pk"))
    by_mac = Interface.objects.filter(mac__in=macs, device__in=living.values("pk")).values_list("mac", "device_id")
    return by_serial | dict(by_mac)


def _hand_back(search_id: int, token: uuid.UUID) -> None:
    mine = Search.objects.unfinished().filter(pk=search_id, claim=token)
    done = mine.filter(asked__gte=F("total"))
    if not done.update(state=Search.State.DONE, ended_at=timezone.now(), claim=None, claimed_until=None):
        mine.update(claim=None, claimed_until=None)
        _wake(search_id)


@transaction.atomic
def add(*, search: Search, found_ids: Collection[int], by: User | None = None) -> list[Device]:
    """Makes devices of what was found and is not known yet; all or, with a DeviceError, none."""
    rows = search.found.select_for_update().filter(pk__in=found_ids, device__isnull=True).order_by("address")
    names = set(Device.objects.filter(site=search.site_id).values_list("name", flat=True))
    return [_add(search, row, names, by) for row in rows]


def _add(search: Search, row: Found, names: set[str], by: User | None) -> Device:
    kind = devices.ensure_type(
        manufacturer=row.vendor or finding.UNKNOWN_MAKE,
        model=row.model or finding.UNKNOWN_MAKE,
        kind=DeviceType.Kind(row.kind),
    )
    as_site = of_site(search.site_id, SiteCredential.Use.SNMP) == search.credential
    details = devices.DeviceDetails(
        kind,
        finding.free_name(row.name or row.address, row.mac, names),
        serial=row.serial,
        address=row.address,
        snmp_port=search.snmp_port,
        snmp_credential=None if as_site else search.credential,
        snmp_follows_site=as_site,
        ssh_follows_site=True,
    )
    device = devices.create_device(site=search.site, details=details, by=by)
    names.add(device.name)
    row.device = device
    row.save(update_fields=["device"])
    return device
