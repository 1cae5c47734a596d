"""JSON records: dataclasses of an evaluation as small versioned text files."""

import json
import types
import typing
from dataclasses import asdict, fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from CEMSynthLib.evaluation.errors import EvaluationError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record")


def record_text(record: "DataclassInstance", version: int) -> str:
    """The text of a record's file."""
    return json.dumps({"version": version, **asdict(record)}, indent=1, allow_nan=False) + "\n"


def parse_json_record(kind: type[Record], version: int, text: str, name: str) -> Record:
    """Read what `record_text` gave.

    Parameters
    ----------
    kind
        The dataclass.
    version
        The one that is understood.
    text, name
        Of the file.

    Raises
    ------
    EvaluationError
        The file is damaged or of another version.
    """
    try:
        content = json.loads(text)
        if content.pop("version") != version:
            raise EvaluationError(f"{name} was written by another version; evaluate into a new folder.")
        made = _typed(kind, content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvaluationError(f"{name} is damaged; delete it, and the same command makes it again.") from error
    if not isinstance(made, kind):
        raise EvaluationError(f"{name} is damaged; delete it, and the same command makes it again.")
    return made


def _typed(kind: Any, value: Any) -> Any:
    """A JSON value as the annotated type: dataclasses, tuples, optional values and plain ones."""
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        inner = next(k for k in typing.get_args(kind) if k is not type(None))
        return None if value is None else _typed(inner, value)
    if origin is tuple:
        inner, *rest = typing.get_args(kind)
        kinds = [inner] * len(value) if rest == [...] else [inner, *rest]
        return tuple(_typed(k, v) for k, v in zip(kinds, value, strict=True))
    if is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        return kind(**{field.name: _typed(hints[field.name], value[field.name]) for field in fields(kind)})
    if kind is float and isinstance(value, int):
        return float(value)
    return value
