"""Simulated images as DICOM: For Presentation, and the exposures For Processing on request."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import generate_uid

from CEMSynthLib.export.mammogram import ExposureParameters, PresentationIntent, mammogram_dataset, write_dataset
from CEMSynthLib.phantom.physics import ExposurePair
from CEMSynthLib.phantom.presentation import BITS, LOW_ENERGY_WINDOW, RAW_BITS, RECOMBINED_WINDOW
from CEMSynthLib.phantom.version import SIMULATOR_VERSION
from CEMSynthLib.study.model import ImageKind, Laterality, PixelGrid, Side, ViewPosition, VOIWindow

# Nobody was examined: the date is that of the simulator, the same for everybody.
STUDY_TIME = datetime(2026, 1, 1, 9, 0, 0)
INJECTION = STUDY_TIME - timedelta(minutes=2)
BEFORE_INJECTION = INJECTION - timedelta(minutes=6)
SECONDS_PER_VIEW = 75
_WINDOWS = {ImageKind.LOW_ENERGY: LOW_ENERGY_WINDOW, ImageKind.RECOMBINED: RECOMBINED_WINDOW}
_SERIES = {ImageKind.LOW_ENERGY: 1, ImageKind.RECOMBINED: 2, ImageKind.HIGH_ENERGY: 3}
_RAW_SERIES = 10  # added to the number of a series For Processing
_DETECTOR_TYPES = {"CsI": "SCINTILLATOR", "a-Se": "DIRECT"}


@dataclass(frozen=True)
class Exposed:
    """What the images of one compression have in common.

    Parameters
    ----------
    patient_id
        Also names the folder.
    key
        What the study's UIDs are made from.
    laterality, position
        ``"L"`` or ``"R"``; ``"CC"`` or ``"MLO"``.
    order
        Place of the view in the study.
    spacing_mm, thickness_cm, pair
        How it was imaged.
    pre_contrast
        The low-energy image is taken before injection.
    agent
        False where no contrast medium was injected.
    """

    patient_id: str
    key: tuple[object, ...]
    laterality: str
    position: str
    order: int
    spacing_mm: float
    thickness_cm: float
    pair: ExposurePair
    pre_contrast: bool = False
    agent: bool = True

    @property
    def name(self) -> str:
        """``"L_CC"``, as files begin."""
        return f"{self.laterality}_{self.position}"

    def image_uid(self, kind: ImageKind, raw: bool = False) -> str:
        """SOP Instance UID of an image."""
        return _uid("raw image" if raw else "image", kind.value, self.name, *self.key)


def _uid(*parts: object) -> str:
    """A UID that depends on nothing but the simulator's version and the arguments."""
    return str(generate_uid(entropy_srcs=["CEMSynth", SIMULATOR_VERSION, *map(str, parts)]))


def write_images(
    folder: Path, exposed: Exposed, images: dict[ImageKind, NDArray[np.uint16]], *, raw: bool = False
) -> dict[str, str]:
    """Write images of one compression as DICOM.

    Parameters
    ----------
    folder
        Holds the folders ``dicom/ID`` and, for ``raw``, ``raw/ID``.
    images
        For Presentation; or, with ``raw``, the exposures For Processing.

    Returns
    -------
    dict
        Path in the folder by ``low_energy``, ``recombined``, or ``low_energy_raw``, ``high_energy_raw``.

    Raises
    ------
    ExportError
        A file cannot be written.
    """
    names = {}
    for kind, pixels in images.items():
        word = f"{kind.value}_raw" if raw else kind.value
        names[word] = f"{'raw' if raw else 'dicom'}/{exposed.patient_id}/{exposed.name}_{word}.dcm"
        _write_image(folder / names[word], exposed, kind, pixels, raw)
    return names


def _write_image(path: Path, exposed: Exposed, kind: ImageKind, pixels: NDArray[np.uint16], raw: bool) -> None:
    c, pair = exposed, exposed.pair
    low = kind is ImageKind.LOW_ENERGY
    before = low and c.pre_contrast
    intent = PresentationIntent.FOR_PROCESSING if raw else PresentationIntent.FOR_PRESENTATION
    dataset = mammogram_dataset(
        pixels=pixels,
        grid=PixelGrid(pixels.shape[0], pixels.shape[1], (c.spacing_mm, c.spacing_mm)),
        kind=kind,
        laterality=Laterality(c.laterality),
        view=ViewPosition(c.position),
        window=None if raw else VOIWindow(*_WINDOWS[kind]),
        patient_id=c.patient_id,
        patient_name="SIMULATED^CEM",
        study_uid=_uid("study", *c.key),
        series_uid=_uid("raw series" if raw else "series", kind.value, *c.key),
        sop_instance_uid=c.image_uid(kind, raw),
        frame_of_reference_uid=_uid("frame", c.name, *c.key),
        series_number=_SERIES[kind] + (_RAW_SERIES if raw else 0),
        instance_number=c.order + 1,
        series_description=f"SIMULATED {kind.value.replace('_', ' ')}{' (raw)' if raw else ''}",
        study_datetime=STUDY_TIME,
        exposure=ExposureParameters(
            kvp=pair.low_kvp if low else pair.high_kvp,
            anode=pair.anode,
            filter=pair.low_filter if low else pair.high_filter,
            body_part_thickness_mm=round(10 * c.thickness_cm, 1),
            post_contrast=not before,
            contrast_agent="Iodinated contrast agent (simulated)" if c.agent else None,
            contrast_route="Intravenous",
            contrast_start=INJECTION,
            acquired=(BEFORE_INJECTION if before else STUDY_TIME) + timedelta(seconds=SECONDS_PER_VIEW * c.order),
        ),
        manufacturer="CEMSynth",
        manufacturer_model=f"CEMSynth simulator {SIMULATOR_VERSION}",
        chest_wall=Side.LEFT if c.laterality == "L" else Side.RIGHT,
        bits_stored=RAW_BITS if raw else BITS,
        presentation_intent=intent,
        detector_type=_DETECTOR_TYPES[pair.detector],
    )
    write_dataset(dataset, path)
