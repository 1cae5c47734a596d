"""Which pixels belong to a region."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from CEMSynthLib.measurement.errors import RegionError
from CEMSynthLib.measurement.regions import Region, RegionRole, pair_regions, region_mask
from CEMSynthLib.measurement.shapes import ClosedCurve, Ellipse, Polygon, Rectangle, Shape, bounds


def lesion(shape: Shape, name: str = "lesion") -> Region:
    return Region(name, RegionRole.LESION, shape)


def box(x: float, y: float, width: float, height: float) -> Rectangle:
    return Rectangle((x + width / 2, y + height / 2), (width, height))


@given(x=st.integers(0, 90_000).map(lambda n: n / 10_000), y=st.integers(0, 90_000).map(lambda n: n / 10_000))
def test_ten_millimeters_at_a_tenth_are_ten_thousand_pixels_wherever_they_lie(x: float, y: float) -> None:
    mask = region_mask(lesion(box(x, y, 10, 10)), (200, 200), (0.1, 0.1))
    assert np.count_nonzero(mask) == 10_000


@pytest.mark.parametrize("x", [0.0, 0.3, 0.6, 0.7, 1.1, 2.3, 4.1, 5.7])
def test_box_whose_edges_lie_on_pixel_centers_keeps_the_low_edge_only(x: float) -> None:
    # 0.1 * 3 is 0.30000000000000004 in floating point, which must not lose or add a column.
    columns = np.flatnonzero(region_mask(lesion(box(x, x, 10, 10)), (200, 200), (0.1, 0.1)).any(axis=0))
    assert (columns[0], columns[-1]) == (round(10 * x), round(10 * x) + 99)


@given(
    cuts=st.lists(st.integers(0, 4000).map(lambda n: n / 100), min_size=3, max_size=3, unique=True).map(sorted),
    spacing=st.sampled_from([0.065, 0.07, 0.1, 1.0, 0.094]),
)
def test_two_boxes_side_by_side_are_the_large_box(cuts: list[float], spacing: float) -> None:
    grid = (60, math.ceil(45 / spacing))

    def mask(low: float, high: float) -> np.ndarray:
        shape = Rectangle(((low + high) / 2, 20 * spacing), (high - low, 30 * spacing))
        try:
            return region_mask(lesion(shape), grid, (spacing, spacing))
        except RegionError:  # too narrow for 20 pixels: nothing to compare
            return np.zeros(0, dtype=bool)

    left, right, whole = mask(cuts[0], cuts[1]), mask(cuts[1], cuts[2]), mask(cuts[0], cuts[2])
    if left.size and right.size and whole.size:
        assert not (left & right).any()
        np.testing.assert_array_equal(left | right, whole)


@given(
    st.integers(5, 40), st.integers(5, 40), st.integers(1, 30), st.integers(1, 30), st.sampled_from([0.0, 0.25, 0.5])
)
def test_upright_polygon_and_quarter_turned_box_are_the_box(w: int, h: int, x: int, y: int, part: float) -> None:
    shape = box(x + part, y + part, w, h)
    x0, y0, x1, y1 = bounds(shape)
    expected = region_mask(lesion(shape), (80, 80), None)
    polygon = Polygon(((x0, y0), (x1, y0), (x1, y1), (x0, y1)))
    np.testing.assert_array_equal(region_mask(lesion(polygon), (80, 80), None), expected)
    assert np.count_nonzero(expected) == w * h


def test_anisotropic_spacing_is_row_then_column() -> None:
    mask = region_mask(lesion(box(0, 0, 10, 10)), (60, 60), (0.5, 0.25))
    assert np.flatnonzero(mask.any(axis=1)).size == 20
    assert np.flatnonzero(mask.any(axis=0)).size == 40


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, 137.0])
def test_areas_of_turned_shapes(angle: float) -> None:
    center = (100.3, 99.8)
    for shape, area in (
        (Rectangle(center, (60, 90), angle), 60 * 90),
        (Ellipse(center, (40, 60), angle), math.pi * 40 * 60),
    ):
        mask = region_mask(lesion(shape), (200, 200), None)
        assert np.count_nonzero(mask) == pytest.approx(area, rel=0.01)
        rows, columns = np.nonzero(mask)
        assert (columns.mean(), rows.mean()) == pytest.approx(center, abs=0.6)
        x0, y0, x1, y1 = bounds(shape)
        assert (columns.min() - x0, x1 - columns.max()) == pytest.approx((0.5, 0.5), abs=2.5)
        assert (rows.min() - y0, y1 - rows.max()) == pytest.approx((0.5, 0.5), abs=2.5)


def test_turn_goes_from_x_toward_y() -> None:
    mask = region_mask(lesion(Rectangle((50, 50), (80, 4), 45.0)), (101, 101), None)
    assert mask[70, 70]
    assert not mask[30, 70]


def test_polygon_that_crosses_itself_follows_the_even_odd_rule() -> None:
    star = tuple((50 + 40 * math.sin(4 * math.pi * k / 5), 50 - 40 * math.cos(4 * math.pi * k / 5)) for k in range(5))
    mask = region_mask(lesion(Polygon(star)), (101, 101), None)
    assert not mask[50, 50]  # wound around twice
    assert mask[20, 50]


def test_closed_curve_is_rounder_than_its_polygon() -> None:
    points = tuple((50 + 30 * math.cos(k * math.pi / 4), 50 + 30 * math.sin(k * math.pi / 4)) for k in range(8))
    curve = np.count_nonzero(region_mask(lesion(ClosedCurve(points)), (101, 101), None))
    polygon = np.count_nonzero(region_mask(lesion(Polygon(points)), (101, 101), None))
    assert curve == pytest.approx(math.pi * 30**2, rel=0.01)
    assert polygon == pytest.approx(8 * 0.5 * 30**2 * math.sin(math.pi / 4), rel=0.01)


@pytest.mark.parametrize("shape", [box(-1, 5, 20, 20), box(5, 90, 20, 20), Ellipse((95, 50), (20, 20))])
def test_region_that_leaves_the_image_is_refused(shape: Shape) -> None:
    with pytest.raises(RegionError, match="leaves the image"):
        region_mask(lesion(shape), (100, 100), None)


def test_small_region_is_refused_with_its_count() -> None:
    with pytest.raises(RegionError, match="holds 19 pixels"):
        region_mask(lesion(box(5, 5, 19, 1)), (100, 100), None)
    assert region_mask(lesion(box(5, 5, 20, 1)), (100, 100), None).sum() == 20


def test_shapes_without_extent_are_refused() -> None:
    for make in (
        lambda: Rectangle((0, 0), (0, 5)),
        lambda: Ellipse((0, 0), (math.nan, 5)),
        lambda: Polygon(((0, 0), (1, 1))),
        lambda: ClosedCurve(((0, 0), (1, 1), (math.inf, 0))),
    ):
        with pytest.raises(RegionError):
            make()


def test_pairs() -> None:
    def region(name: str) -> Region:
        return Region(name, RegionRole("lesion" if "lesion" in name.lower() else "background"), box(0, 0, 9, 9))

    one, two, shared = region("L_CC_lesion_1"), region("L_CC_Lesion_2"), region("L_CC_background")
    assert pair_regions([one, shared, two]) == ((one, shared), (two, shared))
    first, second = region("L_CC_background_1"), region("L_CC_background_2")
    assert pair_regions([second, first, one, two]) == ((one, first), (two, second))
    with pytest.raises(RegionError, match="no background"):
        pair_regions([one])
    with pytest.raises(RegionError, match="no lesion"):
        pair_regions([shared])
    with pytest.raises(RegionError, match="fits 0 of 2"):
        pair_regions([region("L_CC_lesion_3"), first, second])


@settings(max_examples=25)
@given(st.integers(3, 9), st.integers(0, 10_000))
def test_polygon_agrees_with_scikit_image(corners: int, seed: int) -> None:
    from skimage.draw import polygon2mask

    points = np.random.default_rng(seed).uniform(5, 95, (corners, 2))
    try:
        mask = region_mask(lesion(Polygon(tuple(map(tuple, points)))), (100, 100), None)
    except RegionError:
        return
    other = polygon2mask((100, 100), points[:, ::-1])
    assert np.count_nonzero(mask != other) <= 3  # only centers that lie on the line itself may differ
