"""The halo on analytic breasts whose band and rim are painted, and where there is none."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from CEMSynthLib.measurement.errors import MeasurementError, PixelValueError
from CEMSynthLib.measurement.halo import HaloResult, HaloVerdict, measure_halo
from CEMSynthLib.measurement.halo_retained import halo_retained

WINDOW = 380.0


def measure(image: np.ndarray, breast: Any, spacing: Any = (1.0, 1.0), side: str = "left", **more: Any) -> HaloResult:
    return measure_halo(image, breast.mask, breast.skin, side, spacing, more.pop("window", WINDOW), **more)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.8, 1.25)])
def test_painted_profile(analytic: SimpleNamespace, side: str, spacing: tuple[float, float]) -> None:
    breast = analytic.half_disc(side, spacing)
    result = measure(analytic.paint(breast), breast, spacing, side, units_per_mg=38.0)
    assert result.verdict is HaloVerdict.PRESENT
    assert result.depth_unit == "mm"
    assert result.step == pytest.approx(42, rel=0.02)
    assert result.rim_excess == pytest.approx(12, rel=0.02)
    assert result.interior == pytest.approx(100, abs=0.5)
    assert result.step_mg_per_cm2 == pytest.approx(42 / 38, rel=0.02)
    assert result.trough_depth is not None
    assert result.rim_depth is not None
    assert 10 < result.trough_depth < 35
    assert 40 < result.rim_depth < 60
    assert result.rim_is_maximum
    # Half the step, 91, is crossed on the way out of the band (70 to 100 at 10) and on the way in (70 to 100 at 35).
    assert result.band_width == pytest.approx(25, abs=1.5)
    low, high = result.interval_95 or (0, 0)
    assert result.sector_mean == pytest.approx(np.mean([s.step for s in result.sectors if s.step is not None]))
    assert low <= result.sector_mean <= high
    assert low == pytest.approx(42, rel=0.03)
    assert high == pytest.approx(42, rel=0.03)


def test_unknown_spacing_measures_along_rows_in_pixels(analytic: SimpleNamespace) -> None:
    breast = analytic.half_disc()
    result = measure(analytic.paint_along_rows(breast), breast, None)
    assert result.depth_unit == "pixels"
    assert result.step == pytest.approx(42, rel=0.02)
    assert result.band_width == pytest.approx(25, abs=1.5)
    assert result.sectors[0].step is None  # at the top the skin leans more than 45 degrees
    assert result.sectors[0].pixels == 0


def test_units_are_millimeters(analytic: SimpleNamespace) -> None:
    breast = analytic.half_disc()
    coarse = measure(analytic.paint(breast), breast, (1.0, 1.0))
    fine = measure(analytic.paint(breast), breast, (0.1, 0.1))
    assert fine.step == pytest.approx(coarse.step)
    assert fine.rim_depth == pytest.approx(0.1 * (coarse.rim_depth or 0))
    assert fine.band_width == pytest.approx(0.1 * (coarse.band_width or 0))


def test_band_without_rim_is_a_step_without_excess(analytic: SimpleNamespace) -> None:
    breast = analytic.half_disc()
    result = measure(analytic.paint(breast, rim=(40, 60, 0)), breast)
    assert result.step == pytest.approx(30, rel=0.02)
    assert result.rim_excess == pytest.approx(0, abs=0.1)
    assert not result.rim_is_maximum


@pytest.mark.parametrize("spacing", [(1.0, 1.0), None])
def test_flat_image_is_absent_and_never_nan(analytic: SimpleNamespace, spacing: Any) -> None:
    breast = analytic.half_disc()
    result = measure(np.full(breast.mask.shape, 2043.7, np.float32), breast, spacing)
    assert result.verdict is HaloVerdict.ABSENT
    assert result.step == 0.0
    assert result.interval_95 == (0.0, 0.0)
    assert result.step_to_noise is None
    assert (result.trough_depth, result.rim_depth, result.band_width, result.rim_excess) == (None,) * 4
    assert all(np.isfinite(s.step) for s in result.sectors if s.step is not None)
    assert result.profile is not None
    assert np.isfinite(result.profile.smoothed).all()


def test_brightness_that_only_falls_inward_is_no_halo(analytic: SimpleNamespace) -> None:
    breast = analytic.half_disc()
    result = measure(np.where(breast.mask, 200 - 0.3 * breast.depth, 0), breast)
    assert (result.verdict, result.step) == (HaloVerdict.ABSENT, 0.0)


@pytest.mark.parametrize("step", [4.0, 12.0])
def test_verdict_turns_at_two_percent_of_the_window(analytic: SimpleNamespace, step: float) -> None:
    breast = analytic.half_disc()
    image = analytic.paint(breast, band=(10, 35, -step), rim=(40, 60, 0))
    image += np.random.default_rng(0).normal(0, 5, image.shape)
    result = measure(image, breast)
    assert result.threshold == pytest.approx(7.6)
    assert result.verdict is (HaloVerdict.PRESENT if step > 7.6 else HaloVerdict.ABSENT)
    assert measure(image, breast, window=10 * WINDOW).verdict is HaloVerdict.ABSENT
    assert "2% of the window width" in result.reason


def test_noise_is_measured_and_divides_the_step(analytic: SimpleNamespace) -> None:
    breast = analytic.half_disc()
    image = analytic.paint(breast) + np.random.default_rng(0).normal(0, 8, breast.mask.shape)
    result = measure(image, breast)
    assert measure(image - analytic.paint(breast), breast).noise == pytest.approx(0.97 * 8, rel=0.02)
    assert result.noise == pytest.approx(0.97 * 8, rel=0.12)  # the painted edges add a little
    assert result.step == pytest.approx(42, rel=0.04)
    assert result.step_to_noise == pytest.approx((result.step or 0) / (result.noise or 1))


@pytest.mark.parametrize("spacing", [(1.0, 1.0), None])
@pytest.mark.parametrize("blur", [0.0, 1.5])
def test_noise_alone_is_not_present(analytic: SimpleNamespace, spacing: Any, blur: float) -> None:
    breast = analytic.half_disc()
    verdicts, steps = [], []
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(0, 1, breast.mask.shape)
        noise = gaussian_filter(noise, blur) if blur else noise
        # SD of 20 on a window of 255: more than the worst of the shared real pairs (15).
        result = measure(100 + 20 * noise / noise.std(), breast, spacing, window=255.0)
        verdicts.append(result.verdict)
        steps += [sector.step for sector in result.sectors if sector.step is not None]
    assert verdicts.count(HaloVerdict.PRESENT) == 0
    assert blur or verdicts.count(HaloVerdict.ABSENT) >= 15
    # Cross-fitted sector steps have no bias on white noise: their mean is within four standard errors of 0. Noise
    # correlated over 4 pixels, a third of a stripe's width here, leaves some, below the threshold of 5.1.
    assert abs(np.mean(steps)) < (4.0 if blur else 4 * np.std(steps) / np.sqrt(len(steps)))


def test_one_sided_halo_shows_in_its_sectors(analytic: SimpleNamespace) -> None:
    breast = analytic.half_disc()
    image = analytic.paint(breast, rim=(40, 60, 0))
    flat = analytic.paint(breast, band=(10, 35, 0), rim=(40, 60, 0))
    image = np.where(breast.angle > 0, image, flat)
    sectors = measure(image, breast).sectors
    upper = [s.step for s in sectors if s.angles_degrees[1] <= 0 and s.step is not None]
    lower = [s.step for s in sectors if s.angles_degrees[0] >= 0 and s.step is not None]
    assert len(upper) >= 5
    assert len(lower) >= 5
    assert max(map(abs, upper)) < 0.5
    assert lower == pytest.approx([30.0] * len(lower), rel=0.03)


def test_band_of_uneven_width_is_present_in_every_sector(analytic: SimpleNamespace) -> None:
    # Twice as deep at the top as at the bottom: at any single depth some sectors would show no step.
    breast = analytic.half_disc()
    stop = 30 + 20 * (breast.angle < -30) + 10 * (np.abs(breast.angle) <= 30)
    image = np.full(breast.mask.shape, 100.0)
    image[(breast.depth > 8) & (breast.depth < stop)] -= 30
    image[(breast.depth >= stop) & (breast.depth < stop + 8)] += 10
    steps = [s.step for s in measure(image, breast).sectors if s.step is not None]
    assert min(steps) > 30


def test_marker_and_pectoral_muscle_are_left_out(analytic: SimpleNamespace) -> None:
    breast = analytic.half_disc()
    image = analytic.paint(breast)
    clean = measure(image, breast)
    row, column = np.mgrid[: image.shape[0], : image.shape[1]]
    marker = (row - 260) ** 2 + (column - 215) ** 2 < 25**2  # over band and rim
    muscle = column < 0.4 * (200 - row)
    image = np.where(marker, 4000.0, np.where(muscle, 400.0, image))
    result = measure(image, breast, excluded=marker | muscle)
    assert result.step == pytest.approx(clean.step, rel=0.02)
    assert result.rim_excess == pytest.approx(clean.rim_excess, rel=0.05)


def test_bright_chest_wall_border_and_skin_ends_do_not_enter(analytic: SimpleNamespace) -> None:
    breast = analytic.half_disc()
    image = analytic.paint(breast)
    clean = measure(image, breast)
    image[:, :20] = 4000
    assert measure(image, breast).step == clean.step
    assert measure(image, breast).interior == clean.interior


@pytest.mark.parametrize(
    ("change", "reason"),
    [("no skin", "no skin edge"), ("implant", "implant"), ("cropped", "cropped"), ("patch", "too little")],
)
def test_not_measurable_with_its_reason(analytic: SimpleNamespace, change: str, reason: str) -> None:
    breast = analytic.half_disc()
    mask, skin, more = breast.mask.copy(), breast.skin.copy(), {}
    if change == "no skin":
        skin[:] = False
    elif change == "implant":
        more = {"implant": True}
    elif change == "cropped":
        mask, skin = mask[:, :180], skin[:, :180]
    else:
        more = {"excluded": breast.depth > 15}
    image = np.full(mask.shape, 100.0)
    result = measure_halo(image, mask, skin, "left", (1.0, 1.0), WINDOW, **more)
    assert result.verdict is HaloVerdict.NOT_MEASURABLE
    assert reason in result.reason
    assert (result.step, result.interval_95, result.profile) == (None, None, None)


def test_wrong_input_is_said(analytic: SimpleNamespace) -> None:
    breast = analytic.half_disc()
    image = analytic.paint(breast)
    for call in (
        lambda: measure(image[1:], breast),
        lambda: measure(image, breast, side="top"),
        lambda: measure(image, breast, window=0.0),
        lambda: measure(image, breast, units_per_mg=-1.0),
    ):
        with pytest.raises(MeasurementError):
            call()
    image[260, 100] = np.nan
    with pytest.raises(PixelValueError):
        measure(image, breast)


def test_retained(analytic: SimpleNamespace) -> None:
    breast = analytic.half_disc()
    clinical = measure(analytic.paint(breast), breast)
    half = measure(analytic.paint(breast, band=(10, 35, -15), rim=(40, 60, 6)), breast)
    flat = measure(np.full(breast.mask.shape, 100.0), breast)
    assert halo_retained(half, clinical).ratio == pytest.approx(0.5, rel=0.02)
    assert halo_retained(half, clinical).difference == pytest.approx(-21, rel=0.03)
    assert halo_retained(flat, clinical).ratio == 0.0
    none = halo_retained(half, flat)
    assert none.ratio is None
    assert none.reason is not None
    assert "2% of the window" in none.reason
    implant = measure(analytic.paint(breast), breast, implant=True)
    assert "implant" in (halo_retained(half, implant).reason or "")
    assert halo_retained(implant, half).difference is None
    with pytest.raises(MeasurementError, match="different windows"):
        halo_retained(measure(analytic.paint(breast), breast, window=100.0), clinical)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0.1, 50), st.floats(-3000, 3000))
def test_step_follows_the_gain_and_not_the_offset(analytic: SimpleNamespace, gain: float, offset: float) -> None:
    breast = analytic.half_disc(scale=(2.0, 2.0))
    image = analytic.paint(breast) + np.random.default_rng(0).normal(0, 4, breast.mask.shape)
    first = measure(image, breast, (2.0, 2.0))
    second = measure(gain * image + offset, breast, (2.0, 2.0), window=gain * WINDOW)
    assert second.step == pytest.approx(gain * (first.step or 0), rel=1e-6)
    assert second.step_to_noise == pytest.approx(first.step_to_noise, rel=1e-6)
    assert second.verdict is first.verdict
    assert (second.trough_depth, second.rim_depth) == (first.trough_depth, first.rim_depth)


def test_same_seed_same_result_and_float32_is_enough(analytic: SimpleNamespace) -> None:
    breast = analytic.half_disc()
    image = 2000 + analytic.paint(breast) + np.random.default_rng(0).normal(0, 8, breast.mask.shape)
    first, again = measure(image, breast, seed=1), measure(image, breast, seed=1)
    assert (first.step, first.interval_95, first.sectors) == (again.step, again.interval_95, again.sectors)
    assert measure(image.astype(np.float32), breast).step == pytest.approx(first.step, abs=1e-3)
