"""The 16-bit PNG holds the values; the 8-bit one says SYNTHETIC."""

import json
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from CEMSynthLib.export.burn_in import draw_scale_bar, with_notice
from CEMSynthLib.export.pictures import synthetic_stem, write_display_png, write_synthetic_png
from CEMSynthLib.export.provenance import NOTICE, ModelProvenance
from CEMSynthLib.study.model import VOIWindow

MODEL = ModelProvenance("demo", "1.0", "ab" * 32, training_data="simulated images only")
WINDOW = VOIWindow.from_range(2020, 2280)


def values():
    return np.random.default_rng(1).normal(2100, 60, (60, 40)).astype(np.float32)


def test_values_come_back_within_half_a_step(tmp_path):
    written = write_synthetic_png(
        tmp_path,
        values=values(),
        window=WINDOW,
        source_name="P12_L_DM_CC.jpg",
        spacing_mm=None,
        model=MODEL,
        device="cpu",
        created=datetime(2026, 5, 6, 7, 8, 9),
    )
    assert {p.name for p in tmp_path.iterdir()} == {"P12_L_SYNTHETIC_CC.png", "P12_L_SYNTHETIC_CC.json"}
    note = json.loads(written.description.read_text())
    with Image.open(written.image) as picture:
        stored = np.asarray(picture)
        assert picture.text["Comment"] == NOTICE
    assert stored.dtype == np.uint16
    assert np.abs(note["slope"] * stored.astype(float) + note["intercept"] - values()).max() <= 0.51 * note["slope"]
    assert note["window"] == {"low": 2020, "high": 2280}
    assert note["pixel_spacing_mm"] is None
    assert note["notice"] == NOTICE
    assert note["source"] == "P12_L_DM_CC.jpg"
    assert note["model"]["sha256"] == "ab" * 32
    assert (note["device"], note["created"]) == ("cpu", "2026-05-06T07:08:09")


def test_a_flat_image_and_a_not_finite_one(tmp_path):
    written = write_synthetic_png(
        tmp_path, values=np.full((4, 4), 7.0), window=WINDOW, source_name="x.png", spacing_mm=(0.1, 0.1), model=MODEL
    )
    assert (written.slope, written.intercept) == (1.0, 7.0)
    with pytest.raises(ValueError, match="finite"):
        write_synthetic_png(
            tmp_path, values=np.full((4, 4), np.nan), window=WINDOW, source_name="y.png", spacing_mm=None, model=MODEL
        )
    assert not (tmp_path / "y_SYNTHETIC.png").exists()


@pytest.mark.parametrize(
    ("source", "stem"),
    [
        ("P12_L_DM_CC.jpg", "P12_L_SYNTHETIC_CC"),
        ("P12_L_DM_MLO .jpg", "P12_L_SYNTHETIC_MLO"),
        ("P3_1_LCC_LOW_ENERGY.nrrd", "P3_1_LCC_SYNTHETIC"),
        ("other.png", "other_SYNTHETIC"),
        ("DMITRI_DMX.png", "DMITRI_DMX_SYNTHETIC"),
    ],
)
def test_names(source, stem):
    assert synthetic_stem(source) == stem


@given(st.text(alphabet="PLRDMC_0123456789", min_size=1, max_size=20))
def test_a_synthetic_file_never_has_the_name_of_its_source(stem):
    assert synthetic_stem(f"{stem}.png") != stem
    assert "SYNTHETIC" in synthetic_stem(f"{stem}.png")


@pytest.mark.parametrize("shape", [(600, 400), (60, 40), (3000, 2400)])
def test_the_mark_is_in_the_pixels_and_only_at_the_top(tmp_path, shape):
    flat = np.full(shape, 2150.0)
    for name, synthetic, burn in (("marked", True, True), ("clean", True, False), ("real", False, True)):
        write_display_png(tmp_path / f"{name}.png", values=flat, window=WINDOW, synthetic=synthetic, burn_in=burn)
    pixels = {p.stem: np.asarray(Image.open(p)) for p in tmp_path.iterdir()}
    assert pixels["clean"].std() == 0
    assert pixels["real"].std() == 0
    marked = pixels["marked"]
    assert marked.max() > 150  # 255 where the letters are wider than a pixel
    assert marked.min() == 0
    assert marked[shape[0] // 4 :].std() == 0
    assert "Comment" in Image.open(tmp_path / "clean.png").text
    assert "Comment" not in Image.open(tmp_path / "real.png").text


def test_a_model_needs_a_whole_checksum():
    with pytest.raises(ValueError, match="sha256"):
        ModelProvenance("demo", "1", "abc")


@pytest.mark.parametrize(
    ("spacing", "length"), [((0.1, 0.1), 50), ((0.1, 0.05), 20), ((0.4, 0.4), 50), ((0.004, 0.004), 2)]
)
def test_the_scale_bar_is_as_long_as_it_says(spacing, length):
    picture = Image.new("L", (2400, 3000), 90)
    assert draw_scale_bar(picture, spacing) == length
    pixels = np.asarray(picture)
    runs = [int((row == 255).sum()) for row in pixels if row.max() == 255]
    assert max(runs) == pytest.approx(length / spacing[1], abs=1)
    assert (pixels[: 3000 * 9 // 10] == 90).all()


def test_the_scale_bar_lies_in_the_darker_corner_and_only_where_spacing_is_known(tmp_path):
    breast = np.zeros((600, 400))
    breast[:, :200] = 2150
    window = VOIWindow.from_range(0, 4000)
    for name, spacing in (("known", (0.5, 0.5)), ("unknown", None)):
        path = tmp_path / f"{name}.png"
        write_display_png(path, values=breast, window=window, synthetic=False, spacing_mm=spacing)
    known, unknown = (np.asarray(Image.open(tmp_path / f"{n}.png")) for n in ("known", "unknown"))
    changed = np.argwhere(known != unknown)
    assert changed[:, 0].min() > 500
    assert changed[:, 1].min() >= 200
    assert draw_scale_bar(Image.new("L", (30, 30)), (0.1, 0.5)) == 2
    assert draw_scale_bar(Image.new("L", (3, 30)), (0.1, 0.1)) == 0


def test_a_notice_in_the_values_uses_the_ends_of_the_window_and_leaves_the_rest():
    image = values().repeat(10, axis=0).repeat(10, axis=1)
    marked = with_notice(image, WINDOW)
    changed = marked != image
    rows = np.flatnonzero(changed.any(axis=1))
    assert rows.min() == 0
    assert rows.max() < image.shape[0] // 8
    assert (marked[changed].min(), marked[changed].max()) == (WINDOW.low, WINDOW.high)
