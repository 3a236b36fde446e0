"""One stretch of polling: claims go in, what was asked is written down, what could not be finished is handed back."""

import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Self

from django.conf import settings
from django.db import DatabaseError, DataError
from django.utils import timezone

from fleet.monitoring import wire
from fleet.monitoring.models import Health
from fleet.monitoring.rules.measurement import Measurement
from fleet.monitoring.rules.polling import Pace
from fleet.monitoring.services import claims, listing, pulse, storing
from fleet.monitoring.services.asking import poll_soon
from fleet.monitoring.services.claims import LEASE, Claim, Keys
from fleet.monitoring.services.neighbours import ask_neighbours
from fleet.monitoring.services.storing import Stored
from fleet.monitoring.wire import Lane, Outcome, PutOff

log = logging.getLogger(__name__)
RENEW_EVERY_S = LEASE.total_seconds() / 4


class Work:
    """Use as a context manager, in one thread. The network has a thread of its own and never waits for the database."""

    def __init__(self, *, whole: bool = False, on_renewal: Callable[[], None] = lambda: None) -> None:
        self._pump = wire.Pump(settings.POLL_WINDOW)
        self._whole = whole
        self._on_renewal = on_renewal
        self._claims: dict[int, Claim] = {}
        """By device."""
        self._paces: dict[int, Pace] = {}
        self._keys = Keys()
        self._unusable: list[Measurement] = []
        self._renew_at = time.monotonic() + RENEW_EVERY_S
        self.written = 0
        self.in_doubt: set[int] = set()
        """Sites about which something new was measured."""

    def __enter__(self) -> Self:
        self._pump.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._pump.__exit__()
        claims.hand_back(self._open_claims())

    @property
    def busy(self) -> bool:
        return self._pump.busy or bool(self._unusable)

    def room(self, lane: Lane) -> int:
        return self._pump.room(lane)

    def add(self, claim: Claim) -> None:
        """Asks what was claimed."""
        self._claims |= {row.device_id: claim for row in claim.rows}
        self._paces |= claims.paces(claim.rows)
        lanes, unusable = claims.jobs(claim, self._keys, whole=self._whole)
        now = timezone.now()
        self._unusable += [Measurement(pk, now, None, Health.Reason.CREDENTIAL) for pk in unusable]
        for lane, jobs in lanes.items():
            self._pump.add(lane, jobs)

    def write_what_came(self) -> list[Measurement]:
        """Gathers for a moment and writes it down; returns what was stored."""
        outcomes: list[Outcome] = [*self._unusable, *self._pump.gather()]
        self._unusable = []
        measured = [one for one in outcomes if isinstance(one, Measurement)]
        stored = [done for claim, batch in self._by_claim(measured) for done in self._write(claim, batch)]
        self._put_off([one.device_id for one in outcomes if isinstance(one, PutOff)])
        if time.monotonic() >= self._renew_at:
            self._renew()
        return stored

    def _by_claim(self, measured: Sequence[Measurement]) -> Iterator[tuple[Claim, list[Measurement]]]:
        groups: dict[int, tuple[Claim, list[Measurement]]] = {}
        for one in measured:
            claim = self._claims[one.device_id]
            groups.setdefault(id(claim), (claim, []))[1].append(one)
        yield from groups.values()

    def _write(self, claim: Claim, batch: list[Measurement]) -> list[Measurement]:
        """Stores; whom that brings in doubt is judged by others."""
        try:
            with pulse.batch(len(batch)):
                stored = storing.store(claim.fence, batch, claims.pace(""), self._paces)
        except DataError as error:
            return self._write_one_by_one(claim, batch, error)
        claim.left.difference_update(one.device_id for one in batch)
        held = [one for one in batch if one.device_id in stored.device_ids]
        self._draw_conclusions(stored, held)
        self.in_doubt |= stored.sites_to_judge
        self.written += len(stored.device_ids)
        return held

    def _write_one_by_one(self, claim: Claim, batch: list[Measurement], error: DataError) -> list[Measurement]:
        """What the database cannot hold is no usable answer, and costs no other device its poll."""
        if len(batch) > 1:
            return [done for one in batch for done in self._write(claim, [one])]
        (one,) = batch
        if not one.answered:
            raise error
        log.error("an answer cannot be stored", exc_info=error, extra={"device_id": one.device_id})
        return self._write(claim, [Measurement(one.device_id, one.measured_at, None, Health.Reason.PROTOCOL)])

    def _draw_conclusions(self, stored: Stored, held: Sequence[Measurement]) -> None:
        """What goes wrong here costs neither the rest of the batch nor the tick: the next poll or `tend` makes it good."""
        try:
            listing.hear(measurements=held)
            poll_soon(device_ids=ask_neighbours(fell_silent=stored.fell_silent, came_back=stored.came_back))
        except DatabaseError:
            log.exception("no conclusions could be drawn", extra={"devices": len(held)})

    def _put_off(self, device_ids: Sequence[int]) -> None:
        for claim in {id(self._claims[pk]): self._claims[pk] for pk in device_ids}.values():
            mine = [pk for pk in device_ids if self._claims[pk] is claim]
            chance = random.random()  # noqa: S311  (spreads polls over time, guards nothing)
            claims.put_off(claim, mine, claims.put_off_at(timezone.now(), chance))

    def _renew(self) -> None:
        claims.renew(self._open_claims())
        self._on_renewal()
        self._renew_at = time.monotonic() + RENEW_EVERY_S

    def _open_claims(self) -> list[Claim]:
        """Also forgets those that are through."""
        self._claims = {pk: claim for pk, claim in self._claims.items() if pk in claim.left}
        return list({id(claim): claim for claim in self._claims.values()}.values())
