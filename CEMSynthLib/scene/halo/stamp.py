"""Stamp: tells whether images and corrected skin edge are still those that were measured."""

from typing import TYPE_CHECKING, Any

from CEMSynthLib.scene.acquisitions import AcquisitionVolumes

if TYPE_CHECKING:
    from slicer import vtkMRMLMarkupsCurveNode


def halo_stamp(volumes: AcquisitionVolumes, curve: "vtkMRMLMarkupsCurveNode | None" = None) -> tuple[Any, ...]:
    """Changes with the pixels of the images and with the corrected skin edge."""
    nodes = (volumes.low_energy, volumes.recombined, volumes.synthetic)
    images = [None if node is None or node.GetImageData() is None else node.GetImageData().GetMTime() for node in nodes]
    points = () if curve is None else tuple(map(tuple, curve_positions(curve)))
    return (*images, points)


def curve_positions(curve: "vtkMRMLMarkupsCurveNode") -> list[list[float]]:
    """World positions of the control points."""
    found = []
    for i in range(curve.GetNumberOfControlPoints()):
        position = [0.0, 0.0, 0.0]
        curve.GetNthControlPointPositionWorld(i, position)
        found.append(position)
    return found
