"""Wi-Fi on and off, on a device that has no Python."""

import pytest

from tests.integration.playbooks.conftest import Player

PSK = 'pl4nted key, "quo\'ted"'
EXAM = {"ssid": "Exam 204", "psk": PSK}
HOSTILE = [
    "{{ lookup('pipe', 'id') }}",
    "x'; reboot; echo '",
    '"$(reboot)" `reboot`',
    "../../etc/passwd",
    "# comment \\",
    "set wireless.radio0=x",
    "Prüfung 🎓",
]


def names_on_air(player: Player) -> set[str]:
    return {bss.ssid for bss in player.lab.ap.on_air}


async def test_on_then_off_and_nothing_twice(player: Player) -> None:
    before = names_on_air(player)

    on, again = await player.play("ssid", EXAM), await player.play("ssid", EXAM)
    assert (on.status, on.changed, again.status, again.changed) == (0, 1, 0, 0), on.out + again.out
    assert names_on_air(player) == before | {"Exam 204"}
    assert [bss.radio for bss in player.lab.ap.on_air if bss.ssid == "Exam 204"] == ["radio0", "radio1"]

    off = {"ssid": "Exam 204", "state": "absent"}
    gone, still = await player.play("ssid", off), await player.play("ssid", off)
    assert (gone.status, gone.changed, still.status, still.changed) == (0, 1, 0, 0), gone.out + still.out
    assert names_on_air(player) == before


async def test_it_leads_into_the_network_that_is_named_if_the_device_has_it(player: Player) -> None:
    before = dict(player.lab.ap.files)
    refused = [await player.play("ssid", EXAM | {"network": name}) for name in ("guest", "x'; reboot", "{{ x }}")]
    assert all((one.status != 0, one.changed) == (True, 0) for one in refused)
    assert "the device has no interface 'guest'; it has " in refused[0].out
    assert player.lab.ap.files == before

    player.lab.ap.files["/etc/config/network"] += "\nconfig interface 'guest'\n\toption proto 'none'\n"
    checked = await player.play("ssid", EXAM | {"network": "guest"}, "--check")
    done, again = (
        await player.play("ssid", EXAM | {"network": "guest"}),
        await player.play("ssid", EXAM | {"network": "guest"}),
    )
    assert [(one.status, one.changed) for one in (checked, done, again)] == [(0, 1), (0, 1), (0, 0)], done.out
    assert checked.out == done.out
    assert player.lab.ap.files["/etc/config/wireless"].count("option network 'guest'") == 2

    moved = await player.play("ssid", EXAM)
    assert (moved.status, moved.changed) == (0, 1)
    assert "option network 'guest'" not in player.lab.ap.files["/etc/config/wireless"]


async def test_check_mode_says_what_will_happen_and_does_nothing(player: Player) -> None:
    before = dict(player.lab.ap.files)

    checked = await player.play("ssid", EXAM, "--check")
    assert player.lab.ap.files == before

    real = await player.play("ssid", EXAM)
    assert checked.changed == 1
    assert ".ssid='Exam 204'" in checked.out
    assert checked.out == real.out


async def test_the_key_is_in_no_output_not_even_a_talkative_one(player: Player) -> None:
    first = await player.play("ssid", EXAM, "-vvvv")
    second = await player.play("ssid", EXAM | {"psk": f"{PSK} new"}, "-vvvv")

    assert player.lab.ap.files["/etc/config/wireless"].count(" new'") == 2
    for played in (first, second):
        assert played.changed == 1, played.out
        assert "pl4nted" not in played.out
    assert ".key=***\n" in second.out
    assert ".key=*** (changed)\n" in second.out


async def test_nothing_to_change_costs_one_round_trip(player: Player) -> None:
    await player.play("ssid", EXAM)

    again = await player.play("ssid", EXAM, "-vvv")

    assert (again.changed, again.commands) == (0, 1)


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_arrives_as_text(player: Player, text: str) -> None:
    booted_at = player.lab.ap.booted_at

    played = await player.play("ssid", {"ssid": text, "psk": "-psk- {{ x }} $(reboot) ' \" \\"})

    assert (played.status, played.changed) == (0, 1), played.out
    assert text in names_on_air(player)
    assert player.lab.ap.booted_at == booted_at
    assert (await player.play("ssid", {"ssid": text, "psk": "-psk- {{ x }} $(reboot) ' \" \\"})).changed == 0


@pytest.mark.parametrize(
    "arguments",
    [
        {"ssid": "two\nlines", "psk": "long enough"},
        {"ssid": "ü" * 17, "psk": "long enough"},
        {"ssid": "", "psk": "long enough"},
        {"ssid": "Exam"},
        {"ssid": "Exam", "psk": "long enough", "state": "{{ 'present' }}"},
        {"ssid": "Exam", "psk": "long enough", "encryption": "none"},
        {"psk": "long enough"},
    ],
)
async def test_what_is_no_network_is_refused_before_the_device_is_asked(player: Player, arguments: dict[str, str]) -> None:
    before = dict(player.lab.ap.files)

    for options in (["-vvv"], ["-vvv", "--check"]):
        played = await player.play("ssid", arguments, *options)

        assert played.status != 0
        assert played.commands <= 1, played.out
        assert "long enough" not in played.out
    assert player.lab.ap.files == before


@pytest.mark.parametrize("psk", ["pl4nted", "pl4nted, a line end\n", "pl4nted ü", "pl4nted" * 10])
async def test_what_is_no_key_is_refused_with_a_reason_and_not_shown(player: Player, psk: str) -> None:
    played = await player.play("ssid", {"ssid": "Exam", "psk": psk}, "-vvv")

    assert played.status != 0
    assert played.commands == 0
    assert "The key has 8 to 63 printable ASCII characters" in played.out
    assert "pl4nted" not in played.out
