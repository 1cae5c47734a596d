import numpy as np
import pytest
from pydicom.dataset import Dataset

from CEMSynthLib.study.dicom import read_instance
from CEMSynthLib.study.model import Laterality, Side, ViewPosition
from CEMSynthLib.study.orientation import checked_chest_wall, laterality_of, view_of


@pytest.mark.parametrize("laterality", ["L", "R"])
@pytest.mark.parametrize(("orientation", "flip", "side"), [
    (["A", "R"], "NO", "left"),
    (["P", "L"], "NO", "right"),
    (["A", "FR"], "YES", "left"),
    (["P", "FL"], "YES", "right"),
])  # fmt: skip
def test_right_and_left_flipped_and_unflipped(write_dicom, half_disc, laterality, orientation, flip, side):
    pixels = half_disc(side=side, noise=30)
    path = write_dicom(
        pixels=pixels, ImageLaterality=laterality, PatientOrientation=orientation, FieldOfViewHorizontalFlip=flip
    )
    image = read_instance(path).image
    assert image.chest_wall is Side(side)
    assert checked_chest_wall(image) == (Side(side), "")
    np.testing.assert_array_equal(image.pixels(), pixels)  # never turned on reading


def test_a_header_that_contradicts_the_pixels_is_told(write_dicom, half_disc):
    path = write_dicom(pixels=half_disc(side="right"), FieldOfViewHorizontalFlip="YES")
    side, warning = checked_chest_wall(read_instance(path).image)
    assert side is Side.RIGHT
    assert "image.dcm" in warning
    assert "Horizontal Flip is YES" in warning


def test_without_orientation_the_pixels_tell(write_dicom, half_disc):
    image = read_instance(write_dicom(pixels=half_disc(side="right"), PatientOrientation=None)).image
    assert image.chest_wall is None
    assert checked_chest_wall(image) == (Side.RIGHT, "")


def test_laterality_from_three_places():
    dataset = Dataset()
    assert laterality_of(dataset) is None
    dataset.Laterality = "R"
    assert laterality_of(dataset) is Laterality.RIGHT
    groups, anatomy = Dataset(), Dataset()
    anatomy.FrameLaterality = "L"
    groups.FrameAnatomySequence = [anatomy]
    dataset.SharedFunctionalGroupsSequence = [groups]
    assert laterality_of(dataset) is Laterality.LEFT
    dataset.ImageLaterality = "R"
    assert laterality_of(dataset) is Laterality.RIGHT
    dataset.ImageLaterality = "B"  # both: no side of one breast, so the next attribute counts
    assert laterality_of(dataset) is Laterality.LEFT


@pytest.mark.parametrize(("value", "view"), [
    ("399162004", "CC"), ("R-10242", "CC"), ("399368009", "MLO"), ("R-10226", "MLO"), ("399260004", "ML"),
    ("399352003", "LM"), ("399099002", "LMO"), ("399192008", "XCCL"), ("399101009", "XCCM"),
])  # fmt: skip
def test_view_from_its_code(code_item, value, view):
    dataset = Dataset()
    dataset.ViewPosition = "ML" if view != "ML" else "CC"  # the code counts
    dataset.ViewCodeSequence = [code_item(value, "some view")]
    assert view_of(dataset) == (ViewPosition(view), "")


def test_view_codes_are_those_of_pydicoms_cid_4014():
    codes = pytest.importorskip("pydicom.sr.codedict").codes.cid4014
    from CEMSynthLib.study.view_labels import VIEW_CODES as ours

    assert ours[codes.CranioCaudal.value] is ViewPosition.CC
    assert ours[codes.MedioLateralObliqueProjection.value] is ViewPosition.MLO
    assert ours[codes.MedioLateralProjection.value] is ViewPosition.ML
    assert ours[codes.LateroMedial.value] is ViewPosition.LM
    assert ours[codes.LateroMedialOblique.value] is ViewPosition.LMO
    assert ours[codes.CranioCaudalExaggeratedLaterally.value] is ViewPosition.XCCL
    assert ours[codes.CranioCaudalExaggeratedMedially.value] is ViewPosition.XCCM


def test_modifiers_and_view_position(code_item):
    dataset = Dataset()
    dataset.ViewPosition = "MLO"
    assert view_of(dataset) == (ViewPosition.MLO, "")
    magnified = code_item(
        "399162004", "cranio-caudal", ViewModifierCodeSequence=[code_item("399163009", "Magnification")]
    )
    dataset.ViewCodeSequence = [magnified]
    assert view_of(dataset) == (ViewPosition.CC, "magnification")
