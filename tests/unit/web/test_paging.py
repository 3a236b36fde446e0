"""A long list is counted up to a limit, and says that there is more."""

import pytest
from django.contrib.auth.models import Group

from fleet.web import paging


@pytest.mark.django_db
@pytest.mark.parametrize(("rows", "count", "more"), [(0, 0, False), (3, 3, False), (4, 3, True)])
def test_counted_up_to_a_limit(rows: int, count: int, more: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MOST", 3)
    Group.objects.bulk_create(Group(name=str(number)) for number in range(rows))

    pages = paging.CappedPaginator(Group.objects.order_by("pk"), 2)

    assert (pages.count, pages.more) == (count, more)
