from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from django.core.exceptions import ValidationError

from fleet.web.instants import AHEAD, DayField, FarError, InstantField, within

EAST, WEST = timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))
NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    "when", [NOW, NOW.date(), NOW + AHEAD - timedelta(days=1), date(1970, 1, 1), NOW.replace(tzinfo=None)]
)
def test_what_people_plan_is_near_enough(when: date) -> None:
    assert within(when) == when


@pytest.mark.parametrize(
    "when",
    [
        datetime.max.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=WEST),
        datetime.min.replace(tzinfo=EAST),
        datetime.max.replace(tzinfo=UTC).replace(tzinfo=None),
        date.max,
        date.min,
        NOW + AHEAD + timedelta(days=1),
    ],
)
def test_what_nothing_can_reckon_with_is_refused(when: date) -> None:
    with pytest.raises(FarError):
        within(when)


@pytest.mark.parametrize(("field", "said"), [(InstantField, "9999-12-31T23:59"), (DayField, "9999-12-31")])
def test_a_form_says_so(field: type[InstantField | DayField], said: str) -> None:
    with pytest.raises(ValidationError, match="1970"):
        field().clean(said)
