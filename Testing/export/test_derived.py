"""A synthetic DICOM image says what it is, belongs to its low-energy image's study, and holds the values."""

import importlib.util
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from CEMSynthLib.export.derived import read_source, store, synthetic_dataset
from CEMSynthLib.export.errors import ExportError
from CEMSynthLib.export.mammogram import write_dataset
from CEMSynthLib.export.provenance import ModelProvenance
from CEMSynthLib.study.model import PixelGrid, VOIWindow

_spec = importlib.util.spec_from_file_location("mammogram_helpers", Path(__file__).with_name("test_mammogram.py"))
mammogram_helpers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(mammogram_helpers)

MODEL = ModelProvenance("demo cyclegan", "1.0", "ab" * 32, training_data="simulated images only")
WINDOW = VOIWindow(2105, 380)
GRID = PixelGrid(48, 40, (0.1, 0.1))


def values():
    return np.random.default_rng(2).normal(2100, 40, (48, 40)).astype(np.float32)


@pytest.fixture
def source(tmp_path):
    dataset = mammogram_helpers.make(patient_name="Doe^Jane")
    dataset.PatientAge, dataset.AccessionNumber = "052Y", "A1"
    dataset.add_new((0x0018, 0x1401), "LO", "GEMS_FFDM_PV")
    dataset.private_block(0x0045, "GEMS_SENO_02", create=True).add_new(0x10, "LO", "private")
    write_dataset(dataset, tmp_path / "le.dcm")
    return read_source(tmp_path / "le.dcm")


def derive(source, **changes):
    given = {
        "source": source,
        "values": values(),
        "grid": GRID,
        "window": WINDOW,
        "model": MODEL,
        "series_uid": "1.2.3.9",
        "series_number": 901,
        "instance_number": 1,
        "created": datetime(2026, 5, 6, 7, 8, 9),
        "warnings": ("The pixel spacing is not known.",),
        "device": "cpu",
    }
    return synthetic_dataset(**(given | changes))


def test_it_is_marked_as_synthetic_everywhere(source, tmp_path):
    derived = derive(source)
    write_dataset(derived.dataset, tmp_path / derived.file_name)
    read = pydicom.dcmread(tmp_path / derived.file_name)
    assert read[0x0008, 0x001C].value == "YES"
    assert read.ContentQualification == "RESEARCH"
    assert list(read.ImageType[:2]) == ["DERIVED", "SECONDARY"]
    text = str(read)
    assert "POST_CONTRAST" not in text
    assert "SUBTRACTION" not in text
    assert "ContrastBolusAgent" not in read
    assert "GEMS" not in text  # neither the device's processing code nor its private data
    assert read.SeriesDescription == "SYNTHETIC iodine (AI) - not for diagnosis"
    for part in ("demo cyclegan", "1.0", "ab" * 32, "0 pixels were clipped", "simulated images only"):
        assert part in read.DerivationDescription
    assert "spacing is not known" in read.ImageComments
    assert read.BurnedInAnnotation == "NO"
    purposes = [i.PurposeOfReferenceCodeSequence[0].CodeValue for i in read.ContributingEquipmentSequence]
    assert purposes == ["109101", "109102"]
    processing = read.ContributingEquipmentSequence[1]
    assert processing.ContributionDateTime == "20260506070809"
    assert processing.ContributionDescription.endswith(f"weights SHA-256 {'ab' * 32}, device cpu")


def test_it_belongs_to_the_study_of_its_source(source):
    dataset = derive(source).dataset
    for keyword in (
        *("PatientID", "PatientName", "PatientAge", "StudyInstanceUID", "StudyDate", "AccessionNumber"),
        *("FrameOfReferenceUID", "ImageLaterality", "ViewPosition", "PatientOrientation", "ImagerPixelSpacing", "KVP"),
    ):
        assert dataset[keyword].value == source[keyword].value, keyword
    assert dataset.SOPInstanceUID != source.SOPInstanceUID
    assert dataset.SeriesInstanceUID == "1.2.3.9"
    reference = dataset.SourceImageSequence[0]
    assert reference.ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert reference.ReferencedSOPClassUID == source.SOPClassUID


def test_the_file_name_is_stable_and_holds_no_name(source):
    names = {derive(source).file_name for _ in range(2)}
    assert len(names) == 1
    name = names.pop()
    assert name.startswith("L_CC_synthetic_")
    assert "Doe" not in name
    assert "SIM" not in name
    source.ImageLaterality, source.ViewPosition = "../L", "C C"
    assert derive(source).file_name.startswith("L_CC_synthetic_")


def test_values_and_window_read_back(source, tmp_path):
    write_dataset(derive(source).dataset, tmp_path / "s.dcm")
    read = pydicom.dcmread(tmp_path / "s.dcm")
    assert (read.RescaleSlope, read.RescaleIntercept) == (1, 0)
    assert np.abs(read.pixel_array - values()).max() <= 0.5
    assert (read.WindowCenter, read.WindowWidth) == (2105, 380)


def test_clipping_is_counted_and_said(source):
    image = values()
    image[0, :3] = [-50, 5000, 4095.4]
    derived = derive(source, values=image)
    assert derived.clipped == 2
    assert "2 pixels were clipped" in derived.dataset.DerivationDescription


@given(st.floats(-5000, 5000), st.floats(0.01, 30000), st.sampled_from([8, 12, 16]))
def test_any_window_keeps_the_picture(low, width, bits):
    window = VOIWindow.from_range(low, low + width)
    ramp = np.linspace(low, low + width, 100)[None]
    stored = store(ramp, window, bits)
    back = stored.slope * stored.pixels + stored.intercept
    assert stored.clipped == 0
    assert np.abs(back - ramp).max() <= 0.51 * stored.slope + 1e-5 * width
    assert stored.slope <= max(1.0, width / 100)


def test_the_notice_is_burned_in_on_request_only(source, tmp_path):
    plain, marked = (derive(source, burn_in=burn_in).dataset for burn_in in (False, True))
    assert (plain.BurnedInAnnotation, marked.BurnedInAnnotation) == ("NO", "YES")
    for name, dataset in (("plain", plain), ("marked", marked)):
        write_dataset(dataset, tmp_path / name)
    before, after = (pydicom.dcmread(tmp_path / n).pixel_array.astype(int) for n in ("plain", "marked"))
    assert (before != after).any()
    assert (before[24:] == after[24:]).all()
    assert np.abs(before - values()).max() <= 0.5


def test_wrong_input_is_refused(source, tmp_path):
    with pytest.raises(ValueError, match="finite"):
        derive(source, values=np.full((48, 40), np.inf))
    with pytest.raises(ValueError, match="grid"):
        derive(source, grid=PixelGrid(40, 48, (0.1, 0.1)))
    (tmp_path / "text.dcm").write_text("not DICOM")
    for name in ("text.dcm", "gone.dcm"):
        with pytest.raises(ExportError, match=name):
            read_source(tmp_path / name)


def test_a_poor_source_and_other_characters_still_give_a_file(source, tmp_path):
    for keyword in ("ImageLaterality", "ViewPosition", "AnatomicRegionSequence", "DetectorType", "AccessionNumber"):
        del source[keyword]
    source.SpecificCharacterSet = "ISO_IR 100"
    source.PatientName = "Müller^Änne"
    derived = derive(source, model=ModelProvenance("Modell µ\\x", "1", "cd" * 32))
    write_dataset(derived.dataset, tmp_path / "s.dcm")
    read = pydicom.dcmread(tmp_path / "s.dcm")
    assert str(read.PatientName) == "Müller^Änne"
    assert "Modell ?/x" in read.DerivationDescription
    assert derived.file_name.startswith("X_X_synthetic_")


def test_dciodvfy_finds_no_error(source, tmp_path, findings):
    write_dataset(derive(source).dataset, tmp_path / "s.dcm")
    assert findings(tmp_path / "s.dcm") == []
