from datetime import timedelta

import pytest

from helpdesk.mail.rules import MOST_ATTEMPTS, Said, given_up, pause, worth_a_mail

REQUESTER, OTHER = 1, 2


@pytest.mark.parametrize(
    ("said", "requester", "worth"),
    [
        (Said(internal=False, author_id=OTHER, written=True), REQUESTER, True),
        (Said(internal=True, author_id=OTHER, written=True), REQUESTER, False),
        (Said(internal=False, author_id=REQUESTER, written=True), REQUESTER, False),
        (Said(internal=False, author_id=None, written=False, notice=True, told=True), REQUESTER, True),
        (Said(internal=False, author_id=None, written=False, notice=True), REQUESTER, False),
        (Said(internal=True, author_id=None, written=False, notice=True, told=True), REQUESTER, False),
        (Said(internal=False, author_id=OTHER, written=True), None, False),
    ],
)
def test_who_is_told_what(said: Said, requester: int | None, *, worth: bool) -> None:
    assert worth_a_mail(said, requester) is worth


def test_pauses_grow_up_to_an_hour_and_end() -> None:
    pauses = [pause(attempts) for attempts in range(1, MOST_ATTEMPTS + 1)]

    assert pauses[0] == timedelta(seconds=30)
    assert pauses == sorted(pauses)
    assert max(pauses) == timedelta(hours=1)
    assert not given_up(MOST_ATTEMPTS - 1)
    assert given_up(MOST_ATTEMPTS)
