"""Queues with their counts, and one act on many tickets, as the API shows them."""

from datetime import datetime
from typing import Any

from ninja import Schema

from helpdesk.tickets.words import why_not


class QueueOut(Schema):
    id: int
    name: str
    restricted: bool
    open: int

    @staticmethod
    def resolve_name(queue: Any) -> str:
        return str(queue)

    @staticmethod
    def resolve_open(queue: Any) -> int:
        return int(queue.open_count)


class BulkOut(Schema):
    """`done`: changed or so already; `failed`: not allowed or not possible; `left`: still to do."""

    id: int
    act: str
    value: str
    state: str
    total: int
    done: int
    failed: int
    left: int
    created_at: datetime
    ended_at: datetime | None

    @staticmethod
    def resolve_done(job: Any) -> int:
        return int(job.rows_done)

    @staticmethod
    def resolve_failed(job: Any) -> int:
        return int(job.rows_failed)

    @staticmethod
    def resolve_left(job: Any) -> int:
        return int(job.rows_left)


class BulkRowOut(Schema):
    """What became of one ticket: waiting, done, unchanged, refused, failed or stopped; `why`: in the reader's language."""

    number: str
    state: str
    reason: str
    why: str

    @staticmethod
    def resolve_number(row: Any) -> str:
        return str(row.ticket.number)

    @staticmethod
    def resolve_why(row: Any) -> str:
        return why_not(row.reason)
