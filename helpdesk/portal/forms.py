import secrets
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import Device
from fleet.monitoring.rules.rooms import RoomState
from fleet.sites.models import Room, Site
from helpdesk.portal import rules, words
from helpdesk.portal.rules.labels import SHEETS
from helpdesk.tickets.uploads import FilesField


class ReportForm(forms.Form):
    """Where, which device, what, is it pressing: only where and what need an answer."""

    room = forms.ChoiceField(
        label=_("Where is it?"), widget=forms.RadioSelect, error_messages={"required": _("Please choose a room.")}
    )
    device = forms.ChoiceField(label=_("Which device?"), required=False, widget=forms.RadioSelect)
    trouble = forms.ChoiceField(
        label=_("What is wrong?"), widget=forms.RadioSelect, error_messages={"required": _("Please choose what is wrong.")}
    )
    blocks_lesson = forms.ChoiceField(
        required=False, choices=[("", _("No, it can wait")), ("yes", _("Yes"))], widget=forms.RadioSelect
    )
    body = forms.CharField(
        label=_("In your own words"), required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 3})
    )
    attachments = FilesField()
    token = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(
        self, data: Any = None, files: Any = None, *, rooms: Sequence[RoomState], simple: bool, initial: dict[str, Any]
    ) -> None:
        super().__init__(data, files, initial={"token": secrets.token_hex(16)} | initial)
        self.rooms = rooms
        self._choices("room", [(room.slug, str(room.number)) for room in rooms])
        self.fields["room"].required = any(room.room_id for room in rooms)
        devices = [(str(one.device_id), one.name) for room in rooms for one in room.devices]
        self._choices("device", [("", _("I do not know")), *devices])
        self.troubles = [(name, words.TROUBLES[name]) for name in rules.troubles(simple=simple)]
        self._choices("trouble", self.troubles)
        self.fields["blocks_lesson"].label = words.pressing(simple=simple)

    def ask(self, labels: dict[str, str]) -> None:
        """The same questions in other words."""
        for name, label in labels.items():
            self.fields[name].label = label

    def _choices(self, name: str, choices: Any) -> None:
        field: Any = self.fields[name]
        field.choices = choices

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        room = next((one for one in self.rooms if one.slug == cleaned.get("room")), None)
        device = cleaned.get("device")
        if room and device and device not in {str(one.device_id) for one in room.devices}:
            self.add_error(
                "device", _("This device is not in that room. Please choose one of the room, or “I do not know”.")
            )
        return cleaned

    def place(self, site: Site) -> tuple[Room | None, Device | None]:
        """For a valid form. No room where the device has none, and at a school whose rooms nobody has entered."""
        room = next((one for one in self.rooms if one.slug == self.cleaned_data["room"]), None)
        device = self.cleaned_data["device"]
        return (
            Room.objects.get(site=site, pk=room.room_id) if room and room.room_id else None,
            Device.objects.get(site=site, pk=device) if device else None,
        )


class LabelsForm(forms.Form):
    """How labels are printed."""

    sheet = forms.ChoiceField(
        label=_("Sheet"),
        choices=[
            ("middle", _("24 on a page, 63.5 × 33.9 mm (as Avery L4773)")),
            ("small", _("189 on a page, 25.4 × 10 mm (as Avery L4731)")),
            ("large", _("One each, 100 × 62 mm, for label printers")),
        ],
        widget=forms.RadioSelect,
        initial="middle",
    )
    first = forms.IntegerField(
        label=_("First free label on the sheet"),
        min_value=1,
        initial=1,
        help_text=_("Of a sheet that was begun before: counted by rows, from the upper left."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        sheet, first = SHEETS.get(cleaned.get("sheet", "")), cleaned.get("first")
        if sheet and first and first > sheet.places:
            self.add_error("first", _("This sheet has %d labels.") % sheet.places)
        return cleaned
