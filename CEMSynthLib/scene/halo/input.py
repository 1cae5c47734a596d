"""Halo input: plain copies of the images of one acquisition, which a background thread may work on."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import AcquisitionVolumes
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.scene.halo.edge import SkinCurve, read_skin_curve
from CEMSynthLib.scene.halo.stamp import halo_stamp
from CEMSynthLib.scene.pixels import pixels_of
from CEMSynthLib.study.model import FloatImage, ViewPosition

if TYPE_CHECKING:
    from slicer import vtkMRMLMarkupsCurveNode, vtkMRMLScalarVolumeNode


@dataclass(frozen=True, eq=False)
class HaloInput:
    """What the halo of one acquisition is measured in; nothing here belongs to the scene.

    Parameters
    ----------
    key, name
        Of the acquisition.
    low_energy, clinical, synthetic
        Shape (rows, columns), float32; clinical and synthetic in the same units, ``None`` where there is none.
    spacing_mm
        (between rows, between columns) or ``None``.
    view
        Tells whether the pectoral muscle is in the image; ``None`` where not known.
    window_width
        Of the clinical image's own VOI window (else of the synthetic one's), image units.
    reach
        (first row, one past the last, first column, one past the last) of what the clinical image covers of the
        low-energy image's grid; ``None`` where it covers all of it.
    curve
        The skin edge that the user drew; ``None``: it is found in the low-energy image.
    stamp
        Tells whether images and edge are still those that were measured.
    """

    key: str
    name: str
    low_energy: FloatImage
    clinical: FloatImage | None
    synthetic: FloatImage | None
    spacing_mm: tuple[float, float] | None
    view: ViewPosition | None
    window_width: float
    reach: tuple[int, int, int, int] | None
    curve: SkinCurve | None
    stamp: tuple[Any, ...]


def halo_input(volumes: AcquisitionVolumes, curve: "vtkMRMLMarkupsCurveNode | None" = None) -> HaloInput:
    """Copy what is needed out of the scene; on the main thread.

    Parameters
    ----------
    volumes
        The acquisition.
    curve
        The node of the skin edge that the user corrected.

    Raises
    ------
    SceneError
        There is no low-energy image or no iodine image, an image has no pixels or no window.
    """
    low, clinical, synthetic = volumes.low_energy, volumes.recombined, volumes.synthetic
    if low is None:
        raise SceneError(
            f"{volumes.name} has no low-energy image, in which skin, nipple and pectoral muscle are found; open the "
            "study with its low-energy images."
        )
    reference = clinical or synthetic
    if reference is None:
        raise SceneError(f"{volumes.name} has neither a clinical nor a synthetic iodine image to measure a halo in.")
    window = names.window_of(reference)
    if window is None:
        raise SceneError(f"{volumes.name}: the iodine image has no window to hold the halo against; open it again.")
    columns, rows, _ = low.GetImageData().GetDimensions() if low.GetImageData() is not None else (0, 0, 0)
    known = low.GetAttribute(names.SPACING_KNOWN) == "yes"
    column, row, _ = low.GetSpacing()
    return HaloInput(
        key=volumes.key,
        name=volumes.name,
        low_energy=_pixels(low),
        clinical=None if clinical is None else _pixels(clinical),
        synthetic=None if synthetic is None else _in_units_of(clinical, synthetic),
        spacing_mm=(row, column) if known else None,
        view=_view(volumes.name),
        window_width=window[1] - window[0],
        reach=_reach(clinical),
        curve=None if curve is None else read_skin_curve(curve, low, (rows, columns)),
        stamp=halo_stamp(volumes, curve),
    )


def _pixels(node: "vtkMRMLScalarVolumeNode") -> FloatImage:
    pixels = pixels_of(node)
    if pixels is None:
        raise SceneError(f"{node.GetName()} has no pixels any more; open its study again.")
    return np.array(pixels, dtype=np.float32)


def _in_units_of(clinical: "vtkMRMLScalarVolumeNode | None", synthetic: "vtkMRMLScalarVolumeNode") -> FloatImage:
    """The synthetic image in the clinical image's units: gray levels of files by laying one window on the other."""
    values = _pixels(synthetic)
    if clinical is None or all(n.GetAttribute(names.UNITS) == names.MODALITY_UNITS for n in (clinical, synthetic)):
        return values
    target, source = names.window_of(clinical), names.window_of(synthetic)
    if target is None or source is None:
        return values
    scale = (target[1] - target[0]) / (source[1] - source[0])
    return np.asarray(target[0] + scale * (values - source[0]), dtype=np.float32)


def _view(name: str) -> ViewPosition | None:
    words = name.split()
    return next((view for view in ViewPosition if words and view.value == words[-1]), None)


def _reach(clinical: "vtkMRMLScalarVolumeNode | None") -> tuple[int, int, int, int] | None:
    parts = ((clinical.GetAttribute(names.REACH) or "") if clinical is not None else "").split()
    if len(parts) != 4:
        return None
    top, bottom, left, right = (int(part) for part in parts)
    return top, bottom, left, right
