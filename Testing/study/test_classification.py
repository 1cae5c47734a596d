import pytest

from CEMSynthLib.study.classification import classify
from CEMSynthLib.study.model import ImageKind
from CEMSynthLib.study.vendor_rules import RULES, vendor_note

LE, HE, RC, SY = ImageKind.LOW_ENERGY, ImageKind.HIGH_ENERGY, ImageKind.RECOMBINED, ImageKind.SYNTHETIC


@pytest.mark.parametrize(
    ("image_type", "kind"),
    [
        # the standard, PS3.3 C.8.11.7.1.4
        ("ORIGINAL\\PRIMARY\\POST_CONTRAST\\\\LOW_ENERGY", LE),
        ("ORIGINAL\\PRIMARY\\POST_CONTRAST\\\\HIGH_ENERGY", HE),
        ("DERIVED\\PRIMARY\\POST_CONTRAST\\SUBTRACTION", RC),
        ("ORIGINAL\\PRIMARY\\PRE_CONTRAST\\\\LOW_ENERGY", LE),
        # GE and Hologic
        ("ORIGINAL\\PRIMARY\\\\LOW_ENERGY", LE),
        ("DERIVED\\PRIMARY\\POST_CONTRAST\\\\LOW_ENERGY", LE),
        ("DERIVED\\PRIMARY\\POST_CONTRAST\\RECOMBINED", RC),
        ("derived\\primary\\subtracted", RC),
        ("DERIVED\\PRIMARY\\IODINE", RC),
        ("DERIVED\\PRIMARY\\CESM", RC),
        # low energy is tested first
        ("DERIVED\\PRIMARY\\CESM\\SUBTRACTION\\LOW_ENERGY", LE),
        ("ORIGINAL\\PRIMARY", None),
        ("DERIVED\\PRIMARY\\POST_CONTRAST", None),
    ],
)
def test_image_type_decides(image_type, kind):
    found = classify(image_type.split("\\"))
    assert found.kind is kind
    assert found.from_image_type or kind is None


@pytest.mark.parametrize(("code", "kind"), [("GEMS_FFDM_PV", LE), ("GEMS_CESM_1", RC), ("OTHER", None)])
def test_processing_code_comes_after_image_type(code, kind):
    assert classify([], code).kind is kind
    assert classify(["ORIGINAL", "PRIMARY", "", "", "HIGH_ENERGY"], code).kind is HE


@pytest.mark.parametrize(
    ("series", "protocol", "kind"),
    [
        ("L CC Low Energy", "", LE),
        ("L CC low-energy", "CESM", LE),
        ("R MLO Recombined", "", RC),
        ("Iodine image", "", RC),
        ("", "dual High Energy", HE),
        ("", "CESM", None),  # the name of the examination, the same on all its images
        ("L CC", "Routine", None),
    ],
)
def test_words_come_last_and_are_marked_as_weak(series, protocol, kind):
    found = classify(["ORIGINAL", "PRIMARY"], "", series, protocol)
    assert found.kind is kind
    if kind is not None:
        assert not found.from_image_type
    else:
        assert "ORIGINAL\\PRIMARY" in found.reason


def test_a_synthetic_image_is_never_recombined():
    description = "SYNTHETIC iodine (AI) - not for diagnosis"
    assert classify(["DERIVED", "SECONDARY"], "", description, "", True).kind is SY
    assert classify(["DERIVED", "SECONDARY"], "", description, "", False).kind is None
    assert classify(["DERIVED", "SECONDARY"], "", "Iodine by AI", "", True).kind is None
    assert classify(["DERIVED", "SECONDARY", "RECOMBINED"], "", "Iodine", "", True).kind is None


def test_a_simulated_acquisition_is_read_as_a_normal_one():
    assert classify(["ORIGINAL", "PRIMARY", "POST_CONTRAST", "", "LOW_ENERGY"], "", "", "", True).kind is LE
    assert classify(["DERIVED", "PRIMARY", "POST_CONTRAST", "SUBTRACTION"], "", "", "", True).kind is RC


def test_every_rule_has_a_name_of_its_own_a_source_and_can_decide():
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.source
        assert (rule.kind is None) == bool(rule.reason)
        for term in rule.terms:
            place = {
                "Image Type": ([term], "", "", ""),
                "Acquisition Device Processing Code": ([], term, "", ""),
                "Series Description": ([], "", term, ""),
                "Protocol Name": ([], "", "", term),
            }[rule.attribute.value]
            assert classify(*place).rule is rule, term


@pytest.mark.parametrize(
    ("maker", "vendor"),
    [("GE MEDICAL SYSTEMS", "GE"), ("GE HealthCare", "GE"), ("HOLOGIC, Inc.", "Hologic"), ("SIEMENS", "Siemens"),
     ("FUJIFILM Corporation", "Fujifilm"), ("Planmed", "Planmed"), ("I.M.S. Giotto", "IMS"), ("General Corp", "")],
)  # fmt: skip
def test_what_is_known_of_a_vendor_says_that_no_image_was_seen(maker, vendor):
    note = vendor_note(maker)
    assert note.startswith(vendor)
    assert ("not verified on images" in note) == bool(vendor)
