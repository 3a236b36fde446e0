"""Files that are sent with a form: several, none of them too large, told clearly when one is."""

from __future__ import annotations  # Django's files take a type only where none is run

from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.web.uploads import refused
from helpdesk.tickets.names import clean_name
from helpdesk.tickets.services.attachments import Kept, keep


class _Several(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Cleaned: a list of uploaded files."""

    def __init__(self) -> None:
        super().__init__(label=gettext_lazy("Files or pictures"), required=False, widget=_Several())

    def clean(self, data: Any, initial: Any = None) -> Any:
        several = data if isinstance(data, list | tuple) else [data] if data else []
        files = [super(FilesField, self).clean(one, initial) for one in several]
        if len(files) > settings.FILES_PER_ARTICLE:
            raise forms.ValidationError(_("At most %(most)d files at once.") % {"most": settings.FILES_PER_ARTICLE})
        if sum(one.size for one in files) > settings.FILES_BYTES:
            raise forms.ValidationError(
                _("All files together may have %(most)s.") % {"most": filesizeformat(settings.FILES_BYTES)}
            )
        return files


def refuse_too_large(form: forms.Form, request: HttpRequest) -> None:
    """What was thrown away while it arrived is told at the field; nothing else of the form is lost."""
    names = ", ".join(clean_name(name) for name in refused(request))
    if names and "attachments" in form.fields:
        said = _("%(names)s is larger than %(most)s. Please send it in another way, or a smaller one.")
        form.add_error("attachments", said % {"names": names, "most": filesizeformat(settings.FILE_BYTES)})


def kept(files: Iterable[UploadedFile[Any]]) -> list[Kept]:
    """Outside of any transaction: the files lie on disk before a row speaks of them."""
    return [keep(source=one, name=clean_name(str(one.name)) or "file", content_type=one.content_type or "") for one in files]


def of_what(files: Iterable[UploadedFile[Any]]) -> list[list[Any]]:
    """By which the same form sent twice is known."""
    return [[one.name, one.size] for one in files]
