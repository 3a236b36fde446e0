"""Vendor profiles: one TOML file per family of devices, what it matches, which objects mean what; no code."""

from fleet.snmp.profiles.loading import Profiles, Resolved, default, load

__all__ = ["Profiles", "Resolved", "default", "load"]
