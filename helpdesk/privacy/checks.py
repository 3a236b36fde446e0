"""`manage.py check` reads the file of periods."""

from typing import Any

from django.core.checks import CheckMessage, Error

from helpdesk.privacy import retention


def check_retention(**_: Any) -> list[CheckMessage]:
    try:
        retention.load(retention.FILE)
    except retention.RetentionError as error:
        return [Error(str(error), id="privacy.E001")]
    return []
