"""The platforms that playbooks know."""

from collections.abc import Mapping

USERS: Mapping[str, str] = {
    "openwrt": "root",
    "linux": "root",
    "labswitch": "admin",
    "ios": "admin",
    "aos-cx": "admin",
    "procurve": "manager",
    "routeros": "admin",
}
"""Platform → who logs in where the credential does not say."""
