"""A POSIX shell with the applets of a small busybox, interpreted in this process over a device's simulated files.

Nothing here starts a program or opens a file of the host: a command is a Python function of the registry in ``applets``,
a file is an entry in a dictionary.
"""

from fleet.lab.ssh.shell.files import VirtualFiles
from fleet.lab.ssh.shell.interpreter import Shell
from fleet.lab.ssh.shell.machine import Limits, Machine
from fleet.lab.ssh.shell.streams import Capture, Input, Null, Output, TextInput

__all__ = ["Capture", "Input", "Limits", "Machine", "Null", "Output", "Shell", "TextInput", "VirtualFiles"]
