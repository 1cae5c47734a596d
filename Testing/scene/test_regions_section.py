"""The Regions section: real MRML, real RegionsSection.ui; stand-ins for Qt and the application only."""

import csv
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("slicer")
import slicer
import stand_ins

from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.measurement.shapes import Ellipse, Rectangle
from CEMSynthLib.scene.regions.info import RegionKind

LESION, BACKGROUND = RegionRole.LESION, RegionRole.BACKGROUND


@pytest.fixture
def opened(mrml, monkeypatch, cohort):
    """The module with a simulated study opened."""
    stand_ins.QSettings.stored.clear()
    stand_ins.widgets.QTimer.made.clear()
    world = mrml(views=True, markups=True)
    cemsynth = stand_ins.install(monkeypatch, world)
    copied: list[str] = []
    slicer.app.clipboard = lambda: SimpleNamespace(setText=copied.append)
    widget = cemsynth.CEMSynthWidget(stand_ins.parent())
    widget.setup()
    widget.enter()
    widget.ui.studyPathLineEdit.currentPath = str(cohort / "dicom")
    widget.ui.openButton.click()
    stand_ins.widgets.run_timers()
    yield SimpleNamespace(
        world=world, widget=widget, ui=widget.ui, scene=world.scene, regions=widget.logic.regions, copied=copied,
        section=widget.panel.sections["Regions"],
    )  # fmt: skip
    widget.cleanup()


# In the simulated R CC view the breast lies at the right border, halfway down.
X, Y = 196.0, 122.0


def settle(opened) -> None:
    """Let the two timers of the section run until there is nothing left to compute."""
    opened.section._changedTimer.fire()
    for _ in range(50):
        opened.section._restTimer.fire()


def texts(table) -> list[list[str]]:
    return [[table.item(r, c).text() for c in range(table.columnCount)] for r in range(table.rowCount)]


def press(interactor, x: int, y: int, event: str) -> None:
    interactor.SetEventInformation(x, y, 0, 0, "\0", 0, None)
    interactor.InvokeEvent(event)


def test_buttons_say_what_is_missing(opened) -> None:
    ui = opened.ui
    assert ui.ellipseButton.enabled
    assert not ui.deleteRegionButton.enabled
    assert ui.ringButton.toolTip.startswith("Select a lesion")
    assert not ui.saveTableButton.enabled
    opened.scene.Clear(0)
    assert not ui.ellipseButton.enabled
    assert "Show an acquisition first" in ui.freehandButton.toolTip


def test_a_role_chosen_while_drawing_is_that_of_what_is_drawn(opened) -> None:
    ui, regions, box = opened.ui, opened.regions, opened.ui.regionRoleComboBox
    box.setCurrentIndex(1)
    box.activated.emit(1)
    assert not regions.placing, "nothing is being drawn"
    box.setCurrentIndex(0)
    ui.ellipseButton.click()
    assert regions.region(regions.placing).role.value == "lesion"
    box.setCurrentIndex(1)
    box.activated.emit(1)
    assert regions.region(regions.placing).role.value == "background"
    assert [region.role.value for region in regions.all_regions()] == ["background"]
    assert ui.ellipseButton.checked
    ui.ellipseButton.click()
    assert not regions.placing


def test_draw_follow_and_measure(opened) -> None:
    ui, regions = opened.ui, opened.regions
    ui.ellipseButton.click()
    key = regions.placing
    assert key
    assert ui.ellipseButton.checked
    assert "Click two opposite corners" in ui.statusLabel.text
    node = regions.node(key)
    node.AddControlPoint(8 - X, 10 - Y, 0.0)
    node.AddControlPoint(-8 - X, -10 - Y, 0.0)
    interaction = opened.scene.GetNodeByID("vtkMRMLInteractionNodeSingleton")
    interaction.SetCurrentInteractionMode(interaction.ViewTransform)
    settle(opened)
    assert not ui.ellipseButton.checked
    assert [line[:3] for line in texts(ui.regionTable)] == [["R CC lesion 1", "lesion", "ellipse"]]
    assert "no background region" in texts(ui.regionTable)[0][3]
    assert texts(ui.measurementTable)[0][2] == ""
    assert "no background region" in ui.measurementTable.item(0, 2).toolTip, "who points at the gap reads why"
    assert ui.regionNameLineEdit.text == "R CC lesion 1"
    ui.ringButton.click()
    settle(opened)
    numbers = texts(ui.measurementTable)
    assert [line[1] for line in numbers] == ["LE", "clinical", "LE", "clinical"]
    assert numbers[1][10] == "R CC background 1"
    assert float(numbers[1][3]) > 0
    node.InvokeEvent(node.PointStartInteractionEvent)
    node.SetCenter(1 - X, -1 - Y, 0.0)
    assert opened.section._changedTimer.isActive()
    opened.section._changedTimer.fire()
    moved = texts(ui.measurementTable)
    assert moved[1][6] != numbers[1][6]
    assert moved[1][3] == "..."
    node.InvokeEvent(node.PointEndInteractionEvent)
    settle(opened)
    assert texts(ui.measurementTable)[1][3] not in ("", "...")
    table = opened.scene.GetFirstNodeByName("R CC regions")
    assert table.GetNumberOfRows() == 4
    assert table.GetColumnName(2) == "sd_background"
    ui.undoRegionButton.click()
    assert regions.region(key).shape == Ellipse((X, Y), (8.0, 10.0))


def test_giving_up_and_leaving(opened) -> None:
    ui, regions = opened.ui, opened.regions
    ui.rectangleButton.click()
    ui.rectangleButton.click()
    assert not regions.placing
    assert regions.all_regions() == []
    ui.rectangleButton.click()
    opened.widget.exit()
    assert regions.all_regions() == []
    opened.widget.enter()
    assert not ui.rectangleButton.checked


def test_freehand_is_press_drag_release(opened) -> None:
    ui = opened.ui
    ui.freehandButton.click()
    assert ui.freehandButton.checked
    view = slicer.app.layoutManager().sliceWidget("CEMSynthClinical")
    node, interactor = view.sliceLogic().GetSliceNode(), view.sliceView().renderWindow().GetInteractor()
    seen = []
    interactor.AddObserver("LeftButtonPressEvent", lambda *_: seen.append(1))
    corners = [(60, 100), (140, 100), (140, 200), (60, 200)]
    press(interactor, *corners[0], "LeftButtonPressEvent")
    for a, b in zip(corners, [*corners[1:], corners[0]], strict=True):
        for part in range(1, 11):
            x, y = (round(p + (q - p) * part / 10) for p, q in zip(a, b, strict=True))
            press(interactor, x, y, "MouseMoveEvent")
    assert not seen  # Slicer's own observers never see the press
    press(interactor, *corners[0], "LeftButtonReleaseEvent")
    assert not ui.freehandButton.checked
    (region,) = opened.regions.regions()
    assert region.kind is RegionKind.CURVE
    ends = [node.GetXYToRAS().MultiplyPoint((x, y, 0, 1))[:2] for x, y in (corners[0], corners[2])]
    xs, ys = zip(*region.shape.control_points, strict=True)
    for axis, values in enumerate((xs, ys)):
        assert [min(values), max(values)] == pytest.approx(sorted(-end[axis] for end in ends), abs=0.5)
    press(interactor, 60, 100, "LeftButtonPressEvent")
    assert seen  # and the mouse is given back


def test_name_color_lock_background_delete(opened) -> None:
    ui, regions = opened.ui, opened.regions
    lesion = regions.add(LESION, Ellipse((X, Y), (8.0, 6.0)))
    first = regions.add(BACKGROUND, Rectangle((X, Y + 20), (16.0, 12.0)))
    second = regions.add(BACKGROUND, Rectangle((X, Y - 20), (16.0, 12.0)))
    settle(opened)
    ui.regionTable.selectRow(0)
    assert texts(ui.regionTable)[0][3] == "R CC background 1 (by rule)"
    ui.regionBackgroundComboBox.setCurrentIndex(ui.regionBackgroundComboBox.findData(second))
    ui.regionBackgroundComboBox.activated.emit(2)
    assert regions.background(lesion)[0].key == second
    ui.regionNameLineEdit.text = "mass"
    ui.regionNameLineEdit.editingFinished.emit()
    assert regions.node(lesion).GetName() == "mass"
    ui.regionNameLineEdit.text = regions.region(first).name
    ui.regionNameLineEdit.editingFinished.emit()
    assert "choose another name" in ui.statusLabel.text
    assert ui.regionNameLineEdit.text == "mass"
    import qt

    ui.regionColorButton.color = qt.QColor.fromRgbF(0.0, 1.0, 0.5)
    assert regions.region(lesion).color == pytest.approx((0.0, 1.0, 0.5))
    ui.regionLockedCheckBox.click()
    assert regions.node(lesion).GetLocked()
    ui.deleteRegionButton.click()
    assert [region.key for region in regions.regions()] == [first, second]
    ui.undoRegionButton.click()
    assert regions.region(lesion).name == "mass"


def test_hidden_and_named(opened) -> None:
    ui, regions = opened.ui, opened.regions
    key = regions.add(LESION, Ellipse((X, Y), (8.0, 6.0)))
    settle(opened)
    assert ui.regionsVisibleCheckBox.checked
    assert not ui.regionsNamedCheckBox.checked
    ui.regionsVisibleCheckBox.click()
    markups = [
        opened.scene.GetNthNodeByClass(i, "vtkMRMLMarkupsNode")
        for i in range(opened.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode"))
    ]
    assert [node.GetDisplayNode().GetVisibility() for node in markups] == [0, 0]  # with the ellipse's outline
    assert ui.measurementTable.rowCount == 2
    ui.regionsVisibleCheckBox.click()
    ui.regionsNamedCheckBox.click()
    other = regions.add(BACKGROUND, Rectangle((X, Y + 20), (16.0, 12.0)))
    assert all(regions.node(k).GetDisplayNode().GetPropertiesLabelVisibility() for k in (key, other))


def test_files_and_clipboard(opened, cohort: Path, tmp_path: Path) -> None:
    ui, answers = opened.ui, stand_ins.widgets.QFileDialog.answers
    answers.append(str(cohort / "regions"))
    ui.importRegionsButton.click()
    assert ui.statusLabel.text == "16 regions were drawn."
    settle(opened)
    assert ui.regionTable.rowCount == 4
    assert texts(ui.regionTable)[3][0].startswith("SIM-1-0001_R_CC_")
    ui.copyTableButton.click()
    lines = opened.copied[0].splitlines()
    assert len(lines) == 1 + 4 * 2
    assert len({line.count("\t") for line in lines}) == 1
    answers.append(str(tmp_path / "table.csv"))
    ui.saveTableButton.click()
    with (tmp_path / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["image"] for row in rows} == {"low_energy", "recombined"}
    assert {row["formula"] for row in rows} >= {"sd_background", "sd_pooled", "contrast", "mean", "sd_ddof_1"}
    assert {(row["patient_id"], row["laterality"], row["view"]) for row in rows} == {("SIM-1-0001", "R", "CC")}
    answers.append(str(tmp_path / "other"))
    ui.saveTableButton.click()
    assert (tmp_path / "other.csv").read_bytes() == (tmp_path / "table.csv").read_bytes()
    (tmp_path / "other.csv").write_text("the user's")
    answers.append(str(tmp_path / "other"))  # the dialog asked about a name without the ending, so about nothing
    ui.saveTableButton.click()
    assert ui.statusLabel.text == "other.csv is there already; choose another name."
    assert (tmp_path / "other.csv").read_text() == "the user's"
    answers.append(str(tmp_path / "other.CSV"))
    ui.saveTableButton.click()
    assert "other.CSV" in ui.statusLabel.text
    (tmp_path / "out").mkdir()
    answers.append(str(tmp_path / "out"))
    ui.saveRegionsButton.click()
    assert ui.statusLabel.text == "16 regions were saved in out."
    answers.append(str(tmp_path / "out"))
    ui.saveRegionsButton.click()
    assert "already" in ui.statusLabel.text
    answers.append(str(tmp_path))
    ui.importRegionsButton.click()
    assert "holds no .mrk.json" in ui.statusLabel.text


def test_formula_and_plot(opened) -> None:
    ui, regions = opened.ui, opened.regions
    regions.add(LESION, Ellipse((X, Y), (8.0, 6.0)))
    regions.add(BACKGROUND, Rectangle((X, Y + 20), (16.0, 12.0)))
    settle(opened)
    before = texts(ui.measurementTable)
    ui.cnrFormulaComboBox.setCurrentIndex(2)
    ui.cnrFormulaComboBox.activated.emit(2)
    assert texts(ui.measurementTable)[0][2] != before[0][2]
    assert opened.widget.logic.getParameterNode().cnrFormula == "relative_signal_percent"
    assert ui.measurementTable.labels[2] == "relative_signal_percent"
    ui.regionPlotComboBox.setCurrentIndex(ui.regionPlotComboBox.findData("contrast"))
    ui.regionPlotComboBox.activated.emit(4)
    chart = next(
        node
        for i in range(opened.scene.GetNumberOfNodesByClass("vtkMRMLPlotChartNode"))
        if (node := opened.scene.GetNthNodeByClass(i, "vtkMRMLPlotChartNode")).GetTitle() == "R CC: contrast"
    )
    assert chart.GetNumberOfPlotSeriesNodes() == 2
    assert chart.GetNthPlotSeriesNode(1).GetTableNode().GetNumberOfRows() == 1
    assert ui.regionPlotFrame.visible


def test_two_acquisitions_and_the_scene_closed(opened) -> None:
    ui, regions = opened.ui, opened.regions
    regions.add(LESION, Ellipse((X, Y), (8.0, 6.0)))
    settle(opened)
    assert ui.regionTable.rowCount == 1
    ui.acquisitionTable.selectRow(1)
    settle(opened)
    assert ui.regionTable.rowCount == 0
    assert ui.measurementTable.rowCount == 0
    ui.acquisitionTable.selectRow(0)
    settle(opened)
    assert ui.regionTable.rowCount == 1
    opened.scene.Clear(0)
    settle(opened)
    assert ui.regionTable.rowCount == 0


@pytest.mark.parametrize("clear", [True, False])
def test_saved_scene_brings_regions_and_table_back(opened, tmp_path: Path, clear: bool) -> None:
    ui, regions = opened.ui, opened.regions
    lesion = regions.add(LESION, Ellipse((X, Y), (8.0, 6.0)))
    regions.add_ring(lesion)
    opened.widget.logic.getParameterNode().cnrFormula = "sd_pooled"
    settle(opened)
    before = texts(ui.regionTable), texts(ui.measurementTable)
    assert ui.measurementTable.labels[2] == "sd_pooled"
    assert opened.scene.WriteToMRB(str(tmp_path / "scene.mrb"), None)
    opened.scene.Clear(0)
    settle(opened)
    assert ui.measurementTable.rowCount == 0
    assert opened.scene.ReadFromMRB(str(tmp_path / "scene.mrb"), clear, None)
    settle(opened)
    assert (texts(ui.regionTable), texts(ui.measurementTable)) == before
    assert ui.measurementTable.labels[2] == "sd_pooled"
    assert not ui.undoRegionButton.enabled
    assert opened.scene.GetFirstNodeByName("R CC regions").GetNumberOfRows() == 4
    regions.node(lesion).SetCenter(-X - 2, -Y, 0.0)
    settle(opened)
    assert texts(ui.measurementTable) != before[1]
    assert ui.undoRegionButton.enabled


def test_module_reloaded(opened) -> None:
    regions = opened.regions
    key = regions.add(LESION, Ellipse((X, Y), (8.0, 6.0)))
    opened.ui.freehandButton.click()
    opened.widget.cleanup()
    view = slicer.app.layoutManager().sliceWidget("CEMSynthClinical").sliceView()
    interactor = view.renderWindow().GetInteractor()
    for event, x in (("LeftButtonPress", 60), ("MouseMove", 140), ("MouseMove", 100), ("LeftButtonRelease", 60)):
        press(interactor, x, 2 * x, f"{event}Event")
    assert opened.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsClosedCurveNode") == 1  # the outline
    node = opened.scene.GetFirstNodeByClass("vtkMRMLMarkupsROINode")
    assert node.GetAttribute("CEMSynth.regionKey") == key
    node.SetCenter(-X - 2, -Y, 0.0)  # nobody follows it any more, and nothing breaks
    opened.widget.panel.sections.clear()
