"""Reading room: the images of one case alone in the slice views, without names, each under the same neutral notice."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.breast_box import breast_box
from CEMSynthLib.scene.reading.layout import VIEW_GROUP, ReadingView, reading_views
from CEMSynthLib.scene.reading.marks import PLANE_DISTANCE, Marks, ViewPlane
from CEMSynthLib.scene.reading.notice import Notice
from CEMSynthLib.scene.volumes import add_volume
from CEMSynthLib.scene.zoom import fit_views, shown_volume

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLScene, vtkMRMLSliceLogic

    from CEMSynthLib.reading.case_images import ShownView

_VOLUME = "vtkMRMLScalarVolumeNode"


class ReadingHost(Protocol):
    """What the front end does for the reading room."""

    def show_layout(self, rows: Sequence[Sequence[ReadingView]]) -> None:
        """Make these slice views appear, and no others."""

    def restore_layout(self) -> None:
        """Come back to the layout that was there before the first `show_layout`."""

    def slice_logic(self, tag: str) -> "vtkMRMLSliceLogic | None":
        """The slice logic of a view; ``None`` while there is no such view."""

    def renderer(self, tag: str) -> Any:
        """The vtkRenderer of a view; ``None`` while there is none."""

    def request_render(self, tag: str) -> None:
        """Ask for a new picture of a view."""

    def settle(self) -> None:
        """Wait until the views have their final size."""


class ReadingRoom:
    """Shows one case at a time and takes it out of the scene again.

    Parameters
    ----------
    scene
        The scene.
    host
        The front end's views.
    marks_changed
        Called without arguments when a mark was placed, moved or removed.
    """

    def __init__(self, scene: "vtkMRMLScene", host: ReadingHost, marks_changed: Callable[[], None]) -> None:
        self._scene, self._host = scene, host
        self._notices: list[Notice] = []
        self._rows: list[list[ReadingView]] = []
        self.marks = Marks(scene, marks_changed)

    def show(self, views: "Sequence[ShownView]", marks: Sequence[dict[str, Any]] = ()) -> None:
        """Show the images of a case in place of those before; nothing is changed if one cannot be read.

        Parameters
        ----------
        views
            What `CaseImages.views` gives.
        marks
            Placed earlier.

        Raises
        ------
        CEMSynthLib.errors.CEMSynthError
            An image cannot be read, or the images of a view do not fit on each other.
        """
        # Imported here: reading DICOM takes half a second to import, and opening the module must not.
        from CEMSynthLib.scene.reading.blinded import WINDOW, blinded_images

        read = [blinded_images(view) for view in views]
        self.clear()
        rows = reading_views([view.name for view in views], [len(images) for _, images in read])
        self._host.show_layout(rows)
        planes = []
        for index, (view, (grid, images)) in enumerate(zip(views, read, strict=True)):
            planes.append(ViewPlane(view.name, grid.spacing_mm or (1.0, 1.0), grid.shape))
            for slot, image in zip(rows[index], images, strict=True):
                attributes = {names.READING: "image"}
                # Named and windowed alike, whatever the image is.
                node = add_volume(self._scene, f"{slot.label}", image.pixels, grid, WINDOW, attributes)
                node.SetSaveWithScene(False)
                node.SetHideFromEditors(True)
                node.GetDisplayNode().SetSaveWithScene(False)
                node.SetOrigin(0.0, 0.0, index * PLANE_DISTANCE)
                self._place(slot, node)
        self._host.settle()
        self._rows = rows
        self.fit()
        self.marks.open(planes, marks)

    def fit(self) -> None:
        """Fit the breasts into the views; the first image of a row decides for all of it, whatever the others are."""
        for row in self._rows:
            logics = [logic for slot in row if (logic := self._host.slice_logic(slot.tag)) is not None]
            first = shown_volume(logics[0]) if logics else None
            if first is not None:
                box = breast_box(first)
                fit_views([(logic, None) for logic in logics], lambda _volume, box=box: box)  # type: ignore[misc]

    def clear(self) -> None:
        """Take images, marks and notices away."""
        self.marks.close()
        self._rows = []
        for notice in self._notices:
            notice.release()
        self._notices.clear()
        count = self._scene.GetNumberOfNodesByClass(_VOLUME)
        for node in [self._scene.GetNthNodeByClass(i, _VOLUME) for i in range(count)]:
            if node.GetAttribute(names.READING) == "image":
                display = node.GetDisplayNode()
                # First the volume: a slice view gives a volume that has lost its display node a new one.
                self._scene.RemoveNode(node)
                if display is not None:
                    self._scene.RemoveNode(display)

    def leave(self) -> None:
        """Take everything away and give the layout back."""
        self.clear()
        self._host.restore_layout()

    def _place(self, slot: ReadingView, node: "vtkMRMLScalarVolumeNode") -> None:
        logic = self._host.slice_logic(slot.tag)
        if logic is None:
            return
        slice_node, composite = logic.GetSliceNode(), logic.GetSliceCompositeNode()
        slice_node.SetViewGroup(VIEW_GROUP + slot.row)
        slice_node.SetOrientation("Axial")
        composite.SetDoPropagateVolumeSelection(False)
        composite.SetForegroundVolumeID(None)
        composite.SetLabelVolumeID(None)
        composite.SetBackgroundVolumeID(node.GetID())
        composite.SetLinkedControl(True)
        composite.SetHotLinkedControl(True)
        # Linked views would broadcast an image that is chosen in one of them.
        flags = composite.GetInteractionFlagsModifier() & ~composite.BackgroundVolumeFlag
        composite.SetInteractionFlagsModifier(flags)
        renderer = self._host.renderer(slot.tag)
        if renderer is not None:
            self._notices.append(Notice(renderer, partial(self._host.request_render, slot.tag)))
