"""Truth table: which breasts hold a lesion to be found (CSV), as `cemsynth simulate` writes it or made by hand."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from CEMSynthLib.reading.errors import ProtocolError

_WORDS = {"yes": True, "1": True, "true": True, "no": False, "0": False, "false": False, "": None}
_NEEDED = ("patient_id", "laterality", "positive")


@dataclass(frozen=True)
class BreastTruth:
    """What is known of a breast; ``None`` and empty where it is not."""

    positive: bool | None
    bpe: str = ""


def read_truth(path: Path) -> Mapping[tuple[str, str], BreastTruth]:
    """Read a CSV with columns ``patient_id``, ``laterality`` (L, R), ``positive`` (yes, no) and perhaps ``bpe`` (a-d).

    Other columns are left alone; rows of the same breast (one a view) must agree.

    Returns
    -------
    mapping of (patient ID, laterality) to BreastTruth

    Raises
    ------
    ProtocolError
        It cannot be read, a column is missing, a word is not known, or rows contradict each other.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ProtocolError(f"{path.name} is not a CSV file in UTF-8 that can be read.") from error
    if not rows or any(name not in rows[0] for name in _NEEDED):
        raise ProtocolError(f"{path.name} needs the columns {', '.join(_NEEDED)} and at least one row.")
    truths: dict[tuple[str, str], BreastTruth] = {}
    for number, row in enumerate(rows, start=2):
        word, bpe = (row["positive"] or "").strip().lower(), (row.get("bpe") or "").strip().lower()
        side = (row["laterality"] or "").strip().upper()[:1]
        if word not in _WORDS or bpe not in ("", "a", "b", "c", "d") or side not in ("L", "R"):
            raise ProtocolError(f"{path.name}, line {number}: positive is yes or no, laterality L or R, bpe a to d.")
        breast, truth = ((row["patient_id"] or "").strip(), side), BreastTruth(_WORDS[word], bpe)
        if truths.setdefault(breast, truth) != truth:
            raise ProtocolError(f"{path.name}, line {number} contradicts an earlier line about the same breast.")
    return truths
