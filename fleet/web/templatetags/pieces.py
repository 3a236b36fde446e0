"""`{% load pieces %}`: the small pieces that every page is made of."""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import heroicons
from babel.dates import format_timedelta
from django import template
from django.forms import (
    BaseForm,
    BoundField,
    CheckboxInput,
    CheckboxSelectMultiple,
    FileInput,
    PasswordInput,
    RadioSelect,
)
from django.utils import formats, timezone, translation
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from fleet.web import navigation, slots

register = template.Library()

STATE_ICONS = {
    "ok": "check-circle",
    "watch": "exclamation-triangle",
    "down": "x-circle",
    "unknown": "question-mark-circle",
    "maintenance": "wrench-screwdriver",
    "info": "information-circle",
}
OTHER_NAMES = {"error": "down", "success": "ok", "warning": "watch", "debug": "info"}
A_WEEK_S = 7 * 86_400
NOTHING = format_html('<span class="none">{}</span>', "–")
"""A cell without anything to say; on the phone, where cells stand below each other, it is left out."""


@cache
def _svg(name: str, size: int) -> SafeString:
    attributes: dict[str, object] = {"aria-hidden": "true", "focusable": "false"}
    return mark_safe(heroicons._render_icon("outline", str(name), size, attributes))  # noqa: S308  (a pinned package's own SVG)


@register.simple_tag
def icon(name: str, size: int = 20) -> SafeString:
    """The heroicon `name`, drawn in the colour of the text and hidden from screen readers: a word always stands beside."""
    return _svg(name, size)


@register.simple_tag
def pill(state: str, label: object) -> SafeString:
    """`state` one of ok, watch, down, unknown, maintenance, info; told by icon, word and colour."""
    known = known_state(state)
    return format_html('<span class="pill pill-{}">{}{}</span>', known, _svg(STATE_ICONS[known], 16), label)


@register.filter
def known_state(state: object) -> str:
    """The state's token; whatever is not one of them (a message's level) is translated or taken as information."""
    word = str(state).split()[-1] if str(state) else "info"
    return OTHER_NAMES.get(word, word if word in STATE_ICONS else "info")


@register.filter
def state_icon(state: object) -> SafeString:
    return _svg(STATE_ICONS[known_state(state)], 20)


@register.simple_tag
def ago(instant: datetime | None) -> SafeString:
    """`<time>` with "vor 40 Sek."; the exact instant stands in its title. The page's script keeps it ticking."""
    if instant is None:
        return NOTHING
    exact = formats.date_format(timezone.localtime(instant), "SHORT_DATETIME_FORMAT")
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>', instant.isoformat(), exact, since(instant, timezone.now())
    )


@register.filter
def or_dash(value: object) -> object:
    """What a cell says, or the dash of one that has nothing to say."""
    return NOTHING if value is None or value in ("", "–") else value


def since(instant: datetime, now: datetime) -> str:
    """How long before or after `now`, in the reader's language; the date itself where that says more."""
    delta = instant - now
    if abs(delta.total_seconds()) >= A_WEEK_S:
        return formats.date_format(timezone.localtime(instant), "SHORT_DATE_FORMAT")
    language = translation.get_language() or "de"
    return format_timedelta(delta, threshold=1.0, add_direction=True, format="short", locale=language[:2])


@register.simple_tag(takes_context=True)
def account_entries(context: template.Context) -> list[navigation.Entry]:
    """Pages that upper rooms add to those of one's account."""
    request = context.get("request")
    return navigation.account_entries(request) if request is not None else []


@register.inclusion_tag("web/pieces/slot.html", takes_context=True)
def slot(context: template.Context, name: str, pk: int) -> dict[str, Any]:
    """Every panel that upper rooms registered for `name`, each loaded on its own and permission-checked there."""
    access = getattr(context.get("user"), "access", None)
    offered = [
        (key, panel)
        for key, panel in slots.panels(name)
        if panel.action is None or (access is not None and access.anywhere(panel.action))
    ]
    return {"slot": name, "pk": pk, "panels": offered}


@register.inclusion_tag("web/pieces/above_list.html", takes_context=True)
def above_list(context: template.Context, name: str) -> dict[str, Any]:
    """What an upper room shows above a list (slots.register_above), loaded on its own; it is told the list's query."""
    return {"address": slots.above(name), "query": context["request"].GET.urlencode()}


@register.filter
def forgets(form: BaseForm) -> bool:
    """Whether something typed does not come back with the refused form: browsers are sent no secrets and no files."""
    return any(isinstance(field.widget, PasswordInput | FileInput) for field in form.fields.values())


@register.filter
def narrows(form: BaseForm) -> bool:
    """Whether something is chosen in a list's filter; a form whose list is narrowed from the start says so itself."""
    said = getattr(form, "narrows", None)
    return bool(form.has_changed() if said is None else said)


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, CheckboxInput)


@register.filter
def is_choices(field: BoundField) -> bool:
    return isinstance(field.field.widget, RadioSelect | CheckboxSelectMultiple)


@register.filter
def share(part: float, whole: float) -> str:
    """Per cent with a point, as SVG attributes want it."""
    return f"{100 * float(part) / float(whole):.2f}" if whole else "0"


@register.filter
def add_numbers(first: float, second: float) -> float:
    return first + second


@register.filter
def points(values: Sequence[float | None], area: bool = False) -> str:
    """`points` of an SVG polyline in a box of 100 x 30, gaps left out; `area` closes it along the ground."""
    known = [(index, value) for index, value in enumerate(values) if value is not None]
    if not known:
        return ""
    low, high = min(value for _, value in known), max(value for _, value in known)
    step = 100 / max(1, len(values) - 1)
    line = [f"{index * step:.1f},{28 - 26 * (value - low) / ((high - low) or 1):.1f}" for index, value in known]
    if area:
        line = [f"{known[0][0] * step:.1f},30", *line, f"{known[-1][0] * step:.1f},30"]
    return " ".join(line)


@register.filter
def diff_lines(text: str) -> list[tuple[str, str]]:
    """[(added | removed | place | same, line)] of a unified diff."""
    return [(_diff_kind(line), line) for line in text.splitlines()]


def _diff_kind(line: str) -> str:
    if line.startswith(("@@", "---", "+++")):
        return "place"
    return {"+": "added", "-": "removed"}.get(line[:1], "same")


@register.filter
def as_json(value: Any) -> str:
    """JSON for an `hx-vals` attribute (escaped as any text)."""
    return json.dumps(value)


@register.simple_tag(takes_context=True)
def with_query(context: template.Context, **changes: object) -> str:
    """This page's query string with `changes`; an empty value drops the parameter."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        query[name] = str(value)
        if value in {None, ""}:
            del query[name]
    return f"?{query.urlencode()}"
