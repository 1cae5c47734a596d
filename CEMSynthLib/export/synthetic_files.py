"""Synthetic files: a synthetic image as the file that goes with its source, DICOM beside DICOM, PNG beside images."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.export.derived import read_source, synthetic_dataset
from CEMSynthLib.export.errors import ExportError
from CEMSynthLib.export.mammogram import write_dataset
from CEMSynthLib.export.pictures import synthetic_stem, write_synthetic_png
from CEMSynthLib.export.provenance import ModelProvenance
from CEMSynthLib.study.model import CEMImage, VOIWindow

SERIES_NUMBER = 9001  # far from the numbers that mammography units give


@dataclass(frozen=True)
class SyntheticSeries:
    """What the synthetic images of one study share.

    Parameters
    ----------
    folder
        Exists.
    model
        What made them.
    series_uid
        Of DICOM images: new, one for each study.
    created
        When.
    burn_in
        Whether "SYNTHETIC - not for diagnosis" is drawn into the pixels of DICOM images; 16-bit PNG hold data and
        never have it.
    """

    folder: Path
    model: ModelProvenance
    series_uid: str
    created: datetime
    burn_in: bool = False


def write_synthetic(
    series: SyntheticSeries,
    source: CEMImage,
    values: NDArray[np.floating],
    window: VOIWindow,
    number: int,
    warnings: Sequence[str] = (),
    device: str = "",
    sop_instance_uid: str | None = None,
) -> str:
    """Write one synthetic image: derived DICOM where its low-energy image is DICOM, else 16-bit PNG with a JSON.

    Parameters
    ----------
    series
        Where, and what made it.
    source
        The low-energy image.
    values
        Recombined units, finite, shape (rows, columns) of the source.
    window
        The window to show it with.
    number
        Instance number within the series, from 1.
    warnings
        Sentences for the reader.
    device
        Where the model ran.
    sop_instance_uid
        Of a DICOM image; made where none is given.

    Returns
    -------
    str
        Name of the file.

    Raises
    ------
    ExportError
        A file cannot be written, the source is gone, or another source of that name was written already.
    """
    if source.sop_instance_uid is not None:
        derived = synthetic_dataset(
            source=read_source(source.path),
            values=values,
            grid=source.grid,
            window=window,
            model=series.model,
            series_uid=series.series_uid,
            series_number=SERIES_NUMBER,
            instance_number=number,
            created=series.created,
            sop_instance_uid=sop_instance_uid,
            warnings=warnings,
            burn_in=series.burn_in,
            device=device,
        )
        write_dataset(derived.dataset, series.folder / derived.file_name)
        return derived.file_name
    if (series.folder / f"{synthetic_stem(source.path.name)}.png").exists():
        raise ExportError(
            f"Another low-energy image under the same folder is called {source.path.name} too; rename one of them."
        )
    written = write_synthetic_png(
        series.folder,
        values=values,
        window=window,
        source_name=source.path.name,
        spacing_mm=source.grid.spacing_mm,
        model=series.model,
        warnings=warnings,
        device=device,
        created=series.created,
    )
    return written.image.name
