"""Some keys more and some fewer, whatever else stands in the file."""

import pytest
from ansible_collections.fleetdesk.network.plugins.plugin_utils.authorized_keys import changed
from hypothesis import given
from hypothesis import strategies as st

OLD, NEW, OTHER = (f"ssh-ed25519 AAAA{letter}" for letter in "abc")
LINE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"{NEW}\n"),
        (f"{OLD}\n", f"{NEW}\n"),
        (f'from="192.0.2.1" {OLD} comment\n{OTHER}', f"{OTHER}\n{NEW}\n"),
        (f"no-pty {NEW} somebody\n", f"no-pty {NEW} somebody\n"),
        (f"# {OTHER}\n\n{OLD}x\n", f"# {OTHER}\n\n{OLD}x\n{NEW}\n"),
    ],
)
def test_exactly_the_named_ones(before: str, after: str) -> None:
    assert changed(before, [NEW], [f"{OLD} whoever"]) == after


@given(st.lists(LINE))
def test_what_is_not_named_stays_and_a_second_time_changes_nothing(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)

    once = changed(text, [NEW], [OLD])

    assert [line for line in once.splitlines() if line != NEW] == [line for line in lines if line != NEW]
    assert changed(once, [NEW], [OLD]) == once


@pytest.mark.parametrize("wrong", ["", "ssh-ed25519", "a b c d", f"{NEW}\nssh-ed25519 AAAAx"])
def test_what_is_no_key_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError):
        changed("", [wrong], [])
    with pytest.raises(ValueError):
        changed("", [NEW], [NEW])
