"""Image names: what the file names of the public image sets tell (CDD-CESM, CESM@UCBM, this project's own).

| set | name | kinds |
|---|---|---|
| CDD-CESM | `P12_L_DM_CC.jpg`, stray white space, any case of name and suffix | DM low energy, CM recombined |
| CESM@UCBM | `P12_3_LCC_LOW_ENERGY.nrrd`: patient, number, side and view | LOW_ENERGY, HIGH_ENERGY, RECOMBINED |
| this project | `P12_L_SYNTHETIC_CC.png` with a JSON beside it | synthetic |

CDD-CESM (Khaled 2022, doi 10.1038/s41597-022-01238-0) keeps its images in two folders, "Low energy images of CDD-CESM"
and "Subtracted images of CDD-CESM".
"""

import re
from dataclasses import dataclass
from pathlib import Path

from CEMSynthLib.study.model import ImageKind, Laterality, ViewPosition

_VIEWS = "|".join(view.value for view in ViewPosition)
_CDD = re.compile(rf"(?P<patient>P\d+)_(?P<side>[LR])_(?P<kind>DM|CM|SYNTHETIC)_(?P<view>{_VIEWS})")
_UCBM = re.compile(
    rf"(?P<patient>P\d+)_(?P<number>\d+)_(?P<side>[LR])(?P<view>{_VIEWS})_(?P<kind>LOW_ENERGY|HIGH_ENERGY|RECOMBINED)"
)
_KINDS = {
    "DM": ImageKind.LOW_ENERGY,
    "CM": ImageKind.RECOMBINED,
    "SYNTHETIC": ImageKind.SYNTHETIC,
    "LOW_ENERGY": ImageKind.LOW_ENERGY,
    "HIGH_ENERGY": ImageKind.HIGH_ENERGY,
    "RECOMBINED": ImageKind.RECOMBINED,
}
# The folders of the public set, without white space and in lower case.
_FOLDERS = {"lowenergyimages": ImageKind.LOW_ENERGY, "subtractedimages": ImageKind.RECOMBINED}


@dataclass(frozen=True)
class ImageName:
    """What a file name tells.

    Parameters
    ----------
    patient_id
        ``"P12"``.
    laterality, view, kind
        Which image it is.
    number
        Orders images of one view (CESM@UCBM); 0 where there is none.
    """

    patient_id: str
    laterality: Laterality
    view: ViewPosition
    kind: ImageKind
    number: int = 0


def parse_image_name(path: Path) -> ImageName | None:
    """Read a file name; white space and case do not count. ``None`` where it follows no known rule."""
    stem = re.sub(r"\s+", "", path.stem).upper()
    match = _CDD.fullmatch(stem) or _UCBM.fullmatch(stem)
    if match is None:
        return None
    parts = match.groupdict()
    return ImageName(
        patient_id=parts["patient"],
        laterality=Laterality(parts["side"]),
        view=ViewPosition(parts["view"]),
        kind=_KINDS[parts["kind"]],
        number=int(parts.get("number") or 0),
    )


def kind_of_folder(path: Path) -> ImageKind | None:
    """The kind that the name of a file's folder tells in CDD-CESM, otherwise ``None``."""
    folder = re.sub(r"\s+", "", path.parent.name).casefold()
    return next((kind for words, kind in _FOLDERS.items() if folder.startswith(words)), None)


def same_image_name(first: str, second: str) -> bool:
    """True where two file names differ by white space, case or the image format's suffix only.

    Tables of the public sets name the images without suffix, with stray spaces, or in another case than the files.
    """
    return name_key(first) == name_key(second)


def name_key(name: str) -> str:
    """What stays of a file name without folder, white space, case and the suffix of an image format."""
    plain = re.sub(r"\s+", "", re.split(r"[\\/]", name)[-1]).casefold()
    return re.sub(r"\.(jpe?g|png|tiff?|nrrd)$", "", plain)
