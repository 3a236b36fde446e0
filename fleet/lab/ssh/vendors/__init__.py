"""Command lines of well-known switches over the lab switch's state: enough of each to be configured as the real one is.

They print their prompt and echo what is typed whether a person sits there or not, page what is long, ask before they let go,
and refuse in their own words, so that what speaks to them has to cope with all of that.
"""

from fleet.lab.ssh.vendors.aos_cx import AOS_CX
from fleet.lab.ssh.vendors.base import Vendor, VendorCli
from fleet.lab.ssh.vendors.ios import IOS
from fleet.lab.ssh.vendors.procurve import PROCURVE

VENDORS: dict[str, Vendor] = {"ios": IOS, "aos-cx": AOS_CX, "procurve": PROCURVE}

__all__ = ["VENDORS", "Vendor", "VendorCli"]
