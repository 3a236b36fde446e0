"""The API answers everybody, but nobody all the time: each person and each unknown address has a rate of their own."""

import json
import threading
from typing import Any

import pytest
from django.test import Client, RequestFactory

from config.api import api
from fleet.people.models import ApiToken
from fleet.web.api import PerPerson, problems
from tests.conftest import City, bearer

ME = "/api/v1/me"


@pytest.fixture
def two_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    (person,) = api.throttle  # type: ignore[misc]  # a list, once it is given as one
    for throttle in (person, problems.strangers):
        monkeypatch.setattr(throttle, "num_requests", 2)
        monkeypatch.setattr(throttle, "duration", 60)


def assert_throttled(answer: Any) -> None:
    problem = json.loads(answer.content)
    assert (answer.status_code, answer["Content-Type"]) == (429, "application/problem+json")
    assert (problem["status"], problem["title"]) == (429, "Too Many Requests")
    assert 0 < int(answer["Retry-After"]) <= 60
    assert f"{answer['Retry-After']} s" in problem["detail"]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
    ],
)
def test_addresses_of_one_house_count_together(address: str, counted: str) -> None:
    assert problems.strangers.get_ident(RequestFactory().get(ME, REMOTE_ADDR=address)) == counted


@pytest.mark.usefixtures("two_a_minute")
class TestRates:
    def test_a_person_who_asks_too_often_is_told_when_to_come_back(self, city: City) -> None:
        headers = bearer(city.technician)

        answers = [Client().get(ME, headers=headers) for _ in range(3)]

        assert [answer.status_code for answer in answers[:2]] == [200, 200]
        assert_throttled(answers[2])

    def test_another_token_does_not_help_and_another_person_does_not_suffer(self, city: City, alma: Client) -> None:
        for _ in range(2):
            Client().get(ME, headers=bearer(city.technician))

        assert_throttled(Client().get(ME, headers=bearer(city.technician, ApiToken.Reach.READ)))
        assert alma.get(ME).status_code == 200

    def test_trying_tokens_ends_soon_and_hinders_nobody_who_has_one(self, city: City) -> None:
        wrong = [Client().get(ME, headers={"Authorization": f"Bearer fdk_{number}"}) for number in range(3)]

        assert [answer.status_code for answer in wrong[:2]] == [401, 401]
        assert_throttled(wrong[2])
        assert Client().get(ME, headers=bearer(city.technician)).status_code == 200

    def test_nobody_gets_a_new_rate_by_naming_another_address(self, city: City) -> None:  # noqa: ARG002
        answers = [Client().get(ME, headers={"X-Forwarded-For": f"10.0.0.{number}"}) for number in range(3)]

        assert_throttled(answers[2])


def test_threads_do_not_share_the_request_they_look_at() -> None:
    throttle, seen = PerPerson(rate="5/m"), []
    throttle.key = "person 1"
    thread = threading.Thread(target=lambda: seen.append(getattr(throttle, "key", None)))

    thread.start()
    thread.join()

    assert seen == [None]
