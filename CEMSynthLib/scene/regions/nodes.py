"""Nodes: a region as MRML markups, both ways. A rectangle is an ROI, an ellipse an ROI with a curve that follows it.

Scene units are those of `CEMSynthLib.measurement.shapes` (LPS): x and y change sign in MRML's RAS.
"""

import math
from typing import TYPE_CHECKING, Any

from CEMSynthLib.measurement.errors import MeasurementError
from CEMSynthLib.measurement.markups_shapes import shape_of
from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.measurement.shapes import ClosedCurve, Ellipse, Points, Polygon, Rectangle, Shape
from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.regions import info as keys
from CEMSynthLib.scene.regions.info import COLORS, Color, RegionInfo, RegionKind, Ring

if TYPE_CHECKING:
    from slicer import vtkMRMLMarkupsClosedCurveNode, vtkMRMLMarkupsNode, vtkMRMLMarkupsROINode, vtkMRMLScene

#: A box on a one-slice image shows only if it reaches through the plane; scene units.
BOX_THICKNESS = 4.0
_BOXES = (RegionKind.RECTANGLE, RegionKind.ELLIPSE)
_CURVE_TYPE_SPLINE, _CURVE_PIECES = 1, 10


def markups_in(scene: "vtkMRMLScene") -> "list[vtkMRMLMarkupsNode]":
    """All markups nodes of a scene."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode")
    return [scene.GetNthNodeByClass(i, "vtkMRMLMarkupsNode") for i in range(count)]


def add_node(scene: "vtkMRMLScene", region: RegionInfo) -> "vtkMRMLMarkupsNode":
    """Bring a region into a scene as a markups node, complete before the scene tells of it.

    Parameters
    ----------
    scene
        The scene.
    region
        Without a shape, the node waits to be placed in a slice view.

    Returns
    -------
    vtkMRMLMarkupsNode
        An ROI or a closed curve.
    """
    import slicer

    box = region.kind in _BOXES
    node = slicer.vtkMRMLMarkupsROINode() if box else slicer.vtkMRMLMarkupsClosedCurveNode()
    node.SetName(region.name)
    node.SetAttribute(keys.KIND, region.kind.value)
    node.SetAttribute(keys.KEY, region.key)
    node.SetAttribute(names.ACQUISITION, region.acquisition)
    write_properties(node, region)
    # The role in the labels of the points: a file that Slicer saves of this node can be measured as it is.
    node.SetControlPointLabelFormat(f"{region.role.value}-%d")
    if region.shape is not None:
        write_shape(node, region.shape)
    node = scene.AddNode(node)
    node.CreateDefaultDisplayNodes()
    _style(node, region.kind)
    node.GetDisplayNode().SetSelectedColor(*region.color)
    node.GetDisplayNode().SetColor(*region.color)
    return node


def adopt_node(node: "vtkMRMLMarkupsNode", region: RegionInfo) -> None:
    """Make markups that were drawn elsewhere a region."""
    node.SetAttribute(keys.KIND, region.kind.value)
    node.SetAttribute(keys.KEY, region.key)
    node.SetAttribute(names.ACQUISITION, region.acquisition)
    node.SetControlPointLabelFormat(f"{region.role.value}-%d")
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    _style(node, region.kind)
    write_properties(node, region)


def adoptable(scene: "vtkMRMLScene") -> "list[vtkMRMLMarkupsNode]":
    """Boxes and closed curves of a scene that are no part of CEMSynth."""
    return [
        node
        for node in markups_in(scene)
        if (node.IsA("vtkMRMLMarkupsROINode") or node.IsA("vtkMRMLMarkupsClosedCurveNode"))
        and not any(name.startswith("CEMSynth.") for name in node.GetAttributeNames())
        and not node.GetHideFromEditors()
        and is_drawn(node)
    ]


def write_properties(node: "vtkMRMLMarkupsNode", region: RegionInfo) -> None:
    """Write name, role, lock, background, ring and color into a node (the color only where it has a display)."""
    node.SetName(region.name)
    node.SetAttribute(keys.ROLE, region.role.value)
    node.SetAttribute(keys.BACKGROUND, region.background or None)
    if region.ring is not None:
        node.SetAttribute(keys.RING_LESION, region.ring.lesion)
        node.SetAttribute(keys.RING_GAP, repr(region.ring.gap))
        node.SetAttribute(keys.RING_WIDTH, repr(region.ring.width))
    # A ring follows its lesion and is never dragged.
    node.SetLocked(region.locked or region.kind is RegionKind.RING)
    display = node.GetDisplayNode()
    if display is not None:
        display.SetSelectedColor(*region.color)
        display.SetColor(*region.color)


def read_node(node: "vtkMRMLMarkupsNode") -> RegionInfo | None:
    """The region that a node is; ``None`` for other markups (and for kinds of a later version)."""
    kind = next((k for k in RegionKind if k.value == node.GetAttribute(keys.KIND)), None)
    role = next((r for r in RegionRole if r.value == node.GetAttribute(keys.ROLE)), None)
    key = node.GetAttribute(keys.KEY)
    if kind is None or role is None or not key:
        return None
    display = node.GetDisplayNode()
    color: Color = tuple(display.GetSelectedColor()) if display is not None else COLORS[role]
    ring = _ring(node) if kind is RegionKind.RING else None
    shape, problem = None, ""
    if is_drawn(node):
        try:
            shape = read_shape(node, kind)
        except MeasurementError as error:
            problem = f'The region "{node.GetName()}" cannot be measured: {error}'
    return RegionInfo(
        key=key,
        name=node.GetName() or key,
        role=role,
        kind=kind,
        acquisition=node.GetAttribute(names.ACQUISITION) or "",
        shape=shape,
        color=color,
        locked=bool(node.GetLocked()) and ring is None,
        background=node.GetAttribute(keys.BACKGROUND) or "",
        ring=ring,
        problem=problem,
    )


def is_drawn(node: "vtkMRMLMarkupsNode") -> bool:
    """Whether a node has its place: False while it is being placed, and for a box that was placed without a size."""
    if node.IsA("vtkMRMLMarkupsROINode"):
        return bool(node.GetControlPointPlacementComplete()) and min(node.GetSize()[:2]) > 0
    return bool(node.GetNumberOfDefinedControlPoints() >= 3)


def read_shape(node: "vtkMRMLMarkupsNode", kind: RegionKind) -> Rectangle | Ellipse | Polygon | ClosedCurve:
    """The shape that a node draws, as the reader of markups files would read it.

    Raises
    ------
    MeasurementError
        A box is tilted out of the image plane, or a position is missing.
    """
    if kind in _BOXES:
        box = shape_of(_box(node))
        if kind is RegionKind.ELLIPSE and isinstance(box, Rectangle):
            return Ellipse(box.center, (box.size[0] / 2, box.size[1] / 2), box.angle_degrees)
        return box
    if (node.GetCurveType(), node.GetNumberOfPointsPerInterpolatingSegment()) == (_CURVE_TYPE_SPLINE, _CURVE_PIECES):
        return ClosedCurve(_control_points(node))
    # Another kind of curve was chosen in the Markups module: what it draws.
    points = node.GetCurvePointsWorld()
    drawn = [points.GetPoint(i) for i in range(points.GetNumberOfPoints() - 1)] if points is not None else []
    return Polygon(tuple((-x, -y) for x, y, _ in drawn))


def write_shape(node: "vtkMRMLMarkupsNode", shape: Shape) -> None:
    """Draw a shape with a node: `Rectangle` and `Ellipse` with an ROI, the others with a closed curve."""
    if isinstance(shape, Rectangle):
        _write_box(node, shape.center, shape.size, shape.angle_degrees)
    elif isinstance(shape, Ellipse):
        size = (2 * shape.semi_axes[0], 2 * shape.semi_axes[1])
        _write_box(node, shape.center, size, shape.angle_degrees)
    else:
        write_points(node, shape.control_points if isinstance(shape, ClosedCurve) else shape.points)


def write_points(node: "vtkMRMLMarkupsClosedCurveNode", points: Points) -> None:
    """Give a closed curve its control points, in one change."""
    import vtk

    positions = vtk.vtkPoints()
    positions.SetDataTypeToDouble()
    for x, y in points:
        positions.InsertNextPoint(-x, -y, 0.0)
    node.SetControlPointPositionsWorld(positions)


def straighten(node: "vtkMRMLMarkupsNode", region: RegionInfo) -> None:
    """Lay a box that was placed by hand through the image plane: placed in a slice view it may be as deep as wide."""
    if region.kind in _BOXES and region.shape is not None:
        depth, thickness = node.GetCenterWorld()[2], node.GetSize()[2]
        if abs(depth) > 1e-9 or abs(thickness - BOX_THICKNESS) > 1e-9:
            write_shape(node, region.shape)


def add_outline(scene: "vtkMRMLScene", region: RegionInfo) -> "vtkMRMLMarkupsClosedCurveNode":
    """Add the curve that draws an ellipse: it follows the box and cannot be dragged."""
    import slicer

    node = slicer.vtkMRMLMarkupsClosedCurveNode()
    node.SetName(f"{region.name} outline")
    node.SetAttribute(keys.OUTLINE_OF, region.key)
    node.SetControlPointLabelFormat(f"{region.role.value}-%d")
    node.SetLocked(True)
    # Only the box is listed in Slicer's trees.
    node.SetHideFromEditors(True)
    if isinstance(region.shape, Ellipse):
        write_shape(node, region.shape.curve())
    node = scene.AddNode(node)
    node.CreateDefaultDisplayNodes()
    _style(node, RegionKind.RING)
    return node


def _ring(node: "vtkMRMLMarkupsNode") -> Ring | None:
    try:
        gap, width = float(node.GetAttribute(keys.RING_GAP) or ""), float(node.GetAttribute(keys.RING_WIDTH) or "")
    except ValueError:
        return None
    return Ring(node.GetAttribute(keys.RING_LESION) or "", gap, width)


def _box(node: "vtkMRMLMarkupsROINode") -> dict[str, Any]:
    """An ROI as a markups file describes it, in world coordinates."""
    matrix = node.GetObjectToWorldMatrix()
    axes = [[matrix.GetElement(row, axis) for row in range(3)] for axis in range(3)]
    scale = [math.sqrt(sum(v * v for v in axis)) or 1.0 for axis in axes]
    return {
        "type": "ROI",
        "coordinateSystem": "RAS",
        "center": [matrix.GetElement(row, 3) for row in range(3)],
        "orientation": [axes[axis][row] / scale[axis] for row in range(3) for axis in range(3)],
        "size": [size * s for size, s in zip(node.GetSize(), scale, strict=True)],
    }


def _control_points(node: "vtkMRMLMarkupsClosedCurveNode") -> Points:
    """Positions as a markups file tells them; at once, since a ring has a hundred and follows the mouse."""
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    positions = vtk.vtkPoints()
    positions.SetDataTypeToDouble()
    node.GetControlPointPositionsWorld(positions)
    count = positions.GetNumberOfPoints()
    if count == 0:
        return ()
    lines = [(x, y) for x, y in (-vtk_to_numpy(positions.GetData())[:, :2]).tolist()]
    if node.GetNumberOfDefinedControlPoints() != count:
        lines = [p for i, p in enumerate(lines) if node.GetNthControlPointPositionStatus(i) == node.PositionDefined]
    return tuple(lines)


def _write_box(
    node: "vtkMRMLMarkupsROINode", center: tuple[float, float], size: tuple[float, float], angle: float
) -> None:
    import vtk

    matrix = vtk.vtkMatrix4x4()
    if angle:
        cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        for row, values in enumerate(((cosine, -sine), (sine, cosine))):
            for column, value in enumerate(values):
                matrix.SetElement(row, column, value)
    matrix.SetElement(0, 3, -center[0])
    matrix.SetElement(1, 3, -center[1])
    before = node.StartModify()
    node.SetAndObserveObjectToNodeMatrix(matrix)
    node.SetSize(size[0], size[1], BOX_THICKNESS)
    # A box without a control point counts as not placed yet, and a click would start it anew.
    node.SetCenter(-center[0], -center[1], 0.0)
    node.EndModify(before)


def _style(node: "vtkMRMLMarkupsNode", kind: RegionKind) -> None:
    """Thin lines, no fill that would change how bright the breast looks, and only in slice views."""
    display = node.GetDisplayNode()
    display.SetFillVisibility(False)
    display.SetFillOpacity(0.0)
    display.SetPointLabelsVisibility(False)
    display.SetPropertiesLabelVisibility(False)
    display.SetTextScale(2.5)
    display.SetVisibility3D(False)
    display.SetActiveColor(1.0, 1.0, 0.4)
    if kind in _BOXES:
        # Corner and turn handles cover much of a small lesion: `show_handles` gives them to one region at a time.
        display.SetHandlesInteractive(False)
        display.SetInteractionHandleScale(2.0)
        display.SetTranslationHandleVisibility(False)
        display.SetScaleHandleVisibility(True)
        display.SetRotationHandleVisibility(True)
        display.SetGlyphScale(1.6)
        # The box of an ellipse is its handles: hardly seen.
        display.SetOutlineOpacity(0.25 if kind is RegionKind.ELLIPSE else 1.0)
    elif kind is RegionKind.CURVE:
        display.SetGlyphScale(1.0)
        display.SetLineThickness(0.35)
    else:
        _without_points(node)


def _without_points(node: "vtkMRMLMarkupsNode") -> None:
    """Points as thick as the line are not seen: nobody drags those of a ring or of an ellipse's outline."""
    node.GetDisplayNode().SetGlyphScale(0.4)
    node.GetDisplayNode().SetLineThickness(1.0)


def show_handles(node: "vtkMRMLMarkupsNode", shown: bool) -> None:
    """Give a box its corner and turn handles, or take them away."""
    display = node.GetDisplayNode()
    if display is not None and node.IsA("vtkMRMLMarkupsROINode") and bool(display.GetHandlesInteractive()) != shown:
        display.SetHandlesInteractive(shown)
