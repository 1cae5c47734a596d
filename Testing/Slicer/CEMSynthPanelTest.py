"""Runs inside Slicer: the panel, driven like a user drives it, with and without a main window."""

import shutil
import time
import unittest
from pathlib import Path

import slicer


class CEMSynthPanelTest(unittest.TestCase):
    def setUp(self):
        slicer.mrmlScene.Clear()
        self.folder = Path(slicer.util.tempDirectory("CEMSynthPanelTest"))
        self.widget = slicer.modules.cemsynth.widgetRepresentation().self()
        if slicer.util.mainWindow() is not None:
            slicer.util.selectModule("CEMSynth")
        else:
            self.widget.enter()

    def tearDown(self):
        slicer.mrmlScene.Clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def open(self, study, synthetic=""):
        self.widget.ui.studyPathLineEdit.currentPath = str(study)
        self.widget.ui.syntheticPathLineEdit.currentPath = str(synthetic)
        self.widget.ui.openButton.click()
        latest = time.monotonic() + 60
        while self.widget.panel.sections["Study"].busy:
            self.assertLess(time.monotonic(), latest, "the study is not read")
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

    def test_errorIsOneSentence(self):
        self.open(self.folder)
        self.assertIn("is empty", self.widget.ui.statusLabel.text)
        self.assertEqual(self.widget.ui.acquisitionTable.rowCount, 0)

    def test_openButtonSaysWhatIsMissing(self):
        self.widget.ui.studyPathLineEdit.currentPath = str(self.folder / "none")
        self.assertFalse(self.widget.ui.openButton.enabled)
        self.assertIn("does not exist", self.widget.ui.openButton.toolTip)
