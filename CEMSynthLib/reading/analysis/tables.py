"""Tables: rows of the analysis arranged for a page, image types side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from CEMSynthLib.evaluation.estimate import Estimate
from CEMSynthLib.evaluation.report import number
from CEMSynthLib.reading.analysis.rows import ALL_READERS, ResultRow

#: Formulas that are shown in percent.
_PERCENT = {
    "sensitivity",
    "specificity",
    "accuracy",
    "localized_sensitivity",
    "prevalence",
    "bpe_ab_cd_accuracy",
    "majority_share_of_reference",
    "balanced_accuracy",
}
_DIFFERENCE, _TEST = ", difference", ", p of McNemar's test"
_WORDS = {"low_energy": "LE", "recombined": "clinical", "synthetic": "synthetic"}


@dataclass(frozen=True)
class Cell:
    """What stands in a cell: the number, its interval, and a note or the reason why there is no number."""

    value: str = ""
    interval: str = ""
    note: str = ""


@dataclass(frozen=True)
class Line:
    """One line; ``first`` where the quantity changes."""

    quantity: str
    reader: str
    cells: tuple[Cell, ...]
    first: bool


@dataclass(frozen=True)
class Table:
    """Columns (image types and comparisons) and lines."""

    columns: tuple[str, ...]
    lines: tuple[Line, ...]


def image_types(name: str) -> str:
    """``low_energy+synthetic - low_energy+recombined`` in words: ``LE + synthetic − LE + clinical``."""
    for code, word in _WORDS.items():
        name = name.replace(code, word)
    return name.replace("+", " + ").replace(" - ", " minus ")


def cell(estimate: Estimate, unit: str = "1") -> Cell:
    """A cell for people: rates in percent, differences of rates in percentage points."""
    if estimate.value is None:
        return Cell(note=estimate.reason)
    formula = estimate.formula.removeprefix("difference_of_")
    factor = 100.0 if formula in _PERCENT else 1.0
    mark = "" if factor == 1 else (" %" if formula == estimate.formula else " points")
    low_high = estimate.interval_95
    between = " to ".join(_short(end * factor, factor) for end in low_high) if low_high else ""
    ending = f" {unit}" if unit == "s" else mark
    return Cell(_short(estimate.value * factor, factor) + ending, between, estimate.reason)


def _short(value: float, factor: float) -> str:
    return f"{value:.1f}".replace("-", "−") if factor == 100 else number(value)


def table(rows: Sequence[ResultRow], *, pooled: bool = False) -> Table:
    """Arrange rows: one line a quantity and reader, one column an image type or comparison.

    Parameters
    ----------
    rows
        Of one section.
    pooled
        Only the figures of all readers.
    """
    columns: list[str] = []
    lines: dict[tuple[str, str], dict[str, Cell]] = {}
    for row in rows:
        if pooled and row.reader != ALL_READERS:
            continue
        quantity, column = row.quantity, image_types(row.image_types)
        if quantity.endswith(_TEST):
            quantity, column = quantity.removesuffix(_TEST), f"p (McNemar), {column}"
        quantity = quantity.removesuffix(_DIFFERENCE)
        if column not in columns:
            columns.append(column)
        lines.setdefault((quantity, row.reader), {})[column] = cell(row.estimate, row.unit)
    # Lines of one quantity stand together, readers below all readers.
    order = {quantity: place for place, (quantity, _) in reversed(list(enumerate(lines)))}
    arranged, last = [], ""
    for (quantity, reader), cells in sorted(lines.items(), key=lambda entry: order[entry[0][0]]):
        arranged.append(Line(quantity, reader, tuple(cells.get(c, Cell()) for c in columns), quantity != last))
        last = quantity
    return Table(tuple(columns), tuple(arranged))
