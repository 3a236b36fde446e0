"""Deciding what readings mean. Pure: time and chance come in as arguments, nothing is read or written."""

from fleet.monitoring.rules.measurement import Measurement
from fleet.monitoring.rules.rooms import DeviceState, RoomState, State

__all__ = ["DeviceState", "Measurement", "RoomState", "State"]
