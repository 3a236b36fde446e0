"""Erasing a person: asked by one administrator, agreed by another, done in batches that can be stopped and go on."""

import logging
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, cast

from allauth.usersessions.models import UserSession
from celery import current_app
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from fleet.events.services import Fact, emit
from fleet.people import services as people
from fleet.people.models import ApiToken, Grant, User
from helpdesk.privacy.models import Erasure
from helpdesk.privacy.rules import pseudonyms, spellings
from helpdesk.privacy.rules.pseudonyms import Reach, Replacement
from helpdesk.privacy.rules.refusals import may_agree
from helpdesk.privacy.services import looking
from helpdesk.privacy.services.steps import BATCH, WINDOW, Look, Step, steps
from helpdesk.tickets.selectors import WORKING_ROLES

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=5)
AT_A_TIME_S = 40.0
State = Erasure.State


class RefusedError(ValueError):
    """`reasons`: keys of helpdesk.privacy.words.REFUSALS, or `state` when somebody was faster."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(", ".join(reasons))
        self.reasons = list(reasons)


class TakenOverError(Exception):
    """It was stopped, or another worker has it; nothing of the batch was written."""


# --- deciding ---------------------------------------------------------------------------------------------------------


def ask(*, person: User, by: User) -> Erasure:
    """Nothing happens before a second administrator agrees. Raises RefusedError."""
    _refuse(looking.reasons(person, by))
    try:
        with transaction.atomic():
            erasure = Erasure.objects.create(person=person, asked_by=by, scopes=looking.scopes_of(person))
            _tell("erasure-asked", erasure, by)
    except IntegrityError as error:
        raise RefusedError(["underway"]) from error
    return erasure


def agree(*, erasure: Erasure, by: User) -> None:
    """From here on the person is gone: they can do nothing more, and the rest follows. Raises RefusedError."""
    if not may_agree(asked_by_id=erasure.asked_by_id, agreeing_id=by.pk, person_id=erasure.person_id):
        raise RefusedError(["four-eyes"])
    with transaction.atomic():
        people.lock_administrators()  # two last ones at once: one stays
        person = User.objects.select_for_update().get(pk=erasure.person_id)
        _refuse(looking.reasons(person, by, erasure=erasure))
        asked = Erasure.objects.filter(pk=erasure.pk, state=State.ASKED)
        if asked.update(state=State.RUNNING, agreed_by=by, agreed_at=timezone.now(), **_close(person)) != 1:
            raise RefusedError(["state"])
        _tell("erasure-agreed", erasure, by)
        transaction.on_commit(_soon, robust=True)
    erasure.refresh_from_db()


def withdraw(*, erasure: Erasure, by: User) -> bool:
    """While nobody has agreed."""
    return _move(erasure, by, "withdrawn", [State.ASKED], State.WITHDRAWN, ended_at=timezone.now())


def stop(*, erasure: Erasure, by: User) -> bool:
    """After the batch that is being written. What was replaced stays replaced."""
    return _move(erasure, by, "stopped", [State.RUNNING], State.STOPPED, claim=None, claimed_until=timezone.now())


def resume(*, erasure: Erasure, by: User) -> bool:
    moved = _move(erasure, by, "resumed", [State.STOPPED], State.RUNNING, claimed_until=timezone.now())
    if moved:
        _soon()
    return moved


def _move(erasure: Erasure, by: User, what: str, old: list[State], new: State, **values: Any) -> bool:
    with transaction.atomic():
        if Erasure.objects.filter(pk=erasure.pk, state__in=old).update(state=new, **values) != 1:
            return False
        _tell(f"erasure-{what}", erasure, by)
    erasure.refresh_from_db()
    return True


def _refuse(reasons: Sequence[str]) -> None:
    if reasons:
        raise RefusedError(reasons)


def _soon() -> None:
    current_app.send_task("helpdesk.privacy.work")


def _tell(what: str, erasure: Erasure, by: User | None) -> None:
    """The audit names people by number only; after the end that number is all there is."""
    emit(
        Fact(
            name=f"privacy.{what}",
            subject=erasure,
            actor_id=by.pk if by else None,
            payload={"person_id": erasure.person_id},
        )
    )


# --- closing the account ----------------------------------------------------------------------------------------------


def _close(person: User) -> dict[str, Any]:
    """Out of every session at once, under the pseudonym; what is to be looked for is kept encrypted until the end."""
    mark = salted_hmac("helpdesk.privacy.pseudonym", str(person.pk), algorithm="sha256").hexdigest()
    length = _free_length(mark)
    wanted: dict[str, Any] = {
        "name": " ".join(person.name.split()),
        "mails": [person.email],
        "reach": pseudonyms.reach(person.name, has_namesake=_has_namesake(person)),
        "address": pseudonyms.address(mark, length),
        "called": _called(person),
    }
    keys = UserSession.objects.filter(user=person).values_list("session_key", flat=True)
    Session.objects.filter(session_key__in=list(keys)).delete()
    ApiToken.objects.filter(user=person).delete()
    Grant.objects.filter(user=person).delete()
    _rename(person, pseudonyms.pseudonym(mark, length), wanted["address"])
    return {"wanted": wanted, "pseudonym": person.name, "claimed_until": timezone.now()}


def _free_length(mark: str) -> int:
    """Four digits, more where somebody else has these."""
    addresses = {pseudonyms.address(mark, one): one for one in range(pseudonyms.SHORTEST_MARK, len(mark))}
    taken = set(User.objects.filter(email__in=addresses).values_list("email", flat=True))
    return min(length for address, length in addresses.items() if address not in taken)


def _has_namesake(person: User) -> bool:
    return User.objects.filter(name__iexact=person.name.strip()).exclude(pk=person.pk).exists()


def _called(person: User) -> str:
    """The first name, where nobody else who works on tickets, or once did, has it: `@Franka` called this person alone."""
    roles = Grant.objects.filter(role__in=WORKING_ROLES)
    workers = User.objects.filter(pk__in=roles.values("user_id"))
    if not workers.filter(pk=person.pk).exists():
        return ""
    first = _first_name(person.name)
    others = workers.exclude(pk=person.pk).values_list("name", flat=True)
    return "" if first.casefold() in {_first_name(name).casefold() for name in others} else first


def _first_name(name: str) -> str:
    return next(iter(spellings.composed(name).split()), "")


def _rename(person: User, name: str, address: str) -> None:
    person.name, person.email = name, address
    person.is_active = person.is_staff = person.is_superuser = False
    person.last_login = None
    person.set_unusable_password()
    person.version += 1  # its row is locked
    person.save()
    person.groups.clear()
    person.user_permissions.clear()


# --- going through the database ---------------------------------------------------------------------------------------


def work(*, seconds: float = AT_A_TIME_S) -> int:
    """Go on with what is agreed; returns how many rows were changed or deleted. Any number of workers at once."""
    until = time.monotonic() + seconds
    due = Erasure.objects.filter(state=State.RUNNING, claimed_until__lte=timezone.now()).order_by("pk")
    return sum(_go_on(erasure, until) for erasure in due if _claim(erasure))


def _claim(erasure: Erasure) -> bool:
    free = Erasure.objects.filter(pk=erasure.pk, state=State.RUNNING, claimed_until=erasure.claimed_until)
    claim = uuid.uuid4()
    if free.update(claim=claim, claimed_until=timezone.now() + LEASE) != 1:
        return False
    erasure.refresh_from_db()
    return erasure.claim == claim


def _go_on(erasure: Erasure, until: float) -> int:
    changed = 0
    try:
        for step in _left(erasure):
            over = False
            while not over:
                if time.monotonic() > until:
                    return changed
                count, over = batch(erasure, step)
                changed += count
        _finish(erasure)
    except TakenOverError:
        log.info("erasure goes on elsewhere, or was stopped", extra={"erasure_id": erasure.pk})
    finally:
        Erasure.objects.filter(pk=erasure.pk, claim=erasure.claim).update(claimed_until=timezone.now())
    return changed


def look_of(erasure: Erasure) -> Look:
    wanted = cast("dict[str, Any]", erasure.wanted)
    called = wanted.get("called", "")
    replacement = Replacement(wanted["name"], tuple(wanted["mails"]), erasure.pseudonym, wanted["address"], called)
    return Look(erasure.person_id, replacement, Reach(wanted["reach"]))


def _left(erasure: Erasure) -> Iterator[Step]:
    """From the step at which it stands; from the beginning where that is unknown, for every step may be repeated."""
    all_steps = steps(look_of(erasure))
    if not erasure.step:
        _mine(erasure).update(total=sum(step.rows.count() for step in all_steps))
    known = [step.key for step in all_steps]
    start = known.index(erasure.step) if erasure.step in known else 0
    return iter(all_steps[start:])


def batch(erasure: Erasure, step: Step) -> tuple[int, bool]:
    """One look, at most BATCH rows changed, and how far it came, all or nothing: (changed, whether the step is over).

    Where it stands is compared and set in the same transaction. Raises TakenOverError.
    """
    after = erasure.after if erasure.step == step.key else 0
    rows = step.rows.filter(pk__gt=after).order_by("pk")
    end = rows.values_list("pk", flat=True)[WINDOW - 1 : WINDOW].first()
    within = Q(pk__gt=after) if end is None else Q(pk__gt=after, pk__lte=end)
    keys = list(step.hits.filter(within).order_by("pk").values_list("pk", flat=True)[:BATCH])
    full = len(keys) == BATCH
    last = keys[-1] if full else end
    seen = step.rows.filter(pk__gt=after, pk__lte=last).count() if last is not None else rows.count()
    with transaction.atomic():
        now = timezone.now()
        stands = _mine(erasure).filter(step=erasure.step, after=erasure.after)
        moved: dict[str, Any] = {"step": step.key, "after": after if last is None else last, "claimed_until": now + LEASE}
        if stands.update(done=F("done") + seen, **moved) != 1:
            raise TakenOverError
        changed = step.carry_out(keys) if keys else 0
        Erasure.objects.filter(pk=erasure.pk).update(changed=F("changed") + changed)
    erasure.step, erasure.after = step.key, moved["after"]
    return changed, last is None


def _mine(erasure: Erasure) -> Any:
    return Erasure.objects.filter(pk=erasure.pk, claim=erasure.claim, state=State.RUNNING)


def _finish(erasure: Erasure) -> None:
    """What was looked for is forgotten here too."""
    with transaction.atomic():
        over: dict[str, Any] = {
            "state": State.DONE,
            "wanted": None,
            "ended_at": timezone.now(),
            "done": F("total"),
            "claim": None,
        }
        if _mine(erasure).update(**over) != 1:
            raise TakenOverError
        _tell("person-erased", erasure, None)
