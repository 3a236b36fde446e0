"""Everything that writes views."""

from dataclasses import dataclass

from django.db import transaction

from fleet.people.models import User
from helpdesk.finding.models import DefaultView, SavedView
from helpdesk.finding.rules import kept


@dataclass(frozen=True)
class Keeping:
    list: str
    name: str
    query: str
    shared_with_id: int | None = None


def keep(*, owner: User, keeping: Keeping) -> SavedView:
    """A view of that name; one's own of the same name is replaced. Raises rules.TooLongError."""
    values = {"query": kept(keeping.query), "shared_with_id": keeping.shared_with_id}
    view, _created = SavedView.objects.update_or_create(owner=owner, list=keeping.list, name=keeping.name, defaults=values)
    return view


def discard(*, view: SavedView) -> None:
    view.delete()


def begin_with(*, person: User, view: SavedView) -> None:
    """From now on the list begins with this view; said again, it begins with everything."""
    with transaction.atomic():
        known = DefaultView.objects.filter(person=person, list=view.list)
        if known.filter(view=view).exists():
            known.delete()
        else:
            DefaultView.objects.update_or_create(person=person, list=view.list, defaults={"view": view})
