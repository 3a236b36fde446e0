"""Address ranges, and who has which address."""

from django.db import transaction
from django.utils.translation import gettext as _

from fleet.devices import rules
from fleet.devices.models import Credential, Device, Prefix
from fleet.devices.services.credentials import NAMED_AT_MOST, community_refusal, manages_authority
from fleet.devices.services.errors import DeviceError, checked
from fleet.people.models import User
from fleet.sites.models import Site


@transaction.atomic
def create_prefix(*, site: Site, cidr: str, purpose: Prefix.Purpose, by: User | None = None) -> Prefix:
    """Raises DeviceError if it overlaps another range of the authority, or is a public one and `by` manages sites only."""
    network = checked("cidr", rules.prefix, cidr)
    if not rules.private(network) and not manages_authority(by, site.authority_id):
        raise DeviceError("cidr", _("This range is not a private one. Only who administers the whole authority may add it."))
    others = Prefix.objects.filter(authority_id=site.authority_id).values_list("cidr", flat=True)
    if common := rules.overlapping(network, others):
        raise DeviceError("cidr", _("This range shares addresses with %s.") % ", ".join(common))
    return Prefix.objects.create(authority_id=site.authority_id, site=site, cidr=network, purpose=purpose)


@transaction.atomic
def delete_prefix(*, prefix: Prefix) -> None:
    """Raises DeviceError while devices inside are asked with a community, which may not go anywhere else."""
    others = Prefix.objects.filter(site=prefix.site_id, purpose=Prefix.Purpose.MANAGEMENT).exclude(pk=prefix.pk)
    rest = list(others.values_list("cidr", flat=True))
    asked = Device.objects.polled().filter(site=prefix.site_id, snmp_credential__kind__in=Credential.IN_CLEAR)
    left = [one.name for one in asked if rules.inside(str(one.address), [prefix.cidr]) and community_refusal(one, rest)]
    if left:
        named = ", ".join(left[:NAMED_AT_MOST])
        raise DeviceError("cidr", _("Devices inside are asked with a community: %s. Give them SNMPv3 first.") % named)
    prefix.delete()


@transaction.atomic
def next_address(*, prefix: Prefix) -> str | None:
    """The lowest free host address of the prefix; None when it is full.

    Whoever takes it creates the device in the same transaction: the prefix's row is locked until then, so two people
    cannot be given the same one (and the database would refuse the second).
    """
    locked = Prefix.objects.select_for_update().get(pk=prefix.pk)
    taken = (
        Device.objects.filter(authority_id=locked.authority_id, address__isnull=False)
        .exclude(lifecycle=Device.Lifecycle.RETIRED)
        .values_list("address", flat=True)
    )
    return rules.next_free(locked.cidr, (one for one in taken if one))
