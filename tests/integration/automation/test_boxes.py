"""Time-boxed changes over each other on one real device, and devices that are away when the time is over."""

from datetime import timedelta

from django.utils import timezone

from fleet.automation import services
from fleet.automation.models import BoxEnd, Change, Run
from fleet.automation.services import boxes
from fleet.monitoring.models import Health
from tests.integration.automation.conftest import PSK, School, soon

OTHER_PSK = "anderer-8Lm3-0pRt"


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
    Health.objects.update_or_create(
        device=away, defaults={"status": "down", "authority_id": away.authority_id, "site_id": away.site_id}
    )
    over(school, first)
    assert first.box == Change.Box.PENDING
    assert "Bleibt" not in school.on_air(school.ap)
    assert "Bleibt" in school.on_air(away)
    assert school.told(first).count("revert-waits") == 1

    Health.objects.filter(device=away).update(status="up", answered_at=timezone.now())
    school.work(first)

    assert first.box == Change.Box.REVERTED
    assert "Bleibt" not in school.on_air(away)
    states = dict(BoxEnd.objects.filter(change=first).values_list("device__name", "state"))
    assert states == dict.fromkeys(states, "reverted")


def test_a_box_is_extended_and_ended_by_hand(school: School) -> None:
    change = school.approved(school.exam("Hand", ends_at=soon(60)))
    boxes.extend(change=change, ends_at=soon(7200), by=school.asker)
    services.tend(now=soon(61))
    assert not change.runs.filter(kind=Run.Kind.REVERT).exists()

    Change.objects.filter(pk=change.pk).update(starts_at=timezone.now() - timedelta(hours=1))
    change.refresh_from_db()
    boxes.end_now(change=change, by=school.asker)
    school.work(change)

    assert change.box == Change.Box.REVERTED
    assert "Hand" not in school.on_air(school.ap)
    assert school.told(change)[-4:] == ["extended", "ended-early", "revert-started", "reverted"]
