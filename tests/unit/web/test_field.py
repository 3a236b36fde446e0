"""A form's field as every page shows it."""

import pytest
from django import forms
from django.template.loader import render_to_string


@pytest.mark.parametrize("field", [forms.CharField, forms.BooleanField])
def test_help_that_a_playbook_or_a_request_brings_is_text(field: type[forms.Field]) -> None:
    class Form(forms.Form):
        asked = field(help_text="<img src=x onerror=alert(1)> & more")

    shown = render_to_string("web/pieces/field.html", {"field": Form()["asked"]})

    assert "&lt;img src=x" in shown
    assert "<img" not in shown
