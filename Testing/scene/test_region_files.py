"""Regions from and to markups files: those of `cemsynth simulate`, and what `cemsynth measure` makes of ours."""

from pathlib import Path

import pytest

pytest.importorskip("slicer")

from CEMSynthLib.commands.measurement import tie_regions
from CEMSynthLib.commands.measurement_rows import measurement_rows
from CEMSynthLib.evaluation.acquisition import measure_acquisition
from CEMSynthLib.export.cnr_rows import RowMaker, region_rows
from CEMSynthLib.export.errors import ExportError
from CEMSynthLib.export.region_folder import write_region_folder
from CEMSynthLib.measurement.markups import read_regions
from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.measurement.shapes import ClosedCurve, Ellipse, Rectangle
from CEMSynthLib.scene.regions.errors import RegionSetError
from CEMSynthLib.scene.regions.files import import_regions, regions_to_save
from CEMSynthLib.scene.regions.info import RegionKind
from CEMSynthLib.scene.regions.region_set import RegionSet
from CEMSynthLib.scene.study import StudyInScene
from CEMSynthLib.study.reader import read_folder

LESION, BACKGROUND = RegionRole.LESION, RegionRole.BACKGROUND


@pytest.fixture
def opened(mrml, cohort):
    """A scene with a simulated study opened, of which one acquisition is shown."""
    world = mrml(views=True)
    world.found = read_folder(cohort / "dicom")
    world.study = StudyInScene(world.scene)
    rows = world.study.open(world.found)
    world.opened = {row.key: world.study.acquisition(row.key) for row in rows}
    world.key = rows[0].key
    world.regions = RegionSet(world.scene)
    world.regions.show(world.study.load(world.key))
    yield world
    world.regions.release()


def numbers(rows) -> dict:
    return {
        (r.image, r.place, r.quantity, r.formula): (r.value, r.low, r.high, r.n_pixels)
        for r in rows
        if r.value is not None
    }


def test_truth_regions_give_the_numbers_of_the_command_line(opened, cohort: Path) -> None:
    tied = read_regions([cohort / "regions"])
    drawn, left_out = import_regions(opened.regions, opened.scene, tied, opened.opened)
    assert len(drawn) == len(tied) == 16
    assert left_out == []
    here = opened.regions.regions()
    assert {r.kind for r in here if r.role is BACKGROUND} == {RegionKind.ELLIPSE}
    # Drawn on acquisitions that are not in the scene yet, too.
    assert len({r.acquisition for r in opened.regions.all_regions()}) == 4
    acquisition = opened.opened[opened.key]
    given, _ = tie_regions(opened.found, tied)
    index = next(j for j, a in enumerate(opened.found.studies[0].acquisitions) if a is acquisition)
    theirs = numbers(measurement_rows("P", acquisition, measure_acquisition(acquisition, None, given[0, index])))
    made = [(row.image.value, row) for row in opened.regions.finish()]
    ours = numbers(region_rows(RowMaker("P", "R", "CC"), made))
    same = {key: value for key, value in theirs.items() if key[1].startswith("SIM")}
    assert len(same) > 30
    assert {key: ours[key] for key in same} == same
    opened.regions.undo()
    assert opened.regions.all_regions() == []


def test_saved_and_read_again(opened, tmp_path: Path) -> None:
    regions = opened.regions
    first = regions.add(LESION, Ellipse((60.3, 80.1), (9.0, 7.0), 30.0), "mass; left background?")
    second = regions.add(LESION, ClosedCurve(((40.0, 60.0), (62.0, 61.0), (55.0, 80.0))))
    shared = regions.add(BACKGROUND, Rectangle((50.0, 110.0), (20.0, 14.0), 25.0))
    ring = regions.add_ring(second)
    regions.set_background(first, shared)
    rows = {(row.role, row.image, row.statistics) for row in regions.finish()}
    described, left_out = regions_to_save(regions.all_regions(), opened.scene, opened.opened)
    assert left_out == []
    folder = tmp_path / "saved"
    written = write_region_folder(folder, described)
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in written)
    with pytest.raises(ExportError, match="already"):
        write_region_folder(folder, described)
    tied = read_regions([folder])
    given, unmatched = tie_regions(opened.found, tied)
    assert unmatched == []
    assert len(given) == 1
    pairs = {regions.region(first).name: shared, regions.region(second).name: ring}
    assert len(pairs) == 2
    for key in (first, second, shared):  # the ring goes with its lesion
        regions.delete(key)
    assert regions.all_regions() == []
    drawn, _ = import_regions(regions, opened.scene, tied, opened.opened)
    assert {(row.role, row.image, row.statistics) for row in regions.finish()} == rows
    kinds = [regions.region(key).kind for key in drawn]
    assert sorted(kind.value for kind in kinds) == ["curve", "curve", "ellipse", "rectangle"]
    backgrounds = {
        type(regions.region(key).shape): type(regions.background(key)[0].shape)
        for key in drawn
        if regions.region(key).role is LESION
    }
    assert backgrounds == {Ellipse: Rectangle, ClosedCurve: ClosedCurve}


def test_what_belongs_nowhere_is_said(opened, tmp_path: Path, cohort: Path) -> None:
    with pytest.raises(RegionSetError, match="no region to save"):
        regions_to_save([], opened.scene, opened.opened)
    tied = read_regions([cohort / "regions"])
    opened.regions.show(None)
    drawn, left_out = import_regions(opened.regions, opened.scene, tied, {})
    assert len(drawn) == 4  # those of the acquisition in the scene
    assert len(left_out) == 12
    assert "no acquisition that is open" in left_out[0]
    loose = tmp_path / "lesion.mrk.json"
    loose.write_bytes(tied[0].path.read_bytes())
    _, left_out = import_regions(opened.regions, opened.scene, read_regions([loose]), {})
    assert "show its acquisition first" in left_out[0]
