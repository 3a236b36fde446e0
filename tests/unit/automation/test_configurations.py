"""What of a configuration counts, what may be shown, and how two differ."""

import pytest

from fleet.automation.rules.configurations import CHANGED, Side, difference, masked, normalised, search

IOS_CLOCKS = "! Last configuration change at 10:11:12 MET Mon Mar 1 2026 by x\nhostname a\nntp clock-period 17179866\n"


@pytest.mark.parametrize(
    ("platform", "one", "other"),
    [
        ("ios", IOS_CLOCKS, "hostname a\nntp clock-period 17180001\n"),
        ("ios", "! NVRAM config last updated at 1:2:3\r\nhostname a\r\n", "hostname a"),
        ("routeros", "# 2026-03-01 10:11:12 by RouterOS 7.1\n/ip\n", "# 2026-03-02 09:00:00 by RouterOS 7.1\n/ip\n"),
        ("labswitch", "! x generated at 10:00\nhostname a\n\n\n", "! x generated at 11:00\nhostname a\n"),
    ],
)
def test_what_changes_by_itself_does_not_count(platform: str, one: str, other: str) -> None:
    assert normalised(one, platform) == normalised(other, platform)


@pytest.mark.parametrize(
    ("one", "other"),
    [("ntp server a\n", "ntp server b\n"), (" a\n", "a\n"), ("a\nb\n", "b\na\n"), ("! 1\n", "! 2\n")],
)
def test_everything_else_counts(one: str, other: str) -> None:
    assert normalised(one, "ios") != normalised(other, "ios")


UCI = [
    "\toption key 'S3CRET geheim'",
    "\toption key 'it'\\''s S3CRET'",
    "\toption key 'ends with \\'\n\toption wpa_psk 'S3CRET'",
    "\toption key 'S3CRET\nS3CRET over lines'",
    "\tlist sae_password 'S3CRET'",
    '\toption community "S3CRET"',
    "\toption key1 S3CRET",
    "\toption private_key 'S3CRET='",
    "\toption 'auth_secret' 'S3CRET'",
    "\toption authpass 'S3CRET'",
    "\tlist r0kh 'ff:ff:ff:ff:ff:ff,*,S3CRET'",
    "\tlist r1kh '00:00:00:00:00:00,00:00:00:00:00:00,S3CRET'",
    "\toption cert '-----BEGIN PRIVATE KEY-----\nS3CRET\n-----END PRIVATE KEY-----'",
]
GENERIC = [
    "snmp-server community S3CRET RO",
    "snmp-server host 192.0.2.1 version 2c S3CRET",
    "snmp-server user u g v3 auth sha S3CRET priv aes 128 S3CRET2",
    "snmp-server host 192.0.2.1 vrf M version 2c S3CRET",
    "snmp-server host 192.0.2.1 vrf M informs version 3 priv S3CRET",
    " standby 1 authentication S3CRET",
    " standby 1 authentication text S3CRET",
    " standby 1 authentication md5 key-string 7 S3CRET timeout 30",
    " vrrp 20 authentication S3CRET",
    " ip nhrp authentication S3CRET",
    "username admin privilege 15 secret 5 S3CRET",
    "enable password 7 S3CRET",
    " wpa-psk ascii 0 S3CRET",
    " wpa-passphrase S3CRET",
    "radius-server host 192.0.2.1 key S3CRET",
    "radius-server key ciphertext S3CRET",
    "ntp authentication-key 1 md5 S3CRET",
    'password manager user-name "x" sha1 "S3CRET"',
    "crypto pki\n-----BEGIN RSA PRIVATE KEY-----\nS3CRET\n-----END RSA PRIVATE KEY-----",
    'set wpa2-pre-shared-key="S3CRET with blank" name=x',
    "psk=S3CRET",
]
SNMPD = [
    "rocommunity S3CRET",
    "rwcommunity6 S3CRET 192.0.2.0/24",
    "com2sec notConfigUser default S3CRET",
    "com2sec6 -Cn context readonly default S3CRET",
    "trapcommunity S3CRET",
    "trap2sink 192.0.2.1 S3CRET 162",
    "trapsess -v 2c -c S3CRET 192.0.2.1",
    "trapsess -v 3 -u monitor -l authPriv -a SHA -A S3CRET -x AES -X S3CRET 192.0.2.1",
    "createUser monitor SHA S3CRET AES S3CRET",
]
ADDRESS = "\toption update_url 'https://user:S3CRET@dyn.example/?host=a@b'"


@pytest.mark.parametrize(
    ("platform", "text"),
    [
        *(("openwrt", text) for text in UCI),
        *((platform, text) for text in GENERIC for platform in ("ios", "", "labswitch", "never heard of")),
        *((platform, ADDRESS) for platform in ("openwrt", "ios", "linux", "routeros", "")),
        ("routeros", 'add name=x password="S3CRET \\" S3CRET" group=full'),
        ("routeros", "set secret=S3CRET"),
        ("routeros", '/snmp community set [ find default=yes ] addresses=::/0 name="S3CRET S3CRET"'),
        *(("linux", line) for text in SNMPD for line in (text, f"#| {text}")),
    ],
)
def test_secrets_are_hidden(platform: str, text: str) -> None:
    shown = masked(f"first line\n{text}\nlast line\n", platform)

    assert "S3CRET" not in shown
    assert "***" in shown
    assert shown.startswith("first line\n")
    assert shown.endswith("last line\n")


@pytest.mark.parametrize(
    ("platform", "text"),
    [
        ("openwrt", "\toption ssid 'Schule'\n\toption encryption 'psk2'\n\toption network 'lan'\n\tlist mapping 'x'\n"),
        ("openwrt", "\toption url 'https://dyn.example:8443/?mail=a@b'\n\toption other 'ssh://git@host/x'\n"),
        ("linux", "# file 644 /etc/snmp/snmpd.conf\n#| sysContact IT der Stadt\n#| agentaddress udp:161\n"),
        ("routeros", "/snmp set contact=IT enabled=yes\n/interface bridge add name=bridge1\n"),
        ("ios", "hostname a\ninterface Gi0/1\n description AP 204\naaa authentication login default local\n"),
        ("ios", "interface Vlan2\n standby 1 ip 192.0.2.1\n standby 1 priority 110\n ip nhrp map multicast dynamic\n"),
    ],
)
def test_the_rest_is_shown_as_it_is(platform: str, text: str) -> None:
    assert masked(text, platform) == text


@pytest.mark.parametrize(
    ("platform", "line"), [("openwrt", "\toption key '{}'"), ("ios", "snmp-server community {} RO"), ("", "password={}")]
)
def test_a_diff_says_that_a_secret_changed_and_never_what_it_was(platform: str, line: str) -> None:
    old, new = ("hostname a\n" + line.format(secret) for secret in ("OLD-S3CRET", "NEW-S3CRET"))

    changed = difference(Side(old, "1 March"), Side(new, "2 March"), platform)
    same = difference(Side(old, "1 March"), Side(old, "2 March"), platform)

    assert CHANGED in changed
    assert "S3CRET" not in changed
    assert changed.splitlines()[:2] == ["--- 1 March", "+++ 2 March"]
    assert same == ""


def test_what_is_hidden_cannot_be_searched_for() -> None:
    text = "hostname a\nsnmp-server community S3CRET RO\nntp server Zeit.example\n"

    assert [(hit.number, hit.line) for hit in search(text, "zeit", "ios")] == [(3, "ntp server Zeit.example")]
    assert search(text, "s3cret", "ios") == []
    assert search(text, "", "ios") == []
