import json
from dataclasses import replace

import pytest

from fleet.snmp.types import (
    Auth,
    Interface,
    Priv,
    Radio,
    Reading,
    Target,
    Ups,
    V1Credential,
    V2cCredential,
    V3Credential,
    Wireless,
)

FULL = Reading(
    reachable=True,
    sysName="ap-204",
    interfaces=(Interface(1, name="eth0", in_octets=2**63),),
    cpu_percent=(3, 5),
    wireless=Wireless(clients=3, clients_by_ssid={"Schule": 3}, ssids=("Schule",), radios=(Radio(band="5"),)),
    ups=Ups(on_battery=False),
)


@pytest.mark.parametrize(
    "credential",
    [
        V1Credential("plantedSecret"),
        V2cCredential("plantedSecret"),
        V3Credential("netz", Auth.SHA256, "plantedSecret", Priv.AES128, "plantedSecret"),
    ],
)
def test_no_secret_in_repr(credential: V1Credential | V2cCredential | V3Credential) -> None:
    assert "plantedSecret" not in repr(Target("127.0.0.1", 161, credential))


def test_privacy_wants_authentication() -> None:
    with pytest.raises(ValueError, match="without authentication"):
        V3Credential("netz", priv_protocol=Priv.AES128, priv_key="longenough")


@pytest.mark.parametrize(
    ("written", "protocol"), [("SHA-256", Auth.SHA256), ("SHA", Auth.SHA1), ("sha_512", Auth.SHA512), ("MD5", Auth.MD5)]
)
def test_protocols_as_people_write_them(written: str, protocol: Auth) -> None:
    assert Auth(written) is protocol
    assert Priv("AES") is Priv("AES-128") is Priv.AES128
    with pytest.raises(ValueError, match="SHA-3"):
        Auth("SHA-3")


def test_short_pass_phrase() -> None:
    with pytest.raises(ValueError, match="8 characters"):
        V3Credential("netz", Auth.SHA1, "short")


def test_reading_survives_json() -> None:
    assert Reading.from_dict(json.loads(json.dumps(FULL.as_dict()))) == FULL


def test_from_dict_refuses_a_wrong_type() -> None:
    with pytest.raises(ValueError, match="uptime_s"):
        Reading.from_dict({"reachable": True, "uptime_s": "soon"})


def test_none_is_not_the_same_as_empty() -> None:
    said_none = replace(FULL, wireless=Wireless(ssids=()))
    assert said_none.as_dict()["wireless"]["ssids"] == []
    assert FULL.as_dict()["vlans"] is None


def test_json_keys_are_stable() -> None:
    assert set(Reading.unreachable().as_dict()) == {
        "reachable",
        "sysObjectID",
        "sysDescr",
        "sysName",
        "sysContact",
        "uptime_s",
        "kind",
        "vendor",
        "model",
        "firmware",
        "serial",
        "profile",
        "interfaces",
        "cpu_percent",
        "memory",
        "temperatures_c",
        "wireless",
        "supplies",
        "ups",
        "poe",
        "vlans",
        "forwarding",
        "neighbours",
        "problems",
    }
