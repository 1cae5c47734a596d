"""By hand: corrected skin edges and lines as plain values of JSON and back, for a front end that saves work itself."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.halo import nodes as roles
from CEMSynthLib.scene.halo.stamp import curve_positions
from CEMSynthLib.study.model import Side

if TYPE_CHECKING:
    from slicer import vtkMRMLScene

_CLASSES = {roles.EDGE: "vtkMRMLMarkupsCurveNode", roles.LINE: "vtkMRMLMarkupsLineNode"}


def hand_drawn(scene: "vtkMRMLScene") -> list[dict[str, Any]]:
    """Every corrected skin edge and every line of a scene.

    Parameters
    ----------
    scene
        The scene.
    """
    return [
        {
            "role": role,
            "acquisition": node.GetAttribute(names.ACQUISITION),
            "name": node.GetName(),
            "chest_wall": node.GetAttribute(names.CHEST_WALL) or "",
            "width": node.GetAttribute(names.BAND_WIDTH) or "",
            "points": curve_positions(node),
        }
        for role, kind in _CLASSES.items()
        for node in roles.nodes_of(scene, None, role, kind)
    ]


def draw_again(scene: "vtkMRMLScene", drawn: Sequence[Any]) -> int:
    """Bring back what `hand_drawn` gave, without what is there already and what is damaged.

    `HaloInScene.show` makes it seen.

    Parameters
    ----------
    scene
        The scene.
    drawn
        From a file.

    Returns
    -------
    int
        How many were drawn.
    """
    count = 0
    for values in drawn:
        try:
            role, key, name = str(values["role"]), str(values["acquisition"]), str(values["name"])
            kind, fewest = _CLASSES[role], 3 if role == roles.EDGE else 2
            points = [(float(x), float(y), float(z)) for x, y, z in values["points"]]
            wall, width = str(values["chest_wall"]), str(values["width"])
            float(width or 0.0)
            known = role == roles.LINE or wall in {side.value for side in Side}
        except (KeyError, TypeError, ValueError):
            continue
        if not known or len(points) < fewest or roles.find_node(scene, key, role, kind) is not None:
            continue
        node = roles.ensure_node(scene, key, role, kind, name)
        if role == roles.EDGE:
            node.SetAttribute(names.CHEST_WALL, wall)
            node.SetCurveTypeToLinear()
        else:
            node.SetAttribute(names.BAND_WIDTH, width or None)
        before = node.StartModify()
        for point in points:
            node.AddControlPointWorld(*point)
        node.EndModify(before)
        roles.style_drawn(node, role)
        count += 1
    return count
