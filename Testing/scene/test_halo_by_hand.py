"""The halo by hand: a corrected skin edge, a line across, and both as they come back from a file."""

import gc
import json

import numpy as np
import pytest

pytest.importorskip("slicer")
from halo_images import STEPS, breast
from halo_scene import SPACING, measured_halo, nodes, visible_in

from CEMSynthLib.measurement.band import band_profile
from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import find_acquisition
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.scene.halo import nodes as roles
from CEMSynthLib.scene.halo.edge import SkinCurve, curve_points, skin_path
from CEMSynthLib.scene.halo.in_scene import HaloInScene
from CEMSynthLib.scene.layout import VIEW_TAGS
from CEMSynthLib.study.mask import BreastMask
from CEMSynthLib.study.model import Side


@pytest.fixture
def measured(mrml, tmp_path):
    with measured_halo(mrml, tmp_path) as world:
        yield world


def test_a_curve_along_the_found_edge_gives_the_same_breast() -> None:
    for side in Side:
        inside, _ = breast((300, 230), SPACING, side.value)
        path = skin_path(BreastMask(inside, side))
        again = SkinCurve(curve_points(path), side, inside.shape).breast().mask
        assert 2 * (again & inside).sum() / (again.sum() + inside.sum()) > 0.995


def test_a_corrected_edge_is_measured_and_kept_and_can_be_taken_back(measured, tmp_path) -> None:
    found = measured.result.clinical.trough_depth
    told: list[str] = []
    measured.halo.edge_changed = told.append
    edge = measured.halo.correct_edge(measured.volumes)
    assert edge.GetNumberOfControlPoints() == 40
    move(edge, outward=-2.0)
    assert told
    assert set(told) == {measured.volumes.key}
    assert measured.halo.measured(measured.volumes) is None, "what was measured is of another edge"
    moved = measured.halo.measure(measured.volumes)
    assert rise(measured.result.clinical) - rise(moved.clinical) == pytest.approx(2.0, abs=0.5)
    assert moved.clinical.step == pytest.approx(STEPS[0], abs=2)
    measured.halo.remove_edge(measured.volumes.key)
    assert measured.halo.edge(measured.volumes.key) is None
    assert measured.halo.measure(measured.volumes).clinical.trough_depth == found


def rise(result) -> float:
    """Depth at which the profile has risen by half the step."""
    profile, trough = result.profile, result.profile.smoothed.argmin()
    behind = profile.smoothed[trough:] > profile.smoothed[trough] + result.step / 2
    return float(profile.depth[trough + np.argmax(behind)])


def move(curve, outward: float) -> None:
    """Shift all points away from the middle of the chest wall."""
    center = np.array([0.0, -299 / 2 * 0.8, 0.0])
    for i in range(curve.GetNumberOfControlPoints()):
        point = np.zeros(3)
        curve.GetNthControlPointPositionWorld(i, point)
        direction = (point - center) / np.linalg.norm(point - center)
        curve.SetNthControlPointPositionWorld(i, point + outward * direction)


def test_a_curve_that_encloses_nothing_is_said_in_words(measured) -> None:
    edge = measured.halo.correct_edge(measured.volumes)
    for i in range(edge.GetNumberOfControlPoints()):
        edge.SetNthControlPointPositionWorld(i, -1.0, -120.0 - 0.01 * i, 0.0)
    with pytest.raises(SceneError, match="encloses next to nothing"):
        measured.halo.measure(measured.volumes)


def test_an_edge_deleted_by_hand_is_told(measured) -> None:
    edge = measured.halo.correct_edge(measured.volumes)
    measured.halo.measure(measured.volumes)
    told: list[str] = []
    measured.halo.edge_changed = told.append
    measured.scene.RemoveNode(edge)
    assert told == [measured.volumes.key]


def test_an_edge_deleted_with_many_others_is_told(measured) -> None:
    edge = measured.halo.correct_edge(measured.volumes)
    measured.halo.measure(measured.volumes)
    told: list[str] = []
    measured.halo.edge_changed = told.append
    measured.scene.StartState(measured.scene.BatchProcessState)
    measured.scene.RemoveNode(edge)
    assert told == []
    measured.scene.EndState(measured.scene.BatchProcessState)
    assert told == [measured.volumes.key]


def test_line_by_hand_gives_its_own_step_on_both_images(measured) -> None:
    line = measured.halo.add_line(measured.volumes)
    found = measured.halo.update_line(measured.volumes.key)
    assert found.problem == ""
    assert found.results["clinical"].step == pytest.approx(STEPS[0], abs=5)
    assert found.results["SYNTHETIC"].step == pytest.approx(STEPS[1], abs=1)
    chart = measured.halo.chart(measured.volumes.key, line=True)
    assert chart.GetNumberOfPlotSeriesNodes() == 4
    measured.halo.show(measured.volumes, lines=False, sectors=False)
    assert visible_in(measured, line) == set(VIEW_TAGS.values())
    width = float(line.GetAttribute(names.BAND_WIDTH))
    ends = np.zeros((2, 3))
    for i in range(2):
        line.GetNthControlPointPositionWorld(i, ends[i])
    start, end = (tuple(-p[:2]) for p in ends)
    whole = band_profile(measured.result.input.clinical, start, end, width, SPACING, measured.result.breast.mask)
    assert np.allclose(found.results["clinical"].profile.median, whole.profile.median, rtol=1e-9), (
        "as on the whole image"
    )
    for i in range(2):
        line.SetNthControlPointPositionWorld(i, ends[1 - i])
    turned = measured.halo.update_line(measured.volumes.key)
    assert turned.results["clinical"].step == pytest.approx(found.results["clinical"].step, abs=0.5)


def test_a_line_that_misses_the_breast_is_said_in_words(measured) -> None:
    told: list[str] = []
    measured.halo.line_changed = told.append
    line = measured.halo.add_line(measured.volumes)
    line.SetNthControlPointPositionWorld(0, -180.0, -5.0, 0.0)
    line.SetNthControlPointPositionWorld(1, -140.0, -5.0, 0.0)
    assert told[-1] == measured.volumes.key
    assert "misses the breast" in measured.halo.update_line(measured.volumes.key).problem
    line.SetNthControlPointPositionWorld(1, -140.0, 40.0, 0.0)
    assert "leaves the image" in measured.halo.update_line(measured.volumes.key).problem
    assert measured.halo.chart(measured.volumes.key, line=True) is None
    measured.halo.set_line_width(measured.volumes.key, 3.0)
    measured.scene.RemoveNode(line)
    assert measured.halo.update_line(measured.volumes.key) is None


def test_lines_survive_the_garbage_collector(measured) -> None:
    """TRAP A: a closure over the observed node would end the process here."""
    measured.halo.line_changed = lambda key: None
    measured.halo.add_line(measured.volumes)
    measured.halo.correct_edge(measured.volumes)
    gc.collect()
    measured.halo.line(measured.volumes.key).SetNthControlPointPositionWorld(0, -20.0, -50.0, 0.0)
    move(measured.halo.edge(measured.volumes.key), 1.0)


def test_mrb_brings_numbers_profile_edge_and_line_back_and_no_models(measured, mrml, tmp_path) -> None:
    key = measured.volumes.key
    measured.halo.correct_edge(measured.volumes)
    measured.halo.measure(measured.volumes)
    measured.halo.add_line(measured.volumes)
    measured.halo.show(measured.volumes, lines=True, sectors=True)
    rows = measured.halo.rows(key)
    assert measured.scene.WriteToMRB(str(tmp_path / "halo.mrb"), None)
    world = mrml(views=True, markups=True)
    world.scene.SetURL(str(tmp_path / "halo.mrb"))
    assert world.scene.ReadFromMRB(str(tmp_path / "halo.mrb"), True, None)
    halo = HaloInScene(world.scene)
    assert halo.rows(key) == rows
    assert halo.chart(key).GetNumberOfPlotSeriesNodes() == 4
    assert nodes(world, roles.DISTANCE) + nodes(world, roles.SECTORS) == []
    volumes = find_acquisition(world.scene, key)
    assert halo.measured(volumes) is None
    again = halo.measure(volumes)
    assert again.input.curve is not None, "with the corrected edge"
    assert again.clinical.step == measured.halo.measured(measured.volumes).clinical.step
    assert halo.update_line(key).results["clinical"].step > 30
    halo.release()


def test_what_was_drawn_by_hand_comes_back_from_json_as_it_was(measured) -> None:
    from CEMSynthLib.scene.halo.by_hand import draw_again, hand_drawn

    key = measured.volumes.key
    line, edge = measured.halo.add_line(measured.volumes), measured.halo.correct_edge(measured.volumes)
    measured.halo.set_line_width(key, 3.5)
    step = measured.halo.update_line(key).results["clinical"].step
    stamp = measured.halo.prepare(measured.volumes).stamp
    kept = json.loads(json.dumps(hand_drawn(measured.scene)))
    assert draw_again(measured.scene, kept) == 0, "both are there"
    for node in (edge, line):
        measured.scene.RemoveNode(node)
    damaged = [{}, 7, {**kept[0], "points": [[0, 0, 0]]}, {**kept[0], "chest_wall": "up"}, {**kept[1], "role": "star"}]
    assert draw_again(measured.scene, [*damaged, *kept]) == 2
    measured.halo.show(measured.volumes, lines=False, sectors=False)
    assert hand_drawn(measured.scene) == kept
    assert measured.halo.prepare(measured.volumes).stamp == stamp
    assert measured.halo.update_line(key).results["clinical"].step == step
    assert visible_in(measured, measured.halo.line(key)) == set(VIEW_TAGS.values())
