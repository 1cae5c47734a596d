"""Localization: marks that hit and miss, by hand; rates, differences and words where a place is not known."""

import json
import math

import pytest

from CEMSynthLib.cli import main
from CEMSynthLib.reading.analysis.analyze import analyze_study
from CEMSynthLib.reading.analysis.reads import load_study
from CEMSynthLib.reading.analysis.rows import ALL_READERS
from CEMSynthLib.reading.key import read_key
from CEMSynthLib.reading.places import LesionPlaces, MarkRadius
from CEMSynthLib.reading.protocol import read_protocol
from CEMSynthLib.reading.session import ReadingSession

CLINICAL, SYNTHETIC = "low_energy+recombined", "low_energy+synthetic"
SQUARE = ((10.0, 20.0), (10.0, 30.0), (20.0, 30.0), (20.0, 20.0))
MM = LesionPlaces((0.5, 0.5), (SQUARE,))
PIXELS = LesionPlaces(None, (SQUARE,))


@pytest.mark.parametrize(
    ("places", "row", "column", "radius", "hit"),
    [
        (MM, 15, 25, MarkRadius(0), True),
        (MM, 15, 39.9, MarkRadius(5), True),  # 9.9 pixels of 0.5 mm beside it
        (MM, 15, 40.1, MarkRadius(5), False),
        (MM, 2.9, 37.0, MarkRadius(5), True),  # at the corner: 7.1 and 7 pixels, 9.97 together
        (MM, 2.9, 37.2, MarkRadius(5), False),
        (MM, 15, 31, MarkRadius(0, 99), False),  # pixels do not count where mm are known
        (PIXELS, 15, 31, MarkRadius(5), False),
        (PIXELS, 15, 31, MarkRadius(5, 1), True),
        (LesionPlaces(None, ()), 15, 25, MarkRadius(5, 5), False),
    ],
)
def test_inside_or_near(places, row, column, radius, hit):
    assert places.hit(row, column, radius) is hit


def test_a_place_between_two_arms_of_a_crescent_is_outside():
    crescent = ((0, 0), (0, 10), (10, 10), (10, 8), (2, 8), (2, 2), (10, 2), (10, 0))
    place = LesionPlaces(None, (tuple((float(r), float(c)) for r, c in crescent),))
    assert not place.hit(8, 5, MarkRadius())
    assert place.hit(8, 9, MarkRadius())
    assert place.hit(8, 5, MarkRadius(0, 3))


def read_all(folder, clock, fill, rule):
    protocol = read_protocol(folder)
    cases = read_key(folder, protocol).cases
    for reader in protocol.readers:
        with ReadingSession(folder, reader, clock, beat=False) as session:
            for item in session.items:
                fill(session.open(item), **rule(reader, item, cases[item.case]))
                session.save()


def row(analysis, quantity, reader=ALL_READERS, image_types=None):
    found = [
        r.estimate
        for r in analysis.rows
        if (r.quantity, r.reader) == (quantity, reader) and image_types in (None, r.image_types)
    ]
    assert len(found) == 1
    return found[0]


def marking(reader, item, case):
    """Clinical: all right. Synthetic: R1 marks the lesion and one place beside it, R2 the wrong view only."""
    if not case.positive:
        return {"lesion": "yes" if reader == "R2" and item.arm.name == SYNTHETIC else "no"}
    right, beside, other = ("CC", 15.0, 25.0), ("CC", 100.0, 100.0), ("MLO", 15.0, 25.0)
    if item.arm.name == CLINICAL:
        return {"lesion": "yes", "marks": [right]}
    return {"lesion": "yes", "marks": [right, beside] if reader == "R1" else [other]}


@pytest.fixture
def folder(tmp_path, write_study):
    write_study(tmp_path / "study", washout=0, places={"CC": MM})
    return tmp_path / "study"


def test_rates_and_differences_by_hand(folder, clock, fill):
    read_all(folder, clock, fill, marking)
    analysis = analyze_study(load_study(folder))
    assert row(analysis, "localized sensitivity", image_types=CLINICAL).value == 1
    assert row(analysis, "localized sensitivity", "R1", SYNTHETIC).value == 1
    assert row(analysis, "localized sensitivity", "R2", SYNTHETIC).value == 0
    pooled = row(analysis, "localized sensitivity", image_types=SYNTHETIC)
    assert (pooled.value, pooled.count, pooled.patients) == (0.5, 8, 4)
    # Called right without being found: sensitivity does not see it.
    assert row(analysis, "sensitivity", "R2", SYNTHETIC).value == 1
    assert row(analysis, "localized sensitivity, difference").value == -0.5
    assert row(analysis, "localized sensitivity, p of McNemar's test", "R2").value == 2 / 2**4
    assert row(analysis, "localized sensitivity, p of McNemar's test", "R1").value == 1
    # Two views a case: R1 one false mark in 4 of 8 cases, R2 one in all 8.
    assert row(analysis, "false marks per image", "R1", SYNTHETIC).value == 0.25
    assert row(analysis, "false marks per image", "R2", SYNTHETIC).value == 0.5
    assert row(analysis, "false marks per image, breasts without a lesion", "R2", SYNTHETIC).value == 0.5
    assert row(analysis, "false marks per image, breasts without a lesion", "R1", SYNTHETIC).value == 0
    assert row(analysis, "false marks per image, difference", "R1").value == 0.25


def test_the_radius_counts_and_is_told(folder, clock, fill, tmp_path):
    near = {"lesion": "yes", "marks": [("CC", 15.0, 34.0)]}  # 2 mm beside it
    read_all(folder, clock, fill, lambda r, i, case: near if case.positive else {"lesion": "no"})
    study = load_study(folder)
    assert row(analyze_study(study), "localized sensitivity", image_types=CLINICAL).value == 1
    assert row(analyze_study(study, radius=MarkRadius(1)), "localized sensitivity", image_types=CLINICAL).value == 0
    words = ["readers", "analyze", str(folder), "--output", str(tmp_path / "out"), "--mark-radius-mm"]
    assert main([*words, "1"]) == 0
    assert json.loads((tmp_path / "out/summary.json").read_text(encoding="utf-8"))["mark_radius"]["mm"] == 1
    assert "within 1 mm of its outline" in (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert main([*words, "nan", "--overwrite"]) == 2


def test_without_places_nothing_is_said_about_marks(tmp_path, write_study, clock, fill):
    write_study(tmp_path / "study", washout=0)
    read_all(tmp_path / "study", clock, fill, lambda r, i, case: {"lesion": "yes" if case.positive else "no"})
    analysis = analyze_study(load_study(tmp_path / "study"))
    made = row(analysis, "localized sensitivity", image_types=CLINICAL)
    assert made.value is None
    assert "place is known" in made.reason
    assert "For 4 of 4 breasts with a lesion its place is not known" in " ".join(analysis.warnings)
    assert row(analysis, "false marks per image", image_types=CLINICAL).count == 8, "two readers, four breasts without"
    assert math.isclose(row(analysis, "false marks per image", image_types=CLINICAL).value, 0)
