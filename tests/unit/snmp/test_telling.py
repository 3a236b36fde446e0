from fleet.snmp.telling import sentences
from fleet.snmp.types import AccessPoint, Forwarding, Memory, Neighbour, Radio, Reading, Supply, Ups, Wireless


def test_everything_a_device_can_say_is_told() -> None:
    reading = Reading(
        reachable=True,
        sysName="box",
        kind="switch",
        model="X1",
        uptime_s=90_061,
        cpu_percent=(3,),
        memory=(Memory("RAM", 25.0, 400),),
        wireless=Wireless(
            clients=3,
            clients_by_ssid={"pupils": 3},
            radios=(Radio("5", 36, 18.0, 3),),
            access_point_count=1,
            access_points=(AccessPoint("ap-1", model="M1", status="up"),),
        ),
        supplies=(Supply("Black", "toner", 63),),
        ups=Ups(100.0, 2400, 20.0, on_battery=False),
        vlans=(1, 95),
        forwarding=(Forwarding("02:00:00:00:00:09", 3, 95),),
        neighbours=(Neighbour("lldp", "core", "1/1", 24),),
        problems=("a walk that goes in circles",),
    )

    told = "\n".join(sentences(reading))

    for part in (
        "box: switch",
        "X1",
        "1 d 1 h 1 min",
        "3 %",
        "RAM 25 %",
        "3 clients",
        "pupils: 3",
        "channel 36",
        "ap-1: M1, up",
    ):
        assert part in told
    for part in (
        "Black: 63 %",
        "on mains",
        "2400 s left",
        "1, 95",
        "1 MAC addresses",
        "core, 1/1 at interface 24",
        "in circles",
    ):
        assert part in told


def test_of_a_device_that_was_not_reached_only_the_problem_is_told() -> None:
    assert list(sentences(Reading(reachable=False, problems=("no answer",)))) == ["Could not be read: no answer"]
