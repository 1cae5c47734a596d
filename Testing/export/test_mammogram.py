"""A written mammogram is a valid one, and reads back as what went in."""

from dataclasses import replace
from datetime import datetime
from itertools import product

import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes

from CEMSynthLib.export.errors import ExportError
from CEMSynthLib.export.mammogram import (
    VIEW_CODES,
    ExposureParameters,
    PresentationIntent,
    image_type,
    mammogram_dataset,
    patient_orientation,
    write_dataset,
)
from CEMSynthLib.study.model import ImageKind, Laterality, PixelGrid, Side, ViewPosition, VOIWindow

EXPOSURE = ExposureParameters(
    kvp=29,
    anode="RHODIUM",
    filter="RHODIUM",
    body_part_thickness_mm=55,
    compression_force_n=80,
    exposure_mas=63.2,
    source_to_detector_mm=660,
    source_to_patient_mm=615,
    contrast_agent="Iohexol 350",
    contrast_route="IV",
    contrast_volume_ml=100,
    contrast_start=datetime(2026, 1, 2, 9, 58),
)


def make(**changes):
    pixels = np.arange(48 * 40, dtype=np.uint16).reshape(48, 40)
    given = {
        "pixels": pixels,
        "grid": PixelGrid(48, 40, (0.1, 0.1)),
        "kind": ImageKind.LOW_ENERGY,
        "laterality": Laterality.LEFT,
        "view": ViewPosition.CC,
        "window": VOIWindow(1000, 1800),
        "patient_id": "SIM-0001",
        "study_uid": "1.2.826.0.1.3680043.10.1.1",
        "series_uid": "1.2.826.0.1.3680043.10.1.2",
        "sop_instance_uid": "1.2.826.0.1.3680043.10.1.3",
        "frame_of_reference_uid": "1.2.826.0.1.3680043.10.1.4",
        "series_number": 1,
        "instance_number": 2,
        "series_description": "LE L CC",
        "study_datetime": datetime(2026, 1, 2, 10, 0, 0),
        "exposure": EXPOSURE,
        "manufacturer": "CEMSynth",
        "manufacturer_model": "Simulated CEM",
        "chest_wall": Side.LEFT,
    }
    return mammogram_dataset(**(given | changes))


@pytest.mark.parametrize("kind", [ImageKind.LOW_ENERGY, ImageKind.HIGH_ENERGY, ImageKind.RECOMBINED])
@pytest.mark.parametrize("view", [ViewPosition.CC, ViewPosition.MLO])
def test_dciodvfy_finds_no_error(tmp_path, findings, kind, view):
    path = tmp_path / "image.dcm"
    write_dataset(make(kind=kind, view=view), path)
    assert findings(path) == []


@pytest.mark.parametrize("kind", [ImageKind.LOW_ENERGY, ImageKind.HIGH_ENERGY])
def test_raw_images_are_for_processing(tmp_path, findings, kind):
    path = tmp_path / "image.dcm"
    raw = make(
        kind=kind,
        window=None,
        bits_stored=14,
        presentation_intent=PresentationIntent.FOR_PROCESSING,
        detector_type="DIRECT",
    )
    write_dataset(raw, path)
    assert findings(path) == []
    read = pydicom.dcmread(path)
    assert read.SOPClassUID == "1.2.840.10008.5.1.4.1.1.1.2.1"
    assert read.PresentationIntentType == "FOR PROCESSING"
    # PS3.3 C.8.11.3: linear, more x rays higher; shown inverted, so that dense is bright.
    assert (read.PixelIntensityRelationship, read.PixelIntensityRelationshipSign) == ("LIN", 1)
    assert (read.PhotometricInterpretation, read.PresentationLUTShape) == ("MONOCHROME1", "INVERSE")
    assert read.BitsStored == 14
    assert read.DetectorType == "DIRECT"
    assert "WindowCenter" not in read


def test_dciodvfy_would_report_a_missing_attribute(tmp_path, findings):
    dataset = make()
    del dataset.ImagerPixelSpacing
    write_dataset(dataset, tmp_path / "image.dcm")
    assert findings(tmp_path / "image.dcm")


def test_pixels_window_and_spacing_read_back(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 4096, (48, 40)).astype(np.uint16)
    write_dataset(make(pixels=pixels, grid=PixelGrid(48, 40, (0.1, 0.07))), tmp_path / "image.dcm")
    read = pydicom.dcmread(tmp_path / "image.dcm")
    np.testing.assert_array_equal(read.pixel_array, pixels)
    assert read.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert list(read.ImagerPixelSpacing) == [0.1, 0.07]
    assert (read.WindowCenter, read.WindowWidth, read.VOILUTFunction) == (1000, 1800, "LINEAR")
    assert (read.ContentQualification, read[0x0008, 0x001C].value) == ("RESEARCH", "YES")
    assert read.EstimatedRadiographicMagnificationFactor == pytest.approx(660 / 615, rel=1e-5)


def test_image_types_are_the_standard_ones():
    assert "\\".join(image_type(ImageKind.LOW_ENERGY)) == "ORIGINAL\\PRIMARY\\POST_CONTRAST\\\\LOW_ENERGY"
    assert "\\".join(image_type(ImageKind.RECOMBINED)) == "DERIVED\\PRIMARY\\POST_CONTRAST\\SUBTRACTION"
    assert image_type(ImageKind.LOW_ENERGY, post_contrast=False)[2] == "PRE_CONTRAST"
    synthetic = "\\".join(image_type(ImageKind.SYNTHETIC))
    assert "CONTRAST" not in synthetic
    assert "SUBTRACTION" not in synthetic


def test_pre_contrast_exposure_names_no_agent():
    dataset = make(exposure=replace(EXPOSURE, post_contrast=False))
    assert dataset.ImageType[2] == "PRE_CONTRAST"
    assert "ContrastBolusAgent" not in dataset


def test_usual_displays_have_the_orientations_of_real_devices():
    usual = {
        (Laterality.LEFT, ViewPosition.CC, Side.LEFT): ["A", "R"],
        (Laterality.RIGHT, ViewPosition.CC, Side.RIGHT): ["P", "L"],
        (Laterality.LEFT, ViewPosition.MLO, Side.LEFT): ["A", "FR"],
        (Laterality.RIGHT, ViewPosition.MLO, Side.RIGHT): ["P", "FL"],
    }
    for arguments, expected in usual.items():
        assert patient_orientation(*arguments) == expected


@pytest.mark.parametrize(("laterality", "view", "side"), list(product(Laterality, ViewPosition, Side)))
def test_rows_run_away_from_the_chest_wall(laterality, view, side):
    row, column = patient_orientation(laterality, view, side)
    assert row == ("A" if side is Side.LEFT else "P")
    # Downwards is lateral, the breast's own side, only in the obliques whose top is superomedial.
    assert (laterality.value in column) == (view in (ViewPosition.SIO, ViewPosition.ISO))


def test_view_codes_are_those_of_cid_4014():
    standard = codes.CID4014
    known = {getattr(standard, name).value for name in standard.dir()}
    assert {value for value, _ in VIEW_CODES.values()} <= known
    assert len({value for value, _ in VIEW_CODES.values()}) == len(ViewPosition)
    assert VIEW_CODES[ViewPosition.XCCL][0] == standard.CranioCaudalExaggeratedLaterally.value


def test_contradictions_are_refused():
    with pytest.raises(ValueError, match="grid"):
        make(grid=PixelGrid(40, 48, (0.1, 0.1)))
    with pytest.raises(ValueError, match="bits"):
        make(pixels=np.full((48, 40), 4096, dtype=np.uint16))
    with pytest.raises(ValueError, match="spacing"):
        make(grid=PixelGrid(48, 40, None))
    with pytest.raises(ValueError, match="window"):
        make(window=None)
    raw = {"presentation_intent": PresentationIntent.FOR_PROCESSING}
    with pytest.raises(ValueError, match="window"):
        make(**raw)
    with pytest.raises(ValueError, match="presentation"):
        make(kind=ImageKind.RECOMBINED, window=None, **raw)
    with pytest.raises(ValueError, match="derived"):
        make(kind=ImageKind.SYNTHETIC)


def test_an_interrupted_write_leaves_the_earlier_file(tmp_path):
    path = tmp_path / "image.dcm"
    write_dataset(make(), path)
    before = path.read_bytes()
    broken = make()
    broken.add_new("Rows", "US", "many")  # cannot be encoded
    with pytest.raises((ExportError, ValueError, TypeError)):
        write_dataset(broken, path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["image.dcm"]


def test_a_missing_folder_is_said_in_words(tmp_path):
    with pytest.raises(ExportError, match="does not exist"):
        write_dataset(make(), tmp_path / "nowhere" / "image.dcm")
