"""Fields: read one JSON object key by key, and say in one sentence which key of which file is wrong."""

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from CEMSynthLib.generator.errors import ModelError

Scalar = str | float | int | bool | None


class Fields:
    """A JSON object that is asked for typed values.

    Parameters
    ----------
    record
        What the JSON parser returned for this object.
    file
        The file it came from, for the messages.
    where
        The place inside the file (``"training"``), empty at the top.

    Raises
    ------
    ModelError
        By every method, where a key is missing or holds something of another type or outside its range.
    """

    def __init__(self, record: object, file: Path, where: str = "") -> None:
        if not isinstance(record, dict):
            raise ModelError(f"The model card {file} is malformed: {where or 'the file'} is not a JSON object.")
        self._record: dict[str, Any] = record
        self._file = file
        self._where = where

    def _wrong(self, key: str, what: str) -> ModelError:
        place = f"{self._where}.{key}" if self._where else key
        return ModelError(f"The model card {self._file} is malformed: {place} {what}.")

    def _get(self, key: str) -> Any:
        if key not in self._record:
            raise self._wrong(key, "is missing")
        return self._record[key]

    def only(self, *keys: str) -> None:
        """Refuse keys that are not among ``keys``: a misspelled limit of use must not pass unseen."""
        for key in self._record:
            if key not in keys:
                raise self._wrong(key, "is not a field of a model card")

    def has(self, key: str) -> bool:
        """Whether an optional key is there and not empty (cards of older versions lack some)."""
        return self._record.get(key) not in (None, "", [], {})

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts that are not empty."""
        value = self._get(key)
        if not isinstance(value, list) or any(not isinstance(v, str) or not v.strip() for v in value):
            raise self._wrong(key, "must be a list of texts")
        return tuple(value)

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value = self._get(key)
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(key, "must be a text that is not empty")
        return value

    def optional_text(self, key: str) -> str | None:
        """A text, or None where the value is null."""
        return None if self._get(key) is None else self.text(key)

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._get(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "must be true or false")
        return value

    def number(self, key: str, above: float | None = None) -> float:
        """A finite number, larger than ``above`` where that is given."""
        value = self._get(key)
        if not _is_finite(value):
            raise self._wrong(key, "must be a finite number")
        if above is not None and value <= above:
            raise self._wrong(key, f"must be above {above:g}")
        return float(value)

    def whole(self, key: str, at_least: int = 0, at_most: int | None = None) -> int:
        """A whole number of ``at_least`` or more, and ``at_most`` where that is given."""
        value = self._get(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
            raise self._wrong(key, f"must be a whole number of at least {at_least}")
        if at_most is not None and value > at_most:
            raise self._wrong(key, f"must be at most {at_most}")
        return value

    def wholes(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers."""
        value = self._get(key)
        if not isinstance(value, list) or any(isinstance(v, bool) or not isinstance(v, int) for v in value):
            raise self._wrong(key, "must be a list of whole numbers")
        return tuple(value)

    def choice(self, key: str, *choices: str) -> str:
        """One of ``choices``."""
        value = self.text(key)
        if value not in choices:
            raise self._wrong(key, f"is '{value}', not one of {', '.join(choices)}")
        return value

    def inside(self, key: str) -> "Fields":
        """The JSON object under ``key``."""
        return Fields(self._get(key), self._file, f"{self._where}.{key}" if self._where else key)

    def scalars(self, key: str) -> Mapping[str, Scalar]:
        """A JSON object of texts, numbers, flags and nulls."""
        value = self._get(key)
        if not isinstance(value, dict) or not all(
            v is None or isinstance(v, str | float | int) for v in value.values()
        ):
            raise self._wrong(key, "must be an object of texts and numbers")
        return value

    def ranges(self, key: str) -> Mapping[str, tuple[float, float]]:
        """A JSON object of pairs: lower and upper end, finite, in order."""
        value = self._get(key)
        if not isinstance(value, dict) or not all(_is_range(pair) for pair in value.values()):
            raise self._wrong(key, "must be an object of pairs of numbers, the smaller first")
        return {name: (float(low), float(high)) for name, (low, high) in value.items()}

    def rows(self, key: str) -> tuple[Mapping[str, Scalar], ...]:
        """A list of JSON objects of texts, numbers, flags and nulls (a table)."""
        value = self._get(key)
        if not isinstance(value, list):
            raise self._wrong(key, "must be a list of objects")
        where = f"{self._where}.{key}" if self._where else key
        numbered = Fields({str(index): row for index, row in enumerate(value)}, self._file, where)
        return tuple(numbered.scalars(str(index)) for index in range(len(value)))


def _is_range(pair: object) -> bool:
    if not isinstance(pair, list) or len(pair) != 2:
        return False
    return all(_is_finite(end) for end in pair) and bool(pair[0] <= pair[1])


def _is_finite(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    except OverflowError:  # a whole number of more than 308 digits
        return False
