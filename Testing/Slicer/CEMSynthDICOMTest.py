"""Runs inside Slicer: a CEM study imported into a DICOM database loads through the plugin, one volume per image."""

import shutil
import unittest
from pathlib import Path

import slicer
from DICOMLib import DICOMUtils


class CEMSynthDICOMTest(unittest.TestCase):
    def setUp(self):
        slicer.mrmlScene.Clear()
        self.folder = Path(slicer.util.tempDirectory("CEMSynthDICOMTest"))

    def tearDown(self):
        slicer.mrmlScene.Clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def test_importAndLoad(self):
        from CEMSynthLib.desktop.selftest import writeSelfTestStudy
        from CEMSynthLib.scene.acquisitions import acquisitions_in
        from CEMSynthLib.study.reader import read_folder

        study = writeSelfTestStudy(self.folder / "study")
        found = read_folder(study).studies[0]
        with DICOMUtils.TemporaryDICOMDatabase(str(self.folder / "database")) as database:
            self.assertTrue(DICOMUtils.importDicom(str(study), database))
            series = list(database.seriesForStudy(found.study_uid))
            loaded = [slicer.mrmlScene.GetNodeByID(node) for node in DICOMUtils.loadSeriesByUID(series)]
        volumes = [node for node in loaded if node.IsA("vtkMRMLScalarVolumeNode")]
        self.assertEqual(len(volumes), 8)
        self.assertEqual({v.GetAttribute("CEMSynth.kind") for v in volumes}, {"low_energy", "recombined"})
        acquisitions = {v.name: v for v in acquisitions_in(slicer.mrmlScene)}
        self.assertEqual(sorted(acquisitions), ["L CC", "L MLO", "R CC", "R MLO"])
        for acquisition in found.acquisitions:
            volume = acquisitions[acquisition.name].recombined
            pixels = slicer.util.arrayFromVolume(volume)[0]
            self.assertTrue((pixels == acquisition.recombined.pixels()).all(), acquisition.name)
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        parents = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(volume)) for volume in volumes}
        self.assertEqual(parents, {hierarchy.GetItemByUID("DICOM", found.study_uid)})
