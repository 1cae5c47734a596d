"""Self test: a small simulated study, a synthetic image whose pixels are known, and the checks run inside Slicer."""

import tempfile
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import numpy as np

from CEMSynthLib.study.model import Acquisition, FloatImage, VOIWindow

SPACING_MM = 1.2
SEED = 7


def runSelfTest(makeLogic: Callable[[], Any]) -> None:
    """Do the whole job on a simulated study, in a scene that is emptied before and after.

    After `checkStudy` each file ``selftest_<section>.py`` beside this one is run: ``check(logic, folder)`` finds the
    study opened and its first acquisition shown.

    Parameters
    ----------
    makeLogic
        Makes a CEMSynthLogic.
    """
    import slicer

    slicer.mrmlScene.Clear()
    with tempfile.TemporaryDirectory(prefix="CEMSynthTest") as folder:
        logic = makeLogic()
        try:
            checkStudy(logic, Path(folder))
            for name in selfTests():
                import_module(name).check(logic, Path(folder))
        finally:
            # The section Synthesis, which ends the worker else, has another logic.
            logic.synthesis.stop()
            slicer.mrmlScene.Clear()
            logic.cleanup()


def selfTests() -> list[str]:
    """Names of the modules with the checks of the sections."""
    beside = iter_modules([str(Path(__file__).parent)])
    return sorted(f"{__package__}.{found.name}" for found in beside if found.name.startswith("selftest_"))


def writeSelfTestStudy(folder: Path) -> Path:
    """Simulate a four-view study.

    Returns
    -------
    Path
        The folder with its DICOM files.
    """
    from CEMSynthLib.phantom.settings import CohortSettings
    from CEMSynthLib.phantom.study import write_patient

    write_patient(folder, CohortSettings(SEED, SPACING_MM), 1)
    return folder / "dicom"


def writeSelfTestSynthetic(acquisition: Acquisition, folder: Path) -> FloatImage:
    """Write a derived DICOM image for an acquisition, marked as synthetic, without a model.

    Its pixels are a ramp that no generator makes, so that they are recognized wherever they show up.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        The pixels.
    """
    from pydicom.uid import generate_uid

    from CEMSynthLib.export.derived import read_source, synthetic_dataset
    from CEMSynthLib.export.mammogram import write_dataset
    from CEMSynthLib.export.provenance import ModelProvenance

    low = acquisition.low_energy
    if low is None:
        raise ValueError(f"{acquisition.name} has no low-energy image")
    rows, columns = low.grid.shape
    values = (2000 + np.arange(rows)[:, None] + np.arange(columns)[None, :]).astype(np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    derived = synthetic_dataset(
        source=read_source(low.path),
        values=values,
        grid=low.grid,
        window=VOIWindow(2120.0, 320.0),
        model=ModelProvenance("self test", "1", "0" * 64, "A ramp that no model made.", "Self test only."),
        series_uid=str(generate_uid()),
        series_number=1,
        instance_number=1,
        created=datetime.now(),
    )
    write_dataset(derived.dataset, folder / derived.file_name)
    return values


def checkStudy(logic: Any, folder: Path) -> None:
    """Open a simulated study with the module's logic and check what the user gets.

    Parameters
    ----------
    logic
        A CEMSynthLogic; its scene is empty.
    folder
        An empty folder.
    """
    import slicer

    from CEMSynthLib.study.reader import read_folder

    study = writeSelfTestStudy(folder / "study")
    acquisition = read_folder(study).studies[0].acquisitions[0]
    ramp = writeSelfTestSynthetic(acquisition, folder / "synthetic")
    rows = logic.openStudy(study, folder / "synthetic")
    assert sorted(row.name for row in rows) == ["L CC", "L MLO", "R CC", "R MLO"]
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0, "volumes are loaded when shown"

    volumes = logic.showAcquisition(rows[0].key)
    nodes = (volumes.low_energy, volumes.recombined, volumes.synthetic)
    expected = (*(image.pixels() for image in acquisition.images), ramp)
    for node, pixels in zip(nodes, expected, strict=True):
        assert np.array_equal(slicer.util.arrayFromVolume(node)[0], pixels), node.GetName()
        assert np.allclose(node.GetSpacing(), (SPACING_MM, SPACING_MM, 1.0)), node.GetName()
    assert volumes.synthetic.GetName().startswith("SYNTHETIC")
    checkViews(logic, nodes)

    volumes.recombined.GetDisplayNode().SetWindowLevelMinMax(2010, 2210)
    shared = volumes.synthetic.GetDisplayNode()
    assert (shared.GetWindowLevelMin(), shared.GetWindowLevelMax()) == (2010, 2210)


def checkViews(logic: Any, nodes: tuple[Any, Any, Any]) -> None:
    """Check that the slice views show low energy, clinical and synthetic image, linked, with the label on the last."""
    import slicer

    from CEMSynthLib.scene.label import TEXT
    from CEMSynthLib.scene.layout import LAYOUT_ID, VIEW_GROUP, VIEW_TAGS

    manager = slicer.app.layoutManager()
    if manager is None:
        return
    assert manager.layout == LAYOUT_ID
    widths = set()
    for tag, node in zip(VIEW_TAGS.values(), nodes, strict=True):
        sliceLogic = manager.sliceWidget(tag).sliceLogic()
        composite, sliceNode = sliceLogic.GetSliceCompositeNode(), sliceLogic.GetSliceNode()
        assert composite.GetBackgroundVolumeID() == node.GetID(), tag
        assert composite.GetLinkedControl(), tag
        assert composite.GetHotLinkedControl(), tag
        assert sliceNode.GetViewGroup() == VIEW_GROUP, tag
        widths.add(round(sliceNode.GetFieldOfView()[0], 3))
        label = logic.views.labels()[tag]
        assert label.visible == (node is nodes[-1]), tag
        assert label.actor.GetInput() == TEXT
    assert len(widths) == 1, "the views start with one field of view"
