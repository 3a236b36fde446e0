"""Why nobody is bothered with an alert: in a sentence, with the way from the device up to the cause."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.db.models import QuerySet
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from fleet.devices.models import Device
from fleet.monitoring import services, words
from fleet.monitoring.models import Alert
from fleet.monitoring.rules import causes
from fleet.monitoring.rules.kinds import GATHERED


@dataclass(frozen=True)
class Why:
    """`path`: from the device up to the cause; None where a device stands that this person may not see."""

    sentence: str
    path: Sequence[Device | None] = ()


def why_suppressed(alert: Alert, visible: QuerySet[Device]) -> Why | None:
    """None for an alert that speaks for itself. Two queries. `visible`: the devices that this person may see."""
    cause = alert.suppressed_by
    if cause is None:
        return None
    since = formats.date_format(timezone.localtime(cause.opened_at), "SHORT_DATETIME_FORMAT")
    if cause.kind in GATHERED:
        said = _("%(device)s is one of the devices of %(whole)s that fell silent together, at %(since)s.")
        return Why(said % {"device": alert.device.name, "whole": words.subject(cause), "since": since})
    cables = services.parents([alert.site_id])
    found = causes.path(alert.device_id, cause.device_id, cables)
    rows = visible.in_bulk(found)
    path = [rows.get(pk) for pk in found]
    if not causes.cabled(found, cables):
        said = _("%(device)s fell silent together with %(cause)s, on which most of the site hangs; no cable is recorded.")
        return Why(said % {"device": alert.device.name, "cause": _name(rows.get(cause.device_id))}, path)
    return Why(_chain([_name(device) for device in path], since), path)


def _name(device: Device | None) -> str:
    return device.name if device else _("something at another place")


def cause(alert: Alert, visible: QuerySet[Device]) -> str:
    """What its cause lies with; "" for an alert that speaks for itself."""
    root = alert.suppressed_by
    if root is None:
        return ""
    return words.subject(root) if root.site_id == alert.site_id else _name(visible.filter(pk=root.device_id).first())


def _chain(names: Sequence[str], since: str) -> str:
    """ "AP-204 hangs on SW-1, SW-1 hangs on GW; GW has been silent since 10:02."""
    steps = [_("%(below)s hangs on %(above)s") % {"below": b, "above": a} for b, a in pairwise(names)]
    end = _("%(cause)s has been silent since %(since)s, so everything behind it is.")
    return f"{', '.join(steps)}; {end % {'cause': names[-1], 'since': since}}"
