"""The Reading section: real section, real .ui, real reader study; stand-ins for Qt only."""

import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("slicer")
import stand_ins
from halo_images import halo_acquisition
from reading_study import shown, write_reader_study, write_synthetic

from CEMSynthLib.scene.acquisitions import load_acquisition


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return write_reader_study(tmp_path_factory.mktemp("reading"), write_synthetic)


@pytest.fixture
def module(mrml, monkeypatch, made):
    stand_ins.QSettings.stored.clear()
    for path in (made / "readers").glob("*.jsonl"):
        path.unlink()
    world = mrml(views=True)
    cemsynth = stand_ins.install(monkeypatch, world)
    widget = cemsynth.CEMSynthWidget(stand_ins.parent())
    widget.setup()
    widget.enter()
    yield SimpleNamespace(
        world=world,
        scene=world.scene,
        widget=widget,
        ui=widget.ui,
        section=widget.panel.sections["Reading"],
        study=made,
    )
    widget.cleanup()


def start(module, reader: str = "R1") -> None:
    module.ui.readingFolderPathLineEdit.currentPath = str(module.study)
    module.ui.readerComboBox.setCurrentIndex(module.ui.readerComboBox.findText(reader))
    module.ui.readingStartButton.click()
    finish(module)


def finish(module) -> None:
    deadline = time.monotonic() + 30
    while module.section._work.running:
        assert time.monotonic() < deadline
        module.section._work._timer.fire()


def page(module):
    return module.ui.readingFormFrame.children_[-1]


def box(module, title: str):
    return next(b for b in page(module).children_ if b.title == title)


def press(module, title: str, text: str) -> None:
    next(b for b in box(module, title).children_ if b.text == text).checked = True


def answer(module) -> None:
    press(module, "Background parenchymal enhancement", "b: mild")
    press(module, "Is there a suspicious lesion?", "no")
    press(module, "Is there an enhancing asymmetry?", "no")
    press(module, "How sure are you about the lesion?", "4")
    press(module, "Artifacts that you see", "none of these")
    press(module, "Image quality", "3")


def test_start_says_what_is_missing(module, tmp_path) -> None:
    ui = module.ui
    assert not ui.readingStartButton.enabled
    assert "Choose the folder of the reader study" in ui.readingStartButton.toolTip
    ui.readingFolderPathLineEdit.currentPath = str(tmp_path)
    assert "no protocol.json" in ui.readingStartButton.toolTip
    ui.readingFolderPathLineEdit.currentPath = str(module.study)
    assert [ui.readerComboBox.itemText(i) for i in range(ui.readerComboBox.count)] == ["R1", "R2"]
    assert ui.readingStartButton.enabled
    load_acquisition(module.scene, *halo_acquisition(tmp_path))
    module.section.refresh()
    assert "Other images are open" in ui.readingStartButton.toolTip


def test_a_study_made_after_its_folder_was_chosen_is_found_on_entering(module, tmp_path) -> None:
    ui = module.ui
    ui.readingFolderPathLineEdit.currentPath = str(tmp_path)
    module.widget.exit()
    shutil.copyfile(module.study / "protocol.json", tmp_path / "protocol.json")
    module.widget.enter()
    assert ui.readerComboBox.count == 2
    assert ui.readingStartButton.enabled
    ui.readerComboBox.setCurrentIndex(1)
    module.widget.exit()
    module.widget.enter()
    assert ui.readerComboBox.currentText == "R2"


def test_a_case_is_read_saved_and_followed_by_the_next(module) -> None:
    ui = module.ui
    start(module)
    assert ui.readingStateLabel.text == "Two breasts: case 1 of 4."
    assert len(shown(module.world)) == 4
    assert ui.readingNoticeLabel.visible
    assert not ui.studyCollapsibleButton.enabled
    assert not ui.readingSaveButton.enabled
    assert ui.readingMissingLabel.text.startswith("Still to answer: Background parenchymal enhancement - ")
    answer(module)
    assert ui.readingMissingLabel.text == ""
    ui.readingSaveButton.click()
    assert ui.readingStateLabel.text == "Two breasts: case 2 of 4."
    assert not ui.readingSaveButton.enabled, "the next form is empty"
    assert len((module.study / "readers/R1.jsonl").read_text().splitlines()) == 2


def test_options_stand_side_by_side_only_where_the_panel_is_wide_enough(module, monkeypatch) -> None:
    import qt

    made, kind = [], qt.QHBoxLayout
    monkeypatch.setattr(qt, "QHBoxLayout", lambda box: (made.append(box.title), kind(box))[1])
    start(module)
    assert "Lesion conspicuity" in made
    assert "Background parenchymal enhancement" not in made, "in real Qt it would ask for 420 pixels"


def test_questions_follow_the_answers_and_marks_are_counted(module) -> None:
    start(module)
    assert not box(module, "Mark each lesion").visible
    press(module, "Is there a suspicious lesion?", "yes")
    assert box(module, "Mark each lesion").visible
    assert box(module, "Lesion conspicuity").visible
    place, remove, label = box(module, "Mark each lesion").children_
    place.click()
    assert module.section.desk.room.marks.placing
    module.scene.GetFirstNodeByName("Marks").AddControlPointWorld(-20.0, -30.0, 0.0)
    assert label.text == "Marks placed: 1"
    remove.click()
    assert label.text == "Marks placed: 0"
    assert "Mark each lesion" in module.ui.readingMissingLabel.text
    place.click()
    assert not module.section.desk.room.marks.placing
    place.click()
    mode = module.scene.GetNodeByID("vtkMRMLInteractionNodeSingleton")
    mode.SwitchToViewTransformMode()  # what a right click does
    assert not place.checked
    place.click()
    assert module.section.desk.room.marks.placing
    mode.SwitchToViewTransformMode()


def test_a_checklist_knows_nothing_checked_from_not_answered(module) -> None:
    start(module)
    title = "Artifacts that you see"
    assert "artifacts" not in module.section.desk.answers
    press(module, title, "none of these")
    assert module.section.desk.answers["artifacts"] == []
    press(module, title, "other")
    assert module.section.desk.answers["artifacts"] == ["other"]
    assert not box(module, title).children_[-1].checked
    assert box(module, "Which other artifact?").visible
    box(module, "Which other artifact?").children_[0].text = " a fold "
    assert module.section.desk.answers["artifact_other"] == "a fold"
    press(module, title, "none of these")
    assert module.section.desk.answers["artifacts"] == []


def test_leaving_the_module_pauses_and_resume_brings_the_case_back(module) -> None:
    start(module)
    press(module, "Image quality", "3")
    module.widget.exit()
    assert shown(module.world) == []
    assert module.section.desk.paused
    module.widget.enter()
    assert module.ui.readingPauseButton.text == "Resume"
    assert not module.ui.readingSaveButton.visible
    module.ui.readingPauseButton.click()
    assert len(shown(module.world)) == 4
    assert next(b for b in box(module, "Image quality").children_ if b.text == "3").checked
    module.ui.readingStartButton.click()
    assert not module.section.desk.is_open
    assert module.ui.studyCollapsibleButton.enabled
    assert shown(module.world) == []


def test_leaving_the_module_before_the_images_are_found_opens_nothing(module) -> None:
    ui = module.ui
    ui.readingFolderPathLineEdit.currentPath = str(module.study)
    ui.readingStartButton.click()
    module.widget.exit()
    assert not module.section._work.running
    assert not module.section.desk.is_open
    assert shown(module.world) == []
    module.widget.enter()
    assert ui.readingStartButton.text == "Start"
    assert ui.studyCollapsibleButton.enabled


def test_a_closed_scene_ends_the_reading(module) -> None:
    start(module)
    module.scene.Clear(0)
    assert not module.section.desk.is_open
    assert module.ui.readingStartButton.text == "Start"
    start(module)
    assert module.ui.readingStateLabel.text == "Two breasts: case 1 of 4."


def test_a_study_whose_images_are_gone_is_said_in_words(module) -> None:
    hidden = module.study.parent / "away"
    (module.study.parent / "made").rename(hidden)
    try:
        start(module)
        assert module.ui.statusLabel.visible
        assert not module.section.desk.is_open
    finally:
        hidden.rename(module.study.parent / "made")
