"""Documentation of the action plugin of this name; nothing of it runs on a device."""

DOCUMENTATION = r"""
---
module: cli_config
short_description: Bring a switch to a wanted configuration
description:
  - Speaks the command lines of Cisco IOS, ArubaOS-CX, HPE ProCurve (ArubaOS-Switch) and of the lab's switch.
  - Works from the controller over SSH alone, one command line after the other in as few round trips as possible.
  - Reads the running configuration, types only what differs, reads it back, and saves it only when it is as wanted.
    What the switch refuses is taken back.
version_added: 0.1.0
author:
  - Fleetdesk maintainers (@fleetdesk)
options:
  dialect:
    description: Which command line it is.
    type: str
    choices: [labswitch, ios, aos-cx, procurve]
    default: labswitch
  enable_secret:
    description: Typed after C(enable) where the login is not privileged.
    type: str
  settings:
    description:
      - Known are C(ntp server) and C(logging host) (lists, complete and in order), C(snmp-server community),
        C(snmp-server location), C(snmp-server contact), C(banner) (not on C(aos-cx)), C(lldp) (a boolean) and, on the
        lab's switch, C(hostname).
      - Null leaves a setting as it is, empty text or an empty list removes it.
    type: dict
    default: {}
  entries:
    description:
      - Setting of which the switch can have several, then C(present) and C(absent) with lists of values. Other values stay.
      - Where C(settings) says what all of them are, this adds one beside the others, or takes one away.
    type: dict
    default: {}
  interfaces:
    description:
      - Port as the switch calls it, in full or short, then C(description), C(poe) (V(enabled) or V(disabled)), C(state)
        (V(up) or V(down)) and C(vlan).
      - A port that is a trunk, or on which somebody speaks LLDP, is neither put into a VLAN nor switched off, and a VLAN
        that the switch does not have is not made.
    type: dict
    default: {}
  radius:
    description:
      - The RADIUS server that is asked, in the place of the one that is there; only on C(ios), which shows the secret.
      - Where several are known, C(replaces) says whose place it takes.
    type: dict
    suboptions:
      address:
        description: Its IPv4 address.
        type: str
        required: true
      port:
        description: Its UDP port for authentication.
        type: int
        default: 1812
      secret:
        description: The secret shared with it.
        type: str
        required: true
      replaces:
        description: Address of the server whose place it takes.
        type: str
        default: ""
  poe_cycle:
    description: Switch the power of this port off and on again. An act, so it always reports a change.
    type: str
  power_off_s:
    description: How long it is without power, where the switch has no command of its own for this.
    type: int
    default: 5
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
