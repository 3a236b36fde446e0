"""The command line of the lab's switch: modes, ``show``, configuration with its ``no`` forms, PoE, ``write memory``.

A command is matched word by word against a table. What is typed is data: a description, a banner, a host name goes
into the configuration as it is, or is refused when it could not be shown again in one line.
"""

from fleet.lab.ssh.switch_cli import configuring, doing, showing
from fleet.lab.ssh.switch_cli.session import SwitchCli
from fleet.lab.ssh.switch_cli.showing import running_config

__all__ = ["SwitchCli", "configuring", "doing", "running_config", "showing"]
