"""Runs inside Slicer: the panel, driven like a user drives it, with and without a main window."""

import shutil
import time
import unittest
from pathlib import Path

import slicer

MEAN_COLUMN = 6


class CEMSynthPanelTest(unittest.TestCase):
    def setUp(self):
        slicer.mrmlScene.Clear()
        self.folder = Path(slicer.util.tempDirectory("CEMSynthPanelTest"))
        representation = slicer.modules.cemsynth.widgetRepresentation()
        self.widget = representation.self()
        if slicer.util.mainWindow() is not None:
            slicer.util.selectModule("CEMSynth")
        elif not representation.isEntered:
            representation.enter()  # not the Python widget's: the module would not know that it is open

    def tearDown(self):
        slicer.mrmlScene.Clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def open(self, study, synthetic=""):
        self.widget.ui.studyPathLineEdit.currentPath = str(study)
        self.widget.ui.syntheticPathLineEdit.currentPath = str(synthetic)
        self.widget.ui.openButton.click()
        self.wait(lambda: not self.widget.panel.sections["Study"].busy, "the study is not read")

    def wait(self, done, what, seconds=60):
        latest = time.monotonic() + seconds
        while not done():
            self.assertLess(time.monotonic(), latest, what)
            slicer.app.processEvents()

    def test_openSelectAndClose(self):
        from CEMSynthLib.desktop.selftest import checkViews, writeSelfTestStudy, writeSelfTestSynthetic
        from CEMSynthLib.study.reader import read_folder

        study = writeSelfTestStudy(self.folder / "study")
        first = read_folder(study).studies[0].acquisitions[0]
        writeSelfTestSynthetic(first, self.folder / "synthetic")
        ui = self.widget.ui
        self.open(study, self.folder / "synthetic")
        self.assertEqual(ui.acquisitionTable.rowCount, 4)
        volumes = [slicer.mrmlScene.GetNthNodeByClass(i, "vtkMRMLScalarVolumeNode") for i in range(3)]
        self.assertEqual([v.GetAttribute("CEMSynth.kind") for v in volumes], ["low_energy", "recombined", "synthetic"])
        checkViews(self.widget.logic, tuple(volumes))

        ui.acquisitionTable.selectRow(1)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"), 5)

        saved = self.folder / "scene.mrb"
        self.assertTrue(slicer.util.saveScene(str(saved)))
        slicer.mrmlScene.Clear()
        self.assertEqual(ui.acquisitionTable.rowCount, 0)
        slicer.util.loadScene(str(saved))
        self.assertEqual(ui.acquisitionTable.rowCount, 2)

    def test_regionsExportAndSavedScene(self):
        from CEMSynthLib.desktop.selftest import writeSelfTestStudy, writeSelfTestSynthetic
        from CEMSynthLib.measurement.regions import RegionRole
        from CEMSynthLib.measurement.shapes import Ellipse, Rectangle
        from CEMSynthLib.study.reader import read_folder

        study = writeSelfTestStudy(self.folder / "study")
        writeSelfTestSynthetic(read_folder(study).studies[0].acquisitions[0], self.folder / "synthetic")
        self.open(study, self.folder / "synthetic")
        ui, regions = self.widget.ui, self.widget.logic.regions
        column, row = self.widget.panel.shown.synthetic.GetSpacing()[:2]
        regions.add(RegionRole.LESION, Rectangle((60 * column, 80 * row), (20 * column, 10 * row)))
        regions.add(RegionRole.BACKGROUND, Ellipse((60 * column, 120 * row), (15 * column, 12 * row)))
        self.wait(lambda: ui.measurementTable.rowCount == 6, "the regions are not measured")
        numbers = self.numbers()
        self.assertTrue(any(numbers))
        ui.copyTableButton.click()
        copied = slicer.app.clipboard().text().splitlines()
        self.assertEqual(len(copied), 7)
        self.assertIn("SYNTHETIC", copied[-1])

        ui.measureHaloButton.click()
        self.wait(lambda: ui.measureHaloButton.text == "Measure halo", "the halo is not measured")
        self.assertTrue(ui.haloTable.rowCount or ui.statusLabel.text)

        exports = self.folder / "exports"
        exports.mkdir()
        ui.exportImagesCheckBox.checked = ui.exportTableCheckBox.checked = False
        ui.exportReportDicomCheckBox.checked = ui.exportHTMLCheckBox.checked = False
        ui.exportMarkupsCheckBox.checked = ui.exportPicturesCheckBox.checked = True
        ui.exportPathLineEdit.currentPath = str(exports)
        self.assertTrue(ui.exportButton.enabled, ui.exportButton.toolTip)
        ui.exportButton.click()
        self.wait(lambda: "files are in" in ui.statusLabel.text, "nothing is exported")
        self.assertEqual(len(list(exports.glob("*/pictures/*.png"))), 3)
        self.assertEqual(len(list(exports.glob("*/regions/*.mrk.json"))), 2)

        saved = self.folder / "regions.mrb"
        self.assertTrue(slicer.util.saveScene(str(saved)))
        slicer.mrmlScene.Clear()
        self.assertEqual(ui.regionTable.rowCount, 0)
        slicer.util.loadScene(str(saved))
        self.wait(lambda: ui.measurementTable.rowCount == 6, "the regions of the saved scene are not measured")
        self.assertEqual([region.kind.value for region in regions.regions()], ["rectangle", "ellipse"])
        self.assertEqual(self.numbers(), numbers)

    def numbers(self):
        table = self.widget.ui.measurementTable
        return [table.item(row, MEAN_COLUMN).text() for row in range(table.rowCount)]

    def test_synthesisByPanel(self):
        from CEMSynthLib.desktop.packages import SYNTHESIS, missingPackages
        from CEMSynthLib.desktop.selftest import writeSelfTestStudy

        self.open(writeSelfTestStudy(self.folder / "study"))
        ui = self.widget.ui
        if missingPackages(SYNTHESIS):
            self.assertFalse(ui.applySynthesisButton.enabled)
            self.assertIn("packages", ui.applySynthesisButton.toolTip)
            return
        ui.applySynthesisButton.click()
        self.wait(lambda: ui.applySynthesisButton.text == "Apply", "the synthesis does not end", 300)
        self.assertIsNotNone(self.widget.panel.shown.synthetic, ui.statusLabel.text)
        self.assertTrue(self.widget.panel.shown.synthetic.GetName().startswith("SYNTHETIC"))

    def test_errorIsOneSentence(self):
        self.open(self.folder)
        self.assertIn("is empty", self.widget.ui.statusLabel.text)
        self.assertEqual(self.widget.ui.acquisitionTable.rowCount, 0)

    def test_openButtonSaysWhatIsMissing(self):
        self.widget.ui.studyPathLineEdit.currentPath = str(self.folder / "none")
        self.assertFalse(self.widget.ui.openButton.enabled)
        self.assertIn("does not exist", self.widget.ui.openButton.toolTip)
