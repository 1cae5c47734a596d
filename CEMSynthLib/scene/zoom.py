"""Zoom: the image fitted into its slice views, hung with the chest wall at one side, or shown pixel by pixel."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.study.model import Side

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSliceLogic

#: A slice logic, and the side that the chest wall is put at (``None``: the image is centered, never mirrored).
Placed = tuple["vtkMRMLSliceLogic", Side | None]
#: Lowest R, highest R, lowest A, highest A.
Box = tuple[float, float, float, float]

#: Name of the orientation of an image that hangs mirrored; it becomes part of an XML name in a saved scene.
FROM_BEHIND = "AxialFromBehind"


def shown_volume(logic: "vtkMRMLSliceLogic") -> "vtkMRMLScalarVolumeNode | None":
    """The background volume of a slice view."""
    composite = logic.GetSliceCompositeNode()
    scene, number = composite.GetScene(), composite.GetBackgroundVolumeID()
    node = scene.GetNodeByID(number) if scene is not None and number else None
    return node if node is not None and node.GetImageData() is not None else None


def fit_views(views: Sequence[Placed], box_of: "Callable[[vtkMRMLScalarVolumeNode], Box] | None" = None) -> None:
    """Fit the images into their views, all with one width of the field of view, so that they start alike.

    Linked views share that width; the largest needed shows all that is wanted in all of them. An empty view gets the
    field of view of the first image. An image whose chest wall lies at the other side is seen from behind
    (slice to RAS); its pixels stay as they are.

    Parameters
    ----------
    views
        They must have their final size: in desktop Slicer, process events after a change of the layout.
    box_of
        Which part of an image is wanted, as `image_box` gives it; ``None``: all of it.
    """
    box_of = box_of or image_box
    placed = [(logic, wall, shown_volume(logic)) for logic, wall in views]
    volumes = [volume for _, _, volume in placed if volume is not None]
    if not volumes:
        return
    boxes = [(logic, wall, volume or volumes[0], box_of(volume or volumes[0])) for logic, wall, volume in placed]
    width = 0.0
    for logic, _, _, (left, right, low, high) in boxes:
        columns, rows = logic.GetSliceNode().GetDimensions()[:2]
        width = max(width, right - left, (high - low) * columns / max(rows, 1))
    for logic, wall, volume, (left, right, low, high) in boxes:
        mirrored = wall is not None and volume.GetAttribute(names.CHEST_WALL) == wall.opposite.value
        center = (left + right) / 2
        if wall is not None:
            # Screen right is patient left (-R) unless mirrored.
            toward = 1.0 if (wall is Side.RIGHT) == mirrored else -1.0
            center += toward * ((right - left) / 2 - width / 2)
        _look(logic, (center, (low + high) / 2), mirrored)
        _set_field(logic, width)


def actual_pixels(
    views: Sequence["vtkMRMLSliceLogic"], point: tuple[float, float] | None = None, scale: int = 1
) -> None:
    """Show one image pixel as one screen pixel, pixel centers on pixel centers, so that nothing is interpolated.

    Parameters
    ----------
    views
        All that are to show the same place; an empty one is placed like the first image.
    point
        R and A of the place to put in the middle; ``None``: what is in the middle of each view now.
    scale
        Screen pixels per image pixel along each side; 2 and more enlarge.
    """
    volumes = [shown_volume(logic) for logic in views]
    first = next((volume for volume in volumes if volume is not None), None)
    for logic, own in zip(views, volumes, strict=True):
        volume, node = own or first, logic.GetSliceNode()
        if volume is None:
            return
        columns, rows = node.GetDimensions()[:2]
        to_ras = volume_to_ras(volume)
        steps = abs(to_ras.GetElement(0, 0)) / scale, abs(to_ras.GetElement(1, 1)) / scale
        looking = node.GetSliceToRAS().GetElement(0, 0)
        middle = point or _middle(node)
        center = (
            _snapped(middle[0], to_ras.GetElement(0, 3), steps[0], columns, -1.0 if looking < 0 else 1.0),
            _snapped(middle[1], to_ras.GetElement(1, 3), steps[1], rows, 1.0),
        )
        _look(logic, center, looking > 0)
        node.SetFieldOfView(columns * steps[0], rows * steps[1], node.GetFieldOfView()[2])
        node.UpdateMatrices()


def image_box(volume: "vtkMRMLScalarVolumeNode") -> Box:
    """R and A of the outer borders of an image: lowest R, highest R, lowest A, highest A."""
    to_ras = volume_to_ras(volume)
    columns, rows, _ = volume.GetImageData().GetDimensions()
    corners = [to_ras.MultiplyPoint((i, j, 0, 1)) for i in (-0.5, columns - 0.5) for j in (-0.5, rows - 0.5)]
    across, along = [c[0] for c in corners], [c[1] for c in corners]
    return min(across), max(across), min(along), max(along)


def volume_to_ras(volume: "vtkMRMLScalarVolumeNode") -> Any:
    """The vtkMatrix4x4 from column, row, slice to R, A, S."""
    import vtk

    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return matrix


def _snapped(middle: float, origin: float, step: float, count: int, direction: float) -> float:
    """The nearest place of the view's middle at which its pixel centers are the image's."""
    # A screen pixel x lies at middle + direction * (x - count / 2) * step; image pixels at origin + whole * step.
    half = direction * count / 2
    return origin + (round((middle - origin) / step - half) + half) * step


def _middle(node: Any) -> tuple[float, float]:
    columns, rows = node.GetDimensions()[:2]
    place = node.GetXYToRAS().MultiplyPoint((columns / 2, rows / 2, 0.0, 1.0))
    return place[0], place[1]


def _look(logic: "vtkMRMLSliceLogic", center: tuple[float, float], mirrored: bool) -> None:
    """Look at the image plane from below, as at an axial slice, or from above."""
    node, volume = logic.GetSliceNode(), shown_volume(logic)
    # The image plane, which need not be the one of S = 0.
    depth = volume_to_ras(volume).GetElement(2, 3) if volume is not None else 0.0
    before = node.StartModify()
    node.SetOrientation(_mirrored(node) if mirrored else "Axial")
    matrix = node.GetSliceToRAS()
    for axis, value in enumerate((*center, depth)):
        matrix.SetElement(axis, 3, value)
    node.SetXYZOrigin(0.0, 0.0, 0.0)
    node.UpdateMatrices()
    node.EndModify(before)


def _mirrored(node: Any) -> str:
    """Name of the orientation that sees the image plane from behind, made known to the view."""
    import vtk

    if not node.HasSliceOrientationPreset(FROM_BEHIND):
        node.SetOrientation("Axial")
        matrix = vtk.vtkMatrix3x3()
        for row in range(3):
            for column in range(3):
                sign = 1 if column == 1 else -1
                matrix.SetElement(row, column, sign * node.GetSliceToRAS().GetElement(row, column))
        node.AddSliceOrientationPreset(FROM_BEHIND, matrix)
    return FROM_BEHIND


def _set_field(logic: "vtkMRMLSliceLogic", width: float) -> None:
    node = logic.GetSliceNode()
    columns, rows = node.GetDimensions()[:2]
    node.SetFieldOfView(width, width * rows / max(columns, 1), 1.0)
    node.UpdateMatrices()
