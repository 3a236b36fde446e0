"""A remedy above low risk runs by itself only as an administrator bound it and an approver signed it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from fleet.automation import remedybook, services
from fleet.automation.models import Change, RemedyAct, RemedyPolicy, RemedySignature
from fleet.automation.rules.remedies import Remedy
from fleet.automation.services import binding, remedies
from fleet.automation.services.decisions import DecisionError
from fleet.devices.models import Device
from fleet.monitoring.models import Alert
from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Role
from tests.conftest import bearer, login
from tests.integration.automation.conftest import School
from tests.integration.automation.test_races import at_once

SLUG = "other-channel"
FILE = """title = {de = "Anderer Kanal", en = "Other channel"}
summary = {de = "Nimmt einen anderen Kanal.", en = "Takes another channel."}
alert = "unreachable"
playbook = "radio-plan"
target = "device"
hours = ["lesson", "break", "off-hours", "free"]
in_exams = true
once_per_hours = 24
wait_s = 300
[device]
kinds = ["access-point"]
[arguments]
band = "2g"
channel = 6
power_dbm = 14
"""


@pytest.fixture(autouse=True)
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "remedies"
    folder.mkdir()
    (folder / f"{SLUG}.toml").write_text(FILE)
    monkeypatch.setattr(remedybook, "FOLDER", folder)
    remedybook.known.cache_clear()
    yield folder
    remedybook.known.cache_clear()


def remedy() -> Remedy:
    return remedybook.known()[SLUG]


@pytest.fixture
def ada(school: School) -> User:
    user = User.objects.create_user("ada@eichstadt.example", name="Ada")
    people.grant(user=user, role=Role.ADMINISTRATOR, scope_id=school.ap.site.authority_id)
    return user


@pytest.fixture
def policy(school: School, ada: User) -> RemedyPolicy:
    made = remedies.set_policy(remedy=SLUG, place=school.ap.site.authority, wanted=True, by=ada, most_a_day=2)
    assert made is not None
    return made


def sign(policy: RemedyPolicy, by: User, digest: str = "") -> RemedySignature:
    return binding.sign(remedy=remedy(), policy=policy, by=by, digest=digest or digest_now(policy))


def digest_now(policy: RemedyPolicy) -> str:
    from fleet.automation.catalogue import get

    return binding.digest_of(remedy(), get("radio-plan"), policy)


def alert(device: Device) -> Alert:
    made = Alert.objects.create(
        authority_id=device.authority_id,
        site_id=device.site_id,
        device=device,
        kind="unreachable",
        severity="critical",
        opened_at=timezone.now(),
    )
    remedies._call(made)
    services.tend()
    return made


def refused(policy: RemedyPolicy, by: User, digest: str = "") -> str:
    with pytest.raises(DecisionError) as caught:
        sign(policy, by, digest)
    return caught.value.key


def test_without_a_signature_nothing_is_even_called_for(school: School, policy: RemedyPolicy) -> None:
    alert(school.ap)

    assert not RemedyAct.objects.exists()


def test_signed_it_runs_and_the_signature_is_the_approval(school: School, policy: RemedyPolicy) -> None:
    franka = school.approvers[0]
    sign(policy, franka)

    alert(school.ap)

    change = school.work(Change.objects.get())
    assert change.state == Change.State.CONFIRMED, [row.message for run in change.runs.all() for row in run.hosts.all()]
    assert (change.approvals_needed, change.risk) == (1, "medium")
    assert [(one.approver, one.decision) for one in change.approvals.all()] == [(franka, "approved")]
    assert "approved" in school.told(change)


def test_a_signature_holds_for_what_was_signed_only(school: School, policy: RemedyPolicy, book: Path) -> None:
    sign(policy, school.approvers[0])
    (book / f"{SLUG}.toml").write_text(FILE.replace("channel = 6", "channel = 11"))
    remedybook.known.cache_clear()

    alert(school.ap)

    act = RemedyAct.objects.get()
    assert (act.state, act.reason) == ("unfit", "unsigned")
    assert not Change.objects.exists()
    playbook = school.playbooks / "radio-plan" / "playbook.yml"
    (book / f"{SLUG}.toml").write_text(FILE)
    remedybook.known.cache_clear()
    assert binding.holds(remedy(), policy)[0]
    playbook.write_text(playbook.read_text() + "\n# another release\n")
    assert not binding.holds(remedy(), policy)[0]


def test_who_may_sign(school: School, policy: RemedyPolicy, ada: User) -> None:
    franka, frieda = school.approvers
    assert refused(policy, ada) == "own-change"
    assert refused(policy, school.asker) == "no-role"
    assert refused(policy, franka, "0" * 64) == "changed-meanwhile"
    sign(policy, franka)
    assert refused(policy, franka) == "not-awaiting"
    assert refused(policy, frieda) == "not-awaiting"


def test_a_signature_ends_with_what_its_signer_may(school: School, policy: RemedyPolicy) -> None:
    franka, frieda = school.approvers
    sign(policy, franka)
    assert binding.holds(remedy(), policy)[0]

    User.objects.filter(pk=franka.pk).update(is_active=False)
    assert not binding.holds(remedy(), RemedyPolicy.objects.get(pk=policy.pk))[0]
    sign(policy, frieda)
    assert binding.holds(remedy(), RemedyPolicy.objects.get(pk=policy.pk))[0]
    frieda.grants.all().delete()
    assert not binding.holds(remedy(), RemedyPolicy.objects.get(pk=policy.pk))[0]


def test_two_clicks_are_one_signature(school: School, policy: RemedyPolicy) -> None:
    at_once(*[lambda: sign(policy, school.approvers[0])] * 3)

    assert RemedySignature.objects.count() == 1


def test_bound_anew_it_has_to_be_signed_anew(school: School, policy: RemedyPolicy, ada: User) -> None:
    sign(policy, school.approvers[0])
    anew = remedies.set_policy(remedy=SLUG, place=school.ap.site.authority, wanted=True, by=ada, most_a_day=9)

    assert anew is not None
    assert not binding.holds(remedy(), anew)[0]


def test_beyond_the_limit_a_person_is_needed(school: School, policy: RemedyPolicy) -> None:
    sign(policy, school.approvers[0])
    scope = {"authority_id": school.ap.authority_id, "site_id": school.ap.site_id}
    for device in (school.switch, school.aps[1]):
        at = timezone.now() - timedelta(hours=2)
        earlier = Alert.objects.create(**scope, device=device, kind="unreachable", severity="critical", opened_at=at)
        RemedyAct.objects.create(**scope, device=device, alert=earlier, remedy=SLUG, state="helped", ordered_at=at)

    alert(school.ap)

    act = RemedyAct.objects.get(device=school.ap)
    assert (act.state, act.reason) == ("limited", "most-a-day")


def test_on_the_page_it_is_bound_with_a_limit_and_signed_by_a_colleague(school: School, ada: User) -> None:
    url = reverse("automation:remedies")
    client, franka = login(Client(), ada), login(Client(), school.approvers[0])
    bind = {"remedy": SLUG, "everywhere": school.ap.site.authority_id, "wanted": "on"}
    assert client.post(url, bind).status_code == 422, "without a limit"
    assert client.post(url, bind | {"most_a_day": 3}).status_code == 302
    policy = RemedyPolicy.objects.get()
    page, digest = franka.get(url).content.decode(), digest_now(policy)
    assert digest in page
    assert digest not in client.get(url).content.decode(), "not by whoever bound it"

    franka.post(reverse("automation:remedy-sign", args=[policy.pk]), {"digest": digest})

    assert binding.holds(remedy(), policy)[0]
    assert "Franka" in client.get(url).content.decode()


def test_by_the_api_too(school: School, policy: RemedyPolicy, ada: User) -> None:
    ask = {"content_type": "application/json", "headers": bearer(ada)}
    body = {"scope_id": school.ap.site_id, "enabled": True}
    assert Client().put(f"/api/v1/remedies/{SLUG}", body, **ask).status_code == 422
    told = Client().get("/api/v1/remedies/", headers=bearer(ada)).json()["results"][0]
    signing = f"/api/v1/remedies/policies/{told['id']}/sign"
    assert Client().post(signing, {"digest": told["digest"]}, **ask).status_code == 409

    theirs = {"content_type": "application/json", "headers": bearer(school.approvers[0])}
    assert Client().post(signing, {"digest": told["digest"]}, **theirs).status_code == 204

    assert Client().get("/api/v1/remedies/", headers=bearer(ada)).json()["results"][0]["signed_by"] == [
        school.approvers[0].pk
    ]
