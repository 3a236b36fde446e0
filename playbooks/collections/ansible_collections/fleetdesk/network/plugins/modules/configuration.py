"""Documentation of the action plugin of this name; nothing of it runs on a device."""

DOCUMENTATION = r"""
---
module: configuration
short_description: Fetch a device's whole configuration, or put one back
description:
  - Works from the controller over SSH alone.
  - Without O(text) it reads, in one round trip, and changes nothing.
  - With O(text) it writes what differs. OpenWrt gets whole files in /etc/config behind a dead-man's switch;
    packages that the text does not name stay as they are.
  - A switch gets what C(cli_config) knows of the text, RouterOS what C(routeros_config) knows; they read back the same or
    are put back, and the rest stays as it is.
  - Of a server's text nothing is written. RV(files) says which files the playbook has to put in place or to take away.
version_added: 0.1.0
author:
  - Fleetdesk maintainers (@fleetdesk)
options:
  platform:
    description: What it is. V(linux) is read as the user that the task becomes.
    type: str
    choices: [openwrt, labswitch, ios, aos-cx, procurve, routeros, linux]
    required: true
  text:
    description: The configuration to put back, as it was fetched.
    type: str
  enable_secret:
    description: Typed after C(enable) where the login on a switch is not privileged.
    type: str
  confirm_timeout_s:
    description: How long an OpenWrt device waits for our word before it puts its old configuration back.
    type: int
    default: 60
  root:
    description: Where a server's system files are; empty is C(/).
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    description: Reads, compares, writes nothing.
  diff_mode:
    support: full
    description: Options that change, secrets as C(***).
"""

EXAMPLES = r"""
- name: Fetch
  fleetdesk.network.configuration:
    platform: openwrt
  register: kept

- name: Put back
  fleetdesk.network.configuration:
    platform: openwrt
    text: "{{ kept.fleetdesk_configuration }}"
"""

RETURN = r"""
fleetdesk_configuration:
  description: The configuration as text. It holds keys and passwords as the device shows them.
  type: str
  returned: without text
files:
  description: Our files on a server, each with its path, mode and text, whether it was kept, whether it is secret, and the
    service that reads it.
  type: list
  elements: dict
  returned: with text, on a server
diff:
  description: What changes, before and after, secrets hidden.
  type: dict
  returned: in diff mode, with text
"""
