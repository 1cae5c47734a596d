"""CEMSynth: the Slicer module. Wiring only; what it does is in CEMSynthLib."""

import sys
from pathlib import Path

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

# Installed, the library lies beside this file; in a source tree beside its folder, which Slicer does not know.
if not (Path(__file__).parent / "CEMSynthLib").is_dir() and str(Path(__file__).resolve().parents[1]) not in sys.path:
    sys.path.append(str(Path(__file__).resolve().parents[1]))


class CEMSynth(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("CEM Synthesis")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Image Synthesis")]
        self.parent.dependencies = []
        self.parent.contributors = ["CEMSynth developers (CEMSynth)"]
        self.parent.helpText = _(
            "Make synthetic iodine images of contrast-enhanced mammograms (CEM), compare low energy, clinical and "
            "synthetic image side by side, measure contrast-to-noise ratio (CNR) and halo, and export."
            "<p>Open a folder of DICOM files, or of images named like P12_L_DM_CC.jpg (DM low energy, CM recombined), "
            "or press <i>Sample study</i>."
            "<p><b>Research software. Synthetic images are not for diagnosis.</b>"
        )
        self.parent.acknowledgementText = _(
            "Follows the study of Zormpas-Petridis et al., Eur Radiol Exp 2026, doi 10.1186/s41747-026-00681-7."
        )
        # Other modules are not there before all are loaded.
        slicer.app.connect("startupCompleted()", onStartupCompleted)


def onStartupCompleted():
    from CEMSynthLib.desktop.startup import startup

    startup()


@parameterNodeWrapper
class CEMSynthParameterNode:
    """What belongs to the scene. Folders belong to the machine: they are in QSettings.

    selectedAcquisition - Key of the acquisition that is shown; empty if none.
    haloLines, haloSectors - Distance lines, and the steps by sector, are drawn over the images.
    cnrFormula - Which figure the table of regions shows first.
    How images are compared is in a node that the browser reads too (CEMSynthLib.scene.comparison_state).
    synthesisModel, synthesizeAll - Name of the generator (empty: the default); all acquisitions are wanted.
    """

    selectedAcquisition: str = ""
    cnrFormula: str = "sd_background"
    haloLines: bool = False
    haloSectors: bool = False
    synthesisModel: str = ""
    synthesizeAll: bool = False


class CEMSynthWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.panel = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None
        self._sceneImported = False

    def setup(self) -> None:
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/CEMSynth.ui"))
        self.layout.addWidget(uiWidget)
        self.logic = CEMSynthLogic()

        from CEMSynthLib.desktop.panel import Panel

        self.panel = Panel(uiWidget, self.resourcePath, self.logic)
        self.ui = self.panel.ui
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneEndImport)
        self.addObserver(scene, scene.EndBatchProcessEvent, self.onSceneEndBatchProcess)
        if getattr(self.parent, "isEntered", False):  # reloaded while it is open: Slicer does not enter it again
            self.enter()

    def cleanup(self) -> None:
        self.setParameterNode(None)
        self.removeObservers()
        if self.panel is not None:
            self.panel.cleanup()
        if self.logic is not None:
            self.logic.cleanup()

    def enter(self) -> None:
        self.panel.enter()
        self.initializeParameterNode()

    def exit(self) -> None:
        self.setParameterNode(None)
        self.panel.exit()
        self.logic.leaveViews()

    def onSceneStartClose(self, caller, event) -> None:
        self.setParameterNode(None)
        self.logic.forget()
        self.panel.onSceneClosed()

    def onSceneEndClose(self, caller, event) -> None:
        self.panel.refresh()
        if self.parent.isEntered:
            self.initializeParameterNode()

    def onSceneEndImport(self, caller, event) -> None:
        # A scene that replaces the one before is imported within a batch process, which ends later.
        self._sceneImported = True
        self.onSceneEndBatchProcess()

    def onSceneEndBatchProcess(self, caller=None, event=None) -> None:
        if not self._sceneImported or slicer.mrmlScene.IsBatchProcessing():
            return
        self._sceneImported = False
        self.logic.views.updateLabels()
        self.setParameterNode(None)
        self.panel.refresh()
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self) -> None:
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, inputParameterNode) -> None:
        if self._parameterNode == inputParameterNode:
            return
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParameterNodeModified)
        self._parameterNode = inputParameterNode
        self.panel.setParameterNode(inputParameterNode)
        if self._parameterNode:
            self._parameterNodeGuiTag = self._parameterNode.connectGui(self.ui)
            self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParameterNodeModified)
            self.onParameterNodeModified()

    def onParameterNodeModified(self, caller=None, event=None) -> None:
        # While a scene is imported its volumes are not all there yet; onSceneEndBatchProcess comes back to this.
        if self._parameterNode and not slicer.mrmlScene.IsBatchProcessing():
            self.panel.onParameterNodeModified()

    def onReload(self) -> None:
        for name in [n for n in sys.modules if n == "CEMSynthLib" or n.startswith("CEMSynthLib.")]:
            del sys.modules[name]
        super().onReload()


class CEMSynthLogic(ScriptedLoadableModuleLogic):
    """Open studies and show them, from the panel or from the Python console.

    Example::

      import CEMSynth; logic = CEMSynth.CEMSynthLogic()
      row = logic.openStudy("/data/study")[0]
      logic.synthesis.run([row.key])
      print(logic.showAcquisition(row.key).synthetic.GetName())
      print(logic.export.run([row.key], "/data/exports").folder)
    """

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        from CEMSynthLib.desktop import export, synthesis
        from CEMSynthLib.desktop.reading_views import readingDesk
        from CEMSynthLib.desktop.views import DesktopViews
        from CEMSynthLib.scene.halo.in_scene import HaloInScene
        from CEMSynthLib.scene.regions.region_set import RegionSet
        from CEMSynthLib.scene.study import StudyInScene

        self.study = StudyInScene(slicer.mrmlScene)
        self.views = DesktopViews(self.study)
        self.synthesis, self.export = synthesis.Synthesis(self.study), export.Export(self.study)
        self.halo = HaloInScene(slicer.mrmlScene)
        self.reading = readingDesk()
        self.regions = RegionSet(slicer.mrmlScene)
        self._parameterNode = None

    def getParameterNode(self):
        parameterNode = super().getParameterNode()
        if not self._parameterNode or self._parameterNode.parameterNode != parameterNode:
            self._parameterNode = CEMSynthParameterNode(parameterNode)
        return self._parameterNode

    def openStudy(self, folder, syntheticFolder=None, progress=None):
        """Read a folder, and a folder of synthetic images made from it if there is one.

        Returns a list of AcquisitionRow (CEMSynthLib.scene.study). Nothing enters the scene yet. Raises CEMSynthError.
        """
        from CEMSynthLib.progress import silent
        from CEMSynthLib.study.reader import read_folder

        found = read_folder(Path(folder), progress or silent)
        synthetic = read_folder(Path(syntheticFolder), progress or silent) if syntheticFolder else None
        return self.study.open(found, synthetic)

    def showAcquisition(self, key):
        """Load an acquisition of openStudy() or of the scene and show it; returns AcquisitionVolumes."""
        volumes = self.study.load(key)
        self.views.show(volumes)
        self.regions.show(volumes)
        return volumes

    def leaveViews(self) -> None:
        """Give the layout back that was there before."""
        self.views.restoreLayout()

    def forget(self) -> None:
        """The scene is closed: forget what was opened and the parameter node, which the scene empties."""
        self.views.forget()
        self.study.close()
        self._parameterNode = None

    def cleanup(self) -> None:
        """Let go of views and nodes."""
        self.views.cleanup()
        self.halo.release()
        self.reading.close()
        self.regions.release()


class CEMSynthTest(ScriptedLoadableModuleTest):
    def test_wholeJob(self):
        """From a simulated study to numbers, without a panel; see CEMSynthLib.desktop.selftest."""
        from CEMSynthLib.desktop.selftest import runSelfTest

        runSelfTest(CEMSynthLogic)
