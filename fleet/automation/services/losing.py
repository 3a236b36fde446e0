"""A run whose end nobody knows: lost, not repeated. Its devices are freed as they settle, then looked at, not touched."""

from django.db import transaction
from django.utils import timezone

from fleet.automation.models import Change, Run
from fleet.automation.services.recording import Recorder
from fleet.automation.services.rollouts.advancing import stand
from fleet.automation.services.settling import let_go
from fleet.automation.services.telling import move, tell


def lose(run: Run, recorder: Recorder, problem: str = "", error: str = "") -> bool:
    """Write the loss, if the run is still as it was read; False when somebody else was faster. Nothing of it may live."""
    with transaction.atomic():
        change = Change.objects.select_for_update().defer("secret_arguments").get(pk=run.change_id)
        held = Run.objects.filter(pk=run.pk, token=run.token, state=Run.State.RUNNING, lease_until=run.lease_until)
        said = {"problem": problem, "error": error}
        now = timezone.now()
        if held.update(state=Run.State.LOST, finished_at=now, lease_until=None, **said) != 1:
            return False
        recorder.settle()
        run.change, run.state, run.finished_at = change, Run.State.LOST.value, now
        let_go(run, now)
        if run.kind == Run.Kind.APPLY:
            stand(run, run.hosts.all())
        _tell_loss(run, change)
    return True


def _tell_loss(run: Run, change: Change) -> None:
    """Of a lost taking back (or making good) nothing is said before it was measured: what is gone needs nobody.

    Who has asked for rolling back during the step gets it, once it is measured.
    """
    if run.kind in {Run.Kind.REVERT, Run.Kind.MEND}:
        return
    wish = Change.Wish.ROLL_BACK if change.wish == Change.Wish.ROLL_BACK else Change.Wish.GO_ON
    if move(change, Change.State.LOST, wish=wish):
        tell(change, "lost", run_id=run.pk)
