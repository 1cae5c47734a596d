"""A structured report says exactly what the table says, on regions that hold the same pixels."""

import dataclasses
from datetime import datetime

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydicom import dcmread

pytest.importorskip("highdicom")

from CEMSynthLib.export.derived import read_source
from CEMSynthLib.export.errors import ExportError
from CEMSynthLib.export.mammogram import write_dataset
from CEMSynthLib.export.sr_codes import PRIVATE, TERMS
from CEMSynthLib.export.sr_content import measured_groups, outline_of, shape_of
from CEMSynthLib.export.sr_reader import read_measurement_report
from CEMSynthLib.export.sr_writer import measurement_report
from CEMSynthLib.measurement.cnr import CNRFormula
from CEMSynthLib.measurement.halo import HaloVerdict
from CEMSynthLib.measurement.regions import Region, RegionRole, region_mask
from CEMSynthLib.measurement.shapes import ClosedCurve, Ellipse, Polygon, Rectangle

SPACING = (0.7, 0.7)


def by_place(groups):
    return {(g.image_uid, g.place): g for g in groups}


def test_numbers_come_back_identical(case, report):
    back, sent = by_place(read_measurement_report(report)), by_place(case.groups)
    assert back.keys() == sent.keys()
    assert len(sent) == 3 * 2 + 2  # two measured regions on three images, the halo of two
    for key, group in sent.items():
        assert len(group.values) == len(back[key].values)
        for value, read in zip(group.values, back[key].values, strict=True):
            assert dataclasses.replace(read, low=None, high=None) == dataclasses.replace(value, low=None, high=None)
            if value.low is None:
                assert (read.low, read.high) == (None, None)
            else:
                assert (read.low, read.high) == pytest.approx((value.low, value.high), rel=1e-12)
        assert dataclasses.replace(group, values=()) == dataclasses.replace(back[key], values=())


def test_every_row_of_the_table_that_concerns_regions_or_the_halo_is_in_it(case, report, rows):
    words = {uid: word for word, uid in case.uids.items()}
    read = {
        (words[g.image_uid], g.place, v.quantity, v.formula): v.value
        for g in read_measurement_report(report)
        for v in g.values
    }
    for row in rows:
        place = row.place.split(" / ")[0]
        assert read[row.image, place, row.quantity, row.formula] == row.value
    assert {v for k, v in read.items() if k[2] == "pixels"} == {812.0}


def test_the_lesion_names_its_background_and_its_formula(case, report):
    groups = by_place(read_measurement_report(report))
    lesion = groups[case.uids["synthetic"], "rossi_lesion_1"]
    background = groups[case.uids["synthetic"], "rossi_background_1"]
    assert (lesion.role, background.role) == (RegionRole.LESION, RegionRole.BACKGROUND)
    assert {v.background for v in lesion.values if v.quantity == "CNR"} == {background.tracking_uid}
    assert lesion.tracking_uid == groups[case.uids["low_energy"], "rossi_lesion_1"].tracking_uid
    text = str(dcmread(report))
    for formula in CNRFormula:
        assert f"'{formula.value}: " in text
    assert "CEMSynth measurement" in text  # Algorithm Name


def test_it_is_a_report_of_its_study_and_says_what_it_is(case, report):
    dataset, source = dcmread(report), read_source(case.files["low_energy"])
    assert dataset.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.33"
    assert dataset.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    for keyword in ("StudyInstanceUID", "PatientID", "PatientName", "StudyDate", "AccessionNumber"):
        assert dataset[keyword].value == source[keyword].value
    assert "not for diagnosis" in dataset.SeriesDescription
    assert dataset.SyntheticData == "YES"
    assert dataset.VerificationFlag == "UNVERIFIED"
    referenced = {
        i.ReferencedSOPInstanceUID
        for s in dataset.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
        for i in s.ReferencedSOPSequence
    }
    assert referenced == set(case.uids.values())


def test_private_codes_fit_and_are_declared(report):
    assert all(len(c.value) <= 16 and len(c.meaning) <= 64 for c in PRIVATE.values())
    (scheme,) = dcmread(report).CodingSchemeIdentificationSequence
    assert scheme.CodingSchemeDesignator == "99CEMSYNTH"
    assert {f.value for f in CNRFormula} <= {t.formula for t in TERMS}


def test_dciodvfy_finds_no_error(report, findings):
    assert findings(report) == []


SHAPES = [
    Rectangle((20.3, 18.1), (9.8, 7.0)),
    Rectangle((20.3, 18.1), (9.8, 7.0), 90.0),
    Rectangle((20.0, 30.0), (12.3, 7.7), 33.0),
    Ellipse((22.0, 20.0), (5.0, 5.0)),
    Ellipse((22.0, 20.0), (3.3, 8.1), 20.0),
    Polygon(((10.0, 10.0), (30.0, 12.0), (25.0, 33.1), (20.3, 18.0))),
    ClosedCurve(((10.0, 10.0), (30.0, 12.0), (25.0, 33.0), (12.0, 28.0))),
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("spacing", [(0.7, 0.7), (0.5, 0.9), None])
def test_a_region_holds_the_same_pixels_when_it_comes_back(shape, spacing):
    outline = outline_of(shape, spacing)
    assert outline.kind == "ELLIPSE" or outline.points[0] == outline.points[-1]
    drawn, read = (
        region_mask(Region("r", RegionRole.LESION, s), (96, 96), spacing) for s in (shape, shape_of(outline, spacing))
    )
    # A turned ellipse on pixels that are not square is drawn with 240 corners.
    allowed = 2 if isinstance(shape, Ellipse) and outline.kind == "POLYLINE" else 0
    assert np.count_nonzero(drawn != read) <= allowed


def test_image_coordinates_begin_at_the_corner_of_the_first_pixel():
    """PS3.3 C.18.6.1: its center is (0.5, 0.5), so a box around the first pixel has corners at 0 and 1."""
    outline = outline_of(Rectangle((0.0, 0.0), (0.7, 0.7)), SPACING)
    assert outline.points == ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))
    ellipse = outline_of(Ellipse((7.0, 14.0), (1.4, 2.1)), SPACING)
    assert np.array(ellipse.points) == pytest.approx(np.array([(10.5, 17.5), (10.5, 23.5), (8.5, 20.5), (12.5, 20.5)]))


@settings(deadline=None, max_examples=20)
@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.one_of(st.none(), st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))),
)
def test_any_number_survives(number, interval):
    from CEMSynthLib.export.sr_content import MeasuredGroup, MeasuredValue

    assume(interval is None or abs(number) < 1e9)
    low, high = interval or (None, None)
    value = MeasuredValue("halo step", "halo_rim_minus_trough", number, "image units", low, high)
    group = MeasuredGroup("1.2.3.4", None, "breast mask", "1.2.3.5", (value,), verdict=HaloVerdict.UNCERTAIN)
    (back,) = _through_bytes([group])
    assert back.values[0].value == number
    if interval:
        assert back.values[0].low == pytest.approx(low, abs=1e-6)
        assert back.values[0].high == pytest.approx(high, abs=1e-6)


def _through_bytes(groups):
    import tempfile
    from pathlib import Path

    from pydicom.dataset import Dataset

    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.2", "1.2.3.4"
    image.StudyInstanceUID, image.SeriesInstanceUID = "1.2.3", "1.2.3.6"
    image.PatientName, image.SpecificCharacterSet = "Müller^Änne", "ISO_IR 100"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.dcm"
        write_dataset(measurement_report(groups, [image], created=datetime(2026, 1, 1)), path)
        assert str(dcmread(path).PatientName) == "Müller^Änne"
        return read_measurement_report(path)


def test_what_is_not_measured_is_left_out(rows, regions):
    groups = measured_groups([r for r in rows if r.image == "recombined"], regions, SPACING, {"recombined": "1.2"}, {})
    assert {g.place for g in groups} == {"rossi_lesion_1", "rossi_background_1", "breast mask"}
    assert measured_groups([], regions, SPACING, {"recombined": "1.2"}, {}) == []
    with pytest.raises(ValueError, match="not given"):
        measurement_report(groups, [], created=datetime(2026, 1, 1))


def test_other_files_are_refused_in_words(case, report, tmp_path):
    (tmp_path / "text.dcm").write_text("not DICOM")
    foreign = dcmread(report)
    foreign.ContentSequence[-1].ContentSequence[0].ContentSequence = foreign.ContentSequence[0:1]
    write_dataset(foreign, tmp_path / "foreign.dcm")
    for path in (case.files["low_energy"], tmp_path / "text.dcm", tmp_path / "gone.dcm", tmp_path / "foreign.dcm"):
        with pytest.raises(ExportError, match=path.name):
            read_measurement_report(path)
