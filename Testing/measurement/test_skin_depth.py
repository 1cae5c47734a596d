"""Depth behind the skin, its stripes, and what is left out."""

from types import SimpleNamespace

import numpy as np
import pytest

from CEMSynthLib.measurement.skin_depth import skin_depth


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.8, 1.25)])
def test_half_disc(analytic: SimpleNamespace, side: str, spacing: tuple[float, float]) -> None:
    breast = analytic.half_disc(side, spacing)
    result = skin_depth(breast.mask, breast.skin, side, spacing)
    assert result.unit == "mm"
    np.testing.assert_allclose(result.depth[result.used], breast.depth[result.used], atol=1.5)
    # Away from the center all skin points are not equally near, and the stripe is that of the pixel's own angle.
    clear = result.used & (breast.depth < 150)
    stripes = (breast.angle[clear] + 90) / 180 * 48 - 0.5
    assert np.abs(result.stripe[clear] - stripes).max() < 1.3


def test_margins(analytic: SimpleNamespace) -> None:
    breast = analytic.half_disc()
    used = skin_depth(breast.mask, breast.skin, "left", (1.0, 1.0)).used
    # 5% of the height of 500 is 25: along the chest wall, and along the skin at its two ends (5.7 degrees).
    assert not used[:, :25].any()
    assert used[:, 25].any()
    near_skin = used & (breast.depth < 50)
    assert 90 - 6.5 < np.abs(breast.angle[near_skin]).max() + 1.0 < 90 - 4
    # A breast that runs on over the lower border loses its last 5% there.
    cut = skin_depth(breast.mask[:400], breast.skin[:400], "left", (1.0, 1.0)).used
    last = int(np.flatnonzero(cut.any(axis=1))[-1])
    assert last == 400 - 20 - 1  # 5% of the 395 rows that are left is 19.75
    # ... and what lies behind the skin there, however far inside: radius 190, behind the skin at rows 390 and 370.
    behind = {
        row: (260 + round((row - 260) * 0.76), round(190 * np.sqrt(1 - ((row - 260) / 250) ** 2))) for row in (390, 370)
    }
    assert not cut[behind[390]]
    assert cut[behind[370]]


def test_along_rows_counts_columns_and_leaves_out_leaning_skin(analytic: SimpleNamespace) -> None:
    breast = analytic.half_disc()
    result = skin_depth(breast.mask, breast.skin, "left", None)
    rows = np.flatnonzero(result.used.any(axis=1))
    # The skin leans 45 degrees where the row is R / sqrt(2) = 177 from the middle row 260.
    assert rows[0] == pytest.approx(260 - 177, abs=4)
    assert rows[-1] == pytest.approx(260 + 177, abs=4)
    front = int(np.flatnonzero(breast.mask[260])[-1])
    np.testing.assert_array_equal(result.depth[260, 30 : front + 1], front - np.arange(30, front + 1))


def test_nothing_to_measure_from(analytic: SimpleNamespace) -> None:
    breast = analytic.half_disc()
    nothing = np.zeros_like(breast.skin)
    assert not skin_depth(breast.mask, nothing, "left", (1.0, 1.0)).used.any()
    assert not skin_depth(nothing, breast.skin, "left", None).used.any()
