"""What went wrong with a delivery, as people read it. It is stored as the library said it."""

import re

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

SENTENCES = (
    (r"(?P<host>.+) leads to (?P<address>.+), where webhooks do not go",
     gettext_noop("%(host)s leads to %(address)s, where webhooks do not go.")),
    (r".*certificate verify failed: (?P<why>[^(]*).*", gettext_noop("Its certificate is not to be trusted (%(why)s).")),
    (r".*(Connection refused|connection attempts failed).*", gettext_noop("Nobody answers at this server and port.")),
    (r".*([Tt]imed out|Timeout).*", gettext_noop("It does not answer in time.")),
    (r".*(Name or service not known|name resolution|No address associated).*", gettext_noop("There is no such server.")),
    (r".*(disconnected|reset by peer|[Bb]roken pipe).*", gettext_noop("It hangs up.")),
)  # fmt: skip
_SENTENCES = [(re.compile(pattern, re.DOTALL), sentence) for pattern, sentence in SENTENCES]


def trouble(text: str) -> str:
    """Of a delivery's `last_error`, in the reader's language; what nobody here knows stays as it is."""
    for pattern, sentence in _SENTENCES:
        if found := pattern.fullmatch(text):
            return _(sentence) % {name: value.strip() for name, value in found.groupdict().items()}
    return text
