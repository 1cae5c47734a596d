"""Self test of the regions: known numbers, following, undo and views, checked inside Slicer."""

from pathlib import Path
from typing import Any

import numpy as np

from CEMSynthLib.measurement.cnr import CNRFormula
from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.measurement.shapes import Ellipse, Rectangle
from CEMSynthLib.scene.regions.info import RegionKind
from CEMSynthLib.study.model import ImageKind


def check(logic: Any, folder: Path) -> None:
    """Draw, measure, move, undo and delete regions on the acquisition that is shown.

    Parameters
    ----------
    logic
        A CEMSynthLogic that shows the first acquisition of the simulated study.
    folder
        Not used: nothing is written.
    """
    import slicer

    volumes = logic.showAcquisition(logic.study.rows()[0].key)
    regions = logic.regions
    pixels = np.asarray(slicer.util.arrayFromVolume(volumes.synthetic)[0], dtype=np.float64)
    column, row = volumes.synthetic.GetSpacing()[:2]
    box = Rectangle((60 * column, 80 * row), (20 * column, 10 * row))
    lesion = regions.add(RegionRole.LESION, box)
    background = regions.add(RegionRole.BACKGROUND, Ellipse((60 * column, 120 * row), (15 * column, 12 * row)))
    rows = {(one.key, one.image): one for one in regions.finish()}
    found = rows[lesion, ImageKind.SYNTHETIC]
    inside = pixels[75:85, 50:70]
    assert found.statistics.pixels == 200, found
    assert abs(found.statistics.mean - inside.mean()) < 1e-9, found
    assert abs(found.statistics.sd - inside.std(ddof=1)) < 1e-9, found
    figure = found.figure(CNRFormula.SD_BACKGROUND)
    behind = rows[background, ImageKind.SYNTHETIC].statistics
    assert abs(figure.value - (found.statistics.mean - behind.mean) / behind.sd) < 1e-9, figure
    assert figure.uncertainty > 0, figure
    assert len(rows) == 2 * len(volumes.kinds), "each region on each image"
    node = regions.node(lesion)
    if slicer.app.layoutManager() is not None:
        assert len(node.GetDisplayNode().GetViewNodeIDs()) >= len(volumes.kinds), "seen on all images"

    node.SetCenter(-61 * column, -80 * row, 0.0)
    moved = next(one for one in regions.rows() if (one.key, one.image) == (lesion, ImageKind.SYNTHETIC))
    assert abs(moved.statistics.mean - pixels[75:85, 51:71].mean()) < 1e-9, moved
    assert moved.pending, "its uncertainty is to come"
    regions.undo()
    assert regions.region(lesion).shape == box, "undone"

    ring = regions.add_ring(lesion)
    assert regions.background(lesion)[0].key == ring
    slicer.mrmlScene.RemoveNode(regions.node(lesion))
    assert [one.kind for one in regions.regions()] == [RegionKind.ELLIPSE], "the ring goes with its lesion"
    regions.delete(background)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode") == 0
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsClosedCurveNode") == 0
