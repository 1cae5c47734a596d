"""P(d) and what is found in it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from CEMSynthLib.measurement.profile import DepthProfile, find_band, group_medians, make_profile


def profile(values: np.ndarray) -> DepthProfile:
    return make_profile(0.5, np.asarray(values, float), np.full(len(values), 100))


@given(st.integers(0, 10_000), st.integers(1, 300), st.sampled_from([7, 70_000]))
def test_group_medians_are_numpys(seed: int, size: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    values, groups = np.sort(rng.normal(size=size)), rng.integers(0, 7, size) * (count // 7)
    medians, sizes = group_medians(values, groups, count + 1)
    for group in np.unique(groups):
        chosen = values[groups == group]
        assert sizes[group] == len(chosen)
        if len(chosen) >= 5:
            assert medians[group] == pytest.approx(np.median(chosen))
        else:
            assert np.isnan(medians[group])


def test_gaps_are_bridged_by_lines() -> None:
    values = np.linspace(0, 99, 100)
    values[40:50] = np.nan
    np.testing.assert_allclose(profile(values).smoothed[10:-10], np.arange(10, 90), atol=1e-9)


def test_ripple_inside_the_band_is_no_rim() -> None:
    depth = np.arange(200)
    band = 60.0 + 6 * np.sin(depth / 3.0) + 0.1 * depth
    values = np.where(depth < 5, 120, np.where(depth < 45, band, np.maximum(100 - 0.3 * (depth - 45), 70)))
    found = find_band(profile(values), 8, 50, 80)
    assert found.trough in range(12, 17)  # behind it the ripple rises by 12 and falls by 11
    assert found.rim in range(44, 50)
    assert found.step == pytest.approx(100 - 55.4, abs=2)


def test_noise_on_the_way_up_is_no_rim() -> None:
    depth = np.arange(200)
    clean = np.interp(depth, [0, 20, 60, 199], [90, 50, 90, 40])
    rims = [
        find_band(profile(clean + np.random.default_rng(seed).normal(0, 8, 200)), 8, 50, 80).rim for seed in range(40)
    ]
    assert np.median(np.asarray(rims, dtype=float)) == pytest.approx(60, abs=4)


def test_first_maximum_is_taken_and_not_a_higher_one_behind_it() -> None:
    depth = np.arange(200)
    values = 50.0 + 30 * np.exp(-(((depth - 30) / 6) ** 2)) + 40 * np.exp(-(((depth - 70) / 6) ** 2))
    values[:4] = 110
    found = find_band(profile(values), 8, 25, 80)
    assert found.rim == 30
    assert found.rim_is_maximum


def test_width_is_that_at_half_the_step() -> None:
    depth = np.arange(200)
    values = 100 - 40 * np.exp(-0.5 * ((depth - 30) / 8) ** 2)
    found = find_band(profile(values), 8, 50, 80)
    assert found.width == pytest.approx(0.5 * 2.355 * 8, rel=0.02)
    assert found.trough == 30
