"""Model fields whose column never holds clear text."""

import json
from typing import Any

from django.core.exceptions import FieldError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression

from fleet.secrets.crypto import decrypt, encrypt


class EncryptedJSONField(models.TextField):  # type: ignore[type-arg]  # not subscriptable at run time
    """A JSON object, encrypted as a whole. It can be read and written, never searched."""

    def from_db_value(
        self, value: str | None, _expression: Expression, _connection: BaseDatabaseWrapper
    ) -> dict[str, Any] | None:
        return None if value is None else json.loads(decrypt(value))

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else encrypt(json.dumps(value))

    def to_python(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value

    def value_to_string(self, obj: models.Model) -> str:  # noqa: ARG002
        raise FieldError(f"{self.name} is secret and is not serialised")

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        raise FieldError(f"{self.name} is encrypted and cannot be searched by {lookup_name}")
