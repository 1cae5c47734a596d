"""Section: what every collapsible section of the module has in common; one class and one .ui file per section."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from CEMSynthLib.desktop.panel import Panel
    from CEMSynthLib.scene.acquisitions import AcquisitionVolumes


class Section:
    """One section: connects its widgets with the logic. Every method here does nothing until a section needs it.

    The class is called ``<Name>Section``, lies in ``desktop/<name>_section.py`` and has its widgets in
    ``Resources/UI/<Name>Section.ui``.

    Parameters
    ----------
    ui
        The child widgets of all sections by name.
    logic
        A CEMSynthLogic.
    panel
        The panel that the section is part of: ``shown``, ``parameterNode``, ``say()``, ``select()``, ``refresh()``.
    """

    def __init__(self, ui: Any, logic: Any, panel: "Panel") -> None:
        self.ui = ui
        self.logic = logic
        self.panel = panel

    @property
    def parameterNode(self) -> Any:
        """The wrapped parameter node; ``None`` while the module is not open."""
        return self.panel.parameterNode

    def say(self, sentence: str) -> None:
        """Show a sentence above this section; an empty one takes it away."""
        self.panel.say(sentence, self)

    def enter(self) -> None:
        """The module was opened: turn shortcuts, timers and observers of views on."""

    def exit(self) -> None:
        """The module was left: turn off what `enter` turned on."""

    def setParameterNode(self, parameterNode: Any) -> None:
        """Take another parameter node, ``None`` when the module is left or the scene closes."""

    def onParameterNodeModified(self) -> None:
        """A parameter changed, or another parameter node was set. Not called while a scene is imported."""

    def onShown(self, volumes: "AcquisitionVolumes | None") -> None:
        """Another acquisition is shown, or none."""

    def onSceneClosed(self) -> None:
        """Forget nodes: the scene that they are in closes."""

    def refresh(self) -> None:
        """Bring tables, buttons and tooltips up to date; the tooltip of a disabled button says what is missing."""

    def cleanup(self) -> None:
        """Let go of everything; the module is reloaded or Slicer closes."""
