"""Which objects a machine has, by what it is."""

from collections.abc import Iterator

from fleet.lab.mib import access_point, plain, switch
from fleet.lab.world import AccessPoint, Gateway, Machine, Printer, Switch, Ups
from fleet.snmp.agent import Entry


def objects(machine: Machine) -> Iterator[Entry]:
    match machine:
        case AccessPoint():
            return access_point.objects(machine)
        case Switch():
            return switch.objects(machine)
        case Gateway():
            return plain.gateway(machine)
        case Printer():
            return plain.printer(machine)
        case Ups():
            return plain.ups(machine)
    raise TypeError(f"no MIB for {type(machine).__name__}")
