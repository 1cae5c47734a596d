import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from CEMSynthLib.study.mask import breast_mask
from CEMSynthLib.study.model import Side, ViewPosition
from CEMSynthLib.study.nipple import nipple_position, nipple_region
from CEMSynthLib.study.pectoral import OBLIQUE_VIEWS, pectoral_mask

ROWS, COLUMNS = 400, 220


def oblique(top=80, end=240, muscle=60.0, gland=80.0, nipple=(230, 8.0), seed=0):
    """Image, breast and muscle of an oblique view: an even wedge, rough gland, a nipple that sticks out."""
    row, column = np.mgrid[:ROWS, :COLUMNS].astype(float)
    rng = np.random.default_rng(seed)
    front = np.where(
        row < 230, 110 + 70 * np.sin(np.pi / 2 * row / 230), 180 * np.sqrt(np.clip(1 - ((row - 230) / 150) ** 2, 0, 1))
    )
    front = front + nipple[1] * np.exp(-(((row - nipple[0]) / 7) ** 4)) * (front > 0)
    breast = column < front
    wedge = breast & (column < top * (1 - row / end))
    rough = ndimage.gaussian_filter(rng.standard_normal(breast.shape), 3)
    where = np.exp(-(((row - 240) / 70) ** 2) - ((column - 100) / 50) ** 2)
    image = (
        100
        + gland * where * (1 + rough / rough.std())
        + 4 * ndimage.gaussian_filter(rng.standard_normal(breast.shape), 1.5) / 0.2
    )
    image = np.where(wedge, 100 + muscle + 0.1 * (image - 100), image)
    return np.where(breast, image, 0).astype(np.float32), breast, wedge


def dice(first, second):
    return 2 * (first & second).sum() / (first.sum() + second.sum())


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(("top", "end"), [(80, 240), (50, 300), (100, 200)])
def test_a_known_muscle_is_found_on_either_side(top, end, side):
    image, breast, wedge = oblique(top, end)
    turn = slice(None) if side is Side.LEFT else slice(None, None, -1)
    found = pectoral_mask(image[:, turn], breast[:, turn], side, ViewPosition.MLO)
    assert dice(found[:, turn], wedge) > 0.93
    assert not (found & ~breast[:, turn]).any()


def test_gray_scale_and_resolution_do_not_matter():
    image, breast, wedge = oblique()
    plain = pectoral_mask(image, breast, Side.LEFT, ViewPosition.MLO)
    assert np.array_equal(pectoral_mask(image * 7 - 3, breast, Side.LEFT, ViewPosition.MLO), plain)
    large = [np.kron(a, np.ones((3, 3), a.dtype)) for a in (image, breast, wedge)]
    found = pectoral_mask(large[0], large[1], Side.LEFT, ViewPosition.MLO)
    assert dice(found, large[2]) > 0.93


def test_other_views_and_views_without_muscle_have_none():
    image, breast, _ = oblique()
    for view in (ViewPosition.CC, ViewPosition.XCCL, None):
        assert view not in OBLIQUE_VIEWS
        assert pectoral_mask(image, breast, Side.LEFT, view) is None
    plain = np.where(breast, 100.0, 0.0).astype(np.float32)
    assert pectoral_mask(plain, breast, Side.LEFT, ViewPosition.MLO) is None
    assert pectoral_mask(plain, np.zeros_like(breast), Side.LEFT, ViewPosition.MLO) is None
    assert pectoral_mask(plain[:20, :20], breast[:20, :20], Side.LEFT, ViewPosition.MLO) is None
    with pytest.raises(ValueError, match="shape"):
        pectoral_mask(plain, breast[1:], Side.LEFT, ViewPosition.MLO)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("spacing", [(0.5, 0.5), None])
@pytest.mark.parametrize("row", [200, 230, 260])
def test_a_nipple_in_profile_is_found(row, spacing, side):
    _, breast, _ = oblique(nipple=(row, 10.0))
    _, without, _ = oblique(nipple=(row, 0.0))
    base = np.flatnonzero(without[row]).max()
    mask = breast if side is Side.LEFT else breast[:, ::-1]
    found = nipple_position(mask, side, spacing)
    assert found.in_profile
    column = found.column if side is Side.LEFT else COLUMNS - 1 - found.column
    assert np.hypot(found.row - row, column - base) < 5
    region = nipple_region(found, mask, spacing)
    assert region[round(found.row), round(found.column)]
    assert region.sum() == pytest.approx(
        np.pi * (20**2 if spacing else (0.05 * breast.any(axis=1).sum()) ** 2), rel=0.05
    )


def test_without_a_nipple_in_profile_the_farthest_point_is_given():
    row, column = np.mgrid[:300, :200]
    mask = ((row - 140) / 120) ** 2 + (column / 150) ** 2 <= 1
    found = nipple_position(mask, Side.LEFT, (0.8, 0.8))
    assert not found.in_profile
    assert (found.row, found.column) == (pytest.approx(140, abs=2), pytest.approx(150, abs=2))
    muscle = mask & (column < 60 * (1 - row / 150))
    # Along the normal of the muscle's edge the farthest point of an ellipse lies lower: tan = b^2 / a^2 * slope.
    tilted = nipple_position(mask, Side.LEFT, (0.8, 0.8), muscle)
    expected = 140 + 120**2 * 0.4 / np.hypot(150, 120 * 0.4)
    assert tilted.row == pytest.approx(expected, abs=8)
    assert nipple_position(np.zeros_like(mask), Side.LEFT) is None


def simulated_views(count):
    view = pytest.importorskip("CEMSynthLib.phantom.view")
    patient = pytest.importorskip("CEMSynthLib.phantom.patient")
    for number in range(count):
        drawn = patient.draw_patient(41, number)
        for side in "LR":
            for position in ("CC", "MLO"):
                yield position, view.simulate_view(drawn, side, position, 0.8)


@pytest.mark.slow
def test_masks_muscle_and_nipple_of_simulated_views():
    """Breast Dice at least 0.98 everywhere; muscle 0.9 in nine views of ten; nipple 3 mm in the median."""
    masks, muscles, nipples = [], [], []
    for position, view in simulated_views(6):
        low = view.low_energy.astype(np.float32)
        found = breast_mask(low, (0.8, 0.8))
        masks += [dice(found.mask, view.mask)]
        masks += [dice(breast_mask(view.recombined.astype(np.float32), (0.8, 0.8)).mask, view.mask)]
        muscle = pectoral_mask(low, found.mask, found.chest_wall, ViewPosition(position))
        if position == "MLO":
            muscles.append(0.0 if muscle is None else dice(muscle, view.pectoral))
        nipple = nipple_position(found.mask, found.chest_wall, (0.8, 0.8), muscle)
        ((x, y),) = view.xy_mm(np.array([view.nipple_mm]))
        nipples.append(np.hypot(nipple.row * 0.8 - y, nipple.column * 0.8 - x))
    assert min(masks) > 0.98
    assert np.percentile(muscles, 10) > 0.85
    assert np.median(muscles) > 0.93
    assert np.median(nipples) < 3.0


def test_the_real_oblique_views(real_pairs):
    """What a reader sees: the muscle's edge at a fifth of the height, the nipple by its skin marker."""
    for stem, edge, nipple in (("P10_L_DM_MLO", (34, 50), None), ("P12_L_DM_MLO", (24, 40), 435)):
        pixels = np.asarray(Image.open(real_pairs / f"{stem}.png")).astype(np.float32)
        found = breast_mask(pixels)
        muscle = pectoral_mask(pixels, found.mask, found.chest_wall, ViewPosition.MLO)
        assert edge[0] <= muscle[100].sum() <= edge[1]
        position = nipple_position(found.mask, found.chest_wall, None, muscle)
        assert position.in_profile is (nipple is not None)
        if nipple is not None:
            assert position.row == pytest.approx(nipple, abs=15)
