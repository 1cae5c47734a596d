"""Notice: the same line in every view of the reader study, in place of the label of synthetic images.

"SYNTHETIC - not for diagnosis" would tell the reader what the study hides, so clinical, synthetic and low-energy
images all carry one text that is true of each of them.
"""

from collections.abc import Callable
from typing import Any

from CEMSynthLib.scene.text_actor import text_actor

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
        self._renderer, self._request_render = renderer, request_render
        self.actor = text_actor(14, (0.85, 0.85, 0.85), 0.6, (0.5, 0.98), "center", "top")
        self.actor.SetInput(TEXT)
        renderer.AddViewProp(self.actor)
        request_render()

    def release(self) -> None:
        """Take the line out of the view."""
        self._renderer.RemoveViewProp(self.actor)
        self._request_render()
