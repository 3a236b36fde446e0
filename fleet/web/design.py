"""Examples for the living style guide at /design/: each piece in each of its states. Nothing here is real."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.paginator import Paginator

STATES = [
    ("ok", "Läuft"),
    ("watch", "Beobachten"),
    ("down", "Antwortet nicht"),
    ("unknown", "Nicht bekannt"),
    ("maintenance", "Wartung"),
    ("info", "Hinweis"),
]
DIFF = """--- vorher
+++ nachher
@@ wireless.pruefung
-option disabled '1'
+option disabled '0'
 option ssid 'Pruefung-204'
+option key '***'"""


class ExampleForm(forms.Form):
    """One field of every kind, some of them refused."""

    subject = forms.CharField(label="Betreff", help_text="In einem Satz: Was geht nicht?")
    room = forms.ChoiceField(label="Raum", choices=[("204", "204 Physik"), ("205", "205 Biologie")])
    begins = forms.DateTimeField(label="Beginn", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    what = forms.ChoiceField(
        label="Was brauchen Sie?", choices=[("wlan", "WLAN"), ("print", "Drucken")], widget=forms.RadioSelect
    )
    text = forms.CharField(label="Beschreibung", widget=forms.Textarea, required=False)
    lesson = forms.BooleanField(label="Unterricht ist betroffen", required=False)


class ExampleFilter(forms.Form):
    q = forms.CharField(label="Suche", required=False, widget=forms.TextInput(attrs={"type": "search"}))
    state = forms.ChoiceField(label="Zustand", required=False, choices=[("", "alle"), *STATES])


def examples(now: datetime) -> dict[str, Any]:
    return {
        "states": STATES,
        "rooms_shown": [(f"{200 + number}", *STATES[number % 5]) for number in range(12)],
        "facts": [
            ("Gerät", "AP-204"),
            ("Adresse", "10.20.4.17"),
            ("Verbunden", "18 Geräte, vor 40 s"),
            ("Seriennummer", None),
        ],
        "evidence_rows": _evidence(),
        "steps": _steps(now),
        "failed_steps": _stopped(now),
        "timeline": _timeline(now),
        "instants": [now - timedelta(seconds=s) for s in (5, 240, 7200, 200_000, 3_000_000)] + [now + timedelta(hours=3)],
        "values": [3, 4, 4, 6, 9, 14, 18, 17, 18, 12, None, 6, 5, 4],
        "diff": DIFF,
        "form": ExampleForm(),
        "filter_form": ExampleFilter({"state": "down"}),
        "refused_form": ExampleForm({"text": "Seit heute früh."}),
        "page": Paginator(range(240), 50).page(2),
        "lines": log_lines(now),
        "devices": [
            ("AP-204", "Raum 204", *STATES[0]),
            ("AP-205", "Raum 205", *STATES[2]),
            ("SW-2-1", "Raum 211", *STATES[4]),
        ],
    }


def log_lines(now: datetime) -> list[dict[str, Any]]:
    texts = [
        ("AP-204", "uci: 3 Einstellungen gelesen", ""),
        ("AP-204", "wireless.pruefung.disabled: 1 → 0", "watch"),
        ("AP-204", "geschrieben, wartet auf Bestätigung", ""),
        ("AP-205", "nicht erreichbar: keine Antwort in 10 s", "down"),
    ]
    return [
        {"at": now - timedelta(seconds=4 - n), "host": host, "text": text, "state": s}
        for n, (host, text, s) in enumerate(texts)
    ]


def _evidence() -> list[dict[str, Any]]:
    return [
        {"reading": "SSID „Pruefung-204“", "before": "fehlt", "after": "sendet", "wanted": "sendet", "verdict": "confirmed"},
        {"reading": "Radios an", "before": "2", "after": "1", "wanted": "2", "verdict": "refuted", "device": "AP-204"},
        {"reading": "Verbundene Geräte", "before": "18", "after": None, "wanted": "≥ 1", "verdict": "unknown"},
    ]


def _steps(now: datetime) -> list[dict[str, Any]]:
    return [
        {"label": "Bestellt", "state": "done", "at": now - timedelta(hours=3)},
        {"label": "Geprüft", "state": "done", "at": now - timedelta(hours=2)},
        {"label": "Freigegeben", "state": "done", "at": now - timedelta(minutes=50)},
        {"label": "Läuft", "state": "now", "at": now - timedelta(seconds=20)},
        {"label": "Nachgemessen", "state": "todo"},
    ]


def _stopped(now: datetime) -> list[dict[str, Any]]:
    late: list[dict[str, Any]] = [
        {"label": "Läuft", "state": "failed", "at": now},
        {"label": "Nachgemessen", "state": "todo"},
    ]
    return [*_steps(now)[:3], *late]


def _timeline(now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "at": now - timedelta(hours=2),
            "who": "Alma Koordinatorin",
            "text": "In Raum 204 ist kein WLAN. Wir schreiben um 10 eine Prüfung.",
        },
        {
            "at": now - timedelta(hours=1),
            "who": "Fleetdesk",
            "state": "down",
            "icon": "signal-slash",
            "text": "AP-204 antwortet seit 8:12 nicht.",
        },
        {"at": now - timedelta(minutes=40), "who": "Theo Techniker", "internal": True, "text": "PoE-Port 7 war aus."},
        {
            "at": now - timedelta(minutes=5),
            "who": "Fleetdesk",
            "state": "ok",
            "icon": "check-circle",
            "text": "Erledigt. Nachgemessen: das WLAN in Raum 204 ist wieder da.",
            "evidence": _evidence()[:1],
            "measured_at": now,
        },
    ]
