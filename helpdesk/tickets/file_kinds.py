"""What kind of file somebody would get, in words, by the ending of its name: that is what opens it."""

from pathlib import PurePath

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

ENDINGS: dict[str | Promise, str] = {
    pgettext_lazy("kind of file", "image"): "jpg jpeg png gif webp heic heif bmp tif tiff avif svg",
    pgettext_lazy("kind of file", "film"): "mp4 mov avi mkv webm m4v mpg mpeg",
    pgettext_lazy("kind of file", "sound"): "mp3 wav ogg m4a flac aac opus",
    pgettext_lazy("kind of file", "text"): "txt md rtf log",
    pgettext_lazy("kind of file", "document"): "doc docx odt pages",
    pgettext_lazy("kind of file", "table"): "xls xlsx ods csv numbers",
    pgettext_lazy("kind of file", "slides"): "ppt pptx odp key",
    pgettext_lazy("kind of file", "archive"): "zip 7z rar tar gz tgz bz2 xz",
    pgettext_lazy("kind of file", "mail"): "eml msg",
    pgettext_lazy("kind of file", "appointment"): "ics",
    pgettext_lazy("kind of file", "web page"): "html htm xhtml mht",
    pgettext_lazy("kind of file", "signature"): "asc p7s sig",
    pgettext_lazy("kind of file", "encrypted mail"): "p7m pgp gpg",
    pgettext_lazy("kind of file", "program"): "exe msi bat cmd com scr ps1 vbs js jar app dmg pkg deb rpm sh apk iso lnk",
}
_KINDS = {ending: kind for kind, endings in ENDINGS.items() for ending in endings.split()}
LONGEST = 5
"""Characters of an ending that is named as it is."""


def kind_of(name: str) -> str:
    """`Plan.pdf` -> PDF; `Foto.JPG` -> image (JPG)."""
    ending = PurePath(name).suffix[1:].lower()
    if not ending.isalnum() or len(ending) > LONGEST:
        return _("file of an unknown kind")
    kind = _KINDS.get(ending)
    return ending.upper() if kind is None else f"{kind} ({ending.upper()})"
