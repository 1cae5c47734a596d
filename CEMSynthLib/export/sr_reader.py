"""Structured report in: read the measurements back from a report that CEMSynth wrote."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from highdicom.sr import (
    CodedConcept,
    ComprehensiveSR,
    ImageRegion,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    PlanarROIMeasurementsAndQualitativeEvaluations,
)
from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pydicom.sr.coding import Code
from pydicom.uid import ComprehensiveSRStorage

from CEMSynthLib.export.errors import ExportError
from CEMSynthLib.export.sr_codes import PRIVATE, ROLES, SIDES, TERMS, UNITS, VERDICTS
from CEMSynthLib.export.sr_content import MeasuredGroup, MeasuredValue, Outline

_Group = MeasurementsAndQualitativeEvaluations | PlanarROIMeasurementsAndQualitativeEvaluations
_Word = TypeVar("_Word")
_UPPER, _LOWER = "371886008", "371885007"  # SCT, range of upper and lower measurement uncertainty (TID 310)
_PARAMETERS, _AGAINST = "111002", "B: tracking UID "  # DCM, Algorithm Parameters (TID 4019)


def read_measurement_report(path: Path) -> list[MeasuredGroup]:
    """Read a structured report.

    Parameters
    ----------
    path
        A file that `CEMSynthLib.export.sr_writer.measurement_report` made.

    Returns
    -------
    list of MeasuredGroup
        Regions first, then what concerns the whole breast; values exactly as written, intervals to rounding.

    Raises
    ------
    ExportError
        The file is no Comprehensive SR, or holds codes that CEMSynth does not write.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they can quote a patient name
            dataset = dcmread(path)
            if dataset.get("SOPClassUID") != ComprehensiveSRStorage:
                raise ExportError(f"{path.name} is no DICOM Comprehensive SR; give a report that CEMSynth wrote.")
            report = MeasurementReport.from_sequence(ComprehensiveSR.from_dataset(dataset).content)
            regions = [_region(group) for group in report.get_planar_roi_measurement_groups()]
            return [*regions, *(_whole(group) for group in report.get_image_measurement_groups())]
    except (OSError, InvalidDicomError) as error:
        raise ExportError(f"{path.name} could not be read as DICOM; give a report that CEMSynth wrote.") from error
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration, IndexError) as error:
        raise ExportError(
            f"{path.name} is a structured report, but not one that CEMSynth wrote; open it with another program."
        ) from error


def _region(group: PlanarROIMeasurementsAndQualitativeEvaluations) -> MeasuredGroup:
    item = group.roi
    if not isinstance(item, ImageRegion):
        raise ValueError("a region without image coordinates")
    outline = Outline(item.graphic_type.value, tuple((float(x), float(y)) for x, y in item.value))
    role = _word(ROLES, group.finding_type) if group.finding_type is not None else None
    image = item.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID
    return replace(_common(group), image_uid=str(image), role=role, outline=outline)


def _whole(group: MeasurementsAndQualitativeEvaluations) -> MeasuredGroup:
    (image,) = group.source_images
    found = group.get_qualitative_evaluations(name=PRIVATE["HALO_VERDICT"])
    verdict = next((word for word, code in VERDICTS.items() if found and _same(code, found[0][0].value)), None)
    return replace(_common(group), image_uid=str(image.referenced_sop_instance_uid), verdict=verdict)


def _common(
    group: MeasurementsAndQualitativeEvaluations | PlanarROIMeasurementsAndQualitativeEvaluations,
) -> MeasuredGroup:
    side = group.finding_sites[0].laterality
    return MeasuredGroup(
        image_uid="",
        laterality=_word(SIDES, side) if side is not None else None,
        place=str(group.tracking_identifier),
        tracking_uid=str(group.tracking_uid),
        values=tuple(_value(measurement) for measurement in group.get_measurements()),
    )


def _value(measurement: Measurement) -> MeasuredValue:
    term = next(t for t in TERMS if _same(t.name, measurement.name) and _same(t.method, measurement.method))
    number = measurement.value
    low = high = background = None
    for item in measurement[0].get("ContentSequence", []):
        code = item.ConceptNameCodeSequence[0].get("CodeValue")
        if code == _UPPER:
            high = number + item.value
        elif code == _LOWER:
            low = number - item.value
        elif code == _PARAMETERS and _AGAINST in item.value:
            background = item.value.rsplit(" ", 1)[1]
    unit = _word(UNITS, measurement.unit)
    return MeasuredValue(term.quantity, term.formula, number, unit, low, high, background)


def _same(code: Code, concept: CodedConcept | None) -> bool:
    return concept is not None and (code.value, code.scheme_designator) == (concept.value, concept.scheme_designator)


def _word(table: Mapping[_Word, Code], concept: CodedConcept) -> _Word:
    """The word of a table that stands for a code."""
    return next(word for word, code in table.items() if _same(code, concept))
