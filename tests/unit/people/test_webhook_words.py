"""Why a webhook did not arrive is told in the reader's language."""

import pytest
from django.utils import translation

from fleet.people.webhook_words import SENTENCES, trouble


@pytest.mark.parametrize(
    ("stored", "german"),
    [
        ("hooks.example leads to 10.0.0.1, where webhooks do not go",
         "hooks.example führt zu 10.0.0.1; dorthin gehen keine Webhooks."),
        ("ConnectError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:992)",
         "Dem Zertifikat des Servers ist nicht zu trauen (self-signed certificate)."),
        ("ConnectError: All connection attempts failed", "Unter diesem Server und Port antwortet niemand."),
        ("TimeoutError: ", "Der Server antwortet nicht rechtzeitig."),
        ("ReadTimeout: ", "Der Server antwortet nicht rechtzeitig."),
        ("gaierror: [Errno -2] Name or service not known", "Diesen Server gibt es nicht."),
        ("RemoteProtocolError: Server disconnected without sending a response.", "Der Server legt auf."),
        ("HTTP 500", "HTTP 500"),
        ("", ""),
    ],
)  # fmt: skip
def test_what_went_wrong_is_said_in_german(stored: str, german: str) -> None:
    with translation.override("de"):
        assert trouble(stored) == german


def test_every_sentence_has_a_german_one() -> None:
    with translation.override("de"):
        assert [sentence for _pattern, sentence in SENTENCES if translation.gettext(sentence) == sentence] == []
