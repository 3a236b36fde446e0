"""Numbers and causes in the reader's language, with units."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import formats, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fleet.monitoring import metrics
from fleet.monitoring.models import Alert, Health

MINUTE, HOUR, DAY = 60, 3600, 86_400
SI = ((1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s"))
UNREACHABLE = "unreachable"


def quantity(unit: str, value: float) -> str:
    """`quantity("percent", 41.53)` → "42 %"."""
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


def measured(values: Mapping[str, float], names: Iterable[str] | None = None) -> list[tuple[str, str]]:
    """[(title, value with unit)] in the order of metrics.toml."""
    language = translation.get_language() or "de"
    return [
        (metric.title.in_language(language), quantity(metric.unit, values[metric.name]))
        for metric in metrics.known().values()
        if metric.name in values and (names is None or metric.name in names)
    ]


def fault(alert: Alert) -> str:
    """What is wrong, as a sentence's end: "does not answer", "reports Processor load above 95 %"."""
    if alert.kind == UNREACHABLE:
        return reason(alert.evidence_opened.get("reason", ""))
    metric = metrics.known().get(alert.kind)
    if metric is None or metric.threshold is None:
        return alert.kind
    title = metric.title.in_language(translation.get_language() or "de")
    if metric.unit == "yes-no":
        return _("reports: %s") % title
    limit = quantity(metric.unit, metric.threshold.open)
    above = metric.threshold.open > metric.threshold.clear
    sentence = _("reports %(what)s above %(limit)s") if above else _("reports %(what)s below %(limit)s")
    return sentence % {"what": title, "limit": limit}


def reason(code: str) -> str:
    return str(Health.Reason(code).label) if code in Health.Reason.values else _("does not answer")


def evidence(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Of the numbers that an alert carries, those that metrics.toml still knows."""
    return measured({name: value for name, value in values.items() if isinstance(value, int | float)})
