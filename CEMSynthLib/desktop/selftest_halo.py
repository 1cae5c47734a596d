"""Self test of the halo: a known step measured, lines in the views, a line and an edge by hand, and taken away."""

from pathlib import Path
from typing import Any

import numpy as np

_SHAPE, _SPACING, _STEP = (300, 230), (0.8, 0.8), 40.0
_KEY = "halo self test"


def check(logic: Any, folder: Path) -> None:
    """Measure the halo of a drawn breast: the simulated study of the self test is too coarse for it.

    Parameters
    ----------
    logic
        A CEMSynthLogic.
    folder
        Not needed.
    """
    import slicer

    from CEMSynthLib.scene.halo import nodes as roles

    volumes = addBreast(slicer.mrmlScene)
    logic.showAcquisition(_KEY)
    measured = logic.halo.measure(volumes)
    assert abs(measured.clinical.step - _STEP) < 2, measured.clinical.step
    assert abs(measured.retained.ratio - 0.5) < 0.05, measured.retained
    rows = {row.measure: row for row in logic.halo.rows(_KEY)}
    assert rows["verdict"].clinical == "present"
    assert rows["trough depth"].unit == "mm"
    chart = logic.halo.chart(_KEY)
    assert chart.GetNumberOfPlotSeriesNodes() == 4
    assert "(mm)" in chart.GetXAxisTitle()
    logic.halo.show(volumes, lines=True, sectors=True)
    lines = list(roles.nodes_of(slicer.mrmlScene, _KEY, roles.DISTANCE, "vtkMRMLModelNode"))
    assert [line.GetName().split()[2] for line in lines] == ["5", "10", "15"]
    if slicer.app.layoutManager() is not None:
        assert all(line.GetDisplayNode().GetVisibility() for line in lines)
    logic.halo.add_line(volumes)
    found = logic.halo.update_line(_KEY)
    assert found.problem == "", found.problem
    assert abs(found.results["clinical"].step - _STEP) < 6
    edge = logic.halo.correct_edge(volumes)
    assert edge.GetNumberOfControlPoints() > 10
    assert logic.halo.measured(volumes) is None
    logic.halo.remove_edge(_KEY)
    assert logic.halo.measured(volumes) is measured
    logic.halo.remove_line(_KEY)
    logic.halo.show(None, lines=False, sectors=False)
    assert not any(line.GetDisplayNode().GetVisibility() for line in lines)
    for node in (volumes.low_energy, volumes.recombined, volumes.synthetic):
        slicer.mrmlScene.RemoveNode(node)


def addBreast(scene: Any) -> Any:
    """Add the images of a half ellipse with a dark band of 8 mm behind its skin.

    Returns
    -------
    AcquisitionVolumes
    """
    from scipy.ndimage import distance_transform_edt

    from CEMSynthLib.scene import attributes as names
    from CEMSynthLib.scene.acquisitions import find_acquisition
    from CEMSynthLib.scene.volumes import add_volume
    from CEMSynthLib.study.model import ImageKind, PixelGrid, VOIWindow

    rows, columns = _SHAPE
    y, x = np.arange(rows)[:, None] - (rows - 1) / 2, np.arange(columns)[None, :]
    inside = (y / (0.42 * rows)) ** 2 + (x / (0.8 * columns)) ** 2 < 1
    padded = np.pad(inside, ((0, 0), (1, 0)), constant_values=True)
    depth = distance_transform_edt(padded, sampling=_SPACING)[:, 1:]
    ramp = np.clip((depth - 8) / 4, 0, 1) - np.clip((depth - 1.5) / 1.5, 0, 1)
    noise = np.random.default_rng(1).normal(0, 1, _SHAPE)
    window = VOIWindow(2120.0, 321.0)
    images = {
        ImageKind.LOW_ENERGY: (np.where(inside, 900 + 5 * noise, 0), VOIWindow(600.0, 1000.0)),
        ImageKind.RECOMBINED: (np.where(inside, 2100 + _STEP * ramp + noise, 2000), window),
        ImageKind.SYNTHETIC: (np.where(inside, 2100 + _STEP / 2 * ramp + 0.3 * noise, 2000), window),
    }
    for kind, (pixels, shown) in images.items():
        attributes = {names.KIND: kind.value, names.ACQUISITION: _KEY, names.NAME: "L CC", names.UNITS: "modality"}
        prefix = "SYNTHETIC " if kind is ImageKind.SYNTHETIC else ""
        add_volume(scene, f"{prefix}halo self test", pixels, PixelGrid(rows, columns, _SPACING), shown, attributes)
    return find_acquisition(scene, _KEY)
