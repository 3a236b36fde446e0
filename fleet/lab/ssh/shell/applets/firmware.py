"""``wget`` and ``sysupgrade``: another firmware. An image of the lab is a text whose first line names its version."""

from __future__ import annotations

import asyncio
import re

import httpx

from fleet.lab.ssh.shell.applets.registry import applet, options
from fleet.lab.ssh.shell.call import Call
from fleet.lab.ssh.shell.files import MAX_FILE, FileError

IMAGE = re.compile(r"lab firmware ([A-Za-z0-9][A-Za-z0-9._-]{0,39})\n")
_LOOPBACK = re.compile(r"http://127(?:\.[0-9]{1,3}){3}(?::[0-9]{1,5})?/")
"""The lab asks nobody outside of its own machine."""


@applet("wget", "uclient-fetch")
async def wget(call: Call) -> int:
    found, urls = options(call.args, "q", "OT")
    if not urls or not _LOOPBACK.match(urls[0]):
        return await call.fail(f"bad address '{urls[0] if urls else ''}'")
    try:
        text = await _fetched(urls[0])
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return await call.fail(f"server returned error: {error}")
    try:
        call.files.write(call.path(found.get("O") or urls[0].rpartition("/")[2] or "index.html"), text)
    except FileError as error:
        return await call.fail(str(error))
    return 0


async def _fetched(url: str) -> str:
    async with (
        httpx.AsyncClient(timeout=10, trust_env=False) as client,
        asyncio.timeout(20),
        client.stream("GET", url) as answer,
    ):
        answer.raise_for_status()
        body = bytearray()
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > MAX_FILE:
                raise ValueError("too large")
    return body.decode(errors="surrogateescape")


@applet("sysupgrade")
async def sysupgrade(call: Call) -> int:
    """``-T`` only tests; without it the device restarts with the image, and keeps its configuration."""
    found, names = options(call.args, "Tqvn")
    path = call.path(names[0]) if names else ""
    image = IMAGE.match(call.files.entries.get(path, ""))
    if image is None:
        return await call.fail("Image check failed: not a firmware for this device")
    if "T" in found:
        return 0
    release = call.files.entries.get("/etc/openwrt_release", "")
    call.files.write("/etc/openwrt_release", re.sub(r"(?m)^(DISTRIB_RELEASE=).*$", rf"\1'{image[1]}'", release))
    call.files.write("/etc/openwrt_version", image[1] + "\n")
    call.machine.reboot_soon()
    return 0
