"""Short names of schools and lists of room numbers."""

import pytest

from fleet.sites.rules.names import LONGEST_SLUG, free_slug, room_numbers


@pytest.mark.parametrize(
    ("name", "taken", "slug"),
    [
        ("Grundschule Süd", (), "grundschule-sued"),
        ("Grundschule Süd", ("grundschule-sued",), "grundschule-sued-2"),
        ("Grundschule Süd", ("grundschule-sued", "grundschule-sued-2"), "grundschule-sued-3"),
        ("!", (), "school"),
        ("a" * 200, (), "a" * (LONGEST_SLUG - 5)),
    ],
)
def test_a_free_slug(name: str, taken: tuple[str, ...], slug: str) -> None:
    assert free_slug(name, taken) == slug


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("101, 102, 103", ["101", "102", "103"]),
        ("101;102\r\n103\t104", ["101", "102", "103", "104"]),
        (" A 1 ,, A 1 ,", ["A 1"]),
        ("1-04, U\u200b01", ["1-04", "U01"]),
        ("", []),
    ],
)
def test_numbers_as_people_write_them(text: str, numbers: list[str]) -> None:
    assert room_numbers(text) == numbers
