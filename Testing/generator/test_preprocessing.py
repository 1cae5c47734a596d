"""Preprocessing: exact geometry there and back, and a gray scale that does not depend on the vendor."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from CEMSynthLib.generator.card import InputNormalization, ModelCard
from CEMSynthLib.generator.errors import PreparationError
from CEMSynthLib.generator.preprocessing import normalize_input, prepare, prepare_target, resample_inside, restore
from CEMSynthLib.study.errors import BreastNotFoundError
from CEMSynthLib.study.model import VOIWindow

WINDOW = VOIWindow(1500, 1000)


def test_network_input_has_chest_wall_left_and_a_size_the_network_takes(make_breast, card: ModelCard) -> None:
    for right in (False, True):
        breast = make_breast(shape=(322, 243), right=right)
        prepared = prepare(breast.pixels, WINDOW, breast.spacing, card)
        rows, columns = prepared.image.shape
        assert rows % 4 == columns % 4 == 0
        assert prepared.image.dtype == np.float32
        assert prepared.mask[:, 0].sum() > 0.9 * prepared.mask.any(axis=1).sum()
        assert not prepared.mask[:, -1].all()
        assert np.all(prepared.image[~prepared.mask] == -1)
        assert np.abs(prepared.image).max() <= 1
        # 0.8 * 322 rows * 0.4 mm at 0.8 mm: half as many pixels, one more where a half pixel is left.
        assert abs(prepared.mask.any(axis=1).sum() - 0.8 * 322 / 2) <= 2


def test_left_and_mirrored_right_give_the_same_input(make_breast, card: ModelCard) -> None:
    left = make_breast()
    first = prepare(left.pixels, WINDOW, left.spacing, card)
    second = prepare(left.pixels[:, ::-1].copy(), WINDOW, left.spacing, card)
    assert np.array_equal(first.image, second.image)
    output = np.random.default_rng(1).uniform(-1, 1, first.image.shape).astype(np.float32)
    assert np.array_equal(restore(first, output), restore(second, output)[:, ::-1])


@pytest.mark.parametrize("right", [False, True])
def test_flip_and_crop_are_undone_exactly_at_the_working_spacing(make_breast, card: ModelCard, right: bool) -> None:
    breast = make_breast(shape=(133, 97), spacing=(0.8, 0.8), right=right)
    prepared = prepare(breast.pixels, WINDOW, breast.spacing, card)
    back = restore(prepared, prepare_target(breast.pixels / 10 + 1900, prepared))
    inside = prepared.geometry.mask
    assert back.shape == breast.pixels.shape
    assert back.dtype == np.float32
    np.testing.assert_allclose(back[inside], breast.pixels[inside] / 10 + 1900, atol=2e-3)
    assert np.all(back[~inside] == card.output_normalization.air)


@pytest.mark.parametrize("spacing", [(0.1, 0.1), (0.23, 0.23), (0.4, 0.3), (0.8, 0.8), (1.3, 1.1)])
@pytest.mark.parametrize("right", [False, True])
def test_position_survives_there_and_back(
    make_breast, card: ModelCard, spacing: tuple[float, float], right: bool
) -> None:
    # A ramp along rows and one along columns: the restored value is the position, 1 unit per working pixel.
    shape = (round(120 / spacing[0]), round(80 / spacing[1]))
    breast = make_breast(shape=shape, spacing=spacing, right=right)
    prepared = prepare(breast.pixels, WINDOW, spacing, card)
    wide = replace(card, output_normalization=replace(card.output_normalization, low=-200.0, high=200.0))
    prepared = replace(prepared, card=wide)
    deep = ndimage.binary_erosion(prepared.geometry.mask, iterations=int(np.ceil(3 * 0.8 / min(spacing))))
    assert deep.sum() > 100
    for axis in (0, 1):
        position = np.indices(shape)[axis] * np.float32(spacing[axis] / 0.8)
        back = restore(prepared, prepare_target(position.astype(np.float32), prepared))
        assert np.abs(back - position)[deep].max() < 0.05


def test_downsampling_does_not_alias(make_breast, card: ModelCard) -> None:
    # A stripe pattern finer than the working grid must vanish, not turn into a coarse one.
    breast = make_breast(shape=(600, 400), spacing=(0.2, 0.2))
    prepared = prepare(breast.pixels, WINDOW, breast.spacing, card)
    stripes = np.where(np.indices(breast.pixels.shape)[1] % 4 < 2, 100.0, -100.0).astype(np.float32)
    resampled = resample_inside(stripes, prepared.geometry)
    rows, columns = prepared.geometry.working_shape
    inside = ndimage.binary_erosion(prepared.mask[:rows, :columns], iterations=2)
    assert np.abs(resampled[inside]).max() < 5


def test_air_and_markers_do_not_leak_over_the_skin(make_breast, card: ModelCard) -> None:
    breast = make_breast(shape=(600, 400), spacing=(0.2, 0.2))
    flat = np.where(breast.mask, np.float32(2100), np.float32(0))
    prepared = prepare(breast.pixels, WINDOW, breast.spacing, card)
    back = restore(prepared, prepare_target(flat, prepared))
    inside = prepared.geometry.mask & breast.mask
    rim = inside & ~ndimage.binary_erosion(breast.mask, iterations=2)
    assert rim.sum() > 300
    # The mask finder may stop a pixel or two beside the true outline; within it nothing darkens.
    assert np.quantile(back[rim], 0.05) > 2090


@settings(max_examples=25, deadline=None)
@given(gain=st.floats(0.01, 50), offset=st.floats(-2000, 5000))
def test_gray_scale_does_not_depend_on_gain_and_offset(gain: float, offset: float) -> None:
    random = np.random.default_rng(0)
    image = random.normal(1000, 100, (60, 50)).astype(np.float32)
    mask = np.ones(image.shape, dtype=bool)
    first = normalize_input(image, mask, InputNormalization())
    second = normalize_input((gain * image.astype(np.float64) + offset).astype(np.float32), mask, InputNormalization())
    # float32 keeps 24 bits of an offset of up to 5000 on a spread that may be as small as 1.
    np.testing.assert_allclose(first, second, atol=5e-3)


def test_quantiles_reach_their_values(make_breast, card: ModelCard) -> None:
    breast = make_breast()
    prepared = prepare(breast.pixels, WINDOW, breast.spacing, card)
    low, high = np.quantile(prepared.image[prepared.mask], [0.02, 0.98])
    assert low == pytest.approx(-0.6, abs=0.01)
    assert high == pytest.approx(0.6, abs=0.01)


def test_eight_and_twelve_bits_enter_alike(make_breast, card: ModelCard) -> None:
    breast = make_breast()
    twelve = prepare(breast.pixels, WINDOW, breast.spacing, card)
    eight = np.round(np.clip(breast.pixels / 2000 * 255, 0, 255)).astype(np.float32)
    shown = prepare(eight, VOIWindow(127.5, 255), breast.spacing, card)
    assert np.abs(twelve.image - shown.image)[twelve.mask & shown.mask].mean() < 0.01


def test_sigmoid_window_acts_as_in_an_exported_picture(make_breast, card: ModelCard) -> None:
    breast = make_breast()
    window = VOIWindow(1500, 300, "SIGMOID")
    direct = prepare(breast.pixels, window, breast.spacing, card)
    exported = np.where(breast.mask, np.round(255 * window.apply(breast.pixels)) + 20, 0).astype(np.float32)
    shown = prepare(exported, VOIWindow(127.5, 255), breast.spacing, card)
    linear = prepare(breast.pixels, WINDOW, breast.spacing, card)
    both = direct.mask & shown.mask & linear.mask
    assert np.abs(direct.image - shown.image)[both].mean() < 0.01
    assert np.abs(direct.image - linear.image)[both].mean() > 0.03


def test_unknown_spacing_scales_to_the_card_and_says_so(make_breast, card: ModelCard) -> None:
    breast = make_breast(shape=(512, 256))
    prepared = prepare(breast.pixels, WINDOW, None, card)
    assert abs(prepared.mask.any(axis=1).sum() - card.median_breast_height_px) <= 1
    assert len(prepared.warnings) == 1
    assert "spacing is unknown" in prepared.warnings[0]
    assert "80 mm" in prepared.warnings[0]
    assert prepare(breast.pixels, WINDOW, (0.4, 0.4), card).warnings == ()


def test_what_cannot_be_prepared(make_breast, card: ModelCard) -> None:
    with pytest.raises(BreastNotFoundError):
        prepare(np.zeros((50, 40), np.float32), WINDOW, (0.4, 0.4), card)
    flat = np.where(make_breast().mask, np.float32(100), np.float32(0))
    with pytest.raises(PreparationError, match="one gray value"):
        prepare(flat, WINDOW, (0.4, 0.4), card)
    breast = make_breast()
    with pytest.raises(PreparationError, match="smaller than two pixels"):
        prepare(breast.pixels, WINDOW, breast.spacing, replace(card, working_spacing_mm=100.0))
    # Micrometers taken for millimeters: a grid of 10^10 pixels, refused before it is made.
    with pytest.raises(PreparationError, match=r"102\d{3} x 76\d{3} mm large, so the pixel spacing"):
        prepare(breast.pixels, WINDOW, (400.0, 400.0), card)
    flat_wide = np.repeat(make_breast(shape=(40, 240)).pixels, 20, axis=1)
    with pytest.raises(PreparationError, match="so its shape is no breast's"):
        prepare(flat_wide, WINDOW, None, card)
    for bad in (np.nan, np.inf):
        pixels = breast.pixels.copy()
        pixels[160, 60] = bad
        with pytest.raises(PreparationError, match="not finite"):
            prepare(pixels, WINDOW, breast.spacing, card)


def test_input_is_not_changed(make_breast, card: ModelCard) -> None:
    breast = make_breast(right=True)
    before = breast.pixels.copy()
    prepared = prepare(breast.pixels, WINDOW, breast.spacing, card)
    restore(prepared, prepared.image)
    assert np.array_equal(before, breast.pixels)
