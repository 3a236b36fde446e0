"""Whoever may agree to what a colleague wants done beyond what was agreed to is asked by mail, by a link of their own."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outbox
from django.test import Client
from django.utils import timezone

from fleet.automation import services
from fleet.automation.models import ApprovalLink, Change, Proposal, ProposalVoice
from fleet.automation.services import approving, boxes
from fleet.events.services import deliver
from fleet.people.models import User
from helpdesk.mail import services as mail
from tests.conftest import PASSWORD, City, let_changes_happen_at_any_time, login
from tests.integration.automation.policy.conftest import leave
from tests.integration.automation.policy.test_proposals import HOUR, ask, boxed, carried_out, frozen, state_of

pytestmark = pytest.mark.django_db
LINK = re.compile(r"https?://[^/]+(/approvals/by-mail/\S+/)")


@pytest.fixture(autouse=True)
def any_time(city: City, usual_policy: None) -> None:
    let_changes_happen_at_any_time(city.authority)


def sent() -> dict[str, str]:
    """{whom: what their mail says}"""
    deliver()
    mail.send_due()
    return {one.to[0].split("@")[0]: str(one.body) for one in outbox.outbox}


def address(body: str) -> str:
    found = LINK.search(body)
    assert found
    return found[1]


def agree(person: User, url: str) -> Any:
    return login(Client(), person).post(url, {"decision": "agree"})


def test_second_people_are_asked_and_their_clicks_roll_it_back(city: City, frieda: User) -> None:
    change = carried_out(city, risk="medium")
    ask(change, city.technician)

    bodies = sent()

    assert set(bodies) == {"ada", "franka", "frieda"}, "all who approve here, and not who wants it"
    assert len({address(body) for body in bodies.values()}) == 3
    assert "Theo <theo@musterstadt.example> möchte, dass diese Änderung zurückgenommen wird" in bodies["franka"]
    assert "Schule A" in bodies["franka"]
    url = address(bodies["franka"])
    shown = login(Client(), city.approver).get(url).content.decode()
    assert 'value="agree"' in shown
    assert 'value="reject"' not in shown
    assert not ProposalVoice.objects.exists(), "opening it decides nothing"
    assert agree(frieda, url).status_code == 404, "in other hands it decides nothing"

    assert agree(city.approver, url).status_code == 302
    assert agree(city.approver, url).status_code == 302
    assert (ProposalVoice.objects.count(), state_of(change)) == (1, "confirmed"), "it is good once"
    agree(frieda, address(bodies["frieda"]))

    assert state_of(change) == "rolling-back"
    agree(city.administrator, address(bodies["ada"]))
    assert ApprovalLink.objects.filter(used_at__isnull=True).count() == 1, "there is nothing left to agree to"


@pytest.mark.parametrize(("later", "says"), [(None, "jetzt"), (5 * HOUR, "am ")])
def test_another_end_is_asked_for_too(city: City, later: timedelta | None, says: str) -> None:
    change = boxed(city, risk="medium", approvals_needed=1)
    if later is None:
        boxes.end_now(change=change, by=city.technician)
    else:
        boxes.extend(change=change, ends_at=timezone.now() + later, by=city.technician)
    ends_at = Change.objects.get(pk=change.pk).ends_at

    body = sent()["franka"]
    agree(city.approver, address(body))

    assert f"möchte, dass diese Änderung {says}" in body
    assert Change.objects.get(pk=change.pk).ends_at != ends_at
    assert not Proposal.objects.filter(over_at__isnull=True).exists()


def test_a_voice_by_mail_counts_also_where_the_school_day_says_not_now(city: City) -> None:
    change = carried_out(city, risk="medium", approvals_needed=1)
    ask(change, city.technician)
    frozen(city)

    agree(city.approver, address(sent()["franka"]))

    assert (ProposalVoice.objects.get().person, state_of(change)) == (city.approver, "confirmed")
    assert ApprovalLink.objects.filter(used_at__isnull=False).count() == 1


def test_a_deputy_agrees_in_the_others_name(city: City) -> None:
    leave(city, city.auditor)
    change = carried_out(city, risk="medium")
    ask(change, city.technician)

    agree(city.auditor, address(sent()["rita"]))

    assert ProposalVoice.objects.get().on_behalf_of == city.approver


def test_a_high_risk_asks_for_the_password_again(city: City) -> None:
    city.approver.set_password(PASSWORD)
    city.approver.save()
    change = carried_out(city, approvals_needed=1)
    ask(change, city.technician)

    assert agree(city.approver, address(sent()["franka"])).status_code == 403
    assert not ProposalVoice.objects.exists()


def test_what_is_over_asks_nobody_any_more(city: City, frieda: User) -> None:
    change = carried_out(city, risk="medium", approvals_needed=1)
    ask(change, city.technician)
    deliver()
    services.agree_to(proposal=change.proposals.get(), by=frieda)

    assert mail.send_due() == 0
    old = carried_out(city, risk="medium", approvals_needed=1)
    ask(old, city.technician)
    Proposal.objects.filter(change=old).update(asked_at=timezone.now() - timedelta(days=4))
    assert approving.invite_to_agree(proposal=old.proposals.get()) == []
