"""The commands a device has: one function each, in one table. Reading these modules fills it."""

from fleet.lab.ssh.shell.applets import builtin, conditions, files, firmware, jobs, openwrt, system, text
from fleet.lab.ssh.shell.applets.registry import APPLETS

__all__ = ["APPLETS", "builtin", "conditions", "files", "firmware", "jobs", "openwrt", "system", "text"]
