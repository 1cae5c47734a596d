"""CSV: every number with its formula and unit, nothing that a spreadsheet would run."""

import csv
import math

import pytest

from CEMSynthLib.export.tables import MeasurementRow, write_measurements


def row(**changes):
    given = {
        "patient_id": "P1",
        "laterality": "L",
        "view": "CC",
        "image": "synthetic",
        "place": "lesion",
        "quantity": "CNR",
        "formula": "sd_background",
        "value": -1.25,
        "unit": "SD of background",
        "low": -2.0,
        "high": None,
        "n_pixels": 400,
    }
    return MeasurementRow(**(given | changes))


def test_rows_read_back(tmp_path):
    write_measurements(tmp_path / "t.csv", [row(), row(value=None, note="the region has 3 pixels, 20 are needed")])
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert (first["value"], first["low"], first["high"], first["n_pixels"]) == ("-1.25", "-2", "", "400")
    assert (first["formula"], first["unit"]) == ("sd_background", "SD of background")
    assert (second["value"], second["note"]) == ("", "the region has 3 pixels, 20 are needed")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_not_a_number_never_leaves(value):
    with pytest.raises(ValueError, match="finite"):
        row(value=value)


def test_a_number_needs_formula_and_unit_and_a_gap_needs_a_reason():
    for changes in ({"formula": ""}, {"unit": ""}, {"value": None}):
        with pytest.raises(ValueError):
            row(**changes)


def test_a_cell_is_never_a_spreadsheet_formula(tmp_path):
    write_measurements(tmp_path / "t.csv", [row(patient_id='=HYPERLINK("http://x")')])
    assert "'=HYPERLINK" in (tmp_path / "t.csv").read_text()
