"""Standing orders: when they are due, and what is asked for then."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from fleet.automation.models import Change, Schedule
from fleet.automation.rules.compliance import SHORTEST_KEY
from fleet.automation.rules.keys import LETTERS
from fleet.automation.rules.schedules import RuleError, checked, following, missed
from fleet.automation.services import relaunch, schedules
from fleet.automation.services.ordering import Order, OrderError, request_change
from fleet.automation.services.schedules import Standing
from fleet.devices import services as devices
from fleet.devices.models import Device
from fleet.events.models import Event
from fleet.people import services as people
from fleet.people.models import Grant, User
from fleet.people.rules import Role
from fleet.sites import services as sites
from fleet.sites.models import Site
from tests.conftest import City, login

BERLIN = "Europe/Berlin"


def test_the_clock_time_stays_over_daylight_saving() -> None:
    start = datetime(2026, 10, 23, 4, 30, tzinfo=UTC)  # 6:30 summer time
    found, at = [], start - timedelta(seconds=1)
    for _ in range(4):
        at = following("FREQ=DAILY", start, BERLIN, at) or at
        found.append(at)

    assert [f"{one:%d %H:%M}" for one in found] == ["23 04:30", "24 04:30", "25 05:30", "26 05:30"]


def test_a_skipped_clock_time_comes_once_and_a_doubled_one_once() -> None:
    start = datetime(2026, 3, 28, 1, 30, tzinfo=UTC)  # 2:30 winter time; on the 29th there is none
    first = following("FREQ=DAILY", start, BERLIN, start)
    assert first is not None
    second = following("FREQ=DAILY", start, BERLIN, first)

    assert (first.day, second and second.day) == (29, 30)
    autumn = datetime(2026, 10, 24, 0, 30, tzinfo=UTC)  # 2:30 comes twice on the 25th
    days, at = [], autumn
    for _ in range(2):
        at = following("FREQ=DAILY", autumn, BERLIN, at) or at
        days.append(at.astimezone(UTC).day)
    assert days == [25, 26]


def test_in_the_hour_after_a_skipped_clock_time_its_order_is_still_to_come() -> None:
    start, due = datetime(2026, 3, 1, 1, 30, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 2:30, then 3:30
    minutes = (due - timedelta(minutes=minute) for minute in range(1, 91))

    assert {following("FREQ=DAILY", start, BERLIN, after) for after in minutes} == {due}
    assert following("FREQ=DAILY", start, BERLIN, due) == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("until", "last_day"),
    [
        ("20261231", 31),
        ("20261231T233000", 31),
        ("20261231T232959", 30),
        ("20261231T223000Z", 31),  # 23:30 in Berlin
        ("20261231T222959Z", 30),
        ("20270101T000000", 31),
    ],
)
def test_until_is_a_whole_day_a_clock_time_or_an_instant_in_utc(until: str, last_day: int) -> None:
    """RFC 5545, 3.3.10."""
    start = datetime(2026, 12, 28, 22, 30, tzinfo=UTC)  # 23:30
    rule = checked(f"FREQ=DAILY;UNTIL={until}", start, BERLIN)
    found, at = [], start - timedelta(seconds=1)
    while (due := following(rule, start, BERLIN, at)) is not None:
        found, at = [*found, due.day], due

    assert found == list(range(28, last_day + 1))


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        ("FREQ=HOURLY", "too-often"),
        ("FREQ=DAILY;BYHOUR=1,2,3", "too-often"),
        ("FREQ=DAILY;BYSECOND=1", "syntax"),
        ("nonsense", "syntax"),
        ("FREQ=MONTHLY;BYMONTHDAY=x", "syntax"),
        ("FREQ=DAILY;UNTIL=20200101T000000", "never"),
        ("FREQ=DAILY;UNTIL=20251231", "never"),
        ("FREQ=DAILY;UNTIL=31", "syntax"),
        ("FREQ=DAILY;UNTIL=20261331", "syntax"),
        ("FREQ=DAILY\nRDATE:20260101T000000", "syntax"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "syntax"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never"),
        ("FREQ=DAILY;COUNT=3", "syntax"),
        ("", "syntax"),
    ],
)
def test_wrong_rules_are_refused(rule: str, key: str) -> None:
    with pytest.raises(RuleError) as caught:
        checked(rule, datetime(2026, 1, 1, tzinfo=UTC), BERLIN)

    assert caught.value.key == key


def test_what_was_missed_for_long_is_left_out() -> None:
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert missed(now - timedelta(hours=7), now)
    assert not missed(now - timedelta(hours=5), now)


def standing(city: City, **other: Any) -> Standing:
    usual: dict[str, Any] = {"site": city.school_a, "name": "Gäste-WLAN", "playbook": "ssid", "rule": "FREQ=DAILY"}
    usual |= {"starts_at": timezone.now() - timedelta(minutes=1), "device_ids": (city.access_point_a.pk,)}
    return Standing(**usual | {"arguments": {"ssid": "{{ Gast }}", "psk": "gepflanzt-7Kx2"}} | other)


def made(city: City, **other: Any) -> Schedule:
    row = schedules.create(standing=standing(city, **other), owner=city.technician)
    Schedule.objects.filter(pk=row.pk).update(next_at=row.starts_at)
    return row


def test_what_is_due_is_asked_for_once_with_its_secret(city: City) -> None:
    row = made(city, lasts=timedelta(hours=2))

    for _ in range(3):
        schedules.tend(timezone.now())

    change = Change.objects.get()
    row.refresh_from_db()
    assert (change.requested_by, change.reason, change.box) == (city.technician, "Gäste-WLAN", "pending")
    assert (change.arguments["ssid"], change.secret_arguments) == ("{{ Gast }}", {"psk": "gepflanzt-7Kx2"})
    assert (row.last_change, row.last_problem) == (change, "")
    assert row.next_at is not None
    assert row.next_at > timezone.now()
    assert "gepflanzt" not in str(Schedule.objects.values("arguments", "last_problem"))


def test_a_kind_of_which_there_is_nothing_leaves_nothing_to_do(city: City) -> None:
    row = made(city, device_ids=(), kind=city.access_point_a.kind)
    Device.objects.filter(kind=city.access_point_a.kind).update(lifecycle=Device.Lifecycle.RETIRED)

    schedules.tend(timezone.now())

    row.refresh_from_db()
    assert (row.last_change and row.last_change.state, row.last_problem) == (Change.State.NOTHING_TO_DO, "")


@pytest.mark.parametrize("anew", [False, True])
@pytest.mark.parametrize("at_the_school_only", [False, True])
def test_what_leaves_nothing_to_do_belongs_where_the_standing_order_is(
    city: City, *, at_the_school_only: bool, anew: bool
) -> None:
    """Its owner works for the city, too; nobody there has to do with it."""
    site, kind = school_next_door(city), city.access_point_a.kind
    here = site.pk if at_the_school_only else site.authority_id
    owner = technician("Eva", city.authority.pk, here)
    row = schedules.create(standing=standing(city, site=site, device_ids=(), kind=kind), owner=owner)
    Schedule.objects.filter(pk=row.pk).update(next_at=row.starts_at)
    Device.objects.filter(kind=kind).update(lifecycle=Device.Lifecycle.RETIRED)

    schedules.tend(timezone.now())
    change = Change.objects.get()
    if anew:
        change = relaunch(change=change, by=owner)

    assert (change.state, change.authority, change.site) == (Change.State.NOTHING_TO_DO, site.authority, site)
    answers = {owner: 200, technician("Uta", here): 200, technician("Ole", city.authority.pk): 404}
    assert {one: login(Client(), one).get(f"/changes/{change.pk}/").status_code for one in answers} == answers


def school_next_door(city: City) -> Site:
    """With an access point; of another authority."""
    details = sites.SiteDetails(Site.Kind.SCHOOL, "Nachbarschule", "nachbarschule")
    site = sites.create_site(authority=sites.create_authority(name="Nachbarstadt"), details=details)
    devices.create_device(site=site, details=devices.DeviceDetails(city.access_point_a.type, "AP-N"))
    return site


def technician(name: str, *scope_ids: int) -> User:
    user = User.objects.create_user(f"{name.lower()}@musterstadt.example", name=name)
    for scope_id in scope_ids:
        people.grant(user=user, role=Role.TECHNICIAN, scope_id=scope_id)
    return user


def test_what_somebody_of_one_school_finds_nothing_for_is_theirs_to_see(city: City) -> None:
    one = technician("Eva", city.school_b.pk)

    change = request_change(order=Order("ssid", {"ssid": "X", "psk": "gepflanzt-7Kx2"}, [], one, matched=True))

    assert (change.authority, change.site) == (city.authority, city.school_b)
    assert login(Client(), one).get(f"/changes/{change.pk}/").status_code == 200


def orders(city: City, times: int, **other: Any) -> list[Change]:
    row = made(city, **other)
    for day in range(times):
        now = timezone.now() + timedelta(days=day)
        Schedule.objects.filter(pk=row.pk).update(next_at=now)
        schedules.tend(now)
        schedules.tend(now)
    return list(Change.objects.order_by("pk"))


def test_a_key_that_is_changed_again_and_again_is_another_one_each_time(city: City) -> None:
    changes = orders(city, 3, playbook="psk-rotate", arguments={"ssid": "Gast"})

    keys = [change.secret_arguments["psk"] for change in changes]
    assert (len(keys), len(set(keys))) == (3, 3)
    assert all(re.fullmatch(rf"[{LETTERS}]{{4}}(-[{LETTERS}]{{4}}){{4}}", key) for key in keys), keys
    assert all(len(key) >= SHORTEST_KEY for key in keys), "as long as the compliance report wants it"
    assert Schedule.objects.get().secret_arguments is None


def test_a_key_for_all_times_is_refused_where_it_is_to_be_changed(city: City) -> None:
    with pytest.raises(OrderError) as caught:
        made(city, playbook="psk-rotate", arguments={"ssid": "Gast", "psk": "gepflanzt-7Kx2"})

    assert caught.value.problems.keys() == {"psk"}


def test_a_key_kept_from_before_is_not_set_again(city: City) -> None:
    row = made(city, playbook="psk-rotate", arguments={"ssid": "Gast"})
    row.secret_arguments = {"psk": "gepflanzt-7Kx2"}
    row.save(update_fields=["secret_arguments"])

    schedules.tend(timezone.now())

    assert Change.objects.get().secret_arguments["psk"] != "gepflanzt-7Kx2"


def test_a_wifi_without_a_key_gets_one_made_up_each_time(city: City) -> None:
    changes = orders(city, 2, arguments={"ssid": "Gast"})

    assert len({change.secret_arguments["psk"] for change in changes}) == 2


@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_owners_rights_are_those_of_then(city: City, elsewhere: bool) -> None:
    row = made(city, kind="access-point", device_ids=())
    Grant.objects.filter(user=city.technician).delete()
    if elsewhere:
        people.grant(user=city.technician, role=Role.TECHNICIAN, scope_id=city.school_b.pk)

    schedules.tend(timezone.now())

    row.refresh_from_db()
    assert not Change.objects.exists()
    assert row.last_problem
    assert row.next_at is not None
    assert row.next_at > timezone.now(), "it is asked again the next time"


def test_what_was_off_or_missed_is_not_made_up_for(city: City) -> None:
    row = made(city)
    Schedule.objects.filter(pk=row.pk).update(next_at=timezone.now() - timedelta(hours=9))
    schedules.tend(timezone.now())
    row.refresh_from_db()
    assert (row.last_problem, Change.objects.count()) == ("missed", 0)

    schedules.switch(schedule=row, enabled=False, by=city.technician)
    Schedule.objects.filter(pk=row.pk).update(next_at=timezone.now())
    schedules.tend(timezone.now())

    assert not Change.objects.exists()


def test_switching_on_what_is_on_loses_no_order_and_tells_nothing(city: City) -> None:
    row = made(city)

    schedules.switch(schedule=row, enabled=True, by=city.technician)
    schedules.tend(timezone.now())

    assert Change.objects.count() == 1
    assert not Event.objects.filter(name="schedule.switched-on").exists()
    for enabled in (False, False, True):
        schedules.switch(schedule=row, enabled=enabled, by=city.technician)
    told = Event.objects.filter(name__startswith="schedule.switched").order_by("pk").values_list("name", flat=True)
    assert list(told) == ["schedule.switched-off", "schedule.switched-on"]


@pytest.mark.parametrize(
    ("field", "spoilt"),
    [
        ("playbook", {"playbook": "../x"}),
        ("ssid", {"arguments": {}}),
        ("rule", {"rule": "FREQ=SECONDLY"}),
        ("devices", {"device_ids": ()}),
        ("devices", {"device_ids": (10**9,)}),
        ("devices", {"kind": "switch"}),
        ("lasts", {"playbook": "ap-restart", "arguments": {}, "lasts": timedelta(hours=1)}),
    ],
)
def test_a_standing_order_that_cannot_be_is_refused(city: City, field: str, spoilt: dict[str, Any]) -> None:
    with pytest.raises(OrderError) as caught:
        schedules.create(standing=standing(city, **spoilt), owner=city.technician)

    assert field in caught.value.problems
    assert not Schedule.objects.exists()


def test_nobody_orders_where_they_may_not(city: City) -> None:
    with pytest.raises(OrderError) as caught:
        schedules.create(standing=standing(city), owner=city.coordinator_a)

    assert "site" in caught.value.problems
