"""Segments: regions that are segments of a segmentation node; role and acquisition are kept in an attribute of it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from CEMSynthLib.measurement.errors import RegionError
from CEMSynthLib.measurement.regions import RegionPatch, RegionRole, require_enough_pixels
from CEMSynthLib.scene.regions.info import SEGMENTS, RegionInfo, RegionKind
from CEMSynthLib.scene.regions.pixels import ImagePixels

if TYPE_CHECKING:
    from slicer import vtkMRMLScene, vtkMRMLSegmentationNode

_FIELDS = ("key", "role", "acquisition", "background")


def segmentations_in(scene: "vtkMRMLScene") -> "list[vtkMRMLSegmentationNode]":
    """All segmentation nodes of a scene."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")
    return [scene.GetNthNodeByClass(i, "vtkMRMLSegmentationNode") for i in range(count)]


def read_segments(node: "vtkMRMLSegmentationNode") -> list[RegionInfo]:
    """The segments of a segmentation that are regions; those that were deleted since are left out."""
    found = []
    for segment_id, fields in _records(node).items():
        segment = node.GetSegmentation().GetSegment(segment_id)
        role = next((r for r in RegionRole if r.value == fields["role"]), None)
        if segment is not None and role is not None:
            region = RegionInfo(
                key=fields["key"],
                name=segment.GetName(),
                role=role,
                kind=RegionKind.SEGMENT,
                acquisition=fields["acquisition"],
                color=tuple(segment.GetColor()),
                background=fields["background"],
                segment=(node.GetID(), segment_id),
            )
            found.append(region)
    return found


def write_segment(node: "vtkMRMLSegmentationNode", region: RegionInfo) -> None:
    """Make a segment a region, or change what the region says; name and color are the segment's own."""
    if region.segment is None:
        return
    segment_id = region.segment[1]
    records = _records(node)
    records[segment_id] = {
        "key": region.key,
        "role": region.role.value,
        "acquisition": region.acquisition,
        "background": region.background,
    }
    node.SetAttribute(SEGMENTS, json.dumps(records))
    segment = node.GetSegmentation().GetSegment(segment_id)
    if segment is not None:
        segment.SetName(region.name)
        segment.SetColor(*region.color)


def remove_segment(node: "vtkMRMLSegmentationNode", region: RegionInfo) -> None:
    """Make a segment no region any more; the segment itself stays."""
    records = {key: fields for key, fields in _records(node).items() if fields["key"] != region.key}
    node.SetAttribute(SEGMENTS, json.dumps(records) if records else None)


def moved_to(region: RegionInfo, node: "vtkMRMLSegmentationNode") -> RegionInfo:
    """The region with the ID that its segmentation node has in this scene."""
    return replace(region, segment=(node.GetID(), region.segment[1] if region.segment else ""))


class SegmentPixels:
    """Finds the pixels of segments, and remembers them until the segment changes.

    Parameters
    ----------
    scene
        The scene.
    """

    def __init__(self, scene: "vtkMRMLScene") -> None:
        self._scene = scene
        self._known: dict[tuple[str, str, Any], tuple[int, RegionPatch]] = {}

    def __call__(self, region: RegionInfo, image: ImagePixels) -> tuple[RegionPatch, int]:
        """The pixels of a segment on the grid of an image.

        Returns
        -------
        RegionPatch, and a number that is another one after the segment has changed

        Raises
        ------
        RegionError
            The segment is gone, is empty, has no labelmap or holds fewer than 20 pixels.
        """
        node_id, segment_id = region.segment or ("", "")
        node = self._scene.GetNodeByID(node_id)
        segment = node.GetSegmentation().GetSegment(segment_id) if node is not None else None
        if segment is None:
            raise RegionError(f'The segment of the region "{region.name}" was deleted; delete the region too.')
        labels = node.GetBinaryLabelmapInternalRepresentation(segment_id)
        if labels is None or labels.IsEmpty():
            raise RegionError(f'The segment "{region.name}" is empty or has no labelmap; paint it in Segment Editor.')
        scalars = labels.GetPointData().GetScalars()
        version = max(labels.GetMTime(), scalars.GetMTime() if scalars is not None else 0, segment.GetMTime())
        place = (node_id, segment_id, (image.values.shape, image.spacing_mm))
        known = self._known.get(place)
        if known is None or known[0] != version:
            patch = _patch(node, segment_id, region.name, image)
            known = self._known[place] = (version, patch)
        return known[1], version


def _patch(node: "vtkMRMLSegmentationNode", segment_id: str, name: str, image: ImagePixels) -> RegionPatch:
    import slicer
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    rows, columns = image.values.shape
    row, column = image.spacing_mm or (1.0, 1.0)
    matrix = vtk.vtkMatrix4x4()
    for axis, value in enumerate((-column, -row, 1.0)):
        matrix.SetElement(axis, axis, value)
    grid = slicer.vtkOrientedImageData()
    grid.SetGeometryFromImageToWorldMatrix(matrix)
    grid.SetExtent(0, columns - 1, 0, rows - 1, 0, 0)
    labels, on_grid = slicer.vtkOrientedImageData(), slicer.vtkOrientedImageData()
    node.GetBinaryLabelmapRepresentation(segment_id, labels)
    done = slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(labels, grid, on_grid)
    scalars = on_grid.GetPointData().GetScalars()
    if not done or scalars is None:
        raise RegionError(f'The segment "{name}" could not be laid on the image; check that it was drawn on it.')
    mask = vtk_to_numpy(scalars).reshape(rows, columns) != 0
    require_enough_pixels(mask, name)
    inside_rows, inside_columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    first, last = int(inside_rows[0]), int(inside_rows[-1]) + 1
    left, right = int(inside_columns[0]), int(inside_columns[-1]) + 1
    return RegionPatch((first, last), (left, right), mask[first:last, left:right].copy())


def _records(node: "vtkMRMLSegmentationNode") -> dict[str, dict[str, str]]:
    """Segment ID to the fields of its region; what cannot be read counts as nothing."""
    try:
        found = json.loads(node.GetAttribute(SEGMENTS) or "{}")
    except json.JSONDecodeError:
        return {}
    if not isinstance(found, Mapping):
        return {}
    return {
        str(segment): {field: str(fields.get(field, "")) for field in _FIELDS}
        for segment, fields in found.items()
        if isinstance(fields, Mapping) and fields.get("key")
    }
