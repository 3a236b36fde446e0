"""Documentation of the action plugin of this name; nothing of it runs on a device."""

DOCUMENTATION = r"""
---
module: cli_config
short_description: Bring the lab's switch to a wanted configuration
description:
  - Works from the controller over SSH alone, one command line after the other in as few round trips as possible.
  - Reads the running configuration, types only what differs, reads it back, and saves it only when it is as wanted.
    What the switch refuses is taken back.
version_added: 0.1.0
author:
  - Fleetdesk maintainers (@fleetdesk)
options:
  settings:
    description:
      - Known are C(ntp server) and C(logging host) (lists, complete and in order), C(snmp-server community),
        C(snmp-server location), C(snmp-server contact) and C(banner).
      - Null leaves a setting as it is, empty text or an empty list removes it.
    type: dict
    default: {}
  interfaces:
    description: Port (such as V(port3)), then C(poe) (V(enabled) or V(disabled)) and C(description).
    type: dict
    default: {}
  poe_cycle:
    description: Switch the power of this port off and on again. An act, so it always reports a change.
    type: str
  secrets:
    description: Values that must never be shown. They become C(***); the SNMP community does anyway.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Reads, compares, types nothing.
  diff_mode:
    support: full
    description: Settings that change, secrets as C(***).
"""

EXAMPLES = r"""
- name: Time servers and a description
  fleetdesk.network.cli_config:
    settings:
      ntp server: [192.0.2.1, 192.0.2.2]
    interfaces:
      port3: {description: AP room 204, poe: enabled}

- name: Power off and on again
  fleetdesk.network.cli_config:
    poe_cycle: port3
"""

RETURN = r"""
diff:
  description: What changes, before and after, secrets hidden.
  type: dict
  returned: in diff mode
"""
