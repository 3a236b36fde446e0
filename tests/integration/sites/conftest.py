"""Two things at once, each on a connection of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest
from django.db import connection

Meanwhile = Callable[[Callable[[], object]], "Future[object]"]


@pytest.fixture
def meanwhile() -> Iterator[Meanwhile]:
    """Lets something begin on a connection of its own, and waits until it is done or hangs."""
    with ThreadPoolExecutor() as pool:

        def begin(act: Callable[[], object]) -> "Future[object]":
            def closing() -> object:
                try:
                    return act()
                finally:
                    connection.close()

            begun = pool.submit(closing)
            wait([begun], timeout=2)
            return begun

        yield begin
