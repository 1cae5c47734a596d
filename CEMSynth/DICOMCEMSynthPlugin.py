"""DICOMCEMSynthPlugin: lets Slicer's DICOM module load contrast-enhanced mammograms; what it does is in CEMSynthLib."""

import sys
from pathlib import Path

import slicer
from DICOMLib import DICOMLoadable, DICOMPlugin
from slicer.i18n import tr as _

# Installed, the library lies beside this file; in a source tree beside its folder, which Slicer does not know.
if not (Path(__file__).parent / "CEMSynthLib").is_dir() and str(Path(__file__).resolve().parents[1]) not in sys.path:
    sys.path.append(str(Path(__file__).resolve().parents[1]))


class DICOMCEMSynthPluginClass(DICOMPlugin):
    """One loadable for each low-energy, recombined or synthetic image of a CEM study, paired over all its series."""

    def __init__(self):
        super().__init__()
        self.loadType = _("Contrast-enhanced mammogram")
        self.tags["modality"] = "0008,0060"  # Slicer 5.10 has no tag of this name yet

    def examineForImport(self, fileLists):
        # Slicer 5.10 does not do this by itself. Not cached: the images of a study are paired over all its series, of
        # which more can be imported later.
        return [loadable for files in fileLists for loadable in self.examineFiles(files)]

    def examineFiles(self, files):
        files = [file for file in files if slicer.dicomDatabase.fileValue(file, self.tags["modality"]) == "MG"]
        if not files:
            return []
        from CEMSynthLib.desktop.dicom_instances import examined

        loadables = []
        for instance in examined(files):
            loadable = DICOMLoadable()
            loadable.files = [instance.file]
            loadable.name = instance.name
            loadable.tooltip = instance.toolTip
            loadable.warning = instance.warning
            loadable.selected = True
            # Slicer's scalar volume reader says 0.5; it can turn the polarity and lose the spacing of mammograms.
            loadable.confidence = 0.9
            loadables.append(loadable)
        return loadables

    def load(self, loadable):
        from CEMSynthLib.desktop.dicom_instances import loadFile, showInViews, underItsStudy

        node = loadFile(loadable.files[0])
        self.addSeriesInSubjectHierarchy(loadable, node)
        underItsStudy(node)
        showInViews(node)
        return node


class DICOMCEMSynthPlugin:
    """The hook by which Slicer finds the plugin; it is not shown as a module."""

    def __init__(self, parent):
        parent.title = _("DICOM contrast-enhanced mammogram plugin")
        parent.categories = ["Developer Tools.DICOM Plugins"]
        parent.contributors = ["CEMSynth developers (CEMSynth)"]
        parent.helpText = "Plugin of the DICOM module for contrast-enhanced mammograms. It has no panel of its own."
        parent.acknowledgementText = ""
        parent.hidden = True
        if not hasattr(slicer.modules, "dicomPlugins"):
            slicer.modules.dicomPlugins = {}
        slicer.modules.dicomPlugins["DICOMCEMSynthPlugin"] = DICOMCEMSynthPluginClass
