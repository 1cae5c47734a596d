"""Markups files and regions.json: what is read, and what is said when they cannot be."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from CEMSynthLib.export.markups import write_region, write_regions_index
from CEMSynthLib.measurement.errors import MarkupsError
from CEMSynthLib.measurement.markups import RegionTie, read_markups, read_regions
from CEMSynthLib.measurement.regions import Region, RegionRole, region_mask
from CEMSynthLib.measurement.shapes import ClosedCurve, Ellipse, Polygon, Rectangle, Shape

ROI: dict[str, Any] = {
    "type": "ROI",
    "coordinateSystem": "LPS",
    "roiType": "Box",
    "center": [30.0, 40.0, 0.0],
    "orientation": [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0],
    "size": [20.0, 10.0, 4.0],
    "controlPoints": [{"label": "R-1", "position": [30.0, 40.0, 0.0]}],
}


def save(path: Path, *markups: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"@schema": "x", "markups": list(markups)}))
    return path


def shape(path: Path) -> Shape:
    return read_markups(path)[0].shape


def test_roi_in_lps(tmp_path: Path) -> None:
    (region,) = read_markups(save(tmp_path / "L_CC_lesion_1.mrk.json", ROI))
    assert region == Region("L_CC_lesion_1", RegionRole.LESION, Rectangle((30.0, 40.0), (20.0, 10.0), 0.0))


@pytest.mark.parametrize("ras", ["RAS", "ras", 0])
@pytest.mark.parametrize("lps", ["LPS", 1])
def test_ras_is_lps_with_x_and_y_turned(tmp_path: Path, ras: object, lps: object) -> None:
    turned = ROI | {"coordinateSystem": ras, "center": [-30.0, -40.0, 0.0], "orientation": [1, 0, 0, 0, 1, 0, 0, 0, 1]}
    first = shape(save(tmp_path / "lesion.mrk.json", turned))
    assert first == shape(save(tmp_path / "lesion.mrk.json", ROI | {"coordinateSystem": lps}))
    assert isinstance(first, Rectangle)
    assert first.center == (30.0, 40.0)


def test_box_turned_by_a_right_angle_changes_its_sides(tmp_path: Path) -> None:
    quarter = ROI | {"orientation": [0, 1, 0, -1, 0, 0, 0, 0, 1]}
    assert shape(save(tmp_path / "lesion.mrk.json", quarter)) == Rectangle((30.0, 40.0), (10.0, 20.0), 0.0)


def test_box_lying_on_another_axis_uses_the_two_sides_in_the_plane(tmp_path: Path) -> None:
    upended = ROI | {"orientation": [1, 0, 0, 0, 0, 1, 0, -1, 0], "size": [20.0, 4.0, 10.0]}
    assert shape(save(tmp_path / "lesion.mrk.json", upended)) == Rectangle((30.0, 40.0), (20.0, 10.0), 0.0)


def test_role_from_stem_then_from_label(tmp_path: Path) -> None:
    labeled = ROI | {"controlPoints": [{"label": "Background fat", "position": [30, 40, 0]}]}
    assert read_markups(save(tmp_path / "R.mrk.json", labeled))[0].role is RegionRole.BACKGROUND
    assert read_markups(save(tmp_path / "R_LESION.mrk.json", labeled))[0].role is RegionRole.LESION
    for name, markup in (("R.mrk.json", ROI), ("lesion_background.mrk.json", ROI)):
        with pytest.raises(MarkupsError, match="does not tell whether"):
            read_markups(save(tmp_path / name, markup))


def test_two_markups_in_a_file_have_two_names(tmp_path: Path) -> None:
    regions = read_markups(save(tmp_path / "lesion.mrk.json", ROI, ROI))
    assert [region.name for region in regions] == ["lesion", "lesion_2"]


def test_points_that_are_not_placed_are_left_out(tmp_path: Path) -> None:
    points = [{"position": [x, y, 0.0], "positionStatus": "defined"} for x, y in ((0, 0), (9, 0), (9, 9))]
    preview = {"position": [50.0, 50.0, 0.0], "positionStatus": "preview"}
    curve = {"type": "ClosedCurve", "coordinateSystem": "LPS", "controlPoints": [*points, preview]}
    assert shape(save(tmp_path / "lesion.mrk.json", curve)) == ClosedCurve(((0, 0), (9, 0), (9, 9)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "Line"}, 'is a "Line"'),
        ({"coordinateSystem": "IJK"}, 'coordinate system is "IJK"'),
        ({"insideOut": True}, "inside out"),
        ({"roiType": "Sphere"}, "not Box"),
        ({"size": [20.0, 10.0]}, "size is missing"),
        ({"size": [20.0, 0.0, 4.0]}, "no width or no height"),
        ({"center": [20.0, float("nan"), 0.0]}, "center is missing"),
        ({"orientation": [1, 0, 0, 0, 0.8, -0.6, 0, 0.6, 0.8]}, "tilted"),
        ({"type": "ClosedCurve", "controlPoints": [{"position": [1, 2, 3]}]}, "drawn with 1 points"),
    ],
)
def test_what_cannot_be_a_region_is_said_with_the_file(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises(MarkupsError, match=words) as caught:
        read_markups(save(tmp_path / "lesion.mrk.json", ROI | change))
    assert "lesion.mrk.json" in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"markups": []}', "\x00\x01"])
def test_damaged_files_get_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lesion.mrk.json"
    path.write_text(text)
    with pytest.raises(MarkupsError, match=r"lesion\.mrk\.json"):
        read_markups(path)


@pytest.mark.parametrize(
    "original",
    [
        Rectangle((31.4, 27.2), (20.0, 12.0)),
        Rectangle((31.4, 27.2), (20.0, 12.0), 33.0),
        Ellipse((30.0, 27.0), (14.0, 9.0), 20.0),
        Polygon(((10, 10), (45, 15), (40, 40), (15, 35))),
        ClosedCurve(((10, 10), (45, 15), (40, 40), (15, 35))),
    ],
)
def test_what_is_written_is_read_again(tmp_path: Path, original: Shape) -> None:
    region = Region("L_CC_lesion", RegionRole.LESION, original)
    write_region(tmp_path / "L_CC_lesion.mrk.json", region)
    (again,) = read_markups(tmp_path / "L_CC_lesion.mrk.json")
    before, after = (region_mask(r, (600, 600), (0.1, 0.1)) for r in (region, again))
    allowed = {Polygon: 0.003, Ellipse: 0.001}.get(type(original), 0.0)
    assert np.count_nonzero(before != after) <= allowed * np.count_nonzero(before)
    assert list(tmp_path.iterdir()) == [tmp_path / "L_CC_lesion.mrk.json"]


def test_folder_with_index(tmp_path: Path) -> None:
    for name in ("a_lesion", "b_background", "c_lesion"):
        save(tmp_path / f"{name}.mrk.json", ROI)
    write_regions_index(
        tmp_path,
        [RegionTie("a_lesion.mrk.json", sop_instance_uid="1.2.3"), RegionTie("b_background.mrk.json", image="P1.png")],
    )
    a, b, c = read_regions([tmp_path])
    assert (a.sop_instance_uid, a.image, a.tied) == ("1.2.3", None, True)
    assert (b.sop_instance_uid, b.image, b.tied) == (None, "P1.png", True)
    assert not c.tied
    # A file given alone takes its tie from the index beside it; nothing is read twice.
    assert read_regions([tmp_path / "a_lesion.mrk.json"]) == [a]
    assert read_regions([tmp_path / "b_background.mrk.json", tmp_path, tmp_path / "regions.json"]) == [b, a, c]


def test_file_alone_is_tied_to_nothing(tmp_path: Path) -> None:
    (region,) = read_regions([save(tmp_path / "lesion.mrk.json", ROI)])
    assert not region.tied


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ({"format": "other", "version": 1, "regions": []}, "not of format"),
        ({"format": "cemsynth-regions", "version": 2, "regions": []}, "not of format"),
        ({"format": "cemsynth-regions", "version": 1}, 'no list "regions"'),
        ({"format": "cemsynth-regions", "version": 1, "regions": [3]}, 'no "file"'),
        ({"format": "cemsynth-regions", "version": 1, "regions": [{"file": "lesion.mrk.json"}]}, "ties .* to nothing"),
        (
            {"format": "cemsynth-regions", "version": 1, "regions": [{"file": "../x.mrk.json", "image": "a"}]},
            "outside its folder",
        ),
        (
            {"format": "cemsynth-regions", "version": 1, "regions": [{"file": "x.mrk.json", "image": "a"}]},
            "which is not there",
        ),
    ],
)
def test_index_that_cannot_be_used(tmp_path: Path, index: dict[str, Any], words: str) -> None:
    save(tmp_path / "lesion.mrk.json", ROI)
    (tmp_path / "regions.json").write_text(json.dumps(index))
    with pytest.raises(MarkupsError, match=words):
        read_regions([tmp_path])


def test_missing_and_empty(tmp_path: Path) -> None:
    with pytest.raises(MarkupsError, match="no file or folder"):
        read_regions([tmp_path / "nowhere"])
    with pytest.raises(MarkupsError, match=r"holds no \.mrk\.json"):
        read_regions([tmp_path])
    with pytest.raises(MarkupsError, match="does not end with"):
        write_region(tmp_path / "a.json", Region("lesion", RegionRole.LESION, Rectangle((0, 0), (5, 5))))
    with pytest.raises(MarkupsError, match="tied to nothing"):
        write_regions_index(tmp_path, [RegionTie("a.mrk.json")])
    assert list(tmp_path.iterdir()) == []
