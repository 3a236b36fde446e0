"""Short codes of labels, and where labels lie on a sheet."""

import pytest

from helpdesk.portal.rules.labels import SHEETS, device_of_code, places, short_code


@pytest.mark.parametrize("device_id", [1, 31, 32, 1023, 123_456, 10**9])
def test_a_code_leads_back_however_it_is_typed(device_id: int) -> None:
    code = short_code(device_id)

    assert device_of_code(code) == device_id
    assert device_of_code(f" {code.lower().replace('-', ' ')} ") == device_id
    assert device_of_code(code.replace("0", "o").replace("1", "l")) == device_id


@pytest.mark.parametrize("typed", ["", "-", "00", "000", "ÄÖÜ-12", "00A-00", "{{ 7 }}", "0" * 39, "Z" * 39])
def test_what_is_no_code_is_none(typed: str) -> None:
    assert device_of_code(typed) is None


def test_one_wrong_digit_is_noticed_nearly_always() -> None:
    code = short_code(4711)
    wrong = [code[:at] + other + code[at + 1 :] for at in (0, 1, 2) for other in "02345789ACDEF" if code[at] != other]

    assert sum(device_of_code(one) is None for one in wrong) >= len(wrong) - 1


@pytest.mark.parametrize("name", SHEETS)
def test_every_label_lies_on_its_page_and_none_on_another(name: str) -> None:
    sheet = SHEETS[name]
    corners = [sheet.corner(place) for place in range(sheet.places)]

    assert all(x >= 0 and y >= 0 for x, y in corners)
    assert all(x + sheet.size[0] <= sheet.page[0] and y + sheet.size[1] <= sheet.page[1] + 0.01 for x, y in corners)
    assert len({(round(x, 2), round(y, 2)) for x, y in corners}) == sheet.places


def test_a_sheet_begun_before_goes_on_where_it_ended() -> None:
    assert list(places(SHEETS["middle"], first=23, count=4)) == [(0, 22), (0, 23), (1, 0), (1, 1)]
