import csv
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from CEMSynthLib.measurement.annotations import POINT_RADIUS, read_annotations
from CEMSynthLib.measurement.errors import MarkupsError
from CEMSynthLib.measurement.regions import RegionRole, region_mask
from CEMSynthLib.measurement.shape_moving import scaled_and_shifted
from CEMSynthLib.measurement.shapes import ClosedCurve, Ellipse, Polygon, Rectangle, inside

HEADER = ["#filename", "file_size", "file_attributes", "region_count", "region_id", "region_shape_attributes",
          "region_attributes"]  # fmt: skip
SHAPES = [
    {"name": "polygon", "all_points_x": [10, 30, 30, 10], "all_points_y": [10, 10, 40, 40]},
    {"name": "polyline", "all_points_x": [10, 30, 30, 10], "all_points_y": [10, 10, 40, 40]},
    {"name": "ellipse", "cx": 50, "cy": 40, "rx": 10, "ry": 5},
    {"name": "ellipse", "cx": 50, "cy": 40, "rx": 10, "ry": 5, "theta": math.pi / 2},
    {"name": "circle", "cx": 50, "cy": 40, "r": 7.5},
    {"name": "rect", "x": 5, "y": 6, "width": 20, "height": 10},
    {"name": "point", "cx": 60, "cy": 20},
]


def write(path, rows, header=HEADER):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for row in rows:
            name, shape, meaning = (*row, {})[:3]
            text = shape if isinstance(shape, str) else json.dumps(shape)
            writer.writerow([name, 1, "{}", 1, 0, text, json.dumps(meaning)])
    return path


def test_all_shapes_are_read_and_cover_what_they_enclose(tmp_path):
    found = read_annotations(write(tmp_path / "a.csv", [("P1_L_CM_CC .jpg", shape) for shape in SHAPES]))
    assert found.left_out == ()
    polygon, polyline, flat, upright, circle, rect, point = (t.region for t in found.regions)
    assert polygon.shape == polyline.shape == Polygon(((10, 10), (30, 10), (30, 40), (10, 40)))
    areas = [int(region_mask(r, (100, 100), None).sum()) for r in (polygon, flat, upright, circle, rect, point)]
    exact = [600, math.pi * 50, math.pi * 50, math.pi * 7.5**2, 200, math.pi * POINT_RADIUS**2]
    assert areas == pytest.approx(exact, rel=0.08)
    assert areas[0] == 600
    assert areas[4] == 200
    lying, standing = (region_mask(r, (100, 100), None)[20:61, 30:71] for r in (flat, upright))
    assert np.array_equal(lying.T, standing)
    assert rect.shape == Rectangle((15, 11), (20, 10))
    assert all(t.in_pixels and t.image == "P1_L_CM_CC .jpg" and t.tied for t in found.regions)
    assert [t.region.name for t in found.regions] == [f"P1_L_CM_CC_lesion_{i}" for i in range(1, 8)]


def test_roles_and_names(tmp_path):
    rows = [
        (r"Low energy images\P1_L_DM_CC.jpg", SHAPES[0], {"kind": "Background"}),
        ("P1_L_DM_CC.jpg", SHAPES[0], {"kind": "mass"}), ("P2_L_DM_CC.jpg", SHAPES[4]),
        ("P3_L_DM_CC.jpg", {}), ("P3_L_DM_CC.jpg", ""),
    ]  # fmt: skip
    found = read_annotations(write(tmp_path / "a.csv", rows)).regions
    assert [(t.image, t.region.name, t.region.role) for t in found] == [
        ("P1_L_DM_CC.jpg", "P1_L_DM_CC_background_1", RegionRole.BACKGROUND),
        ("P1_L_DM_CC.jpg", "P1_L_DM_CC_lesion_1", RegionRole.LESION),
        ("P2_L_DM_CC.jpg", "P2_L_DM_CC_lesion_1", RegionRole.LESION),
    ]


def test_shapes_that_enclose_nothing_are_left_out_in_words(tmp_path):
    rows = [
        ("P1.jpg", {"name": "polygon", "all_points_x": [1, 2], "all_points_y": [1, 2]}),
        ("P1.jpg", {"name": "polyline", "all_points_x": [1, 2, 1], "all_points_y": [1, 2, 1]}),
        ("P1.jpg", {"name": "rect", "x": 1, "y": 1, "width": 0, "height": 9}),
        ("P1.jpg", {"name": "circle", "cx": 1, "cy": 1, "r": 0}), ("P1.jpg", SHAPES[0]),
    ]  # fmt: skip
    found = read_annotations(write(tmp_path / "a.csv", rows))
    assert len(found.regions) == 1
    assert [text.split(" (")[0] for text in found.left_out] == [f"a.csv, line {i}" for i in range(2, 6)]


@pytest.mark.parametrize(("row", "words"), [
    (("P1.jpg", "{no json"), "no JSON"), (("P1.jpg", "[1]"), "no JSON object"),
    (("P1.jpg", {"name": "star"}), '"star"'), (("P1.jpg", {"cx": 1}), '"None"'),
    (("P1.jpg", {"name": "circle", "cx": 1, "cy": "2", "r": 3}), "its cy is no number"),
    (("P1.jpg", {"name": "circle", "cx": 1, "cy": 2}), "its r is no number"),
    (("P1.jpg", {"name": "circle", "cx": True, "cy": 2, "r": 1}), "its cx is no number"),
    (("P1.jpg", '{"name": "circle", "cx": NaN, "cy": 2, "r": 1}'), "its cx is no number"),
    (("P1.jpg", {"name": "polygon", "all_points_x": [1, 2, 3], "all_points_y": [1, 2]}), "3 x and 2 y"),
    (("P1.jpg", {"name": "polygon", "all_points_x": 5, "all_points_y": [1, 2]}), "no list"),
    (("", SHAPES[0]), "names no file"),
])  # fmt: skip
def test_rows_that_cannot_be_understood_are_told_by_line(tmp_path, row, words):
    path = write(tmp_path / "a.csv", [("P1.jpg", SHAPES[0]), row])
    with pytest.raises(MarkupsError, match=rf"a\.csv, line 3: .*{words}"):
        read_annotations(path)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(MarkupsError, match="no column filename and region_shape_attributes"):
        read_annotations(write(tmp_path / "a.csv", [], ["x"]))
    with pytest.raises(MarkupsError, match="cannot be read"):
        read_annotations(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\xd8\x00")
    with pytest.raises(MarkupsError, match="UTF-8"):
        read_annotations(tmp_path / "b.csv")


SHAPE = st.one_of(
    st.builds(Ellipse, st.just((40.0, 50.0)), st.tuples(st.floats(5, 20), st.floats(5, 20)), st.floats(-180, 180)),
    st.builds(Rectangle, st.just((40.0, 50.0)), st.tuples(st.floats(5, 30), st.floats(5, 30)), st.floats(-180, 180)),
    st.just(Polygon(((20.0, 30.0), (60.0, 35.0), (45.0, 70.0)))),
    st.just(ClosedCurve(((20.0, 30.0), (60.0, 35.0), (45.0, 70.0)))),
)


@settings(max_examples=30, deadline=None)
@given(SHAPE, st.tuples(st.floats(0.5, 2), st.floats(0.5, 2)), st.tuples(st.floats(-20, 20), st.floats(-20, 20)))
def test_a_shape_is_moved_there_and_back(shape, scale, shift):
    """There and back it is the same shape, and on the way its area grows by both scales."""
    before = inside(shape, (0, 200), (0, 200), (0.5, 0.5))
    moved = scaled_and_shifted(shape, scale, shift)
    back = scaled_and_shifted(moved, (1 / scale[0], 1 / scale[1]), (-shift[0] / scale[0], -shift[1] / scale[1]))
    again = inside(back, (0, 200), (0, 200), (0.5, 0.5))
    assert np.count_nonzero(before ^ again) <= 0.01 * max(100, np.count_nonzero(before))
    area = np.count_nonzero(inside(moved, (-60, 520), (-60, 520), (0.5, 0.5)))
    assert area == pytest.approx(np.count_nonzero(before) * scale[0] * scale[1], rel=0.05, abs=60)


def test_a_moved_circle_is_the_ellipse_of_the_formula():
    moved = scaled_and_shifted(Ellipse((1, 2), (3, 3)), (2, 4), (10, 20))
    assert moved.center == (12, 28)
    assert sorted(moved.semi_axes) == pytest.approx([6, 12])
    assert abs(math.sin(math.radians(moved.angle_degrees))) == pytest.approx(1)  # the long axis along y
    with pytest.raises(ValueError, match="above 0"):
        scaled_and_shifted(Ellipse((1, 2), (3, 3)), (0, 1), (0, 0))
