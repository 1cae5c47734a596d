"""The Halo section: real section, real .ui, real MRML and a real thread; stand-ins for Qt only."""

import time
from types import SimpleNamespace

import pytest

pytest.importorskip("slicer")
import stand_ins
from halo_images import STEPS, halo_acquisition

from CEMSynthLib.scene.acquisitions import load_acquisition
from CEMSynthLib.scene.halo import nodes as roles


@pytest.fixture
def module(mrml, monkeypatch, tmp_path):
    stand_ins.QSettings.stored.clear()
    world = mrml(views=True)
    cemsynth = stand_ins.install(monkeypatch, world)
    widget = cemsynth.CEMSynthWidget(stand_ins.parent())
    widget.setup()
    widget.enter()
    volumes = load_acquisition(world.scene, *halo_acquisition(tmp_path))
    section = widget.panel.sections["Halo"]
    yield SimpleNamespace(
        scene=world.scene, widget=widget, panel=widget.panel, ui=widget.ui, section=section, volumes=volumes
    )
    widget.cleanup()


def finish(section) -> None:
    """Let the timer of the background work fire until the work is done."""
    deadline = time.monotonic() + 30
    while section._work.running:
        assert time.monotonic() < deadline
        section._work._timer.fire()


def measured(module):
    module.panel.select(module.volumes.key)
    module.ui.measureHaloButton.click()
    finish(module.section)
    return module


def lines(module) -> list:
    return list(roles.nodes_of(module.scene, None, roles.DISTANCE, "vtkMRMLModelNode"))


def text(table, row: int) -> list[str]:
    return [table.item(row, column).text() for column in range(table.columnCount)]


def test_buttons_say_what_is_missing(module) -> None:
    ui = module.ui
    assert not ui.measureHaloButton.enabled
    assert ui.measureHaloButton.toolTip == "Open a study and select an acquisition first."
    module.panel.select(module.volumes.key)
    assert ui.measureHaloButton.enabled
    assert ui.correctEdgeButton.toolTip == "Measure the halo first."
    assert ui.foundEdgeButton.toolTip == "The skin edge was not corrected."
    assert ui.removeHaloLineButton.toolTip == "There is no line on this acquisition."
    assert not ui.haloTable.visible
    assert not ui.haloPlotFrame.visible


def test_measuring_shows_progress_table_and_profile(module) -> None:
    module.panel.select(module.volumes.key)
    ui = module.ui
    ui.measureHaloButton.click()
    assert ui.measureHaloButton.text == "Cancel"
    assert ui.haloProgressBar.visible
    finish(module.section)
    assert ui.measureHaloButton.text == "Measure halo"
    assert not ui.haloProgressBar.visible
    assert "Clinical: present, since the 95% interval" in ui.haloVerdictLabel.text
    assert "SYNTHETIC: present" in ui.haloVerdictLabel.text
    step = text(ui.haloTable, 0)
    assert step[0] == "Step: rim minus trough (pixel values)"
    assert float(step[1]) == pytest.approx(STEPS[0], abs=1.5)
    assert "5 mm" in ui.haloLegendLabel.text
    assert ui.haloPlotFrame.visible
    assert ui.haloPlotFrame.children_[-1].chart() is module.section.halo.chart(module.volumes.key)
    view = ui.haloPlotFrame.children_[-1].node
    assert view.GetParentLayoutNode() is not None, "else Slicer's layout would make a second widget for it"


def test_canceled_work_changes_nothing(module) -> None:
    module.panel.select(module.volumes.key)
    module.ui.measureHaloButton.click()
    module.ui.measureHaloButton.click()
    assert not module.section._work.running
    assert module.ui.measureHaloButton.text == "Measure halo"
    assert module.section.halo.rows(module.volumes.key) == []


def test_switching_lines_on_measures_what_was_not_measured(module) -> None:
    module.panel.select(module.volumes.key)
    module.ui.haloLinesCheckBox.checked = True
    assert module.section._work.running
    finish(module.section)
    assert [n.GetDisplayNode().GetVisibility() for n in lines(module)] == [1, 1, 1]
    assert module.ui.haloLegendLabel.visible
    module.ui.haloLinesCheckBox.checked = False
    assert [n.GetDisplayNode().GetVisibility() for n in lines(module)] == [0, 0, 0]
    assert not module.ui.haloLegendLabel.visible, "colors of lines that are not drawn"
    module.ui.haloLinesCheckBox.checked = True
    assert not module.section._work.running, "it is measured already"


def test_a_dragged_edge_is_measured_when_the_hand_rests(module) -> None:
    measured(module)
    ui, section = module.ui, module.section
    before = section.halo.measured(module.volumes).clinical.band_width
    ui.correctEdgeButton.click()
    finish(section)
    assert not ui.correctEdgeButton.enabled
    assert section.halo.measured(module.volumes).input.curve is not None, "measured with the curve at once"
    edge = section.halo.edge(module.volumes.key)
    for i in range(edge.GetNumberOfControlPoints()):
        point = [0.0, 0.0, 0.0]
        edge.GetNthControlPointPositionWorld(i, point)
        edge.SetNthControlPointPositionWorld(i, point[0] * 0.96, -120 + (point[1] + 120) * 0.96, 0.0)
    assert not section._work.running
    section._edgeTimer.fire()
    finish(section)
    assert section.halo.measured(module.volumes).clinical.band_width < before
    ui.foundEdgeButton.click()
    finish(section)
    assert section.halo.measured(module.volumes).clinical.band_width == before


def test_a_dragged_line_is_followed(module, monkeypatch) -> None:
    measured(module)
    ui, section = module.ui, module.section
    ui.haloLineButton.click()
    assert float(text(ui.haloLineTable, 0)[1]) == pytest.approx(STEPS[0], abs=6)
    assert ui.haloLinePlotFrame.visible
    line = section.halo.line(module.volumes.key)
    line.SetNthControlPointPositionWorld(0, -180.0, -2.0, 0.0)
    line.SetNthControlPointPositionWorld(1, -140.0, -2.0, 0.0)
    section._lineTimer.fire()
    assert "misses the breast" in ui.haloLineLabel.text
    assert not ui.haloLineTable.visible
    ui.haloLineWidthSpinBox.setValue(4.0)
    assert line.GetAttribute("CEMSynth.bandWidth") == "4"
    # Qt would write "1" as "1.0" into the box, and the ".5" typed next would not fit any more.
    with monkeypatch.context() as typing:
        typing.setattr(type(ui.haloLineWidthSpinBox), "setValue", None)
        ui.haloLineWidthSpinBox.value = 1.5
    assert line.GetAttribute("CEMSynth.bandWidth") == "1.5"
    ui.removeHaloLineButton.click()
    assert section.halo.line(module.volumes.key) is None
    assert not ui.haloLinePlotFrame.visible


def test_errors_are_one_sentence_in_the_panel(module) -> None:
    module.volumes.recombined.SetAttribute("CEMSynth.window", "")
    module.panel.select(module.volumes.key)
    module.ui.measureHaloButton.click()
    assert module.ui.statusLabel.visible
    assert "no window" in module.ui.statusLabel.text


def test_closing_the_scene_forgets_everything(module) -> None:
    measured(module)
    module.ui.haloLineButton.click()
    module.ui.measureHaloButton.click()
    module.scene.Clear(0)
    assert not module.section._work.running
    assert not module.ui.haloTable.visible
    assert not module.ui.haloPlotFrame.visible
    assert module.scene.GetNumberOfNodesByClass("vtkMRMLPlotViewNode") == 0, "Slicer would make a view for it"
    assert not module.ui.measureHaloButton.enabled
