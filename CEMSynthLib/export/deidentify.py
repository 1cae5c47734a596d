"""De-identify: a mammogram, or a structured report of CEMSynth, without anything that tells whose it is (PS3.15 E)."""

import hashlib
import re
from collections.abc import Callable
from functools import partial

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.uid import ComprehensiveSRStorage

from CEMSynthLib import __version__
from CEMSynthLib.export.deidentify_rules import EDITION, METHOD_CODES, Action, action_for
from CEMSynthLib.export.derived import SERIES_DESCRIPTION as SYNTHETIC_DESCRIPTION
from CEMSynthLib.export.errors import ExportError
from CEMSynthLib.export.identity import Identities, Identity, moved
from CEMSynthLib.export.mammogram import code
from CEMSynthLib.export.provenance import MANUFACTURER, NOTICE
from CEMSynthLib.export.sr_codes import SERIES_DESCRIPTION as REPORT_DESCRIPTION
from CEMSynthLib.export.sr_content import BREAST_PLACE
from CEMSynthLib.study.classification import classify
from CEMSynthLib.study.model import ImageKind
from CEMSynthLib.study.orientation import laterality_of, view_of

#: Descriptions are written anew, by the kind of image, in words that the reader classifies by.
DESCRIPTIONS = {
    ImageKind.LOW_ENERGY: "Low energy",
    ImageKind.HIGH_ENERGY: "High energy",
    ImageKind.RECOMBINED: "Recombined",
    ImageKind.SYNTHETIC: SYNTHETIC_DESCRIPTION,
    None: "Mammogram",
}
# What calls itself synthetic but is not marked as such everywhere stays unclassified.
_UNCLEAR = "SYNTHETIC image of unknown kind"
_TEXT = frozenset({"LO", "SH", "CS", "ST", "LT", "UT", "UC"})
_SEARCHED = _TEXT | {"PN", "UI", "DA", "DT", "AE", "UR"}
# Text items of a report that CEMSynth itself words: algorithm name, version, parameters, manufacturer; device.
_OWN_TEXTS = frozenset({"111001", "111002", "111003", "122405", "121013", "121014", "121015"})
_TRACKING = "112039"
_TIME_ITEMS = {"DATE": ("Date", "DA"), "TIME": ("Time", "TM"), "DATETIME": ("DateTime", "DT")}


class NotExportedError(ExportError):
    """A file that cannot leave de-identified; the text says why."""


def kind_of(dataset: Dataset) -> ImageKind | None:
    """Which image of an acquisition a data set is, by its own words."""

    def text(keyword: str) -> str:
        return str(dataset.get(keyword) or "")

    found = dataset.get("ImageType")
    values = [str(v) for v in found] if isinstance(found, MultiValue) else [str(found or "")]
    return classify(
        values,
        processing_code=text("AcquisitionDeviceProcessingCode"),
        series_description=text("SeriesDescription"),
        protocol_name=text("ProtocolName"),
        synthetic_data=text("SyntheticData").upper() == "YES",
    ).kind


def refuse_what_cannot_be_cleaned(dataset: Dataset, name: str) -> None:
    """Raise for what is neither a mammogram nor a report of CEMSynth, or may show a name in its pixels.

    Raises
    ------
    NotExportedError
        With the reason.
    """
    if dataset.get("SOPClassUID") == ComprehensiveSRStorage:
        if dataset.get("Manufacturer") != MANUFACTURER:
            raise NotExportedError(
                f"{name} is a structured report of another program; its free text cannot be cleaned, so it stays here."
            )
        return
    if "PixelData" not in dataset or str(dataset.get("Modality") or "MG") != "MG":
        raise NotExportedError(f"{name} is neither a mammogram nor a report of CEMSynth, so it stays here.")
    if dataset.get("BurnedInAnnotation") == "YES" and kind_of(dataset) is not ImageKind.SYNTHETIC:
        raise NotExportedError(
            f"{name} has text burned into its pixels (Burned In Annotation), perhaps a name, so it stays here; cover "
            "the text with another program first."
        )


def deidentified(dataset: Dataset, identities: Identities) -> Dataset:
    """Make a data set that does not tell whose it is.

    Parameters
    ----------
    dataset
        A mammogram, or a structured report of CEMSynth, with its pixels; not changed.
    identities
        Has learned all data sets of the export.

    Returns
    -------
    pydicom.Dataset
        Pixels untouched, in the transfer syntax of the source. References between images and reports hold, times keep
        their distances (minutes since injection among them), dates are moved by years.
    """
    identity = identities.of(dataset)
    result = _cleaned(dataset, identities, identity)
    kind = kind_of(dataset)
    is_report = dataset.SOPClassUID == ComprehensiveSRStorage
    result.PatientName = result.PatientID = identity.label
    result.PatientBirthDate = result.PatientSex = ""
    result.PatientIdentityRemoved = "YES"
    result.DeidentificationMethod = [f"CEMSynth {__version__}", f"PS3.15 table {EDITION.removeprefix('dicomfields_')}"]
    result.DeidentificationMethodCodeSequence = Sequence([code(v, "DCM", m) for v, m in METHOD_CODES])
    result.LongitudinalTemporalInformationModified = "MODIFIED"
    unclear = kind is None and str(dataset.get("SeriesDescription", "")).strip().upper().startswith("SYNTHETIC")
    result.SeriesDescription = REPORT_DESCRIPTION if is_report else _UNCLEAR if unclear else DESCRIPTIONS[kind]
    if not is_report and "SharedFunctionalGroupsSequence" not in dataset:
        _keep_view(dataset, result)
    if kind is ImageKind.SYNTHETIC and not is_report:
        found = re.search(r"weights SHA-256 ([0-9a-f]{64})", str(dataset.get("DerivationDescription", "")))
        told = f", weights SHA-256 {found[1]}" if found else ""
        result.DerivationDescription = f"{NOTICE}. Iodine image computed from the low-energy image alone{told}."
        result.ImageComments = f"{NOTICE}."
    if is_report and "ReferencedPerformedProcedureStepSequence" not in result:
        result.ReferencedPerformedProcedureStepSequence = Sequence()
    result.file_meta = FileMetaDataset()
    result.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    result.file_meta.MediaStorageSOPClassUID = result.SOPClassUID
    result.file_meta.MediaStorageSOPInstanceUID = result.SOPInstanceUID
    return result


def file_name(dataset: Dataset) -> str:
    """Name the file of a de-identified data set: laterality, view, kind and 8 digits of its new UID's SHA-256."""
    digest = hashlib.sha256(str(dataset.SOPInstanceUID).encode()).hexdigest()[:8]
    if dataset.SOPClassUID == ComprehensiveSRStorage:
        return f"measurements_{digest}.dcm"
    kind = kind_of(dataset)
    parts = [str(dataset.get("ImageLaterality") or "X"), str(dataset.get("ViewPosition") or "X")]
    safe = ["".join(c for c in p if c.isascii() and c.isalnum()) or "X" for p in parts]
    return "_".join([*safe, kind.value if kind else "image", digest]) + ".dcm"


def refuse_what_is_left(dataset: Dataset, identities: Identities, name: str) -> None:
    """Read a finished data set once more, value by value.

    Raises
    ------
    NotExportedError
        Something of a patient is still in it.
    """
    values = [str(element.value) for element in dataset.iterall() if element.VR in _SEARCHED]
    what = identities.left_in("\n".join(values))
    if what is not None:
        raise NotExportedError(f"{name} would still hold {what}, so it stays here.")


def _keep_view(dataset: Dataset, result: Dataset) -> None:
    """Write side and view as attributes where only the words that are removed told them."""
    laterality, view = laterality_of(dataset), view_of(dataset)[0]
    if laterality is not None and laterality_of(result) is None:
        result.ImageLaterality = laterality.value
    if view is not None and view_of(result)[0] is None:
        result.ViewPosition = view.value


def _cleaned(dataset: Dataset, identities: Identities, identity: Identity) -> Dataset:
    result = Dataset()
    for element in dataset:
        action = action_for(element)
        if action is Action.KEEP:
            if element.VR not in _TEXT or identities.left_in(str(element.value)) is None:
                result[element.tag] = element
        elif action is Action.EMPTY:
            result.add_new(element.tag, element.VR, Sequence() if element.VR == "SQ" else "")
        elif action is Action.NEW_UID:
            result.add_new(element.tag, "UI", _each(element, identities.uid))
        elif action is Action.SHIFT:
            result.add_new(element.tag, element.VR, _each(element, partial(moved, vr=element.VR, shift=identity.shift)))
        elif action is Action.ITEMS:
            clean = _content if element.keyword == "ContentSequence" else _cleaned
            items = (clean(item, identities, identity) for item in element.value)
            result.add_new(element.tag, "SQ", Sequence([item for item in items if item is not None]))
    return result


def _content(item: Dataset, identities: Identities, identity: Identity) -> Dataset | None:
    """Clean an item of a report's content; ``None`` where it is free text that somebody wrote."""
    kind, concept = str(item.get("ValueType", "")), ""
    if item.get("ConceptNameCodeSequence"):
        concept = str(item.ConceptNameCodeSequence[0].get("CodeValue", ""))
    clean = _cleaned(item, identities, identity)
    if kind == "TEXT":
        text = str(item.TextValue)
        if concept == _TRACKING:
            clean.TextValue = text if text == BREAST_PLACE else _region_name(text)
        elif concept in _OWN_TEXTS:
            clean.TextValue = re.sub(
                r"\d+(?:\.\d+){3,}", lambda m: identities.uid(m[0]) if len(m[0]) > 20 else m[0], text
            )
        else:
            return None
    elif kind == "PNAME":
        clean.PersonName = identity.label
    elif kind in _TIME_ITEMS:
        keyword, vr = _TIME_ITEMS[kind]
        setattr(clean, keyword, moved(str(item.get(keyword, "")), vr, identity.shift))
    return clean


def _region_name(text: str) -> str:
    """A name of a region that keeps its role and number and nothing that somebody typed."""
    role = next((word for word in ("lesion", "background") if word in text.casefold()), "region")
    number = re.search(r"(?<!\d)(\d{1,2})\D*$", text)
    return f"{role}_{number[1]}" if number else role


def _each(element: DataElement, change: Callable[[str], str]) -> str | list[str]:
    if element.VM > 1:
        return [change(str(value)) for value in element.value]
    return change(str(element.value)) if element.value else ""
