"""View labels: mammographic views and their modifiers, from codes (PS3.16 CID 4014, 4015) and from short labels."""

import re

from CEMSynthLib.study.model import Laterality, ViewPosition

#: View codes of PS3.16 CID 4014: SNOMED CT and the older SRT values.
VIEW_CODES = {
    "399162004": ViewPosition.CC, "R-10242": ViewPosition.CC,
    "399368009": ViewPosition.MLO, "R-10226": ViewPosition.MLO,
    "399260004": ViewPosition.ML, "R-10224": ViewPosition.ML,
    "399352003": ViewPosition.LM, "R-10228": ViewPosition.LM,
    "399099002": ViewPosition.LMO, "R-10230": ViewPosition.LMO,
    "399192008": ViewPosition.XCCL, "R-1024A": ViewPosition.XCCL,
    "399101009": ViewPosition.XCCM, "R-1024B": ViewPosition.XCCM,
    "399196006": ViewPosition.FB, "R-10244": ViewPosition.FB,
    "399188001": ViewPosition.SIO, "R-102D0": ViewPosition.SIO,
    "441555000": ViewPosition.ISO, "R-40AAA": ViewPosition.ISO,
}  # fmt: skip
#: The view code of a tissue specimen.
SPECIMEN_CODES = ("127457009", "G-8310")
#: View modifier codes of PS3.16 CID 4015, SNOMED CT and SRT.
MODIFIER_CODES = {
    "399161006": "cleavage", "R-102D2": "cleavage",
    "399011000": "axillary tail", "R-102D1": "axillary tail",
    "399197002": "rolled lateral", "R-102D3": "rolled lateral",
    "399226006": "rolled medial", "R-102D4": "rolled medial",
    "414493004": "rolled inferior", "R-102CA": "rolled inferior",
    "415670009": "rolled superior", "R-102C9": "rolled superior",
    "399209000": "implant displaced", "R-102D5": "implant displaced",
    "399163009": "magnification", "R-102D6": "magnification",
    "399055006": "spot compression", "R-102D7": "spot compression",
    "399110001": "tangential", "R-102C2": "tangential",
    "442581004": "nipple in profile", "R-40AB3": "nipple in profile",
    "441752004": "anterior compression", "P2-00161": "anterior compression",
    "442593008": "infra-mammary fold", "R-40ABE": "infra-mammary fold",
    "442580003": "axillary tissue", "R-40AB2": "axillary tissue",
}  # fmt: skip
# Labels of the ACR Mammography Quality Control Manual, which CID 4014 and 4015 name beside the codes.
_PREFIXES = {"M": "magnification", "S": "spot compression"}
_SUFFIXES = {
    "ID": "implant displaced", "AT": "axillary tail", "CV": "cleavage", "RL": "rolled lateral",
    "RM": "rolled medial", "RI": "rolled inferior", "RS": "rolled superior", "TAN": "tangential",
}  # fmt: skip
_VIEWS = "|".join(sorted((view.value for view in ViewPosition), key=len, reverse=True))
_LABEL = re.compile(rf"([LR])?([MS]{{0,2}})({_VIEWS})((?:{'|'.join(_SUFFIXES)})*)")
# In free text a label must have its side, else words like "ML" (milliliters) are taken for a view.
_IN_TEXT = re.compile(rf"(?<![A-Z0-9])([LR])[ _-]?[MS]{{0,2}}({_VIEWS})(?:ID)?(?![A-Z0-9])")


def read_label(label: str) -> tuple[Laterality | None, ViewPosition | None, tuple[str, ...]]:
    """Read a label such as ``CC``, ``RMLO``, ``CCID`` or ``LMCC``: side, view, modifiers.

    Returns
    -------
    side, view
        ``None`` where the label does not name one; both where it is no such label.
    modifiers
        Words of `MODIFIER_CODES`.
    """
    text = re.sub(r"[\s_-]+", "", label.upper())
    exact = next((view for view in ViewPosition if view.value == text), None)
    if exact is not None:
        return None, exact, ()
    match = _LABEL.fullmatch(text)
    if match is None:
        return None, None, ()
    side, prefixes, view, suffixes = match.groups()
    words = [_PREFIXES[p] for p in prefixes] + [_SUFFIXES[s] for s in re.findall("|".join(_SUFFIXES), suffixes)]
    return Laterality(side) if side else None, ViewPosition(view), tuple(words)


def label_in(text: str) -> tuple[Laterality | None, ViewPosition | None]:
    """Find a label with its side in free text, e.g. "L CC recombined"; nothing where several differ."""
    found = {(m[1], m[2]) for m in _IN_TEXT.finditer(text.upper())}
    if len(found) != 1:
        return None, None
    side, view = found.pop()
    return Laterality(side), ViewPosition(view)
