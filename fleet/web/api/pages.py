"""Lists come in pages that are found again by position, not by counting: page 2,000 costs what page 1 costs."""

from typing import Any

from ninja.pagination import CursorPagination

LARGEST_PAGE = 200
USUAL_PAGE = 50


class CursorPage(CursorPagination):
    """`@paginate(CursorPage, ordering=("-id",))`: answers {results, next, previous}; `?page_size=` up to 200."""

    def __init__(self, *, ordering: tuple[str, ...] = ("-id",), **kwargs: Any) -> None:
        super().__init__(ordering=ordering, page_size=USUAL_PAGE, max_page_size=LARGEST_PAGE, **kwargs)
