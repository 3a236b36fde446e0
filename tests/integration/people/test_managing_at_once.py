"""Two administrators who take the role from each other at the same instant leave one."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from fleet.people import services
from fleet.people.models import Grant, User
from fleet.people.rules import Role
from tests.conftest import City


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ["take", "leave"])
def test_of_two_who_send_each_other_away_one_stays(city: City, act: str) -> None:
    ada, ben = city.administrator, User.objects.create_user("ben@musterstadt.example", name="Ben")
    services.grant(user=ben, role=Role.ADMINISTRATOR, scope_id=city.authority.pk)
    gate = Barrier(2)

    def send_away(by: User, other: User) -> bool:
        grant = Grant.objects.select_related("user", "scope").get(user=other)
        gate.wait(timeout=30)
        try:
            return services.take(grant=grant, by=by) if act == "take" else services.leave(person=other, by=by)
        except services.RefusedError:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(send_away, (ada, ben), (ben, ada)))

    assert sorted(done) == [False, True]
    left = [user for user in User.objects.filter(pk__in=[ada.pk, ben.pk], is_active=True) if user.access.roles()]
    assert len(left) == 1
