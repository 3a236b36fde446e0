"""What somebody who leaves has to hand over of automation: standing orders, which ask with their owner's rights."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from fleet.automation.models import Schedule
from fleet.people.above import FEW, Belongings
from fleet.people.models import User


def owned_by(person: User, reader: User) -> Belongings:
    orders = Schedule.objects.visible_to(reader).filter(owner=person, enabled=True)
    some = [(order.name, reverse("automation:schedules")) for order in orders.order_by("name", "pk").only("name")[:FEW]]
    return Belongings(_("Standing orders"), orders.count(), some, "clock")
