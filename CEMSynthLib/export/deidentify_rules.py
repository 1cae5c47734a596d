"""What becomes of an attribute in a de-identified export: PS3.15 Annex E, Basic Application Confidentiality Profile.

The table E.1-1 comes from the package dicom-anonymizer (BSD license, edition 2026c). Its own actions are not used: they
empty the references between images and reports, write 0001-01-01 for every date, and do not look into sequences that
are kept. Options of the profile that are taken: Retain Longitudinal Temporal Information With Modified Dates, Clean
Structured Content, Clean Descriptors (descriptions are written anew, never edited).
"""

from enum import Enum
from functools import cache

from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector
from pydicom.datadict import dictionary_has_tag
from pydicom.dataelem import DataElement
from pydicom.tag import BaseTag

EDITION = "dicomfields_2026c"


class Action(Enum):
    """What is done with one attribute."""

    KEEP = "keep"
    REMOVE = "remove"
    EMPTY = "empty"
    NEW_UID = "new UID"
    SHIFT = "shift in time"
    ITEMS = "the same rules for each item"


#: Codes of PS3.16 CID 7050 for De-identification Method Code Sequence (0012,0064), each with its meaning.
METHOD_CODES = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113104", "Clean Structured Content Option"),
    ("113105", "Clean Descriptors Option"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
)
# Type 2 in the mammography and structured report modules (PS3.3 A.27, A.35.3), so empty rather than absent.
_EMPTY_WHERE_TABLE_REMOVES = frozenset({"AcquisitionContextSequence"})
# References that tie images to each other and to reports (action X/Z/U*), and the report itself (D, cleaned apart).
_REFERENCES = frozenset({"SourceImageSequence", "ReferencedImageSequence", "ContentSequence"})
# Representations that can hold free text or anything at all; removed wherever the table does not name them ...
_FREE = frozenset({"PN", "LT", "ST", "UT", "UC", "UR", "AE", "UN", "OB", "OW", "OD", "OF", "OL", "OV"})
# ... but for these, which hold pixels, how they are shown, codes, and text that is cleaned apart.
_NEEDED = frozenset(
    {
        *("PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths", "LUTData", "LongCodeValue", "URNCodeValue"),
        *("TextValue", "CodingSchemeName", "CodingSchemeResponsibleOrganization"),
    }
)
_TIMES = frozenset({"DA", "DT", "TM"})
_PATIENT_GROUP = 0x0010
_FIRST_GROUP = 0x0008  # groups below belong to messages and to the file meta information


def action_for(element: DataElement) -> Action:
    """Say what becomes of an attribute, at any depth of a data set.

    Parameters
    ----------
    element
        The attribute.

    Returns
    -------
    Action
        Stricter than the table where that is simpler: private attributes, attributes unknown to the dictionary, and
        free text and binary data that nothing here needs are removed; all UIDs but those of the standard are replaced.
    """
    tag, keyword = element.tag, element.keyword
    if tag.is_private or tag.group < _FIRST_GROUP or not dictionary_has_tag(tag):
        return Action.REMOVE
    listed = _listed(tag)
    if element.VR in _TIMES and tag.group != _PATIENT_GROUP:
        return Action.SHIFT
    if keyword in _REFERENCES:
        return Action.ITEMS
    if element.VR == "UI":
        return Action.NEW_UID
    if listed is None:
        if element.VR == "SQ":
            return Action.ITEMS
        return Action.REMOVE if element.VR in _FREE and keyword not in _NEEDED else Action.KEEP
    if listed in ("Z_TAGS", "Z_D_TAGS") or keyword in _EMPTY_WHERE_TABLE_REMOVES:
        return Action.EMPTY
    return Action.REMOVE


@cache
def _table() -> tuple[dict[tuple[int, int], str], tuple[tuple[tuple[int, int, int, int], str], ...]]:
    database = dicom_anonymization_database_selector(EDITION)
    single, ranges = {}, []
    for name, tags in database.items():
        if name != "ALL_TAGS":
            for tag in tags:
                if len(tag) == 2:
                    single[tag] = name
                else:
                    ranges.append((tag, name))
    return single, tuple(ranges)


def _listed(tag: BaseTag) -> str | None:
    single, ranges = _table()
    name = single.get((tag.group, tag.element))
    if name is not None:
        return name
    for (group, element, group_mask, element_mask), listed in ranges:
        if tag.group & group_mask == group & group_mask and tag.element & element_mask == element & element_mask:
            return listed
    return None
