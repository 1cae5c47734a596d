"""Classification: which image of a CEM acquisition a DICOM instance is, by its own words, never guessed.

Rule, in this order: the values of Image Type (0008,0008); Acquisition Device Processing Code (0018,1401), as GE writes
it; the words of Series Description (0008,103E) and Protocol Name (0018,1030). Low energy is tested first: GE marks a
low-energy image as derived from the contrast study, too. Terms: PS3.3 C.8.11.7.1.4 and the vendors' practice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from CEMSynthLib.study.model import ImageKind

_RECOMBINED_TERMS = ("RECOMBINED", "SUBTRACTION", "SUBTRACTED", "IODINE", "CESM")
# "CESM" in a Protocol Name is the name of the whole examination, so it says nothing about one image.
_RECOMBINED_PROTOCOL_TERMS = _RECOMBINED_TERMS[:-1]
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
    """

    kind: ImageKind | None
    reason: str
    from_image_type: bool = True


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
        The values of Image Type (0008,0008); empty where missing.
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
    for text, terms, where in (
        ("\\".join(values), _RECOMBINED_TERMS, "Image Type"),
        (processing_code.upper(), _RECOMBINED_TERMS, "Acquisition Device Processing Code"),
        (_words(description), _RECOMBINED_TERMS, "Series Description"),
        (_words(protocol_name.upper()), _RECOMBINED_PROTOCOL_TERMS, "Protocol Name"),
    ):
        kind = _kind(text, terms)
        if kind is not None:
            return Classification(kind, where, from_image_type=where == "Image Type")
    shown = "\\".join(values) if values else "missing"
    return Classification(
        None,
        f"Neither Image Type ({shown}) nor the series says whether it is low-energy, high-energy or recombined.",
    )


def _words(text: str) -> str:
    """Words joined by one underscore, so that "Low Energy" and "LOW-ENERGY" read like the defined term."""
    return "_".join(text.replace("-", " ").replace("_", " ").split())


def _kind(text: str, recombined_terms: Sequence[str]) -> ImageKind | None:
    if "LOW_ENERGY" in text or "GEMS_FFDM_PV" in text:
        return ImageKind.LOW_ENERGY
    if "HIGH_ENERGY" in text:
        return ImageKind.HIGH_ENERGY
    if any(term in text for term in recombined_terms):
        return ImageKind.RECOMBINED
    return None
