"""Documentation of the action plugin of this name; nothing of it runs on a device."""

DOCUMENTATION = r"""
---
module: routeros_config
short_description: Bring a MikroTik RouterOS 7 device to a base configuration
description:
  - Works from the controller over SSH alone. Reads C(/export terse), sends only what differs, and reads again;
    what the device did not take is taken back.
version_added: 0.3.0
author:
  - Fleetdesk maintainers (@fleetdesk)
options:
  ntp_servers:
    description: All time servers, in the order in which they are asked. An empty list switches the client off.
    type: list
    elements: str
  syslog_host:
    description: Where messages of the topic C(info) are sent, by the action C(remote) that every device has.
    type: str
  contact:
    description: What the device names over SNMP as its contact. SNMP is switched on.
    type: str
  community:
    description: Name of the community that every device has. SNMP is switched on.
    type: str
  banner:
    description: One line shown at login; empty takes it away.
    type: str
attributes:
  check_mode:
    support: full
    description: Reads, compares, sends nothing.
  diff_mode:
    support: full
    description: Settings that change, secrets as C(***).
"""

EXAMPLES = r"""
- name: Time and messages
  fleetdesk.network.routeros_config:
    ntp_servers: [192.0.2.1, 192.0.2.2]
    syslog_host: 192.0.2.3
"""

RETURN = r"""
diff:
  description: What changes, before and after, secrets hidden.
  type: dict
  returned: in diff mode
"""
