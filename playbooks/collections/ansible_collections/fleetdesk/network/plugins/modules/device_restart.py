"""Documentation of the action plugin of this name; nothing of it runs on a device."""

DOCUMENTATION = r"""
---
module: device_restart
short_description: Restart an OpenWrt device and wait until it answers again
description:
  - Works from the controller over SSH alone. Leaves a mark in the device's memory, restarts it, and is done when the device
    answers a fresh connection without that mark.
  - An act, so it always reports a change.
version_added: 0.1.0
author:
  - Fleetdesk maintainers (@fleetdesk)
options:
  timeout_s:
    description: How long the device may take.
    type: int
    default: 180
attributes:
  check_mode:
    support: full
    description: Looks whether the device can be reached, restarts nothing, reports the change it would make.
  diff_mode:
    support: full
    description: How long the device has been running.
"""

EXAMPLES = r"""
- name: Restart the access point
  fleetdesk.network.device_restart:
"""

RETURN = r"""
seconds:
  description: From the order to restart until the device answered again.
  type: int
  returned: when it was restarted
"""
