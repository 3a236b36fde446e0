"""Documentation of the action plugin of this name; nothing of it runs on a device."""

DOCUMENTATION = r"""
---
module: device_firmware
short_description: Bring an OpenWrt device to another firmware, in two steps
description:
  - Works from the controller over SSH alone. The device fetches the image itself, and its SHA-256 must be the given one.
  - First without O(install), at any hour; then with it, when the device may restart. The configuration is kept.
  - A device that runs the version already is left alone.
version_added: 0.2.0
author:
  - Fleetdesk maintainers (@fleetdesk)
options:
  version:
    description: The version that the image holds, as the device will name it (DISTRIB_RELEASE).
    type: str
    required: true
  url:
    description: Where the device finds the image.
    type: str
    required: true
  sha256:
    description: Its SHA-256, 64 hexadecimal digits.
    type: str
    required: true
  install:
    description: Whether the device installs the image and restarts.
    type: bool
    default: false
  timeout_s:
    description: How long the device may take to come back.
    type: int
    default: 420
attributes:
  check_mode:
    support: full
    description: Looks at version and image, fetches and installs nothing.
  diff_mode:
    support: full
    description: The version, and whether the image is in place.
"""

EXAMPLES = r"""
- name: Put the image in place
  fleetdesk.network.device_firmware:
    version: 24.10.3
    url: https://images.example/ap.bin
    sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
"""

RETURN = r"""
diff:
  description: Version and image before and after.
  type: dict
  returned: in diff mode
"""
