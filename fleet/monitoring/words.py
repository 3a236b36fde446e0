"""Numbers and causes in the reader's language, with units."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from fleet.monitoring import metrics
from fleet.monitoring.models import Alert, Health
from fleet.monitoring.rules import elements
from fleet.monitoring.rules.kinds import GATHERED, Kind
from fleet.monitoring.rules.quiet import public_count
from fleet.monitoring.rules.rollup import Grain

MINUTE, HOUR, DAY = 60, 3600, 86_400
SI = ((1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s"))


def quantity(unit: str, value: float, *, public: bool = False) -> str:
    """`quantity("percent", 41.53)` → "42 %"; `public`: few people are not counted."""
    if public and unit == "clients":
        return public_count(value)
    if unit == "yes-no":
        return _("yes") if value else _("no")
    if unit == "seconds":
        return duration(value)
    if unit == "bits-per-second":
        return _rate(value)
    return f"{number(value)} {SIGNS[unit]}".strip()


SIGNS = {"percent": "%", "celsius": "°C", "watts": "W", "clients": "", "per-second": "/s"}


def number(value: float) -> str:
    """Three digits that say something: 0.25, 3.7, 41, 1,839."""
    digits = 0 if abs(value) >= 10 or float(value).is_integer() else 1 if abs(value) >= 1 else 2  # noqa: PLR2004
    return formats.number_format(round(value, digits), decimal_pos=digits, force_grouping=True)


def _rate(bits_per_s: float) -> str:
    for size, sign in SI:
        if bits_per_s >= size:
            return f"{number(bits_per_s / size)} {sign}"
    return f"{number(bits_per_s)} bit/s"


def duration(seconds: float) -> str:
    if seconds >= 2 * DAY:
        days = int(seconds // DAY)
        return ngettext("%d day", "%d days", days) % days
    if seconds >= 2 * HOUR:
        hours = int(seconds // HOUR)
        return ngettext("%d hour", "%d hours", hours) % hours
    minutes = int(seconds // MINUTE)
    return ngettext("%d minute", "%d minutes", minutes) % minutes if minutes else _("less than a minute")


def speed(bits_per_s: float | None) -> str:
    return _rate(bits_per_s) if bits_per_s else "–"


BINARY = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def size(count_bytes: float) -> str:
    """ "512 MiB"."""
    for unit, sign in BINARY:
        if count_bytes >= unit:
            return f"{number(count_bytes / unit)} {sign}"
    return f"{number(count_bytes)} B"


def measured(
    values: Mapping[str, float], names: Iterable[str] | None = None, *, public: bool = False
) -> list[tuple[str, str]]:
    """[(title, value with unit)] in the order of metrics.toml."""
    language = translation.get_language() or "de"
    return [
        (metric.title.in_language(language), quantity(metric.unit, values[metric.name], public=public))
        for metric in metrics.known().values()
        if metric.name in values and (names is None or metric.name in names)
    ]


def fault(alert: Alert) -> str:
    """What is wrong at this moment, as a sentence's end: "does not answer", "comes and goes, answers at the moment"."""
    if alert.quiet_since is None or alert.closed_at is not None:
        return in_general(alert)
    if alert.kind == Kind.UNREACHABLE:
        return _("comes and goes, answers at the moment")
    return _("%(fault)s: comes and goes, is all right at the moment") % {"fault": as_opened(alert)}


def in_general(alert: Alert) -> str:
    """What is wrong, where it will be read later too."""
    if not alert.flapping:
        return as_opened(alert)
    if alert.kind == Kind.UNREACHABLE:
        return _("comes and goes")
    return _("%(fault)s: comes and goes") % {"fault": as_opened(alert)}


def as_opened(alert: Alert) -> str:
    """What was wrong when it began: "does not answer", "reports Processor load above 95 %"."""
    if alert.kind == Kind.UNREACHABLE:
        return reason(alert.evidence_opened.get("reason", ""))
    if alert.kind in OTHERWISE:
        return _confirmed_or_not(alert)
    metric = metrics.known().get(alert.kind)
    if metric is None:
        return alert.kind
    title = metric.title.in_language(translation.get_language() or "de")
    if metric.unit == "yes-no":
        return _("reports: %s") % title
    limit, below = _limit(alert, metric)
    if limit is None:
        return _("reports: %s") % title
    sentence = _("reports %(what)s below %(limit)s") if below else _("reports %(what)s above %(limit)s")
    return sentence % {"what": title, "limit": quantity(metric.unit, limit)}


OTHERWISE = {
    Kind.POWER_OFF: gettext_noop("is silent as a whole: switched off?"),
    Kind.SILENT_SITE: gettext_noop("is silent as a whole"),
    Kind.SILENT_ACCESS_POINT: gettext_noop("has no clients although its neighbours are full"),
}


def _confirmed_or_not(alert: Alert) -> str:
    if alert.kind == Kind.POWER_OFF and alert.confirmed_at:
        return _("is still silent as a whole although lessons have begun")
    return _(OTHERWISE[Kind(alert.kind)])


def _limit(alert: Alert, metric: metrics.Metric) -> tuple[float | None, bool]:
    """The limit that was crossed, and whether too little is bad: as it was when the alert opened."""
    said = alert.evidence_opened
    if "limit" in said and "below" in said:
        return said["limit"], said["below"]
    threshold = metric.default(alert.device.kind)
    return (threshold.open, threshold.open < threshold.clear) if threshold else (None, False)


def limit(metric: metrics.Metric, threshold: metrics.Threshold | None) -> str:
    """ "opens at 75 °C or more, closes at 68 °C or less, if it lasts 10 minutes"."""
    if threshold is None:
        return _("no alert")
    said = _limits(metric, threshold) % {
        "open": quantity(metric.unit, threshold.open),
        "clear": quantity(metric.unit, threshold.clear),
    }
    return f"{said}, {_('if it lasts %s') % _hold(threshold.hold_s)}" if threshold.hold_s else said


def _limits(metric: metrics.Metric, threshold: metrics.Threshold) -> str:
    """Which side of each value is the bad one is not to be guessed from the two."""
    if metric.unit == "yes-no":
        return _("opens at %(open)s, closes at %(clear)s")
    if threshold.open > threshold.clear:
        return _("opens at %(open)s or more, closes at %(clear)s or less")
    return _("opens at %(open)s or less, closes at %(clear)s or more")


def _hold(seconds: float) -> str:
    """To the second below a minute: a limit that has to hold for "less than a minute" says nothing."""
    return ngettext("%d second", "%d seconds", int(seconds)) % seconds if seconds < MINUTE else duration(seconds)


def wrong_order(metric: metrics.Metric, opens: float, closes: float) -> str:
    """Why these two cannot be its limit, or "". Swapped numbers would sound the alert while all is well."""
    if opens == closes:
        return _("It must be another value than the one at which the alert opens.")
    if metric.rises is True and closes > opens:
        return _("More is worse here: the alert must close at less than it opens at.")
    if metric.rises is False and closes < opens:
        return _("Less is worse here: the alert must close at more than it opens at.")
    return ""


def severity(code: str) -> str:
    return str(Alert.Severity(code).label) if code in Alert.Severity.values else code


def unit(name: str) -> str:
    """What a form's numbers are counted in."""
    spoken = {"seconds": _("seconds"), "bits-per-second": "bit/s", "yes-no": _("1 for yes, 0 for no")}
    return spoken.get(name) or SIGNS.get(name, "")


def subject(alert: Alert) -> str:
    """What an alert speaks of: a device, a building, a site."""
    if alert.kind not in GATHERED:
        return alert.device.name
    return str(alert.evidence_opened.get("building") or alert.site.name)


def reason(code: str) -> str:
    return str(Health.Reason(code).label) if code in Health.Reason.values else _("does not answer")


FIRST = {"ups": ("on_battery", "battery_charge_percent", "battery_runtime_s")}
"""Of a kind of device, what whoever stands before it must know first."""


def most_important(kind: str, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Of the numbers that an alert carries, those that its kind of device is about, in that order."""
    return [fact for name in FIRST.get(kind, ()) if name in values for fact in evidence({name: values[name]})]


def evidence(values: Mapping[str, Any], *, public: bool = False) -> list[tuple[str, str]]:
    """Of the numbers that an alert carries, those that metrics.toml still knows."""
    numbers = {name: value for name, value in values.items() if isinstance(value, int | float)}
    return measured(numbers, public=public)


def element(one: tuple[str, str], reading: Mapping[str, Any]) -> str:
    """`element(("interfaces", "12"), …)` → "Port 12 · Raum 204"."""
    part, key = one
    said = elements.entry(reading, one)
    number = key if part == "interfaces" or not key.isdecimal() else str(int(key) + 1)
    name = f"{said['band']} GHz" if said.get("band") else said.get("alias") or said.get("name")
    return f"{_part(part)} {number}" + (f" · {name}" if name else "")


def chapter(code: str) -> str:
    """Of `rules.kinds.CHAPTERS`: what its metrics speak of."""
    titles = {
        "wireless": _("Wi-Fi"),
        "interfaces": _("Ports"),
        "poe": _("Power over Ethernet"),
        "supplies": _("Toner and other supplies"),
        "ups": _("Uninterruptible power supply"),
    }
    return titles.get(code, _("The device itself"))


def _part(part: str) -> str:
    titles = {
        "interfaces": _("Port"),
        "wireless.radios": _("Radio"),
        "cpu_percent": _("Processor"),
        "memory": _("Memory"),
        "temperatures_c": _("Sensor"),
        "supplies": _("Supply"),
    }
    return titles.get(part, part)


def tick(at: datetime, grain: Grain) -> str:
    """A round time under a chart: "12:00", "Mi. 25.", "Nov.", and for January its year."""
    local = timezone.localtime(at)
    if grain is Grain.POLL:
        return formats.time_format(local, "H:i")
    if grain is Grain.HOUR:
        return formats.date_format(local, "D j.")
    return str(local.year) if local.month == 1 else formats.date_format(local, "M")
