"""The lab's SSH server: every access point and switch listens on its own loopback address with its own host key.

Only commands and shells: no sftp, no scp, no forwarding, as on a device without Python. A host costs one listening
socket until somebody connects; then its key is read.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import asyncssh

from fleet.lab.ssh.device import Computer, World
from fleet.lab.ssh.keys import Keys
from fleet.lab.ssh.sessions import Process, run_cli, run_shell, run_vendor, terminal
from fleet.lab.ssh.shell import Limits, Machine
from fleet.lab.ssh.switch_cli import SwitchCli
from fleet.lab.ssh.vendors import VENDORS, VendorCli

PLATFORMS = ("openwrt", "labswitch", *VENDORS)
LOOK_EVERY_S = 0.2
"""How soon a device that went down, or restarted, takes its connections along."""
HANDSHAKE_S = 30.0
KEEPALIVE_S = 15.0
AUTHORIZED_KEYS = "/etc/dropbear/authorized_keys"
_BACKLOG = 32
_SWITCH_REBOOT_DELAY_S = 0.5
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Entry:
    """How one gets in: the fleet's key always, a password where one is set."""

    keys: Keys
    port: int
    password: str | None = None


@asynccontextmanager
async def serve(world: World, port: int, keys: Keys, *, password: str | None = None) -> AsyncIterator[list[Host]]:
    """Listen for every SSH device of the world until the block ends. Raises OSError when an address is taken."""
    # At its usual level asyncssh logs every command, and with it whatever key or password stands in one.
    asyncssh.set_log_level("WARNING")
    entry = Entry(keys, port, password)
    machines = [machine for machine in world.machines if machine.device.platform in PLATFORMS]
    hosts: list[Host] = []
    try:
        for machine in machines:
            hosts.append(Host(machine, entry))  # noqa: PERF401 - those before must be closed when one fails
        watch = asyncio.create_task(_watch(hosts))
        try:
            yield hosts
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
    finally:
        await asyncio.gather(*(host.close() for host in hosts))


async def _watch(hosts: list[Host]) -> None:
    while True:
        for host in hosts:
            host.look()
        await asyncio.sleep(LOOK_EVERY_S)


class Host:
    """One device on the network: its listener, its connections, and, on an access point, its running machine."""

    def __init__(self, device: Any, entry: Entry) -> None:
        self.device: Computer = device
        self.entry = entry
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.machine = Machine(device, on_reboot=self.down) if device.device.platform == "openwrt" else None
        self._switch = device
        self._booted_at = device.booted_at
        self._running: set[asyncio.Task[Any]] = set()
        self._working: set[asyncio.Task[None]] = set()
        self._listener = _listen(device.device.address, entry.port)
        self._start(self._accept())

    def _start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _address = await loop.sock_accept(self._listener)
            self._start(self._welcome(connection))

    async def _welcome(self, connection: socket.socket) -> None:
        try:
            self.look()
            await asyncio.sleep(self.device.ssh_delay)
            if not self.device.reachable:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                connection.close()
                return
            await asyncssh.run_server(connection, options=self._options)
        except (OSError, asyncssh.Error):
            # A client that gives up, or shows no key of ours; there is nobody to tell.
            connection.close()
        except asyncio.CancelledError:
            connection.close()
            raise

    @cached_property
    def _options(self) -> asyncssh.SSHServerConnectionOptions:
        return asyncssh.SSHServerConnectionOptions(
            server_factory=lambda: _Door(self),
            server_host_keys=[asyncssh.import_private_key(self.entry.keys.host_private_key(self.device.device.key))],
            server_version="LabSSH",
            process_factory=self._session,
            errors="surrogateescape",
            sftp_factory=None,
            allow_scp=False,
            agent_forwarding=False,
            x11_forwarding=False,
            gss_host=None,
            kbdint_auth=False,
            password_auth=self.entry.password is not None,
            login_timeout=HANDSHAKE_S,
            keepalive_interval=KEEPALIVE_S,
            keepalive_count_max=4,
            tcp_keepalive=False,
        )

    async def _session(self, process: Process) -> None:
        if process.subsystem is not None:
            process.exit(1)
            return
        # Without a terminal nothing tells a program that its client has gone: it runs to its end, as on a real device.
        work = self._start(self._work(process))
        self._working.add(work)
        work.add_done_callback(self._working.discard)
        done, _running = await asyncio.wait({work, self._start(process.wait_closed())}, return_when=asyncio.FIRST_COMPLETED)
        if work not in done and process.term_type is not None:
            work.cancel()

    async def _work(self, process: Process) -> None:
        if self.machine is not None:
            term = terminal(process, self.machine.limits.output)
            process.exit(await run_shell(self.machine, process.command, term))
            return
        if vendor := VENDORS.get(self.device.device.platform):
            typed = VendorCli(self._switch, vendor)
            out = terminal(process, Limits().output)
            process.exit(await run_vendor(typed, process.command, out, echo=process.term_type is None))
            return
        cli = SwitchCli(self._switch)
        process.exit(await run_cli(cli, process.command, terminal(process, Limits().output)))
        if cli.reboot_wanted:
            asyncio.get_running_loop().call_later(_SWITCH_REBOOT_DELAY_S, self._reboot_switch)

    def _reboot_switch(self) -> None:
        self.down()
        self.device.reboot()

    def look(self) -> None:
        """Notice what happened to the device: no way to it cuts its connections, a restart ends what ran on it."""
        if self.device.booted_at != self._booted_at:
            self._booted_at = self.device.booted_at
            if self.machine is not None:
                self.machine.power_off()
            self.down()
        elif self.connections and not self.device.reachable:
            self.cut()

    def down(self) -> None:
        """It lost its power: what ran is gone, and so are the connections."""
        for work in list(self._working):
            work.cancel()
        self.cut()

    def cut(self) -> None:
        """Drop all connections without a word."""
        for connection in list(self.connections):
            connection.abort()

    async def close(self) -> None:
        if self.machine is not None:
            self.machine.stop()
        self.cut()
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._listener.close()


class _Door(asyncssh.SSHServer):
    """Who may come in."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._host.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._connection is not None:
            self._host.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        del username
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == self._user and key in self._admitted()

    def _admitted(self) -> list[asyncssh.SSHKey]:
        """Whom the device's own file names; the fleet's key where there is no such file."""
        own = getattr(self._host.device, "files", {}).get(AUTHORIZED_KEYS)
        lines = [self._host.entry.keys.client_public_key()] if own is None else own.splitlines()
        found = []
        for line in lines:
            with suppress(asyncssh.KeyImportError):
                found.append(asyncssh.import_public_key(line))
        return found

    def password_auth_supported(self) -> bool:
        return self._host.entry.password is not None

    def validate_password(self, username: str, password: str) -> bool:
        return username == self._user and password == self._host.entry.password

    @property
    def _user(self) -> str:
        return self._host.device.device.ssh_user or "root"


def _listen(address: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind((address, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
