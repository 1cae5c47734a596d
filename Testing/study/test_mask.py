import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from CEMSynthLib.study.errors import BreastNotFoundError
from CEMSynthLib.study.mask import breast_mask, skin_edge
from CEMSynthLib.study.model import ImageKind, Side
from CEMSynthLib.study.reader import read_folder


def breast(rows=256, columns=160, side=Side.LEFT):
    """Outline of a half ellipse at the chest wall, as a mask."""
    row, column = np.mgrid[:rows, :columns]
    inside = ((row - 0.5 * (rows - 1)) / (0.4 * rows)) ** 2 + (column / (0.7 * columns)) ** 2 <= 1
    return inside if side is Side.LEFT else inside[:, ::-1]


def paint(mask, tissue=1500.0, air=0.0, texture=0.3, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    pattern = ndimage.gaussian_filter(rng.standard_normal(mask.shape), 6)
    image = np.where(mask, tissue * (1 + texture * pattern / pattern.std()).clip(0.15, 3), air)
    return (image + noise * rng.standard_normal(mask.shape)).astype(np.float32)


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


def check_form(found):
    _, pieces = ndimage.label(found.mask)
    assert pieces == 1
    assert np.array_equal(ndimage.binary_fill_holes(found.mask), found.mask)
    assert found.mask[:, 0 if found.chest_wall is Side.LEFT else -1].any()


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("flip_up", [False, True])
@pytest.mark.parametrize(
    ("tissue", "air", "noise"), [(60, 0, 0), (1500, 0, 0), (1500, 300, 0), (1500, 100, 20), (2060, 0, 25), (3e4, 0, 0)]
)
def test_known_outline_at_any_depth_side_and_air(side, flip_up, tissue, air, noise):
    truth = breast(side=side)
    truth[:20] = False  # not symmetrical, so that a flip would show
    truth = truth[::-1] if flip_up else truth
    found = breast_mask(paint(truth, tissue, air, noise=noise))
    assert found.chest_wall is side
    assert overlap(found.mask, truth) > 0.98
    assert found.mask.sum() == pytest.approx(truth.sum(), rel=0.02)
    check_form(found)


def test_markers_are_left_out():
    truth = breast()
    image = paint(truth)
    image[20:60, 110:116] = 4000  # a letter beside the breast
    image[20:26, 110:130] = 4000
    row, column = np.mgrid[: truth.shape[0], : truth.shape[1]]
    tip = int(np.flatnonzero(truth[128]).max())
    ball = (row - 128) ** 2 + (column - tip - 4) ** 2 <= 5**2  # sticks out of the skin, and touches it
    image[ball] = 4000
    image[(row - 150) ** 2 + (column - 60) ** 2 <= 16] = 4000  # a clip inside stays in
    found = breast_mask(image)
    assert not found.mask[20:60, 110:130].any()
    assert (found.mask & ball & ~truth).sum() < 0.35 * (ball & ~truth).sum()
    assert found.mask[150, 60]
    assert overlap(found.mask, truth) > 0.98


def test_a_nipple_stays_in():
    truth = breast()
    row, column = np.mgrid[: truth.shape[0], : truth.shape[1]]
    tip = int(np.flatnonzero(truth[128]).max())
    nipple = ((row - 128) ** 2 + (column - tip) ** 2 <= 8**2) & ~truth
    found = breast_mask(paint(truth | nipple, texture=0.1))
    assert (found.mask & nipple).sum() > 0.5 * nipple.sum()


def test_dark_fat_is_not_cut_away_even_at_the_chest_wall():
    truth = breast()
    image = paint(truth, 100, 0, texture=0.1)
    row, column = np.mgrid[: truth.shape[0], : truth.shape[1]]
    fat = (row - 120) ** 2 + (column - 40) ** 2 <= 25**2
    image[fat] = 8
    hole = (row - 180) ** 2 + column**2 <= 10**2
    image[hole] = 0
    found = breast_mask(image)
    assert found.mask[fat].all()
    assert found.mask[hole & truth].mean() > 0.98
    assert overlap(found.mask, truth) > 0.99


def test_black_columns_at_the_chest_wall_belong_to_the_breast():
    truth = breast()
    image = paint(truth)
    image[:, :2] = 0
    found = breast_mask(image)
    assert found.chest_wall is Side.LEFT
    assert found.mask[128, 0]


def test_a_tight_crop_that_touches_three_borders():
    truth = breast()
    rows, columns = np.flatnonzero(truth.any(axis=1)), np.flatnonzero(truth.any(axis=0))
    crop = truth[rows[0] : rows[-1] + 1, : columns[-1] + 1]
    found = breast_mask(paint(crop))
    assert found.chest_wall is Side.LEFT
    assert overlap(found.mask, crop) > 0.98


def test_a_full_detector_matrix_is_exact_to_a_few_tenths_of_a_millimeter():
    truth = breast(1536, 960, Side.RIGHT)
    found = breast_mask(paint(truth, noise=15, air=40), (0.1, 0.1))
    inner, outer = ndimage.binary_erosion(truth, iterations=4), ndimage.binary_dilation(truth, iterations=4)
    assert found.mask[inner].all()
    assert not found.mask[~outer].any()


@settings(max_examples=25, deadline=None)
@given(
    slope=st.floats(0.05, 50), intercept=st.floats(-500, 500), side=st.sampled_from(list(Side)), seed=st.integers(0, 99)
)
def test_units_do_not_matter(slope, intercept, side, seed):
    image = paint(breast(128, 80, side), seed=seed, noise=5)
    first, second = breast_mask(image), breast_mask((image.astype(np.float64) * slope + intercept).astype(np.float32))
    assert first.chest_wall is second.chest_wall is side
    assert overlap(first.mask, second.mask) > 0.995


def test_no_breast():
    for blank in (np.zeros((64, 48)), np.full((64, 48), 7.0), np.full((64, 48), np.nan)):
        with pytest.raises(BreastNotFoundError):
            breast_mask(blank.astype(np.float32))
    middle = np.zeros((64, 48), dtype=np.float32)
    middle[20:40, 15:35] = 100
    with pytest.raises(BreastNotFoundError, match="neither side border"):
        breast_mask(middle)
    with pytest.raises(ValueError, match="rows and columns"):
        breast_mask(np.zeros((1, 64, 48), dtype=np.float32))


@pytest.mark.parametrize("side", list(Side))
def test_skin_edge_is_the_free_outline(side):
    mask = breast(side=side)
    edge = skin_edge(mask, side)
    assert edge[mask].any()
    assert not edge[~mask].any()
    assert not edge[[0, -1], :].any()
    assert not edge[:, [0, -1]].any()
    assert not (edge & ndimage.binary_erosion(mask)).any()
    # A half ellipse with half axes a, b has an outline of about pi * sqrt((a^2 + b^2) / 2); 4-neighbor edge pixels are
    # as many as the larger of rows and columns that the outline crosses, so fewer.
    a, b = 0.4 * 256, 0.7 * 160
    assert 0.7 < edge.sum() / (np.pi * np.sqrt((a**2 + b**2) / 2)) < 1.1


def test_skin_edge_leaves_image_borders_out():
    mask = breast()[40:-40, :100]  # cut at the top, at the bottom and at the right border
    edge = skin_edge(mask, Side.LEFT)
    rows, columns = np.nonzero(edge)
    assert rows.size
    assert (rows.min(), rows.max()) >= (1, 1)
    assert columns.max() < 99
    assert skin_edge(np.ones((20, 20), dtype=bool), Side.LEFT).sum() == 0


def test_the_real_pairs(real_pairs):
    folder = read_folder(real_pairs)
    for study in folder.studies:
        for acquisition in study.acquisitions:
            masks = []
            for image in acquisition.images:
                pixels = image.pixels()
                found = breast_mask(pixels)
                check_form(found)
                assert found.chest_wall is Side.LEFT
                masks.append(found.mask)
                mirrored = breast_mask(pixels[:, ::-1])
                assert mirrored.chest_wall is Side.RIGHT
                assert np.array_equal(mirrored.mask[:, ::-1], found.mask)
                assert np.array_equal(breast_mask(pixels[::-1]).mask[::-1], found.mask)
                # What is left out is air and marker: all but 1.2% of the grey pixels are in (the balls are up to 0.3%).
                assert (~found.mask & (pixels > 8)).sum() < 0.012 * found.mask.sum()
                # What is in is no air: black pixels inside (folds, dark fat) are under 2%.
                assert (pixels[found.mask] == 0).mean() < 0.02
                if image.kind is ImageKind.RECOMBINED and study.patient_id == "P10":
                    ball = (pixels > 200) & (np.arange(pixels.shape[1]) > 0.85 * pixels.shape[1])
                    assert ball.sum() > 100
                    assert (found.mask & ball).sum() < 0.1 * ball.sum()
            assert overlap(*masks) > 0.92


def test_the_phantom(tmp_path):
    cohort = pytest.importorskip("CEMSynthLib.phantom.cohort")
    cohort.simulate_cohort(tmp_path, seed=3, numbers=[2], spacing_mm=0.8)
    acquisitions = read_folder(tmp_path / "dicom").studies[0].acquisitions
    assert len(acquisitions) == 4
    for acquisition in acquisitions:
        name = acquisition.name.replace(" ", "_")
        truth = np.load(next(tmp_path.glob(f"truth/*/{name}.npz")))["breast"] > 0
        for image in acquisition.images:
            found = breast_mask(image.pixels(), image.grid.spacing_mm)
            check_form(found)
            assert found.chest_wall is image.chest_wall
            assert overlap(found.mask, truth) > 0.97


@pytest.mark.parametrize("spacing", [(1e-6, 1e-6), (400.0, 400.0)])
def test_an_impossible_spacing_in_the_header_changes_nothing(spacing):
    """Its millimeters would ask for a border of millions of pixels."""
    image = paint(breast())
    assert np.array_equal(breast_mask(image, spacing).mask, breast_mask(image, None).mask)
