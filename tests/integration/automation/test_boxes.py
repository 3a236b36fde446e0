"""Time-boxed changes over each other on one real device, and devices that are away when the time is over."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Self

import pytest
from django.db import OperationalError
from django.utils import timezone

from fleet.automation import services
from fleet.automation.catalogue import CatalogueError
from fleet.automation.models import BoxEnd, Change, Run
from fleet.automation.services import attempt, boxes, running, schedules
from fleet.automation.services.decisions import DecisionError
from fleet.automation.services.ordering import OrderError
from fleet.automation.services.schedules import Standing
from fleet.devices.models import Device
from fleet.monitoring.services import poll_now
from tests.integration.automation.conftest import PSK, School, soon

OTHER_PSK = "anderer-8Lm3-0pRt"
NEW_PSK = "rotiert-4Hd6-1wEx"
BOX_PSK = "pruefung-2Ts7-5yUz"


def over(school: School, change: Change) -> Change:
    """Its time is over now, and everything is done that then has to be done."""
    now = timezone.now()
    Change.objects.filter(pk=change.pk).update(starts_at=now - timedelta(hours=1), ends_at=now - timedelta(seconds=1))
    return school.work(change)


def keys(school: School) -> set[str]:
    """What Wi-Fi keys the device itself has."""
    text = str(school.machine(school.ap).snapshot())
    return {key for key in (PSK, OTHER_PSK) if key in text}


def test_two_keys_of_one_wifi_unwind_from_the_later_to_the_earlier(school: School) -> None:
    first = school.approved(school.exam("Doppelt", ends_at=soon(7200)))
    wish = {"ssid": "Doppelt", "psk": OTHER_PSK}
    second = school.approved(school.order("ssid", arguments=wish, ends_at=soon(3600)))
    assert keys(school) == {OTHER_PSK}
    assert boxes.still_wanted(second, school.ap) == first

    over(school, second)

    assert second.box == Change.Box.REVERTED
    assert BoxEnd.objects.get(change=second).state == BoxEnd.State.RESTORED
    assert keys(school) == {PSK}, "the earlier one's key is back"
    assert "Doppelt" in school.on_air(school.ap)
    assert not [key for key in (PSK, OTHER_PSK) if key in str(list(school.run(second, Run.Kind.REVERT).log_lines.values()))]
    over(school, first)
    assert first.box == Change.Box.REVERTED
    assert "Doppelt" not in school.on_air(school.ap)


def test_what_another_one_still_wants_stays_and_the_offline_have_their_turn_later(school: School) -> None:
    first = school.approved(school.order("ssid", school.aps, arguments={"ssid": "Bleibt", "psk": PSK}, ends_at=soon(7200)))
    second = school.approved(school.exam("Bleibt", ends_at=soon(3600)))
    assert (first.state, second.state) == ("confirmed", "confirmed")

    over(school, second)

    assert second.box == Change.Box.REVERTED
    assert not second.runs.filter(kind=Run.Kind.REVERT).exists(), "nothing had to be done"
    assert school.told(second)[-2:] == ["left", "reverted"]
    assert "Bleibt" in school.on_air(school.ap)
    away = school.aps[1]
    school.break_("dead", away)
    over(school, first)
    assert first.box == Change.Box.PENDING
    assert "Bleibt" not in school.on_air(school.ap)
    assert "Bleibt" in school.on_air(away)
    assert school.told(first).count("revert-waits") == 1
    tries = first.runs.filter(kind=Run.Kind.REVERT).count()

    school.work(first)
    assert first.runs.filter(kind=Run.Kind.REVERT).count() == tries, "its next turn has not come"
    school.wire.world.set_faults([])
    poll_now(device_ids=[away.pk])
    school.work(first)

    assert first.box == Change.Box.REVERTED
    assert "Bleibt" not in school.on_air(away)
    states = dict(BoxEnd.objects.filter(change=first).values_list("device__name", "state"))
    assert states == dict.fromkeys(states, "reverted")


def test_a_box_is_extended_and_ended_by_hand(school: School) -> None:
    change = school.approved(school.exam("Hand", ends_at=soon(60)))
    later = soon(7200)
    assert not boxes.extend(change=change, ends_at=later, by=school.asker), "as many others have to agree"
    assert boxes.extend(change=change, ends_at=later, by=school.approvers[0])
    services.tend(now=soon(61))
    assert not change.runs.filter(kind=Run.Kind.REVERT).exists()

    Change.objects.filter(pk=change.pk).update(starts_at=timezone.now() - timedelta(hours=1))
    change.refresh_from_db()
    assert not boxes.end_now(change=change, by=school.asker)
    services.agree_to(proposal=change.proposals.get(over_at__isnull=True), by=school.approvers[0])
    school.work(change)

    assert change.box == Change.Box.REVERTED
    assert "Hand" not in school.on_air(school.ap)
    steps = ["proposed", "proposal-agreed", "extended", "proposed", "proposal-agreed", "ended-early", "revert-started"]
    assert school.told(change)[-8:] == [*steps, "reverted"]


def key_of(school: School, device: Device, ssid: str) -> set[str]:
    """The Wi-Fi's key as the device itself has it."""
    text = str(school.machine(device).snapshot())
    return {key for key in (PSK, OTHER_PSK, NEW_PSK, BOX_PSK) if key in text} if ssid in school.on_air(device) else set()


def test_the_end_of_a_box_brings_no_retired_key_back_and_takes_no_wifi_away_that_stays(school: School) -> None:
    """For good on one device of two (the other was away), its key rotated since, a box over both of it."""
    there, away = school.aps[:2]
    for_good = school.work(school.order("ssid", [there, away], arguments={"ssid": "Gast", "psk": PSK}))
    school.break_("dead", away)
    school.approved(for_good)
    school.wire.world.set_faults([])
    assert for_good.state == Change.State.FAILED
    rotated = school.approved(school.order("psk-rotate", arguments={"ssid": "Gast", "psk": NEW_PSK}))
    assert (rotated.state, key_of(school, there, "Gast")) == (Change.State.CONFIRMED, {NEW_PSK})
    wish = {"ssid": "Gast", "psk": BOX_PSK, "encryption": "psk2"}
    box = school.approved(school.order("ssid", [there, away], arguments=wish, ends_at=soon(3600)))
    assert key_of(school, there, "Gast") == {BOX_PSK}

    over(school, box)

    assert box.box == Change.Box.REVERTED
    assert key_of(school, there, "Gast") == {NEW_PSK}
    assert key_of(school, away, "Gast") == set(), "there it was never done for good"
    run = box.runs.get(kind=Run.Kind.REVERT, restoration__isnull=False)
    assert "sae-mixed" in str(school.machine(there).snapshot())
    told = str(list(run.log_lines.values())) + str(list(run.hosts.values()))
    assert not [key for key in (PSK, NEW_PSK, BOX_PSK) if key in told]


def test_a_key_rotated_during_a_box_stays_and_alone_keeps_no_wifi(school: School) -> None:
    there, other = school.aps[:2]
    school.approved(school.order("ssid", arguments={"ssid": "Gast", "psk": PSK}))
    box = school.approved(
        school.order("ssid", [there, other], arguments={"ssid": "Gast", "psk": BOX_PSK}, ends_at=soon(3600))
    )
    school.approved(school.order("psk-rotate", [there, other], arguments={"ssid": "Gast", "psk": NEW_PSK}))

    over(school, box)

    assert box.box == Change.Box.REVERTED
    assert key_of(school, there, "Gast") == {NEW_PSK}
    assert "Gast" not in school.on_air(other), "it was there for the box only"


def test_what_stays_but_could_not_be_measured_outlives_a_box_over_it(school: School) -> None:
    for_good = school.approved(school.exam("Dauer"))
    for_good.targets.update(state="unknown")  # as after an SNMP agent that was silent meanwhile
    Change.objects.filter(pk=for_good.pk).update(state="unknown")
    wish = {"ssid": "Dauer", "psk": OTHER_PSK}
    box = school.approved(school.order("ssid", arguments=wish, ends_at=soon(3600)))

    over(school, box)

    assert (box.box, BoxEnd.objects.get(change=box).state) == (Change.Box.REVERTED, BoxEnd.State.RESTORED)
    assert key_of(school, school.ap, "Dauer") == {PSK}


def test_what_switches_off_has_an_end_only_where_what_was_there_is_known(school: School) -> None:
    off = {"ssid": "Dauer", "state": "absent"}
    released = {"port": 20, "state": "released"}
    for playbook, device, arguments in (("ssid", school.ap, off), ("port-quarantine", school.switch, released)):
        with pytest.raises(OrderError) as refused:
            school.order(playbook, [device], arguments=arguments, ends_at=soon(3600))
        assert list(refused.value.problems) == ["ends_at"]
    school.approved(school.exam("Dauer"))
    with pytest.raises(OrderError):
        school.order("ssid", school.aps[:2], arguments=off, ends_at=soon(3600))  # on the second one nobody knows
    with pytest.raises(OrderError):
        school.order("ssid", arguments=off | {"ssid": "Anderes"}, ends_at=soon(3600))

    box = school.approved(school.order("ssid", arguments=off, ends_at=soon(3600)))
    assert "Dauer" not in school.on_air(school.ap)
    over(school, box)

    assert (box.box, key_of(school, school.ap, "Dauer")) == (Change.Box.REVERTED, {PSK})


def test_a_standing_order_that_switches_off_for_a_while_is_refused_at_once(school: School) -> None:
    standing = Standing(
        site=school.ap.site,
        name="Nachts",
        playbook="ssid",
        rule="FREQ=DAILY",
        starts_at=soon(3600),
        arguments={"ssid": "Dauer", "state": "absent"},
        kind="access-point",
        lasts=timedelta(hours=1),
    )
    with pytest.raises(OrderError) as refused:
        schedules.create(standing=standing, owner=school.asker)
    assert list(refused.value.problems) == ["lasts"]

    school.approved(school.order("ssid", school.aps, arguments={"ssid": "Dauer", "psk": PSK}))
    assert schedules.create(standing=standing, owner=school.asker).lasts_s == 3600


def test_asked_for_anew_a_box_keeps_its_dates_and_is_refused_after_its_end(school: School) -> None:
    change = school.exam("Donnerstag", starts_at=soon(3600), ends_at=soon(7200))
    services.cancel(change=change, by=school.asker)
    change.refresh_from_db()

    anew = services.relaunch(change=change, by=school.asker)

    assert (anew.starts_at, anew.ends_at, anew.box) == (change.starts_at, change.ends_at, Change.Box.PENDING)
    services.cancel(change=anew, by=school.asker)
    Change.objects.filter(pk=change.pk).update(starts_at=soon(-60))
    change.refresh_from_db()
    begun = services.relaunch(change=change, by=school.asker)
    assert abs(begun.starts_at - timezone.now()) < timedelta(minutes=1)
    assert begun.ends_at == change.ends_at
    services.cancel(change=begun, by=school.asker)
    Change.objects.filter(pk=change.pk).update(ends_at=soon(-1))
    change.refresh_from_db()
    with pytest.raises(DecisionError, match="too-late"):
        services.relaunch(change=change, by=school.asker)


class Full:
    """A child without room for its files: it says so before it has begun (`test_isolation.py`)."""

    last_words = ""

    def __init__(self, *_: Any) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def beat(self) -> None: ...

    def cancel(self) -> None: ...

    def batches(self, _every_s: float) -> Iterator[list[dict[str, Any]]]:
        yield [{"end": "failed", "code": 1, "problem": "disk-full-before", "tree_dead": True}]


def test_a_full_disk_costs_no_time_box_its_end(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    change = school.approved(school.exam("Voll", ends_at=soon(3600)))
    with monkeypatch.context() as full:
        full.setattr(running, "ChildProcess", Full)
        over(school, change)
    assert (change.box, school.told(change)[-1]) == (Change.Box.PENDING, "revert-waits")
    assert school.run(change, Run.Kind.REVERT).hosts.get().state == "not-started"
    tries = change.runs.filter(kind=Run.Kind.REVERT).count()
    school.work(change)
    assert change.runs.filter(kind=Run.Kind.REVERT).count() == tries, "its next turn has not come"

    change.runs.filter(kind=Run.Kind.REVERT).update(finished_at=timezone.now() - timedelta(hours=1))
    school.work(change)

    assert (change.box, "Voll" in school.on_air(school.ap)) == (Change.Box.REVERTED, False)


def test_what_cannot_be_taken_back_at_all_is_a_persons(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    change = school.approved(school.exam("Weg", ends_at=soon(3600)))

    def gone(_run: Run) -> None:
        raise CatalogueError("there is no such playbook any more")

    monkeypatch.setattr(running, "playbook_of", gone)

    over(school, change)

    assert (change.box, school.told(change)[-1]) == (Change.Box.FAILED, "revert-failed")


def test_a_database_that_restarts_costs_no_time_box_its_end(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    change = school.approved(school.exam("Fort", ends_at=soon(3600)))
    real: Callable[[Run], bool] = attempt.restores
    calls: list[Run] = []

    def away_once(run: Run) -> bool:
        calls.append(run)
        if len(calls) == 1:
            raise OperationalError("server closed the connection unexpectedly")
        return real(run)

    monkeypatch.setattr(attempt, "restores", away_once)

    over(school, change)

    assert (change.box, "Fort" in school.on_air(school.ap)) == (Change.Box.REVERTED, False)
    assert change.runs.filter(kind=Run.Kind.REVERT).count() == 1
