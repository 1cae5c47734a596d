"""The module itself: real CEMSynth.py, real CEMSynth.ui, real MRML; stand-ins for Qt and the application only."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("slicer")
import stand_ins

LAYOUT = 5701


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> SimpleNamespace:
    """A simulated study, and a synthetic image of its first acquisition."""
    from CEMSynthLib.phantom.settings import CohortSettings
    from CEMSynthLib.phantom.study import write_patient
    from CEMSynthLib.study.reader import read_folder

    base = tmp_path_factory.mktemp("study")
    write_patient(base, CohortSettings(7, 2.0), 1)
    (base / "dicom" / "notes.txt").write_text("hello")
    return SimpleNamespace(
        study=base / "dicom", synthetic=base / "synthetic", found=read_folder(base / "dicom").studies[0]
    )


@pytest.fixture
def module(mrml, monkeypatch, folders):
    """The module, opened in a Slicer with three slice views."""
    stand_ins.QSettings.stored.clear()
    world = mrml(views=True)
    world.layout_node.SetViewArrangement(world.layout_node.SlicerLayoutFourUpView)
    cemsynth = stand_ins.install(monkeypatch, world)
    from CEMSynthLib.desktop.selftest import writeSelfTestSynthetic

    if not folders.synthetic.exists():
        writeSelfTestSynthetic(folders.found.acquisitions[0], folders.synthetic)
    widget = cemsynth.CEMSynthWidget(stand_ins.parent())
    widget.setup()
    widget.enter()
    yield SimpleNamespace(world=world, module=cemsynth, widget=widget, ui=widget.ui, scene=world.scene)
    widget.cleanup()


def open_study(module, folders, synthetic: bool = True) -> None:
    module.ui.studyPathLineEdit.currentPath = str(folders.study)
    module.ui.syntheticPathLineEdit.currentPath = str(folders.synthetic) if synthetic else ""
    module.ui.openButton.click()
    stand_ins.widgets.run_timers()


def volumes(scene) -> list[str]:
    count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    return [scene.GetNthNodeByClass(i, "vtkMRMLScalarVolumeNode").GetName() for i in range(count)]


def shown(module) -> list[str | None]:
    found = []
    for logic in module.world.logics.values():
        node = module.scene.GetNodeByID(logic.GetSliceCompositeNode().GetBackgroundVolumeID() or "")
        found.append(node.GetName() if node else None)
    return found


def test_open_button_says_what_is_missing(module, folders, tmp_path: Path) -> None:
    ui = module.ui
    assert not ui.openButton.enabled
    assert ui.openButton.toolTip == "Choose the folder that holds the study."
    ui.studyPathLineEdit.currentPath = str(tmp_path / "none")
    assert "does not exist" in ui.openButton.toolTip
    ui.studyPathLineEdit.currentPath = str(folders.study)
    assert ui.openButton.enabled
    ui.syntheticPathLineEdit.currentPath = str(tmp_path / "none")
    assert not ui.openButton.enabled
    assert not ui.showButton.enabled


def test_open_lists_and_shows_the_first_acquisition(module, folders) -> None:
    open_study(module, folders)
    table = module.ui.acquisitionTable
    assert [table.item(row, 1).text() for row in range(table.rowCount)] == ["R CC", "L CC", "R MLO", "L MLO"]
    assert table.item(0, 0).text() == "SIM-7-0001"
    assert [table.item(row, 2).text() for row in range(2)] == ["LE, clinical, SYNTHETIC", "LE, clinical"]
    assert table.item(0, 4).text() == "2 x 2"
    assert table.selected == 0
    assert shown(module) == ["R CC low energy", "R CC clinical iodine", "SYNTHETIC R CC iodine"]
    assert module.world.layout_node.GetViewArrangement() == LAYOUT
    labels = module.widget.logic.views.labels()
    assert [tag for tag, label in labels.items() if label.visible] == ["CEMSynthSynthetic"]
    assert module.ui.unusedTable.rowCount == 1
    assert module.ui.unusedTable.item(0, 0).text() == "notes.txt"
    assert module.ui.unusedGroupBox.visible
    assert module.ui.resetWindowButton.enabled
    assert stand_ins.QSettings.stored["CEMSynth/StudyFolder"] == str(folders.study)


def test_selecting_a_line_shows_it_and_loads_it_once(module, folders) -> None:
    open_study(module, folders)
    module.ui.acquisitionTable.selectRow(1)
    assert shown(module) == ["L CC low energy", "L CC clinical iodine", None]
    assert not module.ui.compareFadeSlider.enabled
    assert "Needs a clinical and a synthetic image" in module.ui.blinkButton.toolTip
    assert not any(label.visible for label in module.widget.logic.views.labels().values())
    module.ui.acquisitionTable.selectRow(0)
    assert len(volumes(module.scene)) == 5
    assert shown(module)[2] == "SYNTHETIC R CC iodine"


def test_reset_window_and_fit(module, folders) -> None:
    open_study(module, folders)
    clinical = module.scene.GetFirstNodeByName("R CC clinical iodine").GetDisplayNode()
    synthetic = module.scene.GetFirstNodeByName("SYNTHETIC R CC iodine").GetDisplayNode()
    own = clinical.GetWindowLevelMin()
    synthetic.SetWindowLevelMinMax(1, 2)
    assert clinical.GetWindowLevelMin() == 1
    module.ui.resetWindowButton.click()
    assert clinical.GetWindowLevelMin() == synthetic.GetWindowLevelMin() == own
    node = next(iter(module.world.logics.values())).GetSliceNode()
    before = node.GetFieldOfView()
    node.SetFieldOfView(1, 1, 1)
    module.ui.fitButton.click()
    assert node.GetFieldOfView() == pytest.approx(before)


def test_link_check_box_is_the_state_of_the_comparison(module, folders) -> None:
    open_study(module, folders)
    composites = [logic.GetSliceCompositeNode() for logic in module.world.logics.values()]
    assert all(c.GetLinkedControl() for c in composites)
    module.ui.linkViewsCheckBox.checked = False
    assert not any(c.GetLinkedControl() for c in composites)
    module.widget.logic.views.comparison.update(linked=True)
    assert module.ui.linkViewsCheckBox.checked
    assert all(c.GetLinkedControl() for c in composites)


def test_errors_are_one_sentence_and_keep_what_was_open(module, folders, tmp_path: Path) -> None:
    open_study(module, folders)
    module.ui.studyPathLineEdit.currentPath = str(tmp_path)
    module.ui.openButton.click()
    stand_ins.widgets.run_timers()
    assert "Nothing in" in module.ui.statusLabel.text or "is empty" in module.ui.statusLabel.text
    assert module.ui.statusLabel.visible
    assert module.ui.acquisitionTable.rowCount == 4
    module.ui.studyPathLineEdit.currentPath = module.ui.syntheticPathLineEdit.currentPath = str(folders.study)
    module.ui.openButton.click()
    stand_ins.widgets.run_timers()
    assert "cemsynth synthesize" in module.ui.statusLabel.text


def test_leaving_and_coming_back(module, folders) -> None:
    open_study(module, folders)
    node = module.world.layout_node
    module.widget.exit()
    assert node.GetViewArrangement() == node.SlicerLayoutFourUpView
    module.widget.enter()
    assert node.GetViewArrangement() == LAYOUT
    node.SetViewArrangement(node.SlicerLayoutOneUpRedSliceView)  # the user's own choice stays
    module.widget.exit()
    assert node.GetViewArrangement() == node.SlicerLayoutOneUpRedSliceView


def test_closing_the_scene_empties_the_panel(module, folders) -> None:
    open_study(module, folders)
    module.scene.Clear(0)
    assert module.ui.acquisitionTable.rowCount == 0
    assert module.ui.unusedTable.rowCount == 0
    assert not module.ui.showButton.enabled
    assert module.ui.linkViewsCheckBox.checked
    open_study(module, folders)
    assert shown(module)[2] == "SYNTHETIC R CC iodine"


def saved(module, folders, path: Path) -> str:
    """Show two acquisitions, save the scene, close it."""
    open_study(module, folders)
    module.ui.acquisitionTable.selectRow(1)
    module.ui.acquisitionTable.selectRow(0)
    assert module.scene.WriteToMRB(str(path), None)
    module.scene.Clear(0)
    return str(path)


@pytest.mark.parametrize("clear", [True, False])
def test_saved_scene_comes_back_with_its_selection(module, folders, tmp_path: Path, clear: bool) -> None:
    assert module.scene.ReadFromMRB(saved(module, folders, tmp_path / "scene.mrb"), clear, None)
    table = module.ui.acquisitionTable
    assert sorted(table.item(row, 1).text() for row in range(table.rowCount)) == ["L CC", "R CC"]
    assert table.selectedItems()[1].text() == "R CC"
    assert shown(module) == ["R CC low energy", "R CC clinical iodine", "SYNTHETIC R CC iodine"]
    assert module.widget.logic.views.labels()["CEMSynthSynthetic"].visible
    display = module.scene.GetFirstNodeByName("R CC clinical iodine").GetDisplayNode()
    display.SetWindowLevelMinMax(5, 6)
    shared = module.scene.GetFirstNodeByName("SYNTHETIC R CC iodine").GetDisplayNode()
    assert shared.GetWindowLevelMin() == 5


@pytest.mark.parametrize("clear", [True, False])
def test_label_comes_back_while_another_module_is_open(module, folders, tmp_path: Path, clear: bool) -> None:
    path = saved(module, folders, tmp_path / "scene.mrb")
    module.widget.exit()
    module.widget.parent.isEntered = False
    assert module.scene.ReadFromMRB(path, clear, None)
    assert shown(module)[2] == "SYNTHETIC R CC iodine"
    assert module.widget.logic.views.labels()["CEMSynthSynthetic"].visible
    assert module.ui.acquisitionTable.rowCount == 2


def test_reload_forgets_the_library_and_releases_the_views(module, folders, monkeypatch) -> None:
    open_study(module, folders)
    before = set(sys.modules)
    for name in [n for n in sys.modules if n.startswith("CEMSynthLib")]:
        # Other tests hold classes of these modules: they come back at the end.
        monkeypatch.setitem(sys.modules, name, sys.modules[name])
    module.widget.onReload()
    assert not [name for name in sys.modules if name.startswith("CEMSynthLib")]
    for name in before:
        assert name in sys.modules or name.startswith("CEMSynthLib")
    views = module.widget.logic.views
    module.widget.cleanup()
    assert views.labels() == {}
    import slicer

    assert slicer.app.layoutManager().layoutChanged.slots == []


def test_a_reload_while_the_module_is_open_leaves_it_open(module, folders) -> None:
    """Slicer makes a new widget for the same parent and calls setup() only."""
    open_study(module, folders)
    module.widget.cleanup()
    again = module.module.CEMSynthWidget(module.widget.parent)
    again.setup()
    try:
        assert again.panel.parameterNode is not None
        assert again.panel.shown is not None
        again.ui.acquisitionTable.selectRow(0)
        assert again.ui.compareCollapsibleButton.enabled
    finally:
        again.cleanup()


def test_without_a_main_window(mrml, monkeypatch, folders) -> None:
    stand_ins.QSettings.stored.clear()
    cemsynth = stand_ins.install(monkeypatch, mrml(), main_window=False)
    widget = cemsynth.CEMSynthWidget(stand_ins.parent())
    widget.setup()
    widget.enter()
    widget.ui.studyPathLineEdit.currentPath = str(folders.study)
    widget.ui.openButton.click()
    stand_ins.widgets.run_timers()
    assert widget.ui.acquisitionTable.rowCount == 4
    assert len(volumes(widget.logic.study._scene)) == 2
    widget.exit()
    widget.cleanup()


def test_the_self_test_that_slicer_runs(module, monkeypatch) -> None:
    """Where PyTorch is not installed; with it, test_synthesis_section.py runs that part."""
    from CEMSynthLib.desktop import selftest, selftest_synthesis

    assert selftest_synthesis.__name__ in selftest.selfTests()
    monkeypatch.setattr(selftest_synthesis, "missingPackages", lambda packages: ["torch"])
    module.module.CEMSynthTest().test_wholeJob()
    assert volumes(module.scene) == []
