"""From what a device has to what is wanted, checked against another reader and writer of UCI: the lab's."""

from typing import Any

import pytest
from ansible_collections.fleetdesk.network.plugins.plugin_utils import mask
from ansible_collections.fleetdesk.network.plugins.plugin_utils.uci_plan import WishError, plan, rendered, wishes
from ansible_collections.fleetdesk.network.plugins.plugin_utils.uci_text import UciTextError, parse, quote
from hypothesis import given
from hypothesis import strategies as st

from fleet.lab.ssh import uci

FILE = """
config wifi-device 'radio0'
\toption band '2g'

config wifi-device 'radio1'

config wifi-iface
\toption device 'radio0'
\toption ssid 'it'\\''s "one"; # no comment'
\tlist servers 'a b'
\tlist servers 'c'

config wifi-iface 'named'
\toption key 'planted'
"""
TEXT = st.text(
    st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs"]), min_size=1, max_size=20
)
OPTIONS = st.dictionaries(
    st.sampled_from(["ssid", "key", "device", "servers"]), st.one_of(st.just(""), TEXT, st.lists(TEXT))
)
SECTION = st.fixed_dictionaries(
    {"options": OPTIONS}, optional={"type": st.just("wifi-iface"), "state": st.sampled_from(["present", "absent"])}
)
NAMES = ["named", "new", "@wifi-iface[0]", "@wifi-iface[1]", "@wifi-iface[-1]"]


def planned(packages: dict[str, Any]) -> Any:
    state = {"wireless": parse(FILE)}
    return plan(state, wishes(packages, state))


@given(st.dictionaries(st.sampled_from(NAMES), SECTION))
def test_the_device_ends_where_the_plan_says(sections: dict[str, Any]) -> None:
    for section in sections.values():
        section.setdefault("type", "wifi-iface")
    try:
        made = planned({"wireless": sections})
    except WishError:
        return
    files = {"/etc/config/wireless": FILE}

    outcome = uci.run(files, ["batch"], "".join(f"{line}\n" for line in [*made.lines, "commit wireless"]))

    assert outcome.err == ""
    assert parse(uci.run(files, ["export", "wireless"]).out) == made.after["wireless"]
    assert uci.run(files, ["changes"]).out == ""
    assert not planned_again(files, sections)


def planned_again(files: dict[str, str], sections: dict[str, Any]) -> list[str]:
    """What a second run would write; only for wishes that a second run can wish again."""
    named = {name: section for name, section in sections.items() if not name.startswith("@")}
    state = {"wireless": parse(uci.run(files, ["export", "wireless"]).out)}
    still = {name: one for name, one in named.items() if not any(other.startswith("@") for other in sections)}
    return list(plan(state, wishes({"wireless": still}, state)).lines)


@given(TEXT)
def test_what_is_quoted_is_one_word_of_exactly_that_text(text: str) -> None:
    assert parse(f"config a\n option b {quote(text)}\n")[0].options == {"b": text}


def test_a_section_for_each_radio() -> None:
    exam = {"type": "wifi-iface", "each": {"type": "wifi-device", "option": "device"}, "options": {"ssid": "Exam"}}

    made = planned({"wireless": {"exam": exam}})

    assert [(one.name, one.options) for one in made.after["wireless"][-2:]] == [
        ("exam_radio0", {"device": "radio0", "ssid": "Exam"}),
        ("exam_radio1", {"device": "radio1", "ssid": "Exam"}),
    ]


@pytest.mark.parametrize(
    "packages",
    [
        {"wire;less": {}},
        {"wireless": {"a.b": {}}},
        {"wireless": {"new": {"options": {}}}},
        {"wireless": {"new": {"type": "x\nset wireless.radio0.band=5g", "options": {}}}},
        {"wireless": {"named": {"options": {"a=b": "x"}}}},
        {"wireless": {"named": {"options": {"ssid": "two\nlines"}}}},
        {"wireless": {"named": {"options": {"ssid": "\x00"}}}},
        {"wireless": {"named": {"options": {"ssid": "\ud800"}}}},
        {"wireless": {"named": {"options": {"ssid": {"a": 1}}}}},
        {"wireless": {"named": {"state": "gone"}}},
        {"wireless": {"named": {"surprise": 1}}},
        {"nothing": {"named": {"type": "x"}}},
        {"wireless": {"@wifi-iface[9]": {"options": {}}}},
    ],
)
def test_what_cannot_be_is_refused(packages: dict[str, Any]) -> None:
    with pytest.raises(WishError):
        planned(packages)


@pytest.mark.parametrize("text", ["option a 'b'", "config a b c", "surprise", "config a\n option b 'open"])
def test_what_is_no_uci_text_is_refused(text: str) -> None:
    with pytest.raises(UciTextError):
        parse(text)


def test_a_secret_that_changes_shows_that_it_does_and_not_what_it_is() -> None:
    made = planned({"wireless": {"named": {"options": {"key": "another"}}}})

    diff = mask.diff(rendered(made, after=False), rendered(made, after=True), [])

    assert diff["before"] != diff["after"]
    assert "planted" not in str(diff)
    assert "another" not in str(diff)


@pytest.mark.parametrize(
    "name",
    ["key", "key1", "psk", "wpa_psk", "password", "auth_secret", "acct_secret", "community", "sae_password", "r0kh", "r1kh"],
)
def test_names_of_secrets(name: str) -> None:
    assert mask.is_secret(name)


def test_a_password_within_an_address_is_hidden() -> None:
    before, after = ([("ddns.home.update_url", f"https://user:{word}@dyn.example/")] for word in ("planted", "another"))

    diff = mask.diff(before, after, [])

    assert diff["before"] == "ddns.home.update_url='https://user:***@dyn.example/'\n"
    assert diff["after"] == "ddns.home.update_url='https://user:*** (changed)@dyn.example/'\n"
    assert mask.secret_values([*before, *after]) == ["planted", "another"]


@pytest.mark.parametrize("name", ["ssid", "keyboard", "monkey", "encryption", "device", "compass"])
def test_names_of_what_is_no_secret(name: str) -> None:
    assert not mask.is_secret(name)


COMMUNITIES = (
    "config com2sec public\n option community old\n\nconfig com2sec\n option community old\n\nconfig com2sec 'reading'\n"
)


@pytest.mark.parametrize(
    ("community", "state", "expected"),
    [
        ("new", "present", [("public", "old"), ("", "old"), ("reading", None), ("reading_2", "new")]),
        ("old", "present", [("public", "old"), ("", "old"), ("reading", None)]),
        ("old", "absent", [("reading", None)]),
        ("none", "absent", [("public", "old"), ("", "old"), ("reading", None)]),
    ],
)
def test_one_of_a_kind_by_its_value_whatever_it_is_called(community: str, state: str, expected: list[Any]) -> None:
    before = {"snmpd": parse(COMMUNITIES)}
    asked = {"type": "com2sec", "identified_by": "community", "options": {"community": community}, "state": state}

    made = plan(before, wishes({"snmpd": {"reading": asked}}, before))
    again = plan(made.after, wishes({"snmpd": {"reading": asked}}, made.after))

    assert [(one.name, one.options.get("community")) for one in made.after["snmpd"]] == expected
    assert again.lines == []
    files = {"/etc/config/snmpd": COMMUNITIES}
    uci.run(files, ["batch"], "".join(f"{line}\n" for line in [*made.lines, "commit snmpd"]))
    assert parse(uci.run(files, ["export", "snmpd"]).out) == made.after["snmpd"]


@pytest.mark.parametrize("wrong", [{"type": ""}, {"options": {}}, {"each": {}}, {"identified_by": "x y"}])
def test_one_of_a_kind_needs_its_kind_and_its_value(wrong: dict[str, Any]) -> None:
    asked = {"type": "com2sec", "identified_by": "community", "options": {"community": "x"}}
    state = {"snmpd": parse(COMMUNITIES)}

    with pytest.raises(WishError):
        wishes({"snmpd": {"reading": asked | wrong}}, state)
