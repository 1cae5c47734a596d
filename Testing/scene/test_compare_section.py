"""The Compare section of the module: what its widgets do to the views, with stand-ins for Qt only."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("slicer")
import stand_ins

QShortcut, QTimer = stand_ins.widgets.WIDGETS["QShortcut"], stand_ins.widgets.QTimer
SYNTHETIC = "CEMSynthSynthetic"


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> SimpleNamespace:
    """A simulated study, and a synthetic image of its first acquisition."""
    from CEMSynthLib.desktop.selftest import writeSelfTestStudy, writeSelfTestSynthetic
    from CEMSynthLib.study.reader import read_folder

    base = tmp_path_factory.mktemp("study")
    folder = writeSelfTestStudy(base / "study")
    writeSelfTestSynthetic(read_folder(folder).studies[0].acquisitions[0], base / "synthetic")
    return SimpleNamespace(study=folder, synthetic=base / "synthetic")


@pytest.fixture
def module(mrml, monkeypatch, study):
    """The module in a main window, with the study opened."""
    import slicer.util

    QShortcut.made.clear()
    QTimer.made.clear()
    world = mrml(views=True)
    world.layout_node.SetViewArrangement(world.layout_node.SlicerLayoutFourUpView)
    cemsynth = stand_ins.install(monkeypatch, world)
    widget = cemsynth.CEMSynthWidget(stand_ins.parent())
    widget.setup()
    monkeypatch.setattr(slicer.util, "mainWindow", lambda: object())
    widget.enter()
    rows = widget.logic.openStudy(study.study, study.synthetic)
    widget.panel.select(rows[0].key)
    widget.panel.refresh()
    yield SimpleNamespace(
        world=world, widget=widget, ui=widget.ui, panel=widget.panel, comparison=widget.logic.views.comparison
    )
    widget.cleanup()


def composite(module, tag: str = SYNTHETIC):
    return module.world.all_logics[tag].GetSliceCompositeNode()


def choose(box, data: str) -> None:
    """As a user does: the box changes, then tells that it was the user."""
    box.currentIndex = box.findData(data)
    box.activated.emit(box.currentIndex)


def press(keys: str) -> None:
    (shortcut,) = [shortcut for shortcut in QShortcut.made if shortcut.keys == keys]
    shortcut.activated.emit()


def shown(keys: str) -> str:
    return keys.replace("Ctrl", "Cmd") if sys.platform == "darwin" else keys


def test_layouts_of_the_box(module) -> None:
    box = module.ui.compareLayoutComboBox
    assert box.count == 5
    for index in range(5):
        name = box.itemData(index)
        choose(box, name)
        assert module.comparison.state.layout.name == name
        assert module.world.layout_node.GetViewArrangement() == module.comparison.state.layout.value
        assert box.currentIndex == index
    labels = module.widget.logic.views.labels()
    assert set(labels) == set(module.world.all_logics)


def test_hanging_loads_the_other_acquisitions_of_the_study(module) -> None:
    assert not module.ui.compareContentComboBox.enabled
    assert "choose one large view or the hanging views" in module.ui.compareContentComboBox.toolTip
    choose(module.ui.compareLayoutComboBox, "HANGING")
    assert module.ui.compareContentComboBox.enabled
    choose(module.ui.compareContentComboBox, "RECOMBINED")
    found = []
    for tag in ("CEMSynthRightCC", "CEMSynthLeftCC", "CEMSynthRightMLO", "CEMSynthLeftMLO"):
        node = module.world.scene.GetNodeByID(composite(module, tag).GetBackgroundVolumeID())
        found.append(node.GetName())
    assert found == [f"{name} clinical iodine" for name in ("R CC", "L CC", "R MLO", "L MLO")]
    assert not module.ui.compareNoteLabel.visible
    choose(module.ui.compareContentComboBox, "SYNTHETIC")
    assert module.ui.compareNoteLabel.text == (
        "Not there: L CC SYNTHETIC iodine, R MLO SYNTHETIC iodine, L MLO SYNTHETIC iodine"
    )
    choose(module.ui.compareLayoutComboBox, "CLINICAL_SYNTHETIC")
    assert not module.ui.compareNoteLabel.visible


def test_fade_and_swap(module) -> None:
    slider = module.ui.compareFadeSlider
    assert slider.enabled
    assert slider.value == 100
    slider.value = 25
    assert composite(module).GetForegroundOpacity() == 0.25
    press("Ctrl+Shift+S")
    assert module.comparison.state.fade == 0
    assert slider.value == 0
    assert composite(module).GetForegroundOpacity() == 0
    press("Ctrl+Shift+S")
    assert slider.value == 100


def test_blink_is_driven_by_a_timer_and_ends_when_the_module_is_left(module) -> None:
    (timer,) = [timer for timer in QTimer.made if timer.interval == 700]
    assert not timer.isActive()
    press("Ctrl+Shift+B")
    assert timer.isActive()
    seen = []
    for _ in range(3):
        seen.append(composite(module).GetForegroundVolumeID() is not None)
        timer.fire()
    assert seen == [True, False, True]  # clinical in front of nothing, synthetic alone, clinical again
    module.ui.compareFadeSlider.value = 50
    assert not timer.isActive()
    assert not module.ui.blinkButton.checked
    module.ui.blinkButton.click()
    module.widget.exit()
    assert not timer.isActive()
    assert composite(module).GetForegroundOpacity() == 0.5


def test_shortcuts_are_there_only_while_the_module_is_open(module) -> None:
    keys = [shortcut.keys for shortcut in QShortcut.made]
    assert len(keys) == len(set(keys)) == 17
    assert all(key.startswith("Ctrl+Shift+") for key in keys)
    taken = {"Ctrl+Shift+A", "Ctrl+Shift+T", "Ctrl+Shift+Space", "Ctrl+Shift+Q", "Ctrl+Shift+Z"}
    assert not taken & set(keys)
    text = module.ui.shortcutsLabel.text
    assert all(f"{shown(key)}   " in text for key in keys)
    module.widget.exit()
    assert QShortcut.made == []
    module.widget.enter()
    assert [shortcut.keys for shortcut in QShortcut.made] == keys
    module.widget.cleanup()
    assert QShortcut.made == []


def test_beside_blinded_images_nothing_is_compared(module) -> None:
    (timer,) = [timer for timer in QTimer.made if timer.interval == 700]
    press("Ctrl+Shift+B")
    module.ui.compareCollapsibleButton.enabled = False  # as the reader study does
    timer.fire()
    assert not timer.isActive()
    press("Ctrl+Shift+H")
    assert module.world.layout_node.GetViewArrangement() == 5701


def test_every_button_tells_its_key(module) -> None:
    for name, key in (("blinkButton", "B"), ("fitButton", "F"), ("nextAcquisitionButton", "N"), ("rulerCheckBox", "R")):
        assert getattr(module.ui, name).toolTip.endswith(f"({shown('Ctrl+Shift+')}{key})")
    assert shown("Ctrl+Shift+H") in module.ui.compareLayoutComboBox.toolTip
    assert "L   link zoom and pan" in module.ui.shortcutsLabel.text


def test_next_acquisition_goes_on_and_round(module) -> None:
    names = []
    for _ in range(5):
        names.append(module.panel.shown.name)
        press("Ctrl+Shift+N")
    assert names == ["R CC", "L CC", "R MLO", "L MLO", "R CC"]
    module.ui.previousAcquisitionButton.click()
    assert module.panel.shown.name == "R CC"
    press("Ctrl+Shift+N")
    assert not module.ui.compareFadeSlider.enabled  # L CC has no synthetic image
    assert "synthesize one" in module.ui.blinkButton.toolTip


def test_windows_of_the_box(module) -> None:
    box, volumes = module.ui.comparePresetComboBox, module.panel.shown
    assert [box.itemText(i) for i in (0, box.count - 3)] == ["own window", "percentiles 1 to 99"]
    clinical, synthetic = volumes.recombined.GetDisplayNode(), volumes.synthetic.GetDisplayNode()
    own = clinical.GetWindowLevelMin()
    choose(box, "percentiles 1 99")
    assert clinical.GetWindowLevelMin() == synthetic.GetWindowLevelMin() != own
    module.ui.resetWindowButton.click()
    assert clinical.GetWindowLevelMin() == synthetic.GetWindowLevelMin() == own
    assert box.currentText == "own window"
    choose(box, "percentiles 1 99")
    chosen = clinical.GetWindowLevelMin()
    module.world.scene.RemoveNode(volumes.synthetic)
    assert clinical.GetWindowLevelMin() == chosen
    assert box.currentText == "percentiles 1 to 99", "the box says how the image is shown"
    press("Ctrl+Shift+N")
    assert box.currentText == "own window"


def test_boxes_are_the_state(module) -> None:
    module.ui.invertCheckBox.checked = True
    assert module.panel.shown.recombined.GetDisplayNode().GetInvertDisplayScalarRange()
    press("Ctrl+Shift+I")
    assert not module.panel.shown.recombined.GetDisplayNode().GetInvertDisplayScalarRange()
    node = module.world.all_logics[SYNTHETIC].GetSliceNode()
    module.ui.rulerCheckBox.checked = True
    assert node.GetRulerType() == node.RulerTypeThin
    module.comparison.update(ruler=False, corner=True)
    assert not module.ui.rulerCheckBox.checked
    assert module.ui.cornerTextCheckBox.checked
    assert module.comparison.overlays()[SYNTHETIC].corner.actor.GetInput().startswith("R CC\n")


def test_actual_pixels_and_fit(module) -> None:
    node = module.world.all_logics[SYNTHETIC].GetSliceNode()
    fitted = node.GetFieldOfView()
    module.ui.actualPixelsButton.click()
    assert node.GetFieldOfView()[0] == pytest.approx(200 * 1.2)
    press("Ctrl+Shift+F")
    assert node.GetFieldOfView() == pytest.approx(fitted)
    # By key with the mouse over a view: that place comes to the middle of all views.
    import slicer

    crosshair = slicer.vtkMRMLCrosshairNode()
    crosshair.SetCrosshairName("default")
    crosshair = module.world.scene.AddNode(crosshair)
    low = module.world.all_logics["CEMSynthLowEnergy"].GetSliceNode()
    crosshair.SetCursorPositionXYZ([60, 100, 0], low)
    place = low.GetXYToRAS().MultiplyPoint((60, 100, 0, 1))
    press("Ctrl+Shift+M")
    for each in (low, node):
        middle = each.GetXYToRAS().MultiplyPoint((100, 150, 0, 1))
        assert middle[:2] == pytest.approx(place[:2], abs=1.2)
    crosshair.SetCursorPositionInvalid()
    assert module.comparison.place_under_mouse() is None


def test_a_saved_scene_comes_back_as_it_was_compared(module, tmp_path: Path) -> None:
    choose(module.ui.compareLayoutComboBox, "CLINICAL_SYNTHETIC_DIFFERENCE")
    module.ui.compareFadeSlider.value = 40
    module.ui.linkViewsCheckBox.checked = False
    path = str(tmp_path / "scene.mrb")
    assert module.world.scene.WriteToMRB(path, None)
    module.world.scene.Clear(0)
    assert module.ui.compareFadeSlider.value == 100
    assert module.ui.linkViewsCheckBox.checked
    assert not module.ui.fitButton.enabled
    assert module.world.scene.ReadFromMRB(path, True, None)
    assert module.ui.compareFadeSlider.value == 40
    assert not module.ui.linkViewsCheckBox.checked
    assert module.world.layout_node.GetViewArrangement() == 5705
    assert composite(module).GetForegroundOpacity() == 0.4
    difference = module.world.scene.GetNodeByID(composite(module, "CEMSynthDifference").GetBackgroundVolumeID())
    assert difference.GetName() == "SYNTHETIC R CC difference"
    labels = module.widget.logic.views.labels()
    assert labels[SYNTHETIC].visible
    assert labels["CEMSynthDifference"].visible


def test_a_deleted_image_is_taken_out(module) -> None:
    module.ui.compareFadeSlider.value = 40
    module.world.scene.RemoveNode(module.panel.shown.synthetic)
    assert not module.ui.compareFadeSlider.enabled
    assert composite(module).GetBackgroundVolumeID() is None
    assert composite(module).GetForegroundVolumeID() is None


def test_the_self_test_that_slicer_runs(module, study) -> None:
    from CEMSynthLib.desktop import selftest_compare

    selftest_compare.check(module.widget.logic, study.study)
    assert "CEMSynthLib.desktop.selftest_compare" in sys.modules
