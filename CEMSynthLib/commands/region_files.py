"""Region files: what ``--regions`` may name, read into one list."""

from collections.abc import Sequence
from pathlib import Path

from CEMSynthLib.measurement.annotations import ANNOTATION_SUFFIX, read_annotations
from CEMSynthLib.measurement.markups import TiedRegion, read_regions


def read_region_files(paths: Sequence[Path]) -> list[TiedRegion]:
    """Read Slicer markups, folders of them, and annotation tables.

    Raises
    ------
    CEMSynthLib.errors.CEMSynthError
        A file cannot be read as what it should be.
    """
    tables = [path for path in paths if path.suffix.lower() == ANNOTATION_SUFFIX]
    regions = list(read_regions([path for path in paths if path not in tables]))
    return regions + [region for path in tables for region in read_annotations(path).regions]
