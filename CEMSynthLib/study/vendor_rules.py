"""Vendor rules: the one table by which an image is told to be low-energy, high-energy or recombined, with sources.

The rows are tried from the top; the first that fits decides. Low energy is tested first, since GE marks a low-energy
image as derived from the contrast study, too. Only the rows named "standard" rest on a published standard; the others
rest on what is written about the vendors' practice and were **not verified on images** of these vendors, of which
none are public. Where no row fits, an image stays unclassified and the reason is told; nothing is guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from CEMSynthLib.study.model import ImageKind


class Attribute(Enum):
    """The attributes that rules look at."""

    IMAGE_TYPE = "Image Type"
    PROCESSING_CODE = "Acquisition Device Processing Code"
    SERIES_DESCRIPTION = "Series Description"
    PROTOCOL_NAME = "Protocol Name"


@dataclass(frozen=True)
class Rule:
    """One row.

    Parameters
    ----------
    name
        What ``cemsynth list --explain`` prints.
    attribute
        Where the terms are looked for: Image Type (0008,0008) or Frame Type (0008,9007); Acquisition Device Processing
        Code (0018,1401); Series Description (0008,103E); Protocol Name (0018,1030).
    terms
        Any of them decides, as whole words: letters beside them, or NON_, NOT_, UN before them, make another word.
    kind
        ``None`` for images that are known not to be one of a CEM acquisition.
    vendors
        Who writes it.
    source
        Where that is written.
    reason
        Where ``kind`` is ``None``: a sentence for the user.
    """

    name: str
    attribute: Attribute
    terms: tuple[str, ...]
    kind: ImageKind | None
    vendors: str
    source: str
    reason: str = ""


_STANDARD = "PS3.3 C.8.11.7.1.4, tables C.8-74b to C.8-74e (CP-1342)"
_NOTES = "design notes, section 4"
_NOT_SEEN = "not verified on images"
_RECOMBINED = ("RECOMBINED", "SUBTRACTION", "SUBTRACTED", "IODINE")

RULES: tuple[Rule, ...] = (
    Rule(
        "standard low energy", Attribute.IMAGE_TYPE, ("LOW_ENERGY",), ImageKind.LOW_ENERGY,
        "all", f"{_STANDARD}, value 5",
    ),
    Rule(
        "standard high energy", Attribute.IMAGE_TYPE, ("HIGH_ENERGY",), ImageKind.HIGH_ENERGY,
        "all", f"{_STANDARD}, value 5",
    ),
    Rule(
        "standard subtraction", Attribute.IMAGE_TYPE, ("SUBTRACTION",), ImageKind.RECOMBINED,
        "all", f"{_STANDARD}, value 4",
    ),
    Rule(
        "RECOMBINED in value 4", Attribute.IMAGE_TYPE, ("RECOMBINED",), ImageKind.RECOMBINED, "GE, Hologic",
        f"{_NOTES}; the reader of a public GE data set asks for the same word; Hologic by a third party, {_NOT_SEEN}",
    ),
    Rule(
        "other words for recombined", Attribute.IMAGE_TYPE, ("SUBTRACTED", "IODINE", "CESM"), ImageKind.RECOMBINED,
        "unknown", f"{_NOTES}; {_NOT_SEEN}",
    ),
    Rule(
        "tomosynthesis", Attribute.IMAGE_TYPE, ("TOMO", "TOMO_PROJ", "TOMOSYNTHESIS", "GENERATED_2D"), None, "all",
        "PS3.3 C.8.21.6.1.1, table C.8.21.6-1a, and C.8.11.7.1.4, table C.8-74d",
        "It belongs to a tomosynthesis, not to a contrast-enhanced acquisition.",
    ),
    Rule(
        "GE processing of a low-energy image", Attribute.PROCESSING_CODE, ("GEMS_FFDM_PV",), ImageKind.LOW_ENERGY, "GE",
        f"{_NOTES}; the reader of a public GE data set asks for the same code; ordinary GE mammograms may have it, too",
    ),
    Rule(
        "GE processing of a recombined image", Attribute.PROCESSING_CODE, ("GEMS_CESM", "GEMS_CESM_1"),
        ImageKind.RECOMBINED, "GE", f"{_NOTES}; the reader of a public GE data set asks for the same code",
    ),
    *(
        Rule(f"words of the {attribute.value}: {word}", attribute, terms, kind, "any", f"{_NOTES}; {_NOT_SEEN}")
        for attribute in (Attribute.PROCESSING_CODE, Attribute.SERIES_DESCRIPTION, Attribute.PROTOCOL_NAME)
        for word, terms, kind in (
            ("low energy", ("LOW_ENERGY",), ImageKind.LOW_ENERGY),
            ("high energy", ("HIGH_ENERGY",), ImageKind.HIGH_ENERGY),
            # "CESM" in a Protocol Name is the name of the whole examination, so it says nothing about one image.
            (
                "recombined",
                _RECOMBINED if attribute is Attribute.PROTOCOL_NAME else (*_RECOMBINED, "CESM"),
                ImageKind.RECOMBINED,
            ),
        )
    ),
)  # fmt: skip

_ASSUMED = (
    "no public text that was found names its terms, so the standard's terms and the words of the series are expected; "
    f"{_NOT_SEEN}"
)
#: What is known of each vendor's practice, by a word of Manufacturer (0008,0070), upper case.
VENDORS: Mapping[str, str] = {
    "GE": "GE: RECOMBINED or LOW_ENERGY in Image Type value 4, processing codes GEMS_FFDM_PV and GEMS_CESM_1 "
    f"({_NOTES}; {_NOT_SEEN} here).",
    "HOLOGIC": f"Hologic: RECOMBINED in Image Type (by a third party; {_NOT_SEEN}).",
    "LORAD": f"Lorad, now Hologic: RECOMBINED in Image Type (by a third party; {_NOT_SEEN}).",
    "SIEMENS": f"Siemens: {_ASSUMED}.",
    "FUJIFILM": f"Fujifilm: {_ASSUMED}.",
    "PLANMED": f"Planmed: {_ASSUMED}.",
    "GIOTTO": f"IMS Giotto: {_ASSUMED}.",
    "IMS": f"IMS Giotto: {_ASSUMED}.",
}


def vendor_note(manufacturer: str) -> str:
    """What is known of a vendor's practice; empty for a vendor that is not in `VENDORS`."""
    words = manufacturer.upper().replace("-", " ").replace(",", " ").replace(".", " ").split()
    return next((note for word, note in VENDORS.items() if word in words), "")
