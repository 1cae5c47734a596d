"""The halo along a hand-laid band gives the profile and step of that place."""

from types import SimpleNamespace

import numpy as np
import pytest

from CEMSynthLib.measurement.band import band_profile
from CEMSynthLib.measurement.errors import PixelValueError, RegionError


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.8, 1.25)])
@pytest.mark.parametrize("angle", [0.0, 40.0, -65.0])
def test_painted_profile_across_the_edge(analytic: SimpleNamespace, angle: float, spacing: tuple[float, float]) -> None:
    breast = analytic.half_disc(scale=spacing)
    direction = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    start, end = (np.array([0.0, 260.0]) + radius * direction for radius in (258.0, 150.0))
    image = analytic.paint(breast)
    result = band_profile(image, tuple(start), tuple(end), 11.0, spacing, breast.mask)
    assert result.step == pytest.approx(42, rel=0.02)
    assert result.trough_depth is not None
    assert result.rim_depth is not None
    assert 10 < result.trough_depth < 35
    assert 40 < result.rim_depth < 60
    assert result.band_width == pytest.approx(25, abs=2)
    inside = result.profile.smoothed[15 / result.profile.step < np.arange(len(result.profile.depth))][0]
    assert inside == pytest.approx(70, abs=0.5)


def test_place_without_band_has_no_step(analytic: SimpleNamespace) -> None:
    breast = analytic.half_disc()
    flat = analytic.paint(breast, band=(10, 35, 0), rim=(40, 60, 0))
    image = np.where(breast.angle > 0, analytic.paint(breast), flat)
    upper = band_profile(image, (180.0, 80.0), (90.0, 170.0), 9.0, None, breast.mask)
    lower = band_profile(image, (180.0, 440.0), (90.0, 350.0), 9.0, None, breast.mask)
    assert upper.step == pytest.approx(0, abs=0.2)
    assert lower.step == pytest.approx(42, rel=0.02)


def test_without_mask_depth_starts_at_the_line(analytic: SimpleNamespace) -> None:
    breast = analytic.half_disc()
    result = band_profile(analytic.paint(breast), (250.0, 260.0), (150.0, 260.0), 0.0, None)
    assert result.step == pytest.approx(42, rel=0.02)
    assert result.profile.pixels[0] == 1


def test_refusals(analytic: SimpleNamespace) -> None:
    breast = analytic.half_disc()
    image = analytic.paint(breast)
    with pytest.raises(RegionError, match="10 pixels long"):
        band_profile(image, (250.0, 260.0), (241.0, 260.0), 3.0, None)
    with pytest.raises(RegionError, match="leaves the image"):
        band_profile(image, (310.0, 260.0), (150.0, 260.0), 3.0, None)
    with pytest.raises(RegionError, match="leaves the image"):
        band_profile(image, (200.0, 3.0), (100.0, 3.0), 21.0, None)
    with pytest.raises(RegionError, match="misses the breast"):
        band_profile(image, (290.0, 20.0), (240.0, 20.0), 3.0, None, breast.mask)
    with pytest.raises(RegionError, match="further inward"):
        band_profile(image, (290.0, 260.0), (240.0, 260.0), 3.0, None, breast.mask)
    with pytest.raises(PixelValueError):
        band_profile(np.full_like(image, np.nan), (250.0, 260.0), (150.0, 260.0), 3.0, None)
