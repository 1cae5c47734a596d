"""Tables: measured numbers as CSV, one number per row, each with the name of its formula and its unit."""

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from CEMSynthLib.export.files import write_text


@dataclass(frozen=True)
class MeasurementRow:
    """One measured number, or the reason why there is none.

    Parameters
    ----------
    patient_id, laterality, view
        Whose, which breast, which view; empty where not known.
    image
        ``low_energy``, ``recombined`` or ``synthetic``, or a pair such as ``synthetic vs recombined``.
    place
        Region name, ``breast mask`` or ``whole frame``.
    quantity, formula
        What was measured (``CNR``) and the name of its formula (``sd_background``).
    value, unit
        The number and its unit; ``None`` where it could not be measured, and ``note`` says why.
    low, high
        95% interval, where there is one.
    n_pixels
        How many pixels it rests on.
    note
        A sentence.
    """

    patient_id: str
    laterality: str
    view: str
    image: str
    place: str
    quantity: str
    formula: str
    value: float | None
    unit: str
    low: float | None = None
    high: float | None = None
    n_pixels: int | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if not self.formula or (self.value is not None and not self.unit):
            raise ValueError(f"{self.quantity}: a number without the name of its formula or its unit")
        if any(v is not None and not math.isfinite(v) for v in (self.value, self.low, self.high)):
            raise ValueError(f"{self.quantity}: not a finite number; give None and a note that says why")
        if self.value is None and not self.note:
            raise ValueError(f"{self.quantity}: no number and no note that says why")


def write_measurements(path: Path, rows: Iterable[MeasurementRow]) -> None:
    """Write rows as CSV (RFC 4180, UTF-8, point as decimal sign, empty cell where there is no number).

    Parameters
    ----------
    path
        The file.
    rows
        In the order wanted.

    Raises
    ------
    ExportError
        The file cannot be written.
    """
    names = [f.name for f in fields(MeasurementRow)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(getattr(row, name)) for name in names])
    write_text(path, text.getvalue())


def _cell(value: str | float | int | None) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return format(value, ".8g")
    text = str(value)
    # A spreadsheet runs a text cell that starts like a formula; IDs come from files of others.
    return f"'{text}" if isinstance(value, str) and text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
