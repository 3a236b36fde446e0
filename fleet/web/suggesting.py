"""A text field that names what its text may go on as."""

from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise


class SuggestingInput(forms.TextInput):
    """Without JavaScript the text alone says it. A template of its own holds the list of names."""

    names_at: ClassVar[str | Promise]
    """The address that answers with names."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        said = context["widget"]["attrs"]
        said["list"] = f"{said.get('id', name)}-names"
        said |= {
            "autocomplete": "off",
            "hx-get": self.names_at,
            "hx-trigger": "focus once, input changed delay:300ms",
            "hx-target": f"#{said['list']}",
            "hx-swap": "innerHTML",
            "hx-push-url": "false",
            "hx-sync": "this:replace",
        }
        return context
