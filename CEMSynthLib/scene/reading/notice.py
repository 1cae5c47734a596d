"""Notice: the same line in every view of the reader study, in place of the label of synthetic images.

"SYNTHETIC - not for diagnosis" would tell the reader what the study hides, so clinical, synthetic and low-energy
images all carry one text that is true of each of them.
"""

from collections.abc import Callable
from typing import Any

TEXT = "Research image - not for diagnosis"


class Notice:
    """The line in one slice view.

    Parameters
    ----------
    renderer
        The view's vtkRenderer.
    request_render
        Asks for a new picture.
    """

    def __init__(self, renderer: Any, request_render: Callable[[], None]) -> None:
        import vtk

        self._renderer, self._request_render = renderer, request_render
        self.actor = vtk.vtkTextActor()
        self.actor.SetInput(TEXT)
        text = self.actor.GetTextProperty()
        text.SetFontSize(14)
        text.SetColor(0.85, 0.85, 0.85)
        text.SetBackgroundColor(0.0, 0.0, 0.0)
        text.SetBackgroundOpacity(0.6)
        text.SetJustificationToCentered()
        text.SetVerticalJustificationToTop()
        position = self.actor.GetPositionCoordinate()
        position.SetCoordinateSystemToNormalizedViewport()
        position.SetValue(0.5, 0.98)
        renderer.AddViewProp(self.actor)
        request_render()

    def release(self) -> None:
        """Take the line out of the view."""
        self._renderer.RemoveViewProp(self.actor)
        self._request_render()
