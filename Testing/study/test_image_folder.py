import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from CEMSynthLib.export.pictures import write_synthetic_png
from CEMSynthLib.export.provenance import ModelProvenance
from CEMSynthLib.study.errors import UnreadableImageError
from CEMSynthLib.study.image_folder import read_image_file
from CEMSynthLib.study.model import ImageKind, Laterality, VOIWindow
from CEMSynthLib.study.reader import read_folder

SIDECAR = {
    "format": "cemsynth-synthetic", "version": 1, "source": "P12_L_DM_CC.png", "slope": 0.5, "intercept": -3.0,
    "window": {"low": 10.0, "high": 90.0}, "pixel_spacing_mm": None, "model": {}, "warnings": [], "notice": "x",
}  # fmt: skip


def save(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)
    return path


@settings(max_examples=30, deadline=None)
@given(
    rows=st.integers(1, 20), columns=st.integers(1, 20), bits=st.sampled_from([8, 16]),
    suffix=st.sampled_from([".png", ".tif"]), seed=st.integers(0, 999),
)  # fmt: skip
def test_grey_levels_come_back_whatever_shape_and_depth(tmp_path_factory, rows, columns, bits, suffix, seed):
    dtype = np.uint8 if bits == 8 else np.uint16
    array = np.random.default_rng(seed).integers(0, 2**bits, (rows, columns)).astype(dtype)
    found = read_image_file(save(tmp_path_factory.mktemp("i") / f"P1_L_DM_CC{suffix}", array))
    np.testing.assert_array_equal(found.image.pixels(), array)
    assert found.image.pixels().dtype == np.float32
    assert found.image.bits_stored == bits
    assert found.image.grid.shape == (rows, columns)
    assert found.image.grid.spacing_mm is None


@pytest.mark.parametrize("name", ["P12_L_DM_CC.jpg", "P12_L_DM_CC .jpg", " P12_L_ DM_CC.JPG", "p12_l_dm_cc.jpeg"])
def test_stray_spaces_and_case_in_names(tmp_path, name):
    found = read_image_file(save(tmp_path / name, np.full((9, 7), 100, dtype=np.uint8), format="JPEG"))
    assert (found.patient_id, found.laterality, found.image.kind) == ("P12", Laterality.LEFT, ImageKind.LOW_ENERGY)
    assert found.image.window == VOIWindow.from_range(0, 255)


def test_grey_jpeg_stored_as_rgb_is_read_and_color_is_not(tmp_path):
    grey = np.arange(70, dtype=np.uint8).reshape(10, 7)
    found = read_image_file(save(tmp_path / "P1_R_CM_MLO.png", np.stack([grey] * 3, axis=-1)))
    np.testing.assert_array_equal(found.image.pixels(), grey)
    color = save(tmp_path / "P2_R_CM_MLO.png", np.stack([grey, grey, grey + 50], axis=-1))
    with pytest.raises(UnreadableImageError, match="color"):
        read_image_file(color)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
@pytest.mark.parametrize("part", [0.95, 0.5, 0.001])
def test_a_file_cut_short_is_found_while_listing(tmp_path, suffix, part):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
    path = save(tmp_path / f"P1_L_DM_CC.{suffix}", noise)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * part)])
    with pytest.raises(UnreadableImageError, match=r"P1_L_DM_CC"):
        read_image_file(path)


def test_other_names_and_forms_are_refused(tmp_path):
    array = np.zeros((4, 4), dtype=np.uint8)
    for name in ("picture.png", "P1_L_XX_CC.png", "P1_B_DM_CC.png", "P_L_DM_CC.png", "P1_L_DM_CC_2.png"):
        with pytest.raises(UnreadableImageError, match="not named like"):
            read_image_file(save(tmp_path / name, array))
    transparent = save(tmp_path / "P1_L_DM_CC.png", np.zeros((4, 4, 4), dtype=np.uint8))
    with pytest.raises(UnreadableImageError, match="8 or 16 bits"):
        read_image_file(transparent)


def test_cdd_cesm_folders_are_paired(tmp_path):
    array = np.full((8, 6), 9, dtype=np.uint8)
    for view in ("CC", "MLO"):
        save(tmp_path / f"Low energy images of CDD-CESM/P5_R_DM_{view}.jpg", array)
        save(tmp_path / f"Subtracted images of CDD-CESM/P5_R_CM_{view} .jpg", array[:-1])
    (study,) = read_folder(tmp_path).studies
    assert [a.name for a in study.acquisitions] == ["R CC", "R MLO"]
    for a in study.acquisitions:
        assert a.low_energy.path.parent.name.startswith("Low")
        assert a.recombined.path.parent.name.startswith("Subtracted")
        assert any("another matrix" in w for w in a.warnings)


def test_a_synthetic_image_comes_back_in_its_units(tmp_path):
    stored = np.array([[0, 100], [2000, 65535]], dtype=np.uint16)
    save(tmp_path / "P12_L_SYNTHETIC_CC.png", stored)
    sidecar = tmp_path / "P12_L_SYNTHETIC_CC.json"
    sidecar.write_text(json.dumps(SIDECAR | {"pixel_spacing_mm": [0.1, 0.2]}))
    folder = read_folder(tmp_path)
    assert folder.skipped == ()
    (study,) = folder.studies
    assert study.acquisitions == ()
    (image,) = study.synthetic
    assert image.kind is ImageKind.SYNTHETIC
    assert image.attributes == {"SourceFile": "P12_L_DM_CC.png", "Laterality": "L", "ViewPosition": "CC"}
    assert image.grid.spacing_mm == (0.1, 0.2)
    assert (image.window.low, image.window.high) == (10, 90)
    np.testing.assert_allclose(image.pixels(), stored * 0.5 - 3)


@pytest.mark.parametrize("change", [
    {"format": "other"}, {"version": 2}, {"slope": 0}, {"slope": "x"}, {"window": {"low": 5, "high": 5}},
    {"window": None}, {"intercept": float("nan")}, {"pixel_spacing_mm": [1]},
])  # fmt: skip
def test_a_bad_description_of_a_synthetic_image(tmp_path, change):
    path = save(tmp_path / "P1_L_SYNTHETIC_CC.png", np.zeros((4, 4), dtype=np.uint16))
    with pytest.raises(UnreadableImageError, match="beside it"):
        read_image_file(path)
    path.with_suffix(".json").write_text(json.dumps(SIDECAR | change))
    with pytest.raises(UnreadableImageError, match="not a description"):
        read_image_file(path)


def test_what_export_writes_is_read_back(tmp_path):
    values = np.random.default_rng(2).normal(2050, 40, (30, 20))
    write_synthetic_png(
        tmp_path, values=values, window=VOIWindow.from_range(1900, 2200), source_name="P12_L_DM_CC.png",
        spacing_mm=None, model=ModelProvenance("demo", "1", "0" * 64),
    )  # fmt: skip
    folder = read_folder(tmp_path)
    (image,) = folder.studies[0].synthetic
    np.testing.assert_allclose(image.pixels(), values, atol=0.01)
    assert (image.window.low, image.window.high) == (1900, 2200)
    assert image.attributes["SourceFile"] == "P12_L_DM_CC.png"
    assert folder.skipped == ()


def test_the_real_pairs(real_pairs):
    folder = read_folder(real_pairs)
    assert [(s.patient_id, [a.name for a in s.acquisitions]) for s in folder.studies] == [
        ("P10", ["L CC", "L MLO"]), ("P12", ["L CC", "L MLO"]),
    ]  # fmt: skip
    for study in folder.studies:
        for acquisition in study.acquisitions:
            assert acquisition.low_energy.pixels().shape == acquisition.recombined.pixels().shape == (512, 256)
            assert acquisition.low_energy.pixels().max() == 255
