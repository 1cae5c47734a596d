"""The images of a simulated view as DICOM: For Presentation, and For Processing on request."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import generate_uid

from CEMSynthLib.export.mammogram import ExposureParameters, mammogram_dataset, write_dataset
from CEMSynthLib.phantom.physics import ExposurePair
from CEMSynthLib.phantom.presentation import LOW_ENERGY_WINDOW, RECOMBINED_WINDOW
from CEMSynthLib.phantom.settings import CohortSettings
from CEMSynthLib.phantom.version import SIMULATOR_VERSION
from CEMSynthLib.phantom.view import SimulatedView
from CEMSynthLib.study.model import ImageKind, Laterality, PixelGrid, Side, ViewPosition, VOIWindow

# Nobody was examined: the date is that of the simulator, the same for everybody.
STUDY_TIME = datetime(2026, 1, 1, 9, 0, 0)
INJECTION = STUDY_TIME - timedelta(minutes=2)
BEFORE_INJECTION = INJECTION - timedelta(minutes=6)
SECONDS_PER_VIEW = 75
_SERIES_NUMBER = {ImageKind.LOW_ENERGY: 1, ImageKind.RECOMBINED: 2, ImageKind.HIGH_ENERGY: 3}


def uid(*parts: object) -> str:
    """A UID that depends on nothing but the simulator's version and the arguments."""
    return str(generate_uid(entropy_srcs=["CEMSynth", SIMULATOR_VERSION, *map(str, parts)]))


def image_uid(settings: CohortSettings, number: int, view: SimulatedView, kind: ImageKind) -> str:
    """SOP Instance UID of an image For Presentation."""
    return uid("image", kind.value, view.laterality, view.position, *settings.key(number))


def write_images(
    folder: Path, settings: CohortSettings, number: int, view: SimulatedView, pair: ExposurePair, order: int
) -> dict[str, str]:
    """Write the images of one view.

    Parameters
    ----------
    folder
        Of the cohort; ``dicom/ID/`` exists.
    order
        Place of the view in the study.

    Returns
    -------
    dict
        Path in the folder by ``low_energy`` and ``recombined``.
    """
    names = {}
    for kind, pixels, window in (
        (ImageKind.LOW_ENERGY, view.low_energy, LOW_ENERGY_WINDOW),
        (ImageKind.RECOMBINED, view.recombined, RECOMBINED_WINDOW),
    ):
        name = f"dicom/{settings.patient_id(number)}/{view.laterality}_{view.position}_{kind.value}.dcm"
        _write_image(folder / name, settings, number, view, pair, order, kind, pixels, VOIWindow(*window))
        names[kind.value] = name
    return names


def _write_image(
    path: Path,
    settings: CohortSettings,
    number: int,
    view: SimulatedView,
    pair: ExposurePair,
    order: int,
    kind: ImageKind,
    pixels: NDArray[np.uint16],
    window: VOIWindow,
) -> None:
    low = kind is ImageKind.LOW_ENERGY
    before = low and settings.pre_contrast
    key = settings.key(number)
    dataset = mammogram_dataset(
        pixels=pixels,
        grid=PixelGrid(pixels.shape[0], pixels.shape[1], (view.spacing_mm, view.spacing_mm)),
        kind=kind,
        laterality=Laterality(view.laterality),
        view=ViewPosition(view.position),
        window=window,
        patient_id=settings.patient_id(number),
        patient_name="SIMULATED^CEM",
        study_uid=uid("study", *key),
        series_uid=uid("series", kind.value, *key),
        sop_instance_uid=image_uid(settings, number, view, kind),
        frame_of_reference_uid=uid("frame", view.laterality, view.position, *key),
        series_number=_SERIES_NUMBER[kind],
        instance_number=order + 1,
        series_description=f"SIMULATED {kind.value.replace('_', ' ')}",
        study_datetime=STUDY_TIME,
        exposure=ExposureParameters(
            kvp=pair.low_kvp if low else pair.high_kvp,
            anode=pair.anode,
            filter=pair.low_filter if low else pair.high_filter,
            body_part_thickness_mm=round(10 * view.thickness_cm, 1),
            post_contrast=not before,
            contrast_agent="Iodinated contrast agent (simulated)",
            contrast_route="Intravenous",
            contrast_start=INJECTION,
            acquired=(BEFORE_INJECTION if before else STUDY_TIME) + timedelta(seconds=SECONDS_PER_VIEW * order),
        ),
        manufacturer="CEMSynth",
        manufacturer_model=f"CEMSynth simulator {SIMULATOR_VERSION}",
        chest_wall=Side.LEFT if view.laterality == "L" else Side.RIGHT,
    )
    write_dataset(dataset, path)
