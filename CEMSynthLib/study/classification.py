"""Classification: which image of a CEM acquisition a DICOM instance is, by its own words, never guessed.

The words and their order are the table of `CEMSynthLib.study.vendor_rules`: Image Type (0008,0008); Acquisition Device
Processing Code (0018,1401), as GE writes it; the words of Series Description (0008,103E) and Protocol Name (0018,1030).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from CEMSynthLib.study.model import ImageKind
from CEMSynthLib.study.vendor_rules import RULES, Attribute, Rule

_SYNTHETIC_DESCRIPTION = "SYNTHETIC IODINE"


@dataclass(frozen=True)
class Classification:
    """What an instance is.

    Parameters
    ----------
    kind
        ``None`` where the header does not say.
    reason
        Where ``kind`` is ``None``: why. Otherwise the attribute that told.
    from_image_type
        False where only a weaker attribute than Image Type told.
    rule
        The row that decided; ``None`` where none fits and for synthetic images.
    """

    kind: ImageKind | None
    reason: str
    from_image_type: bool = True
    rule: Rule | None = None


def classify(
    image_type: Sequence[str],
    processing_code: str = "",
    series_description: str = "",
    protocol_name: str = "",
    synthetic_data: bool = False,
) -> Classification:
    """Classify by the header alone.

    Parameters
    ----------
    image_type
        The values of Image Type (0008,0008), or of Frame Type (0008,9007) for a frame; empty where missing.
    processing_code
        Acquisition Device Processing Code (0018,1401): ``GEMS_FFDM_PV`` or ``GEMS_CESM_1``.
    series_description, protocol_name
        (0008,103E) and (0018,1030).
    synthetic_data
        True where Synthetic Data (0008,001C) is YES. Simulated acquisitions have it as well; a synthetic iodine image
        also has Image Type DERIVED, SECONDARY and a description that begins with "SYNTHETIC iodine".

    Returns
    -------
    Classification
        `ImageKind` or the reason why there is none.
    """
    values = [str(value).strip().upper() for value in image_type]
    description = series_description.strip().upper()
    if description.startswith("SYNTHETIC") or (synthetic_data and values[:2] == ["DERIVED", "SECONDARY"]):
        if synthetic_data and values[:2] == ["DERIVED", "SECONDARY"] and description.startswith(_SYNTHETIC_DESCRIPTION):
            return Classification(ImageKind.SYNTHETIC, "Synthetic Data (0008,001C)")
        return Classification(
            None,
            "It seems synthetic, but Synthetic Data, Image Type and Series Description do not all say so.",
        )
    told = {
        Attribute.IMAGE_TYPE: _words("\\".join(values)),
        Attribute.PROCESSING_CODE: _words(processing_code),
        Attribute.SERIES_DESCRIPTION: _words(description),
        Attribute.PROTOCOL_NAME: _words(protocol_name),
    }
    for rule in RULES:
        if _pattern(rule.terms).search(told[rule.attribute]):
            reason = rule.attribute.value if rule.kind is not None else rule.reason
            return Classification(rule.kind, reason, rule.attribute is Attribute.IMAGE_TYPE, rule)
    shown = "\\".join(values) if values else "missing"
    return Classification(
        None,
        f"Neither Image Type ({shown}) nor the series says whether it is low-energy, high-energy or recombined.",
    )


def _words(text: str) -> str:
    """Words joined by one underscore, so that "Low Energy" and "LOW-ENERGY" read like the defined term."""
    return "_".join(text.upper().replace("-", " ").replace("_", " ").split())


@cache
def _pattern(terms: tuple[str, ...]) -> re.Pattern[str]:
    """The terms as whole words, not negated: "UNSUBTRACTED" and "NON SUBTRACTED" are no subtraction."""
    return re.compile(rf"(?<![A-Z])(?<!NON_)(?<!NOT_)(?:{'|'.join(map(re.escape, terms))})(?![A-Z])")
