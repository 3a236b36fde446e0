"""A value that must not be seen by accident."""

from dataclasses import dataclass

MASK = "***"


@dataclass(frozen=True, slots=True)
class Secret:
    """Text that prints as `***`; only `reveal()` gives it out, so every place that does can be searched for."""

    _value: str

    def reveal(self) -> str:
        return self._value

    def __str__(self) -> str:
        return MASK

    __repr__ = __str__

    def __bool__(self) -> bool:
        return bool(self._value)
