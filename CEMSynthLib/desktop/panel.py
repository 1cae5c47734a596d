"""Panel: builds the sections of the module from their .ui files and tells them what happens."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer

from CEMSynthLib.desktop.section import Section
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.scene.acquisitions import find_acquisition
from CEMSynthLib.scene.deletions import Deletions

if TYPE_CHECKING:
    from CEMSynthLib.scene.acquisitions import AcquisitionVolumes

#: Top to bottom, as the work goes. A section whose class or .ui file is not there is hidden.
SECTIONS = ("Study", "Synthesis", "Compare", "Regions", "Halo", "Reading", "Export")


class Panel:
    """The sections and what they share.

    Parameters
    ----------
    top
        The widget of CEMSynth.ui: a qMRMLWidget with one ctkCollapsibleButton per section.
    resourcePath
        Gives the path of a file in Resources.
    logic
        A CEMSynthLogic.
    """

    def __init__(self, top: Any, resourcePath: Callable[[str], str], logic: Any) -> None:
        self.logic = logic
        #: The wrapped parameter node; ``None`` while the module is not open.
        self.parameterNode: Any = None
        #: The acquisition that is shown.
        self.shown: AcquisitionVolumes | None = None
        self.sections: dict[str, Section] = {}
        self._top = top
        self._shownKey = ""
        self._showing = self._askedMeanwhile = False
        there = [name for name in SECTIONS if _isThere(name, resourcePath)]
        frame = slicer.util.childWidgetVariables(top)
        for name in SECTIONS:
            button = getattr(frame, _buttonName(name))
            if name in there:
                widget = slicer.util.loadUI(resourcePath(_uiFile(name)))
                button.layout().addWidget(widget)
                top.connect("mrmlSceneChanged(vtkMRMLScene*)", widget, "setMRMLScene(vtkMRMLScene*)")
            else:
                button.visible = False
        #: The child widgets of all sections by name, and nothing else: parameterNodeWrapper walks over it.
        self.ui = slicer.util.childWidgetVariables(top)
        top.setMRMLScene(slicer.mrmlScene)
        for name in there:
            kind = getattr(import_module(_moduleName(name)), f"{name}Section")
            self.sections[name] = kind(self.ui, logic, self)
        self._deletions = Deletions(slicer.mrmlScene, self.onVolumesRemoved)
        self.say("")
        self.refresh()

    def say(self, sentence: str, section: Section | None = None) -> None:
        """Show a sentence.

        Parameters
        ----------
        sentence
            What happened, to which file, what to do; empty to take the last one away.
        section
            Whose sentence it is: it is shown above this section. At the top if ``None``.
        """
        label, layout = self.ui.statusLabel, self._top.layout()
        if sentence:
            name = next((n for n, there in self.sections.items() if there is section), SECTIONS[0])
            layout.removeWidget(label)
            layout.insertWidget(layout.indexOf(getattr(self.ui, _buttonName(name))), label)
        label.text = sentence
        label.visible = bool(sentence)

    def refresh(self) -> None:
        """Bring every section up to date with logic and scene."""
        for section in self.sections.values():
            section.refresh()

    def select(self, key: str) -> None:
        """Show an acquisition and keep it as the selected one of the scene; an empty key selects none."""
        if self.parameterNode is None:
            return
        if self.parameterNode.selectedAcquisition == key:
            self.show(key)
        else:
            self.parameterNode.selectedAcquisition = key  # onParameterNodeModified shows it

    def selectedKey(self) -> str:
        """Key of the selected acquisition; empty if there is none."""
        return str(self.parameterNode.selectedAcquisition) if self.parameterNode is not None else ""

    def show(self, key: str) -> None:
        """Show an acquisition (again): layout, images, field of view. Its warnings or the error become the sentence.

        Slicer goes on while the views get their size, so another one can be asked for meanwhile: it comes after this.
        """
        self._shownKey = key
        if self._showing:
            self._askedMeanwhile = True
            return
        self._showing, self._askedMeanwhile = True, False
        try:
            self._show(key)
        finally:
            self._showing = False
        if self._askedMeanwhile and self.parameterNode is not None:
            self.show(self.selectedKey())

    def _show(self, key: str) -> None:
        shown, sentence = None, ""
        if key:
            # Not slicer.util.WaitCursor: it dispatches clicks, which could show another acquisition within this one.
            qt.QApplication.setOverrideCursor(qt.Qt.WaitCursor)
            try:
                shown = self.logic.showAcquisition(key)
                sentence = " ".join(shown.warnings)
            except CEMSynthError as error:
                sentence = str(error)
            finally:
                qt.QApplication.restoreOverrideCursor()
        self.say("")
        self._setShown(shown)
        if sentence:  # after the sections, which take their own sentences away
            self.say(sentence)

    def enter(self) -> None:
        """The module was opened."""
        for section in self.sections.values():
            section.enter()

    def exit(self) -> None:
        """The module was left."""
        for section in self.sections.values():
            section.exit()

    def setParameterNode(self, parameterNode: Any) -> None:
        """Take the parameter node of the scene; ``None`` while the module is not open."""
        self.parameterNode = parameterNode
        if parameterNode is None:
            self._shownKey = ""
        for section in self.sections.values():
            section.setParameterNode(parameterNode)

    def onParameterNodeModified(self) -> None:
        """Show the acquisition that the scene says is selected, and tell the sections."""
        if self.parameterNode.selectedAcquisition != self._shownKey:
            self.show(self.parameterNode.selectedAcquisition)
        for section in self.sections.values():
            section.onParameterNodeModified()

    def onSceneClosed(self) -> None:
        """The scene closes: nothing of it may be kept."""
        for section in self.sections.values():
            section.onSceneClosed()
        self._shownKey = ""
        self.say("")
        self._setShown(None)

    def onVolumesRemoved(self) -> None:
        """Images were deleted; they can be of what is shown, or the last ones of a line of the table."""
        if self.shown is None or all(node is None or node.GetScene() is not None for node in self.shown.nodes):
            if not self._showing:
                self.refresh()
            return
        left = find_acquisition(slicer.mrmlScene, self.shown.key, self.shown.name)
        if left.kinds:
            self._setShown(left)
        elif self.parameterNode is not None:
            self.parameterNode.selectedAcquisition = ""
        else:
            self._setShown(None)

    def cleanup(self) -> None:
        """The module is reloaded or Slicer closes."""
        self._deletions.release()
        for section in self.sections.values():
            section.cleanup()
        self.sections.clear()

    def _setShown(self, shown: "AcquisitionVolumes | None") -> None:
        self.shown = shown
        for section in self.sections.values():
            section.onShown(shown)
        self.refresh()


def _isThere(name: str, resourcePath: Callable[[str], str]) -> bool:
    return find_spec(_moduleName(name)) is not None and Path(resourcePath(_uiFile(name))).is_file()


def _moduleName(name: str) -> str:
    return f"CEMSynthLib.desktop.{name.lower()}_section"


def _uiFile(name: str) -> str:
    return f"UI/{name}Section.ui"


def _buttonName(name: str) -> str:
    return f"{name.lower()}CollapsibleButton"
