"""Compare section: low energy, clinical and synthetic image side by side."""

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from CEMSynthLib.desktop.section import Section

if TYPE_CHECKING:
    from CEMSynthLib.desktop.panel import Panel


class CompareSection(Section):
    """Connects the widgets of CompareSection.ui with the views."""

    def __init__(self, ui: Any, logic: Any, panel: "Panel") -> None:
        super().__init__(ui, logic, panel)
        self.ui.showButton.clicked.connect(self.onShowClicked)
        self.ui.fitButton.clicked.connect(self.onFitClicked)
        self.ui.resetWindowButton.clicked.connect(self.onResetWindowClicked)

    def onParameterNodeModified(self) -> None:
        """Link the views or not."""
        self.logic.views.setLinked(self.parameterNode.linkViews)

    def onShowClicked(self) -> None:
        """Show the selected acquisition (again): layout, images, field of view."""
        if self.panel.selectedKey():
            self.panel.show(self.panel.selectedKey())

    def onFitClicked(self) -> None:
        """Fit the images into the views."""
        self.logic.views.fit()

    def onResetWindowClicked(self) -> None:
        """Come back to the clinical image's own window."""
        self.logic.views.resetWindow()

    def refresh(self) -> None:
        """A disabled button says in its tooltip what is missing."""
        nothing = "" if self.panel.selectedKey() else _("Open a study and select an acquisition first.")
        self.ui.showButton.enabled = self.ui.fitButton.enabled = not nothing
        self.ui.showButton.toolTip = nothing or _("Show low energy, clinical and synthetic image side by side.")
        self.ui.fitButton.toolTip = nothing or _("Fit the images into the slice views.")
        shown = self.panel.shown
        both = shown is not None and shown.recombined is not None and shown.synthetic is not None
        self.ui.resetWindowButton.enabled = both
        self.ui.resetWindowButton.toolTip = (
            _("Show clinical and synthetic image with the clinical image's own VOI window again.")
            if both
            else _(
                "Needs a clinical and a synthetic image. Synthetic images are made on the command line: "
                "cemsynth synthesize STUDY --output FOLDER"
            )
        )
