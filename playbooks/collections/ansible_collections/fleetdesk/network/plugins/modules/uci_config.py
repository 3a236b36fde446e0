"""Documentation of the action plugin of this name; nothing of it runs on a device."""

DOCUMENTATION = r"""
---
module: uci_config
short_description: Bring UCI packages of an OpenWrt device to a wanted state
description:
  - Works from the controller over SSH alone. The device needs a POSIX shell and C(uci), no Python, no sftp, no scp.
  - Reads the state in one round trip and computes the difference itself; check mode and diff mode are honest.
    Where nothing differs, that round trip is the only one.
  - Writes with one command behind a dead-man's switch. The device puts its old configuration back by itself unless the
    controller confirms over a fresh connection that the device is still reachable.
  - Only what is committed counts. Changes that somebody has staged with C(uci set) are neither seen nor committed.
version_added: 0.1.0
author:
  - Fleetdesk maintainers (@fleetdesk)
options:
  packages:
    description:
      - Package, then section, then what it should be.
      - A section is named, or written C(@type[index]). A named one that is missing is made; that needs its C(type).
      - Keys of a section are C(type), C(options) (a mapping; null leaves an option as it is, empty text
        removes it, a list makes a UCI list, a boolean becomes C(1) or C(0)), C(state) (V(present) or V(absent)) and C(each).
      - C(each) with C(type) and C(option) makes one section for every named section of that type, called after both,
        with the option set to that name. So one task serves devices with one, two or three radios.
      - C(where) with C(type), C(option) and C(value) means every section of that type whose option has that value, instead
        of one of that name; C(options) alone goes with it. None of them on the device is an error.
      - C(identified_by) names an option by whose value a section is known, whatever it is called. With V(present) one that
        is missing is made under this name or the next free one; with V(absent) every such section is taken away. Others of
        that type stay as they are.
      - C(needed) with C(type) writes nothing. It means that the section has to be there, because another one leans on it.
    type: dict
    default: {}
  files:
    description: Small text files by absolute path, each with its whole content.
    type: dict
    default: {}
  authorized_keys:
    description: Public keys that may log in to dropbear (C(present)), and that may no more (C(absent)). All others stay.
    type: dict
    suboptions:
      present:
        description: Added where they are missing.
        type: list
        elements: str
        default: []
      absent:
        description: Taken away, whatever options and comment stand beside them.
        type: list
        elements: str
        default: []
  reload:
    description: What follows a change. V(wifi) is C(wifi reload), others are C(/etc/init.d/NAME reload).
    type: list
    elements: str
    default: []
  confirm_timeout_s:
    description: After this many seconds without a confirmation the device puts its old configuration back.
    type: int
    default: 60
  secrets:
    description:
      - Values that must never be shown. They become C(***) wherever they stand in a diff or a message.
      - Options with a name such as C(key), C(psk), C(password), C(auth_secret) or C(community) are hidden anyway.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Reads, compares, writes nothing.
  diff_mode:
    support: full
    description: Sections and files that change, secrets as C(***).
"""

EXAMPLES = r"""
- name: Time servers of the device
  fleetdesk.network.uci_config:
    packages:
      system:
        ntp:
          type: timeserver
          options:
            enabled: true
            server: [ntp1.example, ntp2.example]
    reload: [sysntpd]

- name: One network name on every radio
  fleetdesk.network.uci_config:
    packages:
      wireless:
        exam:
          type: wifi-iface
          each: {type: wifi-device, option: device}
          options: {mode: ap, network: lan, ssid: Exam, encryption: sae-mixed, key: "{{ psk }}"}
    reload: [wifi]
    secrets: ["{{ psk }}"]
"""

RETURN = r"""
diff:
  description: The sections and files that change, before and after, secrets hidden.
  type: dict
  returned: in diff mode
confirmed:
  description: The device was reached over a fresh connection with its new configuration.
  type: bool
  returned: when something was written
rolled_back:
  description: Whether the device was seen with its old configuration again; null when it could not be reached to see it.
  type: bool
  returned: when a written change was not confirmed
"""
