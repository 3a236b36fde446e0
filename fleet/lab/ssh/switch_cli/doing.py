"""Moving between modes, and what the switch does at once: save, take a port's power away, restart."""

from fleet.lab.ssh.switch_cli.session import ANY, CONFIG, CliError, SwitchCli, form
from fleet.lab.ssh.switch_cli.showing import capable


@form("configure terminal")
@form("configure")
def _configure(cli: SwitchCli, _argument: str) -> None:
    cli.mode = "config"


@form("interface <port>", *CONFIG)
def _interface(cli: SwitchCli, argument: str) -> None:
    cli.port, cli.mode = cli.known_port(argument), "interface"


@form("exit", *ANY)
@form("quit", "exec")
@form("logout", "exec")
def _exit(cli: SwitchCli, _argument: str) -> None:
    cli.closed = cli.mode == "exec"
    cli.mode = {"interface": "config"}.get(cli.mode, "exec")


@form("end", *CONFIG)
def _end(cli: SwitchCli, _argument: str) -> None:
    cli.mode = "exec"


@form("enable", "exec")
@form("terminal length <n>", "exec")
@form("no page", "exec")
def _nothing(_cli: SwitchCli, _argument: str) -> None:
    """Known from other switches, not needed here."""


@form("write memory")
@form("write")
@form("copy running-config startup-config")
def _write(cli: SwitchCli, _argument: str) -> None:
    cli.device.save()
    cli.say("Configuration saved.")


@form("poe cycle interface <port>")
def _cycle(cli: SwitchCli, argument: str) -> None:
    port = cli.known_port(argument)
    require_poe(cli, port)
    cli.device.cycle_poe(port)


@form("reload")
def _reload(cli: SwitchCli, _argument: str) -> None:
    cli.reboot_wanted = cli.closed = True


def require_poe(cli: SwitchCli, port: int) -> None:
    if not capable(cli.device, port):
        raise CliError(f"Invalid input: port{port} has no PoE")
