"""Structured report out: measurements as DICOM Comprehensive SR, TID 1500 Measurement Report, built with highdicom.

Regions are SCOORD items on the image they were measured on. RTSTRUCT would need three-dimensional patient coordinates,
which a mammogram has none of (no Image Position, PS3.3 C.7.6.2), and a presentation state (GSPS) carries no numbers.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    ComprehensiveSR,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    ImageRegion,
    Measurement,
    MeasurementProperties,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from CEMSynthLib import __version__
from CEMSynthLib.export.provenance import MANUFACTURER
from CEMSynthLib.export.sr_codes import (
    BREAST,
    MAMMOGRAPHY,
    PRIVATE,
    ROLES,
    SCHEME,
    SERIES_DESCRIPTION,
    SIDES,
    TERMS,
    UNITS,
    VERDICTS,
)
from CEMSynthLib.export.sr_content import MeasuredGroup, MeasuredValue

ALGORITHM = "CEMSynth measurement"
_SCHEME = CodingSchemeIdentificationItem(
    SCHEME, name="CEMSynth private codes (CEMSynthLib/export/sr_codes.py)", responsible_organization="CEMSynth"
)
_DEVICE = CodedConcept("121007", "DCM", "Device")
_Group = MeasurementsAndQualitativeEvaluations | PlanarROIMeasurementsAndQualitativeEvaluations
_TERMS = {(term.quantity, term.formula): term for term in TERMS}
_INHERITED = (
    *("PatientID", "PatientBirthDate", "PatientSex", "StudyID", "StudyDate", "StudyTime", "AccessionNumber"),
    *("StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "SOPInstanceUID", "Rows", "Columns"),
)


def measurement_report(
    groups: Sequence[MeasuredGroup],
    images: Iterable[Dataset],
    *,
    created: datetime,
    series_uid: str | None = None,
    series_number: int = 9002,
    instance_number: int = 1,
) -> Dataset:
    """Describe the measurements of one study as a structured report.

    Parameters
    ----------
    groups
        What was measured (`CEMSynthLib.export.sr_content.measured_groups`); at least one.
    images
        Headers of the images that the groups name, all of one study. Patient and study are theirs.
    created
        When.
    series_uid, series_number, instance_number
        Identifiers of the report; the UID is made where none is given.

    Returns
    -------
    pydicom.Dataset
        Comprehensive SR (PS3.3 A.35.3), for `CEMSynthLib.export.mammogram.write_dataset`. Values are kept exactly
        (Floating Point Value, FD), intervals as distances from the value (TID 310), exact to rounding.

    Raises
    ------
    ValueError
        There is no group, or a group names an image that is not among the headers.
    """
    headers = {str(image.SOPInstanceUID): image for image in images}
    missing = {group.image_uid for group in groups} - headers.keys()
    if missing or not groups:
        raise ValueError(f"{len(missing)} images of {len(groups)} groups are not given")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # highdicom's warnings can quote a patient name
        root = MeasurementReport(
            observation_context=ObservationContext(
                observer_device_context=ObserverContext(
                    _DEVICE,
                    DeviceObserverIdentifyingAttributes(
                        uid=generate_uid(entropy_srcs=["CEMSynth device", __version__]),
                        name="CEMSynth",
                        manufacturer_name=MANUFACTURER,
                        model_name=f"CEMSynth {__version__}",
                    ),
                )
            ),
            procedure_reported=MAMMOGRAPHY,
            imaging_measurements=[_group(group, headers) for group in groups],
        )[0]
        named = {group.image_uid for group in groups}
        report = ComprehensiveSR(
            evidence=[_evidence(image) for uid, image in headers.items() if uid in named],
            content=root,
            series_instance_uid=series_uid or generate_uid(),
            series_number=series_number,
            sop_instance_uid=generate_uid(),
            instance_number=instance_number,
            manufacturer=MANUFACTURER,
            manufacturer_model_name="CEMSynth",
            software_versions=f"CEMSynth {__version__}",
            series_description=SERIES_DESCRIPTION,
            coding_schemes=[_SCHEME],
            is_complete=True,
            specific_character_set="ISO_IR 192",
            content_date=created.date(),
            content_time=created.time(),
            series_date=created.date(),
            series_time=created.time(),
        )
    if any(image.get("SyntheticData") == "YES" for image in headers.values()):
        report.SyntheticData = "YES"  # SOP Common, PS3.3 C.12.1: some of the content rests on synthetic images
    return report


def _evidence(image: Dataset) -> Dataset:
    """What the report takes over from an image; the name in Unicode, whatever the image's own character set."""
    header = Dataset()
    for keyword in _INHERITED:
        setattr(header, keyword, image.get(keyword, ""))
    header.PatientName = str(image.get("PatientName", ""))
    header.ReferringPhysicianName = str(image.get("ReferringPhysicianName", ""))
    return header


def _group(group: MeasuredGroup, headers: Mapping[str, Dataset]) -> _Group:
    image = headers[group.image_uid]
    common: dict[str, Any] = {
        "tracking_identifier": TrackingIdentifier(group.tracking_uid, group.place),
        "algorithm_id": AlgorithmIdentification(ALGORITHM, __version__, manufacturer=MANUFACTURER),
        "finding_sites": [FindingSite(BREAST, laterality=SIDES[group.laterality] if group.laterality else None)],
        "measurements": [_measurement(value) for value in group.values],
    }
    if group.outline is None:
        verdict = group.verdict
        return MeasurementsAndQualitativeEvaluations(
            **common,
            source_images=[SourceImageForMeasurementGroup(image.SOPClassUID, image.SOPInstanceUID)],
            qualitative_evaluations=[QualitativeEvaluation(PRIVATE["HALO_VERDICT"], VERDICTS[verdict])]
            if verdict
            else None,
        )
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        **common,
        referenced_region=ImageRegion(
            group.outline.kind,
            np.array(group.outline.points),
            SourceImageForRegion(image.SOPClassUID, image.SOPInstanceUID),
        ),
        finding_type=ROLES[group.role] if group.role else None,
    )


def _measurement(value: MeasuredValue) -> Measurement:
    term = _TERMS[value.quantity, value.formula]
    properties = algorithm = None
    if value.low is not None and value.high is not None:
        properties = MeasurementProperties(
            upper_measurement_uncertainty=value.high - value.value,
            lower_measurement_uncertainty=value.value - value.low,
        )
    if value.background is not None:
        parameters = [term.method.meaning, f"L: this region. B: tracking UID {value.background}"]
        algorithm = AlgorithmIdentification(ALGORITHM, __version__, parameters)
    return Measurement(
        name=term.name,
        value=value.value,
        unit=UNITS[value.unit],
        method=term.method,
        derivation=term.derivation,
        properties=properties,
        algorithm_id=algorithm,
    )
