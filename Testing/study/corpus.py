"""Corpus: hand-made DICOM headers, vendor variants and traps, each with its known answer.

`CASES` is the table: name, edits of a plain low-energy L CC header, and what differs from the plain answer. The files
are a few hundred bytes of 24 x 16 pixels and are made when a test asks for them; nothing comes from a patient.
"""

from typing import Any

import numpy as np
from corpus_files import (
    HIGH,
    LOW,
    PROJECTION,
    RAW_MAMMOGRAPHY,
    SECONDARY_CAPTURE,
    SHARED,
    STORED,
    SUBTRACTION,
    TOMOSYNTHESIS,
    Case,
    broken_number,
    code,
    groups,
    lut,
    swallowed,
    typed,
    unknown_vr,
    unknown_vr_sequence,
    view,
)
from pydicom.dataset import FileDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)


def _kinds() -> list[Case]:
    low, high, recombined = {"kind": "low_energy"}, {"kind": "high_energy"}, {"kind": "recombined"}
    ge, weak = {"Manufacturer": "GE MEDICAL SYSTEMS"}, {"warns": ("is taken as",)}
    none = {"unclassified": "Neither Image Type"}
    tomo = {"unclassified": "tomosynthesis"}

    def typ(text: str, **more: Any) -> dict[str, Any]:
        return {"ImageType": text.split("\\"), **more}

    def words(text: str, maker: str = "SIEMENS") -> dict[str, Any]:
        return typ("ORIGINAL\\PRIMARY", SeriesDescription=text, Manufacturer=maker)

    return [
        Case("standard low energy"),
        Case("standard high energy", {"ImageType": HIGH}, high),
        Case("standard subtraction", {"ImageType": SUBTRACTION}, recombined),
        Case("before contrast", typ("ORIGINAL\\PRIMARY\\PRE_CONTRAST\\\\LOW_ENERGY"), low),
        Case("GE low energy in value 4", typ("ORIGINAL\\PRIMARY\\\\LOW_ENERGY", **ge), low),
        Case("GE low energy as derived", typ("DERIVED\\PRIMARY\\POST_CONTRAST\\\\LOW_ENERGY", **ge), low),
        Case("GE recombined",
             typ("DERIVED\\PRIMARY\\\\RECOMBINED", AcquisitionDeviceProcessingCode="GEMS_CESM_1"), recombined),
        Case("GE low energy by code",
             typ("DERIVED\\PRIMARY", AcquisitionDeviceProcessingCode="GEMS_FFDM_PV", **ge), low | weak),
        Case("GE recombined by code",
             typ("DERIVED\\PRIMARY", AcquisitionDeviceProcessingCode="GEMS_CESM_1", **ge), recombined | weak),
        Case("Hologic recombined",
             typ("DERIVED\\PRIMARY\\POST_CONTRAST\\RECOMBINED", Manufacturer="HOLOGIC, Inc."), recombined),
        Case("Siemens by words", words("L CC Low Energy"), low | weak),
        Case("Fujifilm by words", words("CEDM low-energy", "FUJIFILM Corporation"), low | weak),
        Case("Planmed by words", words("HIGH_ENERGY", "Planmed Oy"), high | weak),
        Case("Giotto by words", words("Iodine image", "IMS GIOTTO S.P.A."), recombined | weak),
        Case("subtracted by words", words("Subtracted"), recombined | weak),
        Case("unsubtracted is no subtraction", words("UNSUBTRACTED"), none),
        Case("non-subtracted is no subtraction", words("Non-subtracted"), none),
        Case("words of the protocol", typ("ORIGINAL\\PRIMARY", ProtocolName="dual high energy"), high | weak),
        Case("name of the examination is no image", typ("ORIGINAL\\PRIMARY", ProtocolName="CESM"), none),
        Case("lower case", typ("derived\\primary\\subtracted"), recombined),
        Case("IODINE", typ("DERIVED\\PRIMARY\\IODINE"), recombined),
        Case("CESM in Image Type", typ("DERIVED\\PRIMARY\\CESM"), recombined),
        Case("low energy before CESM", typ("DERIVED\\PRIMARY\\CESM\\SUBTRACTION\\LOW_ENERGY"), low),
        Case("Image Type missing", {"ImageType": None}, {"unclassified": "missing"}),
        Case("Image Type empty", {"ImageType": ""}, {"unclassified": "missing"}),
        Case("ordinary mammogram", typ("ORIGINAL\\PRIMARY"), none),
        Case("contrast without energy", typ("DERIVED\\PRIMARY\\POST_CONTRAST"), none),
        Case("synthesized from a tomosynthesis", typ("DERIVED\\PRIMARY\\TOMOSYNTHESIS\\GENERATED_2D"), tomo),
        Case("tomosynthesis of a CESM series", typ("ORIGINAL\\PRIMARY\\TOMO", SeriesDescription="CESM L CC"), tomo),
        Case("claims to be synthetic",
             {"SeriesDescription": "SYNTHETIC iodine (AI)"}, {"unclassified": "seems synthetic"}),
    ]  # fmt: skip


def _views() -> list[Case]:
    doubt = {"warns": ("in doubt",)}
    special = ("special view",)
    return [
        Case("laterality of the series", {"ImageLaterality": "", "Laterality": "R"}, {"laterality": "R"}),
        Case("lateralities that contradict", {"Laterality": "R"}, doubt),
        Case("wrong laterality in the description", {"SeriesDescription": "R CC low energy"}, doubt),
        Case("laterality of both breasts", {"ImageLaterality": "B", "Laterality": "R"}, {"laterality": "R"}),
        Case("no laterality", {"ImageLaterality": None}, {"laterality": None, "warns": ("laterality is not known",)}),
        Case("side in the view", {"ImageLaterality": None, "ViewPosition": "RMLO"}, {"laterality": "R", "view": "MLO"}),
        Case("side and view in words", {"ImageLaterality": None, "ViewPosition": None, "SeriesDescription": "R MLO"},
             {"laterality": "R", "view": "MLO", "warns": ("laterality of image.dcm is", "view of image.dcm is")}),
        Case("view code", view("399368009"), {"view": "MLO"}),
        Case("older view code", view("R-10226"), {"view": "MLO"}),
        Case("code before position", view("399368009") | {"ViewPosition": "CC"}, {"view": "MLO"}),
        Case("unknown code", view("12345") | {"ViewPosition": "ML"}, {"view": "ML"}),
        Case("view from below", view("399196006"), {"view": "FB"}),
        Case("unknown view", {"ViewPosition": "XYZ"}, {"view": None, "warns": ("view is not known",)}),
        Case("implant displaced", view("399162004", ("399209000", "Implant Displaced")),
             {"modifiers": "implant displaced", "warns": special}),
        Case("magnification", view("399162004", ("R-102D6", "")), {"modifiers": "magnification", "warns": special}),
        Case("spot and magnification", view("399368009", ("399163009", "x"), ("399055006", "y")),
             {"view": "MLO", "modifiers": "magnification, spot compression", "warns": special}),
        Case("cleavage", view("399162004", ("399161006", "Cleavage")), {"modifiers": "cleavage", "warns": special}),
        Case("unknown modifier", view("399162004", ("77777", "Standing On Toes")),
             {"modifiers": "standing on toes", "warns": special}),
        Case("modifier beside the view",
             view("399162004") | {"ViewModifierCodeSequence": [code("399110001", "tangential")]},
             {"modifiers": "tangential", "warns": special}),
        Case("label implant displaced", {"ViewPosition": "CCID"}, {"modifiers": "implant displaced", "warns": special}),
        Case("label magnification", {"ViewPosition": "LMCC"}, {"modifiers": "magnification", "warns": special}),
        Case("biopsy", {"ImageType": ["ORIGINAL", "PRIMARY", "STEREO_SCOUT", "", "LOW_ENERGY"]},
             {"modifiers": "biopsy stereo scout", "warns": special}),
        Case("tissue specimen", view("127457009"), {"refused": "tissue specimen"}),
        Case("implant",
             {"BreastImplantPresent": "YES"}, {"warns": ("implant",), "attributes": {"BreastImplantPresent": "YES"}}),
        Case("part of the breast", {"PartialView": "YES"}, {"warns": ("part of the breast",)}),
        Case("magnified", {"EstimatedRadiographicMagnificationFactor": 1.8}, {"warns": ("magnified 1.8 times",)}),
        Case("burned-in text", {"BurnedInAnnotation": "YES"}, {"warns": ("burned into",)}),
        Case("chest wall right", {"PatientOrientation": ["P", "L"]}, {"chest_wall": "right"}),
        Case("oblique orientation", {"PatientOrientation": ["P", "FL"]}, {"chest_wall": "right"}),
        Case("flipped on the detector",
             {"FieldOfViewHorizontalFlip": "YES"}, {"attributes": {"FieldOfViewHorizontalFlip": "YES"}}),
        Case("no orientation", {"PatientOrientation": None}, {"chest_wall": None}),
        Case("view as orientation", {"PatientOrientation": "CC"}, {"chest_wall": None}),
    ]  # fmt: skip


def _grey_levels() -> list[Case]:
    mono1 = {"PhotometricInterpretation": "MONOCHROME1"}
    raw = {"SOPClassUID": RAW_MAMMOGRAPHY, "PresentationIntentType": "FOR PROCESSING"}
    turned = {"inverted": True, "window": (4095.0 - 200 + 1, 400.0, "LINEAR"), "pixels": lambda p: 4095.0 - p}
    rawly = ("raw image",)
    no_window = {"WindowCenter": None, "WindowWidth": None}
    whole = {"window": (191.5, 383.0, "LINEAR_EXACT"), "warns": ("no display window",)}
    ramp = np.clip((np.arange(400) - 100) * 20, 0, 4095).astype("<u2")
    linear = {"window": (202.5, 197.0, "LINEAR_EXACT")}
    refused = {"refused": "damaged header"}
    eight = STORED.astype(np.uint8)
    signed = (STORED.astype(np.int16) - 100).astype(np.int16)
    return [
        Case("MONOCHROME1", mono1, turned),
        Case("MONOCHROME1, exact window", mono1 | {"VOILUTFunction": "LINEAR_EXACT"},
             turned | {"window": (3895.0, 400.0, "LINEAR_EXACT")}),
        Case("MONOCHROME1 with rescale", mono1 | {"RescaleSlope": 2, "RescaleIntercept": -100},
             turned | {"window": (7791.0, 400.0, "LINEAR"), "pixels": lambda p: 2.0 * (4095.0 - p) - 100}),
        Case("raw, more is less attenuation", raw | {"PixelIntensityRelationshipSign": 1}, turned | {"warns": rawly}),
        Case("raw MONOCHROME1, more is more", raw | mono1 | {"PixelIntensityRelationshipSign": -1}, {"warns": rawly}),
        Case("raw without a sign", raw, {"warns": rawly}),
        Case("sign does not count for presentation", {"PixelIntensityRelationshipSign": 1}),
        Case("both spacings", {"PixelSpacing": [0.09, 0.09]}),
        Case("rows before columns", {"ImagerPixelSpacing": [0.1, 0.2]}, {"spacing": (0.1, 0.2)}),
        Case("only Pixel Spacing", {"ImagerPixelSpacing": None, "PixelSpacing": [0.3, 0.4]}, {"spacing": (0.3, 0.4)}),
        Case("no spacing", {"ImagerPixelSpacing": None}, {"spacing": None, "warns": ("spacing is missing",)}),
        Case("spacing zero", {"ImagerPixelSpacing": [0, 0], "PixelSpacing": [0.3, 0.4]}, {"spacing": (0.3, 0.4)}),
        Case("spacing negative",
             {"ImagerPixelSpacing": [-0.1, 0.1]}, {"spacing": None, "warns": ("spacing is missing",)}),
        Case("one spacing", {"ImagerPixelSpacing": "0.1"}, {"spacing": None, "warns": ("spacing is missing",)}),
        Case("several windows", {"WindowCenter": [200, 300], "WindowWidth": [400, 50],
                                 "WindowCenterWidthExplanation": ["NORMAL", "HARDER"]},
             {"attributes": {"OtherWindows": "HARDER 300/50 LINEAR"}}),
        Case("sigmoid", {"VOILUTFunction": "SIGMOID"}, {"window": (200.0, 400.0, "SIGMOID")}),
        Case("exact", {"VOILUTFunction": "LINEAR_EXACT"}, {"window": (200.0, 400.0, "LINEAR_EXACT")}),
        Case("unknown function", {"VOILUTFunction": "LOGARITHMIC"}),
        Case("window of width 0", {"WindowWidth": 0}, whole),
        Case("no window", no_window, whole),
        Case("no window, range told", no_window | {"SmallestImagePixelValue": 5, "LargestImagePixelValue": 300},
             whole | {"window": (152.5, 295.0, "LINEAR_EXACT")}),
        Case("VOI LUT",
             {"VOILUTSequence": [lut(ramp, 0, 12)]}, linear | {"attributes": {"OtherWindows": "200/400 LINEAR"}}),
        Case("VOI LUT that starts above 0",
             {"VOILUTSequence": [lut(ramp, 1000, 12)]}, {"window": (1202.5, 197.0, "LINEAR_EXACT")}),
        Case("VOI LUT as numbers", {"VOILUTSequence": [lut(ramp.tolist(), 0, 12)]}, linear),
        Case("falling VOI LUT", {"VOILUTSequence": [lut(ramp[::-1].copy(), 0, 12)]}),
        Case("rescale", {"RescaleSlope": 0.5, "RescaleIntercept": 7}, {"pixels": lambda p: p / 2 + 7}),
        Case("rescale empty", {"RescaleSlope": "", "RescaleIntercept": ""}),
        Case("8 bits", {"BitsStored": 8}, {"pixels": lambda p: p.astype(float)}, stored=eight),
        Case("16 bits", {"BitsStored": 16}),
        Case("signed", {"PixelRepresentation": 1}, {"pixels": lambda p: p.astype(float)}, stored=signed),
        Case("overlay in the unused bits",
             {}, {"pixels": lambda p: (p & 4095).astype(float)}, stored=STORED | (1 << 14)),
        Case("padding", {"PixelPaddingValue": 0}, {"pixels": lambda p: np.where(p == 0, 1.0, p)}),
        Case("range of padding",
             {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 9}, {"pixels": lambda p: np.where(p <= 9, 10.0, p)}),
        Case("bits contradict", {"BitsStored": 20}, refused),
        Case("bits empty", {"BitsStored": None}, refused),
        Case("slope 0", {"RescaleSlope": 0}, refused),
        Case("rows empty", {"Rows": None}, refused),
        Case("beyond all measure", {"Rows": 65535, "Columns": 65535}, refused),
        Case("modality LUT", {"ModalityLUTSequence": [lut(ramp, 0, 12)]}, {"refused": "modality lookup table"}),
        Case("color", {"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, {"refused": "color image"}),
        Case("palette", {"PhotometricInterpretation": "PALETTE COLOR"}, {"refused": "color image"}),
        Case("more pixels announced", {"Rows": 40}, {"refused": "cut short"}),
    ]  # fmt: skip


def _private(dataset: FileDataset) -> None:
    """Vendor blocks around the values that are read, one of them called LOW_ENERGY for nothing."""
    for group in (0x0009, 0x0019, 0x0045):
        block = dataset.private_block(group, "VENDOR PRIVATE", create=True)
        block.add_new(0x10, "LO", "HIGH_ENERGY")
        block.add_new(0x11, "SQ", [code("399209000", "Implant Displaced")])
        block.add_new(0x12, "OB", b"\x00\xff" * 40)


def _structure() -> list[Case]:
    every = ("ImageType", "ViewPosition", "ImageLaterality", "ImagerPixelSpacing", "WindowCenter", "WindowWidth")
    empty = dict.fromkeys(("KVP", "BodyPartThickness", "SeriesDescription", "Manufacturer", "InstanceNumber",
                           "AcquisitionDate", "AcquisitionTime", "FrameOfReferenceUID", "SourceImageSequence",
                           "ViewCodeSequence", "VOILUTSequence", "PixelSpacing"), "")  # fmt: skip
    empty |= {k: [] for k in empty if k.endswith("Sequence")}
    words = {"ImageType": None, "SeriesDescription": "Low energy"}
    capture = {"SOPClassUID": SECONDARY_CAPTURE, "ConversionType": "WSD"}
    two = np.stack([STORED, STORED + 7])
    return [
        Case("UN VR", change=unknown_vr(*every)),
        Case("UN VR of a sequence", {"ViewPosition": "CC"}, {"view": "MLO"}, bytes_changed=unknown_vr_sequence),
        Case("private attributes", change=_private),
        Case("empty values", empty),
        Case("implicit", syntax=ImplicitVRLittleEndian),
        Case("implicit private attributes", syntax=ImplicitVRLittleEndian, change=_private),
        Case("big endian", syntax=ExplicitVRBigEndian),
        Case("deflated", syntax=DeflatedExplicitVRLittleEndian),
        Case("RLE", syntax=RLELossless),
        Case("bytes behind the pixels", bytes_changed=lambda raw: raw + b"\0" * 31),
        Case("blanks in front", {"ImageLaterality": "L ", "ViewPosition": " CC"}),
        Case("thickness is no number", {"BodyPartThickness": "123456"}, {"attributes": {"BodyPartThickness": None}},
             bytes_changed=broken_number(b"55 mm")),
        Case("window is no number",
             {"WindowCenter": "123456"}, {"window": (191.5, 383.0, "LINEAR_EXACT"), "warns": ("no display",)},
             bytes_changed=broken_number(b"auto")),
        Case("time is no time", {"AcquisitionTime": "noon"}),
        Case("Latin letters", {"SpecificCharacterSet": "ISO_IR 100", "SeriesDescription": "Énergie"}),
        Case("unknown character set", {"SpecificCharacterSet": "ISO_IR 6666"}),
        Case("no modality", {"Modality": None}),
        Case("computed tomography", {"Modality": "CT"}, {"refused": "modality is CT"}),
        Case("Secondary Capture with words", capture | words, {"warns": ("is taken as", "Secondary Capture")}),
        Case("Secondary Capture of a film", capture | {"ImageType": None}, {"unclassified": "missing"}),
        Case("projection image of one frame", groups(typed(LOW), **SHARED), PROJECTION),
        Case("projection image of two energies", groups(typed(LOW), typed(SUBTRACTION), **SHARED),
             PROJECTION | {"frames": 2, "pixels": lambda p: 2.0 * p[0] + 1}, stored=two),
        Case("projections of a tomosynthesis", groups(typed(["ORIGINAL", "PRIMARY", "TOMO_PROJ"]), **SHARED),
             {"unclassified": "tomosynthesis"}),
        Case("tomosynthesis",
             {"SOPClassUID": TOMOSYNTHESIS, "NumberOfFrames": 2}, {"refused": "several frames"}, stored=two),
        Case("frame without pixels", groups(typed(LOW), typed(HIGH), **SHARED), {"refused": "cut short"}),
        Case("no pixels", change=lambda dataset: dataset.pop("PixelData"), answer={"refused": "no pixel data"}),
        Case("no image",
             {"Rows": None, "Columns": None}, {"refused": "holds no image"}, change=lambda d: d.pop("PixelData")),
        Case("cut short", bytes_changed=lambda raw: raw[:-100], answer={"refused": "cut short"}),
        Case("a length that swallows the patient's name", {"ImageType": "X" * 16}, {"unclassified": "missing"},
             bytes_changed=swallowed),
        Case("no preamble", bytes_changed=lambda raw: raw[raw.index(b"\x08\x00\x08\x00CS") :], answer={}),
        Case("SOP class in the file information only", {"SOPClassUID": None}),
    ]  # fmt: skip


CASES: tuple[Case, ...] = (*_kinds(), *_views(), *_grey_levels(), *_structure())
