"""Legend: colors, numbers and units beside a difference image.

Slicer's own color legend follows a change of the shown image only where the user made it in the view itself, so the
legend is CEMSynth's own.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.observing import Observations
from CEMSynthLib.scene.text_actor import style_text, text_actor
from CEMSynthLib.scene.zoom import shown_volume
from CEMSynthLib.study.model import Side

if TYPE_CHECKING:
    from slicer import vtkMRMLNode, vtkMRMLScalarVolumeNode, vtkMRMLSliceLogic

_SIZE, _COLOR = 12, (0.9, 0.9, 0.9)


class DifferenceLegend:
    """The legend of one slice view, shown while its background is a difference image.

    Parameters
    ----------
    logic
        The view's slice logic.
    renderer
        The view's vtkRenderer.
    request_render
        Asks for a new picture.
    """

    def __init__(self, logic: "vtkMRMLSliceLogic", renderer: Any, request_render: Callable[[], None]) -> None:
        self._logic = logic
        self._renderer = renderer
        self._request_render = request_render
        self.actor, self.text = _bar(), text_actor(_SIZE, _COLOR, place=(0.02, 0.38))
        for actor in (self.actor, self.text):
            actor.SetVisibility(False)
            renderer.AddViewProp(actor)
        self._volume: vtkMRMLScalarVolumeNode | None = None
        self._of_view, self._of_volume = Observations(), Observations()
        self._of_view.add(logic.GetSliceCompositeNode(), "ModifiedEvent", self._update)
        self._update(logic.GetSliceCompositeNode())

    def refresh(self) -> None:
        """Look again at what the view shows."""
        self._update(self._logic.GetSliceCompositeNode())

    def release(self) -> None:
        """Take the legend out of the view."""
        self._of_view.remove()
        self._of_volume.remove()
        for actor in (self.actor, self.text):
            self._renderer.RemoveViewProp(actor)

    def _update(self, _composite: "vtkMRMLNode") -> None:
        volume = shown_volume(self._logic)
        if volume is not None and volume.GetAttribute(names.KIND) != names.DIFFERENCE_KIND:
            volume = None
        if volume is self._volume:
            return
        self._of_volume.remove()
        self._volume = volume
        if volume is not None:
            self._of_volume.add(volume.GetDisplayNode(), "ModifiedEvent", self._draw)
            self._draw(volume.GetDisplayNode())
        for actor in (self.actor, self.text):
            actor.SetVisibility(volume is not None)
        self._request_render()

    def _draw(self, display: "vtkMRMLNode") -> None:
        import vtk

        if self._volume is None or display.GetColorNode() is None:
            return
        colors = vtk.vtkLookupTable()
        colors.DeepCopy(display.GetColorNode().GetLookupTable())
        colors.SetRange(display.GetWindowLevelMin(), display.GetWindowLevelMax())
        self.actor.SetLookupTable(colors)
        units = "modality units" if self._volume.GetAttribute(names.UNITS) == names.MODALITY_UNITS else "gray levels"
        self.text.SetInput(f"synthetic - clinical\n{units}")
        # Below the nipple, away from the chest wall, there is air.
        left = self._volume.GetAttribute(names.CHEST_WALL) == Side.LEFT.value
        self.actor.SetPosition(0.85 if left else 0.02, 0.03)
        self.text.GetPositionCoordinate().SetValue(0.98 if left else 0.02, 0.38)
        text = self.text.GetTextProperty()
        if left:
            text.SetJustificationToRight()
        else:
            text.SetJustificationToLeft()


def _bar() -> Any:
    import vtk

    actor = vtk.vtkScalarBarActor()
    actor.SetNumberOfLabels(5)
    actor.SetLabelFormat("%+.0f")
    actor.SetMaximumNumberOfColors(255)
    actor.UnconstrainedFontSizeOn()
    actor.SetBarRatio(0.3)
    actor.SetWidth(0.13)
    actor.SetHeight(0.32)
    actor.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
    actor.SetPosition(0.02, 0.03)
    labels = actor.GetLabelTextProperty()
    style_text(labels, _SIZE, _COLOR)
    labels.BoldOff()
    labels.ItalicOff()
    labels.ShadowOff()
    labels.SetFontFamilyToArial()
    return actor
