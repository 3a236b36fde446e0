"""Pages of a list that may be very long: counted up to a limit, as counting all costs more than showing a page."""

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator

MOST = 1_000


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # generic in the stubs only
    """At most the first MOST rows; `more` says that there are others, which a filter leads to."""

    more = False

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        counted = int(rows.order_by()[: MOST + 1].count())
        self.more = counted > MOST
        return min(counted, MOST)
