"""A de-identified case tells nobody whose it is, and is otherwise the same case."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

pytest.importorskip("dicomanonymizer")

from CEMSynthLib.commands.deidentification import NothingToDeidentifyError, deidentify_files
from CEMSynthLib.export.deidentify_rules import Action, action_for
from CEMSynthLib.export.identity import Identities, Shift, moved
from CEMSynthLib.export.mammogram import write_dataset
from CEMSynthLib.study.model import ImageKind
from CEMSynthLib.study.reader import read_folder


def seconds(dataset, name):
    """Minutes since injection and the like: a time of day as seconds."""
    text = str(dataset[name].value)
    return int(text[:2]) * 3600 + int(text[2:4]) * 60 + float(text[4:])


def test_nothing_that_tells_is_left_in_the_bytes(cleaned, telling):
    files = [p for p in cleaned.folder.rglob("*") if p.is_file()]
    assert len(files) == 7
    for path in files:
        dataset = dcmread(path)
        pixels = bytes(dataset.get("PixelData", b""))
        content = path.read_bytes().replace(pixels, b"") if pixels else path.read_bytes()
        for word in telling:
            for encoding in ("utf-8", "utf-16-le"):
                assert word.lower().encode(encoding) not in content.lower(), (path.name, word)
        assert not any(word.lower() in str(path.relative_to(cleaned.folder)).lower() for word in telling)


def test_the_search_would_find_it(case, telling):
    content = b"".join(p.read_bytes() for p in case.files.values())
    missing = [w for w in telling if w.encode() not in content]
    assert missing == ["2026-01-02"]  # this form occurs in reports only


def test_pixels_and_what_matters_for_measuring_are_untouched(case, cleaned):
    for name, path in case.files.items():
        before, after = dcmread(path), dcmread(cleaned.files[name])
        assert after.PixelData == before.PixelData
        for keyword in (
            *("SOPClassUID", "ImageType", "Rows", "ImagerPixelSpacing", "ImageLaterality", "ViewPosition", "KVP"),
            *("PatientOrientation", "BodyPartThickness", "AnodeTargetMaterial", "FilterMaterial", "Manufacturer"),
            *("PhotometricInterpretation", "BurnedInAnnotation", "PresentationIntentType", "ViewCodeSequence"),
        ):
            assert after[keyword].value == before[keyword].value, (name, keyword)
        for keyword in ("WindowCenter", "WindowWidth", "VOILUTFunction", "SyntheticData"):
            assert after.get(keyword) == before.get(keyword)


def test_it_says_what_was_done(cleaned):
    for path in cleaned.files.values():
        dataset = dcmread(path)
        assert dataset.PatientIdentityRemoved == "YES"
        assert dataset.LongitudinalTemporalInformationModified == "MODIFIED"
        codes = [c.CodeValue for c in dataset.DeidentificationMethodCodeSequence]
        assert codes == ["113100", "113104", "113105", "113107"]
        assert dataset.DeidentificationMethod
        assert (dataset.PatientName, dataset.PatientID) == ("CASE-001", "CASE-001")
        assert dataset.PatientBirthDate == dataset.PatientSex == ""
        assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
        assert not [e for e in dataset.iterall() if e.tag.is_private]


def test_minutes_since_injection_and_all_distances_in_time_are_kept(case, cleaned):
    shifts = set()
    for name in ("low_energy", "high_energy", "recombined"):
        before, after = dcmread(case.files[name]), dcmread(cleaned.files[name])
        since = [seconds(d, "AcquisitionTime") - seconds(d, "ContrastBolusStartTime") for d in (before, after)]
        assert since[0] == since[1] >= 150
        moments = [datetime.strptime(d.AcquisitionDate + d.AcquisitionTime, "%Y%m%d%H%M%S") for d in (before, after)]
        shifts.add(moments[1] - moments[0])
    (shift,) = shifts
    assert timedelta(days=-366 * 13) < shift < timedelta(days=-700)


def test_references_hold(case, cleaned):
    new = {name: dcmread(path) for name, path in cleaned.files.items()}
    uids = {name: str(d.SOPInstanceUID) for name, d in new.items()}
    assert len({d.StudyInstanceUID for d in new.values()}) == 1
    assert len({d.FrameOfReferenceUID for n, d in new.items() if n != "report"}) == 1
    assert new["synthetic"].SourceImageSequence[0].ReferencedSOPInstanceUID == uids["low_energy"]
    (study,) = read_folder(cleaned.folder).studies
    complete = [a for a in study.acquisitions if a.recombined is not None]
    assert len(complete) == 1
    assert [i.kind for i in complete[0].images] == [
        ImageKind.LOW_ENERGY,
        ImageKind.HIGH_ENERGY,
        ImageKind.RECOMBINED,
    ]
    assert {i.attributes["SourceSOPInstanceUID"] for i in study.synthetic} == {uids["low_energy"]}


def test_the_report_holds_the_same_numbers_on_the_same_images(case, cleaned):
    pytest.importorskip("highdicom")
    from CEMSynthLib.export.sr_reader import read_measurement_report

    back = {str(dcmread(p).SOPInstanceUID): name for name, p in cleaned.files.items()}
    old = {uid: word for word, uid in case.uids.items()}
    groups = read_measurement_report(cleaned.files["report"])
    assert {g.place for g in groups} == {"lesion_1", "background_1", "breast mask"}
    sent = {(old[g.image_uid], g.place.removeprefix("rossi_")): g for g in case.groups}
    trackers = {g.place: g.tracking_uid for g in groups}
    for group in groups:
        before = sent[back[group.image_uid], group.place]
        assert [v.value for v in group.values] == [v.value for v in before.values]
        assert (group.outline, group.verdict, group.role) == (before.outline, before.verdict, before.role)
        against = {v.background for v in group.values if v.background is not None}
        assert against <= {trackers["background_1"]}
        assert group.tracking_uid != before.tracking_uid


def test_text_in_the_pixels_is_refused_but_not_our_own_notice(case, tmp_path):
    burned = dcmread(case.files["low_energy"])
    burned.BurnedInAnnotation = "YES"
    write_dataset(burned, tmp_path / "burned.dcm")
    silent = dcmread(case.files["recombined"])
    del silent.BurnedInAnnotation
    write_dataset(silent, tmp_path / "silent.dcm")
    (tmp_path / "out").mkdir()
    result = deidentify_files(
        [tmp_path / "burned.dcm", tmp_path / "silent.dcm", case.files["burned_in"]], tmp_path / "out"
    )
    assert result.written == 2
    assert [r.path.name for r in result.left_out] == ["burned.dcm"]
    assert "burned into its pixels" in result.left_out[0].reason
    assert len(result.warnings) == 1
    assert "silent.dcm" in result.warnings[0]


def test_what_cannot_be_cleaned_stays(case, report, tmp_path):
    foreign = dcmread(report)
    foreign.Manufacturer = "Another"
    write_dataset(foreign, tmp_path / "foreign.dcm")
    other = dcmread(case.files["low_energy"])
    other.Modality = "CT"
    other.SOPInstanceUID = other.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    write_dataset(other, tmp_path / "ct.dcm")
    (tmp_path / "letter.txt").write_text("Dear Mrs Rossi")
    (tmp_path / "page.html").write_text("<title>Rossi</title>")
    (tmp_path / "out").mkdir()
    files = [tmp_path / n for n in ("foreign.dcm", "ct.dcm", "letter.txt", "page.html")]
    result = deidentify_files([*files, case.files["low_energy"]], tmp_path / "out")
    assert result.written == 1
    assert {r.path.name for r in result.left_out} == {f.name for f in files}
    content = case.files["low_energy"].read_bytes()
    (tmp_path / "cut.dcm").write_bytes(content[: len(content) * 2 // 3])
    bad = content.replace(b"DA\x08\x0020260102", b"DA\x08\x00\xff\xfe0102\\2")
    (tmp_path / "bad.dcm").write_bytes(bad.replace(b"DS", b"SS"))
    (tmp_path / "out2").mkdir()
    result = deidentify_files([tmp_path / "cut.dcm", tmp_path / "bad.dcm", case.files["recombined"]], tmp_path / "out2")
    assert result.written + len(result.left_out) == 3
    assert "cut.dcm" in [r.path.name for r in result.left_out]
    with pytest.raises(NothingToDeidentifyError, match="no DICOM"):
        deidentify_files([tmp_path / "letter.txt"], tmp_path / "out")
    with pytest.raises(NothingToDeidentifyError, match="does not exist"):
        deidentify_files([tmp_path / "gone"], tmp_path / "out")


def test_names_in_unexpected_places_are_cleaned(case, tmp_path, telling):
    dataset = dcmread(case.files["low_energy"])
    dataset.ManufacturerModelName = "Model of Maria"
    dataset.AcquisitionDeviceProcessingCode = "ROSSI_1"
    dataset.ViewCodeSequence[0].CodeMeaning = "for Mrs rossi"
    nested = Dataset()
    nested.InstitutionName, nested.Manufacturer = "Ospedale Grande", "X"
    nested.ContributionDescription = "done by Bianchi"
    nested.add_new((0x0019, 0x1010), "UN", b"Rossi")
    nested.PurposeOfReferenceCodeSequence = Sequence()
    dataset.ContributingEquipmentSequence = Sequence([nested])
    dataset.add_new((0x6000, 0x3000), "OW", b"Rossi ")
    dataset.add_new((0x6000, 0x0010), "US", 4)
    dataset.add_new((0x0018, 0xFFF0), "LO", "Rossi, unknown attribute")
    write_dataset(dataset, tmp_path / "le.dcm")
    (tmp_path / "out").mkdir()
    deidentify_files([tmp_path / "le.dcm"], tmp_path / "out")
    (made,) = (tmp_path / "out").rglob("*.dcm")
    clean = dcmread(made)
    text = made.read_bytes().replace(clean.PixelData, b"").lower()
    assert not [w for w in telling if w.lower().encode() in text]
    assert "ManufacturerModelName" not in clean
    assert clean.ViewCodeSequence[0].CodeValue == "399368009"


@pytest.mark.parametrize("syntax", [RLELossless, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_the_encoding_of_the_pixels_is_kept(case, tmp_path, findings, syntax):
    dataset = dcmread(case.files["recombined"])
    expected = dataset.pixel_array.copy()
    if syntax is RLELossless:
        dataset.compress(RLELossless)
    dataset.file_meta.TransferSyntaxUID = syntax
    write_dataset(dataset, tmp_path / "image.dcm")
    (tmp_path / "out").mkdir()
    deidentify_files([tmp_path / "image.dcm"], tmp_path / "out")
    (made,) = (tmp_path / "out").rglob("*.dcm")
    clean = dcmread(made)
    assert clean.file_meta.TransferSyntaxUID == syntax
    assert clean.PixelData == dcmread(tmp_path / "image.dcm").PixelData
    assert np.array_equal(clean.pixel_array, expected)
    if syntax is not DeflatedExplicitVRLittleEndian:  # dciodvfy cannot inflate
        assert findings(made) == []


def test_names_are_found_wherever_they_stand_on_their_own():
    dataset = Dataset()
    dataset.PatientName, dataset.PatientID = "D'Este^Zoë", "12345"
    identities = Identities(bytes(16))
    identities.learn(dataset)
    for text in ("D'ESTE1_lesion", "of%20D'Este.nrrd", "zoë's", "Zoë_L_CC", "ID 12345", "a%2012345", "x_12345.dcm"):
        assert identities.left_in(text) is not None, text
        assert identities.left_in(identities.cleaned(text)) is None, text
    for text in ("Zoëlle", "D'Estevan", "112345", "123456", "A12345", "1.2.12345.6"):
        assert identities.left_in(text) is None, text
        assert identities.cleaned(text) == text


def test_two_patients_are_kept_apart(case, tmp_path):
    for number, name in (("A-1001", "Uno^Una"), ("A-1002", "Due^Dua")):
        dataset = dcmread(case.files["low_energy"])
        dataset.PatientID, dataset.PatientName = number, name
        dataset.StudyInstanceUID = f"1.2.3.{number[2:]}"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number[2:]}.1"
        write_dataset(dataset, tmp_path / f"{number}.dcm")
    (tmp_path / "out").mkdir()
    result = deidentify_files([tmp_path / "A-1001.dcm", tmp_path / "A-1002.dcm"], tmp_path / "out")
    assert result.patients == 2
    made = [dcmread(p) for p in sorted((tmp_path / "out").rglob("*.dcm"))]
    assert [d.PatientID for d in made] == ["CASE-001", "CASE-002"]
    assert made[0].StudyDate != made[1].StudyDate or made[0].StudyTime != made[1].StudyTime


@given(st.integers(0, 86399), st.integers(0, 86399), st.binary(min_size=16, max_size=16))
def test_no_time_crosses_midnight(first, second, secret):
    dataset = Dataset()
    dataset.PatientID = "PAT-1"
    for keyword, moment in (("StudyTime", first), ("ContrastBolusStartTime", second)):
        setattr(dataset, keyword, f"{moment // 3600:02d}{moment // 60 % 60:02d}{moment % 60:02d}")
    identities = Identities(secret)
    identities.learn(dataset)
    shift = identities.of(dataset).shift
    back = [moved(str(dataset[k].value), "TM", shift) for k in ("StudyTime", "ContrastBolusStartTime")]
    now = [int(t[:2]) * 3600 + int(t[2:4]) * 60 + int(t[4:]) for t in back]
    assert now[1] - now[0] == second - first


@pytest.mark.parametrize(
    ("text", "vr", "expected"),
    [
        ("20240301", "DA", "20240229"),
        ("2024.03.01", "DA", "20240229"),
        ("095959.250", "TM", "100009.250"),
        ("09:59", "TM", "0959"),
        ("20240301235955.5+0100", "DT", "20240301000005.5+0100"),
        ("20240301", "DT", "20240229"),
        ("00010101", "DA", ""),
        ("yesterday", "DA", ""),
        ("", "TM", ""),
    ],
)
def test_moments_move_in_their_own_precision(text, vr, expected):
    assert moved(text, vr, Shift(-1, 10)) == expected


def test_rules_follow_the_table():
    dataset = Dataset()
    expected = {
        "PatientName": Action.EMPTY,
        "OperatorsName": Action.REMOVE,
        "StudyDate": Action.SHIFT,
        "PatientBirthDate": Action.EMPTY,
        "ContrastBolusStartTime": Action.SHIFT,
        "SOPInstanceUID": Action.NEW_UID,
        "InstitutionName": Action.REMOVE,
        "KVP": Action.KEEP,
        "SourceImageSequence": Action.ITEMS,
        "RequestAttributesSequence": Action.REMOVE,
        "AcquisitionContextSequence": Action.EMPTY,
        "PatientAge": Action.REMOVE,
        "ImageComments": Action.REMOVE,
    }
    for keyword, action in expected.items():
        sequence = keyword.endswith("Sequence")
        setattr(dataset, keyword, Sequence() if sequence else "064Y" if keyword == "PatientAge" else "1")
        assert action_for(dataset[keyword]) is action, keyword


def test_a_cleaned_case_can_be_cleaned_again(cleaned, tmp_path):
    result = deidentify_files([cleaned.folder], tmp_path)
    assert (result.written, result.left_out) == (len(cleaned.files), ())
    assert {str(dcmread(p).PatientID) for p in tmp_path.rglob("*.dcm")} == {"CASE-001"}


def test_the_same_case_twice_shares_no_uid_and_no_date(case, tmp_path):
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        deidentify_files([case.files["low_energy"]], tmp_path / name)
        made.append(dcmread(next((tmp_path / name).rglob("*.dcm"))))
    assert made[0].SOPInstanceUID != made[1].SOPInstanceUID
    assert (made[0].StudyDate, made[0].StudyTime) != (made[1].StudyDate, made[1].StudyTime)
    assert np.array_equal(made[0].pixel_array, made[1].pixel_array)
