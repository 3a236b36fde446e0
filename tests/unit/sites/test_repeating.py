"""Which repetition rules are let in: what schools use, nothing that never ends."""

import pytest
from icalendar import vRecur

from fleet.sites.rules.repeating import is_usual


@pytest.mark.parametrize(
    ("rule", "usual"),
    [
        ("FREQ=DAILY", True),
        ("FREQ=DAILY;INTERVAL=2;COUNT=5", True),
        ("FREQ=WEEKLY;BYDAY=MO,TU;UNTIL=20270731", True),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;WKST=MO", True),
        ("FREQ=MONTHLY;BYDAY=1MO", True),
        ("FREQ=MONTHLY;BYDAY=-1FR", True),
        ("FREQ=MONTHLY;BYMONTHDAY=31", True),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", True),
        ("FREQ=YEARLY", True),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", True),
        ("FREQ=YEARLY;BYMONTH=11;BYDAY=3WE", True),
        ("FREQ=SECONDLY", False),
        ("FREQ=HOURLY;INTERVAL=24", False),
        ("FREQ=YEARLY;BYHOUR=1,2;BYMINUTE=1,2", False),
        ("FREQ=DAILY;INTERVAL=0", False),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=TU", False),  # never, from a Monday on
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", False),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", False),
        ("FREQ=YEARLY;BYMONTH=13", False),
        ("FREQ=MONTHLY;BYDAY=6MO", False),
        ("FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1", False),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=9", False),
        ("FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=2", False),
        ("FREQ=YEARLY;BYYEARDAY=366", False),
        ("FREQ=YEARLY;BYDAY=60MO", False),
    ],
)
def test_a_rule(rule: str, usual: bool) -> None:
    assert is_usual(vRecur.from_ical(rule)) is usual
