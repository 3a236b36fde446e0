"""The files an access point of the lab leaves the factory with, in OpenWrt's own formats."""

from fleet.lab.city import Device

CHANNELS_2G, CHANNELS_5G = (1, 6, 11), (36, 44, 52, 100)

WIRELESS = """
config wifi-device 'radio0'
\toption type 'mac80211'
\toption band '2g'
\toption channel '{channel_2g}'
\toption htmode 'HE20'
\toption country 'DE'
\toption cell_density '0'

config wifi-device 'radio1'
\toption type 'mac80211'
\toption band '5g'
\toption channel '{channel_5g}'
\toption htmode 'HE40'
\toption country 'DE'
\toption cell_density '0'

config wifi-iface 'school_radio0'
\toption device 'radio0'
\toption mode 'ap'
\toption network 'lan'
\toption ssid '{ssid}'
\toption encryption 'sae-mixed'
\toption key '{psk}'

config wifi-iface 'school_radio1'
\toption device 'radio1'
\toption mode 'ap'
\toption network 'lan'
\toption ssid '{ssid}'
\toption encryption 'sae-mixed'
\toption key '{psk}'
"""

SYSTEM = """
config system 'system'
\toption hostname '{hostname}'
\toption timezone 'CET-1CEST,M3.5.0,M10.5.0/3'
\toption zonename 'Europe/Berlin'
\toption log_size '64'

config timeserver 'ntp'
\toption enabled '1'
\tlist server '0.openwrt.pool.ntp.example'
"""

NETWORK = """
config interface 'loopback'
\toption device 'lo'
\toption proto 'static'
\toption ipaddr '127.0.0.1'
\toption netmask '255.0.0.0'

config device 'br_lan'
\toption name 'br-lan'
\toption type 'bridge'
\tlist ports 'eth0'

config interface 'lan'
\toption device 'br-lan'
\toption proto 'static'
\toption ipaddr '{address}'
\toption netmask '255.255.255.0'
"""

SNMPD = """
config agent
\toption agentaddress 'UDP:161'

config system 'system'
\toption sysLocation '{location}'
\toption sysContact ''
\toption sysName '{hostname}'
"""

SNMPD_V2C = """
config com2sec 'public'
\toption secname 'ro'
\toption source 'default'
\toption community '{community}'

config group 'public_v2c'
\toption group 'public'
\toption version 'v2c'
\toption secname 'ro'
"""

BANNER = """  Lab access point, simulated
  {model}
"""

RELEASE = """DISTRIB_ID='OpenWrt'
DISTRIB_RELEASE='{version}'
DISTRIB_TARGET='mediatek/filogic'
DISTRIB_DESCRIPTION='{firmware}'
"""


def files(device: Device, *, school_ssid: str, psk: str, community: str | None) -> dict[str, str]:
    """path → text. `community` None: this one speaks SNMPv3 only, its user is not kept in a file of the lab."""
    host = int(device.address.rpartition(".")[2])
    wireless = WIRELESS.format(channel_2g=CHANNELS_2G[host % 3], channel_5g=CHANNELS_5G[host % 4], ssid=school_ssid, psk=psk)
    snmpd = SNMPD.format(location=device.room, hostname=device.key)
    if community is not None:
        snmpd += SNMPD_V2C.format(community=community)
    return {
        "/etc/config/wireless": wireless,
        "/etc/config/system": SYSTEM.format(hostname=device.key),
        "/etc/config/network": NETWORK.format(address=device.address),
        "/etc/config/snmpd": snmpd,
        "/etc/dropbear/dropbear_ed25519_host_key": "",  # the server keeps its own elsewhere; the directory counts
        "/etc/banner": BANNER.format(model=device.model),
        "/etc/openwrt_release": RELEASE.format(version=device.firmware.rpartition(" ")[2], firmware=device.firmware),
        "/etc/openwrt_version": device.firmware.rpartition(" ")[2] + "\n",
        "/tmp/sysinfo/model": device.model + "\n",  # noqa: S108  (a path on the simulated device)
    }
