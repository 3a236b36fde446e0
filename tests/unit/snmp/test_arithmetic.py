import pytest

from fleet.snmp.profiles.arithmetic import parse


@pytest.mark.parametrize(
    ("written", "known", "result"),
    [
        ("100 * used / size", {"used": 1, "size": 4}, 25),
        ("x * factor / 10 ** digits", {"x": 4150, "factor": 1, "digits": 2}, 41.5),
        ("-(x - 2407) // 5", {"x": 2412}, -1),
        ("x % 7", {"x": 9}, 2),
        ("100 * used / size", {"used": 1, "size": 0}, None),
        ("100 * used / size", {"used": 1, "size": None}, None),
        ("10 ** x", {"x": 400}, None),
        ("(0 - x) ** 0.5", {"x": 2}, None),
    ],
)
def test_value(written: str, known: dict[str, float | None], result: float | None) -> None:
    assert parse(written).value(known) == result


@pytest.mark.parametrize("written", ["__import__('os')", "x.real", "'a' * 9", "x if x else 1", "[1]", "x <", "True"])
def test_refuses_everything_else(written: str) -> None:
    with pytest.raises(ValueError, match=r"only|is not an expression"):
        parse(written)


@pytest.mark.parametrize("written", ["abs(x, 2)", "log10()", "round(x, 1)", "max(x)", "min()", "-" * 900 + "x"])
def test_refuses_what_can_never_be_worked_out(written: str) -> None:
    with pytest.raises(ValueError, match=r"takes|too long"):
        parse(written)


def test_what_is_long_enough_to_be_allowed_can_be_worked_out() -> None:
    assert parse("-" * 398 + "x").value({"x": 2}) == 2
