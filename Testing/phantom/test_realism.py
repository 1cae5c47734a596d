"""Simulated beside real: each statistic of the simulated views lies near the range of the public pairs."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import realism

from CEMSynthLib.phantom.texture import power_law_field


@pytest.fixture(scope="module")
def real():
    if not realism.REAL.is_dir():
        pytest.skip("the four real pairs are not beside the checkout")
    return realism.real_pairs()


@pytest.mark.slow
def test_the_simulated_views_lie_near_the_real_pairs(real):
    rows = realism.compare(real, realism.simulated_pairs(31, range(1, 25), 0.4))
    print(*rows, sep="\n")
    assert [row.name for row in rows] == list(realism.UNITS)
    assert not [str(row) for row in rows if not row.passed]


@pytest.mark.parametrize("beta", [2.0, 3.0])
def test_the_texture_exponent_is_that_of_a_known_field(beta):
    field = power_law_field(np.random.default_rng(2), realism.SIZE, 1.0, beta, 1000.0)
    assert realism.texture_exponent(field, np.ones(realism.SIZE, bool)) == pytest.approx(beta, abs=0.25)
    assert np.isnan(realism.texture_exponent(field, np.zeros(realism.SIZE, bool)))


def test_the_histogram_distance_is_the_shift():
    image = np.random.default_rng(1).integers(20, 90, (64, 64))
    mask = np.ones(image.shape, bool)
    assert realism.histogram_distance(
        realism.histogram(image, mask), realism.histogram(image + 13, mask)
    ) == pytest.approx(13)


def test_what_is_too_bright_fails(real):
    rows = {row.name: row for row in realism.compare(real, real)}
    assert all(row.passed for row in rows.values()), "the real pairs are like themselves"
    brighter = [
        realism.Shown(
            p.name,
            np.clip(p.low + 60, 0, 255).astype(np.uint8),
            p.recombined,
            p.low_mask,
            p.recombined_mask,
            p.aligned,
            p.common,
        )
        for p in real
    ]
    failed = {row.name for row in realism.compare(real, brighter) if not row.passed}
    assert {"LE median", "LE histogram distance (Wasserstein-1)"} <= failed
    assert not {name for name in failed if "recombined" in name or "halo" in name}
