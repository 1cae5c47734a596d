"""The Study section: opening in slices, files, DICOM browser, sample study, who is named, deleted nodes."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

pytest.importorskip("slicer")
import process_stand_in as processes
import slicer
import stand_ins

ROOT = Path(__file__).resolve().parents[2]
run_timers = stand_ins.widgets.run_timers


@pytest.fixture
def folder(simulated_dicom: Path) -> Path:
    return simulated_dicom


@pytest.fixture
def module(mrml, monkeypatch):
    """The module, opened in a Slicer without a main window."""
    stand_ins.QSettings.stored.clear()
    stand_ins.widgets.QTimer.made.clear()
    stand_ins.widgets.QFileDialog.answers.clear()
    world = mrml()
    cemsynth = stand_ins.install(monkeypatch, world, main_window=False)
    widget = cemsynth.CEMSynthWidget(stand_ins.parent())
    widget.setup()
    widget.enter()
    yield SimpleNamespace(module=cemsynth, widget=widget, ui=widget.ui, scene=world.scene, panel=widget.panel)
    widget.cleanup()
    processes.end_all()
    assert not [timer for timer in stand_ins.widgets.QTimer.made if timer.active], "cleanup stops every timer"


def names(module) -> list[str]:
    table = module.ui.acquisitionTable
    return [table.item(row, 1).text() for row in range(table.rowCount)]


def open_folder(module, folder: Path) -> None:
    module.ui.studyPathLineEdit.currentPath = str(folder)
    module.ui.openButton.click()
    run_timers()


def test_open_becomes_cancel_and_cancel_changes_nothing(module, folder: Path) -> None:
    ui = module.ui
    ui.studyPathLineEdit.currentPath = str(folder)
    ui.openButton.click()
    assert ui.openButton.text == "Cancel"
    assert ui.studyProgressBar.visible
    assert not ui.sampleButton.enabled
    assert "Wait until the study is read" in ui.sampleButton.toolTip
    ui.openButton.click()
    run_timers()
    assert names(module) == []
    assert "Canceled" in ui.statusLabel.text
    assert ui.openButton.text == "Open"
    assert not ui.studyProgressBar.visible
    ui.openButton.click()
    run_timers()
    assert len(names(module)) == 4


def test_an_emptied_field_is_heard(module, folder: Path, tmp_path: Path) -> None:
    """A ctkPathLineEdit says nothing of an empty path but that its input is not valid."""
    ui = module.ui
    ui.studyPathLineEdit.currentPath = str(folder)
    ui.syntheticPathLineEdit.currentPath = str(tmp_path / "gone")
    assert not ui.openButton.enabled
    ui.syntheticPathLineEdit.currentPath = ""
    assert ui.openButton.enabled
    ui.studyPathLineEdit.currentPath = ""
    assert not ui.openButton.enabled
    assert "Choose the folder" in ui.openButton.toolTip


def test_selecting_a_line_leaves_the_lines_as_they_are(module, folder: Path) -> None:
    """Filled anew while the mouse is pressed on it, a long table would scroll to another line."""
    open_folder(module, folder)
    table = module.ui.acquisitionTable
    item = table.item(1, 0)
    table.selectRow(1)
    assert module.panel.shown.key == item.data(256)
    assert table.item(1, 0) is item
    assert table.currentRow() == 1
    module.scene.Clear(0)
    assert names(module) == []


def test_the_window_answers_while_a_study_is_read(module, folder: Path) -> None:
    """No slice is long: events come between two of them."""
    import time

    module.ui.studyPathLineEdit.currentPath = str(folder)
    module.ui.openButton.click()
    (timer,) = [t for t in stand_ins.widgets.QTimer.made if t.active and t.interval == 0]
    longest = 0.0
    while len(names(module)) == 0:
        before = time.perf_counter()
        timer.fire()
        if timer.active:
            longest = max(longest, time.perf_counter() - before)
    assert longest < 0.5, "0.03 s are meant; the rest is for slow test machines"


def test_closing_the_scene_stops_reading(module, folder: Path) -> None:
    module.ui.studyPathLineEdit.currentPath = str(folder)
    module.ui.openButton.click()
    module.scene.Clear(0)
    run_timers()
    assert names(module) == []


def test_files_and_archives(module, folder: Path, tmp_path: Path) -> None:
    files = sorted(str(path) for path in folder.rglob("*.dcm"))
    stand_ins.widgets.QFileDialog.answers.append(tuple(files))
    module.ui.openFilesButton.click()
    run_timers()
    assert len(names(module)) == 4
    module.scene.Clear(0)
    archive = shutil.make_archive(str(tmp_path / "study"), "zip", folder)
    stand_ins.widgets.QFileDialog.answers.append((archive,))
    module.ui.openFilesButton.click()
    run_timers()
    assert len(names(module)) == 4
    stand_ins.widgets.QFileDialog.answers.append(())
    module.ui.openFilesButton.click()  # the user pressed Cancel in the dialog
    assert len(names(module)) == 4


def test_selection_of_the_dicom_browser(module, folder: Path, tmp_path: Path, monkeypatch) -> None:
    ui = module.ui
    monkeypatch.setattr(slicer, "modules", SimpleNamespace(), raising=False)
    ui.dicomSelectionButton.click()
    assert ui.statusLabel.text == "Open the DICOM module first and select a study in it."
    browser = SimpleNamespace(fileLists=[])
    slicer.modules.DICOMInstance = SimpleNamespace(browserWidget=browser)
    ui.dicomSelectionButton.click()
    assert "Nothing is selected" in ui.statusLabel.text
    browser.fileLists = [(str(tmp_path / "gone.dcm"),)]
    ui.dicomSelectionButton.click()
    assert "no longer there" in ui.statusLabel.text
    browser.fileLists = [(str(path),) for path in sorted(folder.rglob("*.dcm"))]
    ui.dicomSelectionButton.click()
    run_timers()
    assert len(names(module)) == 4
    assert ui.statusLabel.text == ""


def test_selection_of_the_visual_browser(module, folder: Path, monkeypatch) -> None:
    files = tuple(str(path) for path in sorted(folder.rglob("*.dcm")))
    view = SimpleNamespace(selectedSeriesInstanceUIDs=lambda: ("1.2",))
    browser = SimpleNamespace(
        useVisualDICOMBrowser=True,
        dicomVisualBrowser=SimpleNamespace(patientView=lambda: view),
        getFileListsForRole=lambda uids, role: [files] if (uids, role) == (["1.2"], "SeriesUIDList") else [],
    )
    modules = SimpleNamespace(DICOMInstance=SimpleNamespace(browserWidget=browser))
    monkeypatch.setattr(slicer, "modules", modules, raising=False)
    module.ui.dicomSelectionButton.click()
    run_timers()
    assert len(names(module)) == 4


def test_the_experimental_browser_of_slicer_5_10_tells_nothing(module, monkeypatch) -> None:
    browser = SimpleNamespace(useExpertimentalVisualDICOMBrowser=True, fileLists=[("stale.dcm",)])
    modules = SimpleNamespace(DICOMInstance=SimpleNamespace(browserWidget=browser))
    monkeypatch.setattr(slicer, "modules", modules, raising=False)
    module.ui.dicomSelectionButton.click()
    assert "turn it off" in module.ui.statusLabel.text


def test_how_files_were_read_is_told_for_the_selected_acquisition(module, folder: Path) -> None:
    assert not module.ui.explanationGroupBox.visible
    open_folder(module, folder)
    table = module.ui.explanationTable
    first = {table.item(row, 0).text() for row in range(table.rowCount)}
    assert len(first) == 2
    assert any("Image Type" in table.item(row, 1).text() for row in range(table.rowCount))
    module.ui.acquisitionTable.selectRow(1)
    assert first.isdisjoint({table.item(row, 0).text() for row in range(table.rowCount)})


def test_names_in_the_scene_are_told_and_left_out_of_a_copy(module, folder: Path, tmp_path: Path) -> None:
    ui, saved = module.ui, slicer.app.coreIOManager().fileSaved
    open_folder(module, folder)
    assert not ui.privacyFrame.visible, "a simulated patient is nobody"
    saved.emit()
    assert ui.statusLabel.text == ""
    for index in range(2):
        node = module.scene.GetNthNodeByClass(index, "vtkMRMLScalarVolumeNode")
        node.SetAttribute("CEMSynth.simulated", "no")
    module.panel.refresh()
    assert ui.privacyFrame.visible
    assert "Patients named in this scene: 1." in ui.privacyLabel.text
    saved.emit()
    assert "names 1 patients" in ui.statusLabel.text
    shown = module.panel.shown.key
    stand_ins.widgets.QFileDialog.answers.append(str(tmp_path / "copy"))
    ui.saveDeidentifiedButton.click()
    assert (tmp_path / "copy.mrb").is_file()
    assert "copy.mrb was saved without names" in ui.statusLabel.text
    assert module.panel.shown.key == shown, "the panel did not follow what was taken back"
    stand_ins.widgets.QFileDialog.answers.append(str(tmp_path / "SIM-7-0001.mrb"))
    ui.saveDeidentifiedButton.click()
    assert "choose another one" in ui.statusLabel.text
    assert not (tmp_path / "SIM-7-0001.mrb").exists()


def test_a_copy_never_replaces_a_file_that_the_dialog_did_not_ask_about(module, folder: Path, tmp_path: Path) -> None:
    """Not every system adds the ending in the dialog."""
    (tmp_path / "copy.mrb").write_text("the user's")
    sys.modules["qt"].QFileDialog.answers.append(str(tmp_path / "copy"))
    module.ui.saveDeidentifiedButton.click()
    assert "copy.mrb is there already" in module.ui.statusLabel.text
    assert (tmp_path / "copy.mrb").read_text() == "the user's"


def test_deleting_a_node_by_hand(module, folder: Path) -> None:
    open_folder(module, folder)
    shown = module.panel.shown
    module.scene.RemoveNode(shown.recombined)
    assert module.panel.shown.kinds == (shown.kinds[0],)
    module.scene.RemoveNode(shown.low_energy)
    assert module.panel.shown is None
    assert module.panel.selectedKey() == ""
    module.ui.acquisitionTable.selectRow(0)  # the folder still has it
    assert module.panel.shown.kinds == shown.kinds


def test_what_is_wrong_with_an_acquisition_is_said_when_it_is_shown(module, folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    open_folder(module, tmp_path / "copy")
    second, third = (row.key for row in module.widget.logic.study.rows()[1:3])
    (gone,) = tmp_path.glob("copy/**/L_CC_recombined.dcm")
    gone.unlink()
    module.panel.select(second)
    assert "L_CC_recombined.dcm" in module.ui.statusLabel.text
    for path in tmp_path.glob("copy/**/R_MLO_*.dcm"):
        path.unlink()
    module.panel.select(third)
    assert "R_MLO" in module.ui.statusLabel.text
    assert module.panel.shown is None


@pytest.mark.parametrize("batch", [True, False])
def test_deleting_many_nodes(module, folder: Path, batch: bool) -> None:
    """In the module Data, or from Python in a batch process; of a study that only the scene holds."""
    open_folder(module, folder)
    first, second = (row.key for row in module.widget.logic.study.rows()[:2])
    module.panel.select(second)
    module.panel.select(first)
    module.widget.logic.study.close()
    module.panel.refresh()
    table = module.ui.acquisitionTable
    assert table.rowCount == 2
    count = module.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    volumes = [module.scene.GetNthNodeByClass(i, "vtkMRMLScalarVolumeNode") for i in range(count)]
    for key, left in ((second, 1), (first, 0)):
        if batch:
            module.scene.StartState(module.scene.BatchProcessState)
        for node in volumes:
            if node.GetAttribute("CEMSynth.acquisition") == key:
                module.scene.RemoveNode(node)
        if batch:
            assert table.rowCount == left + 1, "not before Slicer is done"
            module.scene.EndState(module.scene.BatchProcessState)
        assert table.rowCount == left
        assert (module.panel.shown is None) == (left == 0)
    assert module.panel.selectedKey() == ""


def test_two_studies_in_one_scene(module, folder: Path, tmp_path: Path) -> None:
    from CEMSynthLib.phantom.settings import CohortSettings
    from CEMSynthLib.phantom.study import write_patient

    open_folder(module, folder)
    write_patient(tmp_path, CohortSettings(8, 2.0), 1)
    open_folder(module, tmp_path / "dicom")
    table = module.ui.acquisitionTable
    patients = [table.item(row, 0).text() for row in range(table.rowCount)]
    assert patients == ["SIM-8-0001"] * (len(patients) - 1) + ["SIM-7-0001"]
    table.selectRow(len(patients) - 1)
    assert module.panel.shown.low_energy.GetName() == "R CC low energy"


def test_sample_study(module, folder: Path, monkeypatch) -> None:
    """Where it was simulated before it opens at once."""
    from CEMSynthLib.desktop import sample

    monkeypatch.setattr(sample, "sampleFolder", lambda: folder.parent)
    module.ui.sampleButton.click()
    run_timers()
    assert len(names(module)) == 4
    assert module.ui.sampleButton.enabled


def test_while_the_sample_study_is_simulated_the_panel_says_so(module, tmp_path: Path, monkeypatch) -> None:
    from CEMSynthLib.desktop import sample

    sys.modules["qt"].QProcess = processes.QProcess
    monkeypatch.setattr(sample, "sampleFolder", lambda: tmp_path / "sample")
    module.ui.sampleButton.click()
    assert module.ui.statusLabel.text.startswith("Simulating the sample study")
    assert module.ui.openButton.text == "Cancel"
    module.ui.openButton.click()
    assert module.ui.statusLabel.text.startswith("Canceled")


def test_the_sample_patient_has_an_enhancing_lesion_and_is_that_of_the_demo() -> None:
    """A patient without a lesion has nothing to measure."""
    from CEMSynthLib.commands import demo_command
    from CEMSynthLib.desktop.sample import PATIENT, SEED
    from CEMSynthLib.phantom.patient import draw_patient

    assert (SEED, PATIENT) == (demo_command.SEED, demo_command.PATIENT)
    enhancing = {lesion.laterality for lesion in draw_patient(SEED, PATIENT).lesions if lesion.iodine > 0.5}
    assert enhancing == {"L", "R"}


def test_the_sample_study_is_simulated_with_what_slicer_bundles(tmp_path: Path) -> None:
    """The command that the section gives to Slicer's Python, without any package that Slicer lacks."""
    from CEMSynthLib.desktop.python_program import commandArguments

    lacking = ("skimage", "tqdm", "pandas", "matplotlib", "sklearn", "torch", "jinja2")
    flag, code, *arguments = commandArguments(
        "simulate", "--output", str(tmp_path / "out"), "--seed", "7", "--pixel-spacing-mm", "2"
    )
    block = f"import sys; sys.modules.update(dict.fromkeys({lacking!r})); "
    done = _run([sys.executable, flag, block + code, *arguments])
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("out/truth/*/patient.json"))


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run with an open stdin: its end would cancel the command."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        out, error = child.stdout.read(), child.stderr.read()
        return subprocess.CompletedProcess(command, child.wait(timeout=120), out, error)


def test_the_sample_is_registered_when_slicer_has_started(module, monkeypatch) -> None:
    registered = []
    library = ModuleType("SampleData")
    logic = SimpleNamespace(registerCustomSampleDataSource=lambda **what: registered.append(what))
    vars(library)["SampleDataLogic"] = logic
    monkeypatch.setitem(sys.modules, "SampleData", library)
    monkeypatch.setattr(slicer, "modules", SimpleNamespace(), raising=False)
    parent = SimpleNamespace(path=str(ROOT / "CEMSynth/CEMSynth.py"), icon=None)
    module.module.CEMSynth(parent)
    ((signal, slot),) = slicer.app.startup
    assert signal == "startupCompleted()"
    slot()
    assert registered == [], "Sample Data can be switched off"
    slicer.modules.sampledata = object()
    slot()
    (what,) = registered
    assert Path(what["thumbnailFileName"]).is_file()
    assert what["customDownloader"].__name__ == "openSample"
    opened = []
    monkeypatch.setattr(slicer.util, "selectModule", opened.append, raising=False)
    button = SimpleNamespace(click=lambda: opened.append("sample"))
    widget = SimpleNamespace(ui=SimpleNamespace(sampleButton=button))
    representation = SimpleNamespace(self=lambda: widget)
    slicer.modules.cemsynth = SimpleNamespace(widgetRepresentation=lambda: representation)
    what["customDownloader"](None)
    what["customDownloader"]()  # as the tutorial says for the console
    assert opened == ["CEMSynth", "sample"] * 2
