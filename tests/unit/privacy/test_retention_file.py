from pathlib import Path

import pytest

from helpdesk.privacy import retention

GOOD = """
[tickets]
model = "tickets.Ticket"
where = { state = "closed" }
start = "state_since"
days = 30
happens = "delete"
authority = "authority_id"
title = { de = "a", en = "a" }
begins = { de = "a", en = "a" }
with = { de = "a", en = "a" }
basis = { de = "a", en = "a" }
"""


def test_what_is_delivered_is_as_it_must_be_and_covers_what_is_promised() -> None:
    kinds = retention.load(retention.FILE)

    assert {"tickets", "attachments", "mail-sent", "mail-received", "events", "run-logs", "sign-ins", "samples"} <= set(
        kinds
    )
    assert {"samples", "alerts", "outages", "searches", "calendar-drafts", "webhook-deliveries"} <= set(kinds)
    assert kinds["run-logs"].period() >= 7
    assert kinds["webhook-deliveries"].period() == 30


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("days = 30", "days = 30\ndayz = 3", ":7: tickets.dayz"),
        ('start = "state_since"', 'start = "subject"', ":2: tickets: start: subject is no instant"),
        ('start = "state_since"', 'start = "nothing"', "no field 'nothing'"),
        ('state = "closed"', 'nix = "closed"', "nix"),
        ("days = 30", "days = 30\nleast = 60", "days must lie between"),
        ('"tickets.Ticket"', '"tickets.Nothing"', "there is no model"),
        ('"authority_id"', '"site__nothing"', "no field 'nothing'"),
        ('happens = "delete"', 'happens = "anonymise"', "becomes belongs to anonymise"),
        ('happens = "delete"', 'happens = "burn"', "tickets.happens"),
        ("days = 30", "days =", ""),
    ],
)
def test_a_wrong_file_is_refused_by_line(old: str, new: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "retention.toml"
    path.write_text(GOOD.replace(old, new))

    with pytest.raises(retention.RetentionError, match=str(path)) as refused:
        retention.load(path)

    assert said in str(refused.value)
