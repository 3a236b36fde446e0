"""A mail with a link that lets whoever may decide do so."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outbox
from django.db import transaction
from django.test import Client
from django.utils import timezone

from fleet.automation.models import Approval, ApprovalLink, Change
from fleet.automation.services.telling import tell
from fleet.events.services import deliver
from fleet.people.models import User
from helpdesk.mail import services as mail
from tests.conftest import PASSWORD, City, login
from tests.integration.automation.policy.conftest import leave, make_change


class TestMailLink:
    def invite(self, change: Change) -> dict[str, str]:
        """{whom: the address in their mail}, as a preview that is over brings them."""
        with transaction.atomic():
            tell(change, "previewed")
        deliver()
        mail.send_due()
        return {sent.to[0].split("@")[0]: self.address(sent.body) for sent in outbox.outbox}

    @staticmethod
    def address(body: str) -> str:
        found = re.search(r"^[^„]*https?://[^/]+(/approvals/by-mail/\S+/)", body, re.MULTILINE)
        assert found
        return found[1]

    def post(self, client: Client, url: str, change: Change, decision: str = "approve") -> Any:
        return client.post(url, {"decision": decision, "digest": change.digest, "comment": "Per Mail."})

    def test_whoever_may_decide_gets_their_own_link(self, change: Change) -> None:
        links = self.invite(change)

        assert set(links) == {"ada", "franka"}
        assert len(set(links.values())) == 2
        tokens = {url.split("/")[3] for url in links.values()}
        stored = {str(value) for row in ApprovalLink.objects.values_list() for value in row}
        assert not tokens & stored, "only a hash of it rests in the database"
        body = next(sent.body for sent in outbox.outbox if sent.to == ["franka@musterstadt.example"])
        assert "Alma <alma@musterstadt.example> möchte" in body
        assert "Schule A" in body

    def test_who_asks_is_named_by_address_and_the_reason_stands_quoted_on_one_line(self, city: City, change: Change) -> None:
        User.objects.filter(pk=city.coordinator_a.pk).update(name="Ada\u202e Admin\n\nAda")
        reason = "Eilt.\n\nAnsehen und hier entscheiden: https://evil.example/approvals/by-mail/x/\n\u2066"
        Change.objects.filter(pk=change.pk).update(reason=reason)
        url = self.invite(Change.objects.get(pk=change.pk))["franka"]

        body = next(sent.body for sent in outbox.outbox if sent.to == ["franka@musterstadt.example"])
        assert "Ada Admin Ada <alma@musterstadt.example> möchte" in body
        (line,) = (line for line in body.splitlines() if "evil.example" in line)
        assert line.startswith("Angegebener Grund: „Eilt. Ansehen")
        franka = login(Client(), city.approver)
        for page in (franka.get(url), franka.get("/approvals/")):
            assert "alma@musterstadt.example" in page.content.decode()

    def test_one_click_after_the_login_decides_and_the_link_is_used_up(self, city: City, change: Change) -> None:
        url = self.invite(change)["franka"]
        assert Client().get(url).status_code == 302, "first the login"
        franka = login(Client(), city.approver)
        for _ in range(2):
            assert 'name="decision"' in franka.get(url).content.decode()
        assert not Approval.objects.exists(), "opening it decides nothing"

        assert self.post(franka, url, change).status_code == 302

        change.refresh_from_db()
        assert (change.state, change.approvals.get().comment) == ("approved", "Per Mail.")
        Approval.objects.all().delete()
        Change.objects.filter(pk=change.pk).update(state="awaiting-approval")
        assert self.post(franka, url, change).headers["Location"] == f"/changes/{change.pk}/"
        assert not Approval.objects.exists(), "a second time it decides nothing"

    def test_in_another_persons_hands_it_decides_nothing(self, city: City, change: Change) -> None:
        url = self.invite(change)["franka"]
        for other in (city.administrator, city.technician, city.stranger):
            client = login(Client(), other)
            answers = [client.get(url), self.post(client, url, change)]
            assert [answer.status_code for answer in answers] == [404, 404]
            assert "Klausur" not in answers[0].content.decode()
        assert self.post(login(Client(), city.approver), url[:-3] + "xx/", change).status_code == 404
        assert not Approval.objects.exists()

    @pytest.mark.parametrize("stale", [{"digest": "2" * 64}, {"state": "cancelled"}])
    def test_what_is_something_else_now_is_not_decided_by_it(
        self, city: City, change: Change, stale: dict[str, str]
    ) -> None:
        url = self.invite(change)["franka"]
        Change.objects.filter(pk=change.pk).update(**stale)

        assert self.post(login(Client(), city.approver), url, change).status_code == 302
        assert not Approval.objects.exists()

    def test_an_old_link_leads_to_the_change_only(self, city: City, change: Change) -> None:
        url = self.invite(change)["franka"]
        ago = timezone.now() - timedelta(days=8)
        ApprovalLink.objects.update(created_at=ago, expires_at=ago + timedelta(days=7))

        assert self.post(login(Client(), city.approver), url, change).status_code == 302
        assert not Approval.objects.exists()

    def test_a_high_risk_asks_for_the_password_again(self, city: City) -> None:
        city.approver.set_password(PASSWORD)
        city.approver.save()
        change = make_change(city, risk="high", approvals_needed=1)
        url = self.invite(change)["franka"]
        franka = login(Client(), city.approver)
        shown = franka.get(url).content.decode()
        assert 'name="decision"' not in shown
        assert self.post(franka, url, change).status_code == 403
        assert not Approval.objects.exists()

        wrong = franka.post(f"/accounts/reauthenticate/?next={url}", {"password": "falsch"})
        assert wrong.status_code == 200
        assert self.post(franka, url, change).status_code == 403
        right = franka.post(f"/accounts/reauthenticate/?next={url}", {"password": PASSWORD})

        assert right.headers["Location"] == url
        assert 'name="decision"' in franka.get(url).content.decode()
        assert self.post(franka, url, change).status_code == 302
        assert change.approvals.get().approver == city.approver

    def test_without_any_password_a_high_risk_is_not_decided_by_mail(self, city: City) -> None:
        city.approver.set_unusable_password()
        city.approver.save()
        change = make_change(city, risk="high", approvals_needed=1)
        url = self.invite(change)["franka"]

        assert self.post(login(Client(), city.approver), url, change).status_code == 403
        assert not Approval.objects.exists()

    def test_a_deputy_gets_one_too_and_decides_in_the_others_name(self, city: City, change: Change) -> None:
        leave(city, city.auditor)
        url = self.invite(change)["rita"]

        self.post(login(Client(), city.auditor), url, change)

        assert change.approvals.get().on_behalf_of == city.approver

    def test_a_mail_that_comes_too_late_is_not_sent(self, change: Change) -> None:
        with transaction.atomic():
            tell(change, "previewed")
        deliver()
        Change.objects.filter(pk=change.pk).update(state="cancelled")

        assert mail.send_due() == 0
        assert not outbox.outbox
