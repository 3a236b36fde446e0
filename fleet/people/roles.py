"""What the roles are called for people."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fleet.people.rules import Role

LABELS: dict[Role, Promise] = {
    Role.COORDINATOR: _("Coordinator"),
    Role.TECHNICIAN: _("Technician"),
    Role.ADMINISTRATOR: _("Administrator"),
    Role.APPROVER: _("Approver"),
    Role.AUDITOR: _("Auditor"),
    Role.SECURITY: _("Information security"),
}


def role_label(role: str) -> str:
    return str(LABELS[Role(role)])
