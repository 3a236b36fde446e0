"""What a switch says of people's own computers is not kept."""

from typing import Any

import pytest
from django.utils import timezone

from fleet.devices.models import Interface
from fleet.monitoring import services
from fleet.monitoring.rules.measurement import Measurement
from fleet.monitoring.rules.polling import Pace
from fleet.monitoring.services import claims, storing
from tests.conftest import City
from tests.integration.monitoring.conftest import School

pytestmark = pytest.mark.django_db


def test_addresses_of_people_are_not_kept(school: School) -> None:
    services.poll_due()
    switch, ours = school.health("Switch 1"), Interface.objects.exclude(mac="").values_list("mac", flat=True)[0]
    neighbours: list[dict[str, Any]] = [
        {"protocol": "lldp", "name": ours, "port": ours, "local_ifIndex": 1},
        {"protocol": "lldp", "name": "02:00:5e:00:53:01", "port": "02:00:5e:00:53:01", "local_ifIndex": 2},
        {"protocol": "lldp", "name": "ap-7", "port": "02-00-5E-00-53-02", "local_ifIndex": 3},
        {"protocol": "lldp", "name": None, "port": "Gi1/0/1", "local_ifIndex": 4},
        {"protocol": "lldp", "name": "192.0.2.7", "port": "192.0.2.7", "local_ifIndex": 5},
        {"protocol": "lldp", "name": school.device("Gateway").address, "port": "1.1", "local_ifIndex": 6},
    ]
    walk = Measurement(switch.pk, timezone.now(), switch.reading | {"neighbours": neighbours})

    storing.store(claims.take_these([switch.pk]).fence, [walk], Pace(30, 5))

    kept = school.health("Switch 1").reading["neighbours"]
    assert kept == [neighbours[0], neighbours[2] | {"port": None}, neighbours[3], neighbours[5]]


def test_another_authoritys_address_is_a_strangers(school: School, city: City) -> None:
    """Private addresses are used by everybody."""
    services.poll_due()
    switch = school.health("Switch 1")
    assert switch.authority_id != city.authority.pk
    neighbour = {"protocol": "lldp", "name": city.printer_a.address, "port": None, "local_ifIndex": 1}
    walk = Measurement(switch.pk, timezone.now(), switch.reading | {"neighbours": [neighbour]})

    storing.store(claims.take_these([switch.pk]).fence, [walk], Pace(30, 5))

    assert school.health("Switch 1").reading["neighbours"] == []
