import re
import sys

import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from CEMSynthLib.study.annotation_table import MissingPackageError, read_annotation_table
from CEMSynthLib.study.errors import ImageTableError, StudyFolderError, UnreadableImageError
from CEMSynthLib.study.image_folder import read_image_file
from CEMSynthLib.study.image_names import name_key, parse_image_name, same_image_name
from CEMSynthLib.study.image_table import TABLE_NAME, read_image_table
from CEMSynthLib.study.model import ImageKind, Laterality, ViewPosition, VOIWindow
from CEMSynthLib.study.nrrd import read_nrrd_header
from CEMSynthLib.study.reader import read_folder

HEADER = "file,patient,laterality,view,kind,spacing_mm,window_center,window_width\n"


def values(rows=12, columns=9, low=0, high=4095, seed=0):
    return np.random.default_rng(seed).integers(low, high, (rows, columns)).astype(np.uint16)


def nrrd(path, array, spacing=None, compress=False, **keys):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = SimpleITK.GetImageFromArray(array)
    if spacing:
        image.SetSpacing(spacing)
    for key, value in keys.items():
        image.SetMetaData(key, value)
    SimpleITK.WriteImage(image, str(path), compress)
    return path


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)
    return path


@settings(max_examples=60, deadline=None)
@given(
    patient=st.integers(1, 400), side=st.sampled_from("LR"), kind=st.sampled_from(["DM", "CM"]),
    view=st.sampled_from(["CC", "MLO"]), data=st.data(),
)  # fmt: skip
def test_every_quirk_of_a_cdd_cesm_name_means_the_same(tmp_path_factory, patient, side, kind, view, data):
    plain = f"P{patient}_{side}_{kind}_{view}"
    quirky = "".join(
        (c.lower() if data.draw(st.booleans()) else c) + (" " if data.draw(st.integers(0, 5)) == 0 else "")
        for c in plain
    )
    suffix = data.draw(st.sampled_from([".jpg", ".JPG", ".jpeg", ".png", ".PNG"]))
    name = parse_image_name(tmp_path_factory.getbasetemp() / (quirky + suffix))
    assert (name.patient_id, name.laterality.value, name.view.value) == (f"P{patient}", side, view)
    assert name.kind is (ImageKind.LOW_ENERGY if kind == "DM" else ImageKind.RECOMBINED)
    assert same_image_name(quirky + suffix, plain)
    assert not same_image_name(quirky + suffix, plain + "2")


def test_a_file_in_the_wrong_folder_of_the_public_set_is_told(tmp_path):
    grey = np.full((8, 6), 9, dtype=np.uint8)
    right = save(tmp_path / "Subtracted  images of CDD-CESM" / "P1_L_CM_CC .jpg", grey)
    wrong = save(tmp_path / "Low energy images of CDD-CESM" / "P2_L_CM_CC.jpg", grey)
    assert read_image_file(right).warnings == ()
    (warning,) = read_image_file(wrong).warnings
    assert "its name was followed" in warning
    assert read_image_file(wrong).image.kind is ImageKind.RECOMBINED


def test_cesm_ucbm_pairs_with_windows_and_spacing(tmp_path):
    low, recombined = values(), values(low=1900, high=2300, seed=1)
    nrrd(tmp_path / "P7" / "P7_1_RCC_LOW_ENERGY.nrrd", low, (0.094, 0.1))
    nrrd(
        tmp_path / "P7" / "P7_2_RCC_RECOMBINED.nrrd", recombined, (0.094, 0.1), compress=True,
        **{"0028|1050": "2105\\2085", "0028|1051": "380\\265"},
    )  # fmt: skip
    (study,) = read_folder(tmp_path).studies
    (acquisition,) = study.acquisitions
    assert (study.patient_id, acquisition.name) == ("P7", "R CC")
    assert acquisition.recombined.window == VOIWindow(2105, 380)
    assert acquisition.low_energy.grid.spacing_mm == pytest.approx((0.1, 0.094))
    np.testing.assert_array_equal(acquisition.low_energy.pixels(), low)
    np.testing.assert_array_equal(acquisition.recombined.pixels(), recombined)
    assert acquisition.low_energy.bits_stored == 16
    # The low-energy image tells no window: from its darkest to its brightest tissue, and the user is told.
    inside = low[low > low.min()]
    assert acquisition.low_energy.window.low == pytest.approx(np.percentile(inside, 0.5))
    assert any("tells no window" in w for w in acquisition.warnings)
    assert not any("spacing is missing" in w for w in acquisition.warnings)


def test_repeats_of_one_view_are_paired_in_the_order_of_their_numbers(tmp_path):
    for number, kind in ((2, "LOW_ENERGY"), (3, "RECOMBINED"), (10, "LOW_ENERGY"), (11, "RECOMBINED")):
        nrrd(tmp_path / f"P1_{number}_LMLO_{kind}.nrrd", values(seed=number))
    (study,) = read_folder(tmp_path).studies
    pairs = [(a.low_energy.path.name[:5], a.recombined.path.name[:5]) for a in study.acquisitions]
    assert pairs == [("P1_2_", "P1_3_"), ("P1_10", "P1_11")]


def test_a_millimeter_that_simpleitk_invented_is_no_spacing(tmp_path):
    path = nrrd(tmp_path / "P1_1_LCC_LOW_ENERGY.nrrd", values())
    assert "space directions: (1,0) (0,1)" in path.read_bytes()[:600].decode("latin-1")
    assert read_nrrd_header(path).spacing_mm is None
    assert read_nrrd_header(nrrd(path, values(), (40.0, 40.0))).spacing_mm is None
    stack = nrrd(path, values()[None], (0.1, 0.2, 1.0))
    assert read_nrrd_header(stack).spacing_mm == pytest.approx((0.2, 0.1))
    np.testing.assert_array_equal(read_image_file(stack).image.pixels(), values())


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.95])
def test_a_nrrd_cut_short_is_refused_in_words(tmp_path, part, compress):
    path = nrrd(
        tmp_path / "P1_1_LCC_LOW_ENERGY.nrrd", values(100, 80), compress=compress, WindowCenter="9", WindowWidth="9"
    )
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * part)])
    with pytest.raises(UnreadableImageError, match=r"P1_1_LCC_LOW_ENERGY\.nrrd"):
        read_image_file(path).image.pixels()


@pytest.mark.parametrize(("old", "new", "words"), [
    (b"encoding: raw", b"data file: /etc/passwd\nencoding: raw", "another file"),
    (b"encoding: raw", b"DataFile: other.raw\nencoding: raw", "another file"),
    (b"sizes: 9 12", b"sizes: 90000 120000", "damaged"),
    (b"sizes: 9 12", b"sizes: 9 4 3", "single image"),
    (b"sizes: 9 12", b"sizes: 9", "single image"),
    (b"sizes: 9 12", b"sizes: 0 12", "single image"),
    (b"type: unsigned short", b"type: block", "grey levels"),
    (b"NRRD0004", b"XRRD0004", "not a NRRD"),
])  # fmt: skip
def test_a_nrrd_that_is_no_image_is_refused_in_words(tmp_path, old, new, words):
    path = nrrd(tmp_path / "P1_1_LCC_LOW_ENERGY.nrrd", values())
    raw = path.read_bytes()
    assert old in raw
    path.write_bytes(raw.replace(old, new))
    with pytest.raises(UnreadableImageError, match=words):
        read_image_file(path)


def test_a_table_tells_what_any_image_shows(tmp_path):
    grey, deep = np.full((8, 6), 9, dtype=np.uint8), values(8, 6)
    save(tmp_path / "scan 1.png", grey)
    save(tmp_path / "b" / "deep.tif", deep)
    nrrd(tmp_path / "c.nrrd", values(8, 6, seed=2))
    save(tmp_path / "P1_L_DM_CC.png", grey)
    (tmp_path / TABLE_NAME).write_text(
        HEADER
        + "scan 1.png,Anna-7,left,cc,LE,0.1,,\n"
        + "b\\deep.tif,Anna-7,L,CC,recombined,0.1x0.094,2105,380\n"
        + "c.nrrd,Anna-7,R,MLO,high energy,,2000,900\n"
    )
    folder = read_folder(tmp_path)
    assert folder.skipped == ()
    table, named = folder.studies[::-1] if folder.studies[0].patient_id == "P1" else folder.studies
    assert (table.patient_id, named.patient_id) == ("Anna-7", "P1")
    high, pair = sorted(table.acquisitions, key=lambda a: a.name, reverse=True)
    assert (pair.name, high.name) == ("L CC", "R MLO")
    assert pair.low_energy.grid.spacing_mm == (0.1, 0.1)
    assert pair.low_energy.window == VOIWindow.from_range(0, 255)
    assert pair.recombined.grid.spacing_mm == (0.1, 0.094)
    assert pair.recombined.window == VOIWindow(2105, 380)
    np.testing.assert_array_equal(pair.recombined.pixels(), deep)
    assert high.high_energy.window == VOIWindow(2000, 900)


def test_a_table_goes_before_the_name(tmp_path):
    save(tmp_path / "P1_L_DM_CC.png", np.full((8, 6), 9, dtype=np.uint8))
    (tmp_path / TABLE_NAME).write_text(
        "file;patient;laterality;view;kind;spacing_mm\nP1_L_DM_CC.png;P9;R;MLO;CM;0,07\n", encoding="utf-8-sig"
    )
    (study,) = read_folder(tmp_path).studies
    (acquisition,) = study.acquisitions
    assert (study.patient_id, acquisition.laterality, acquisition.view) == ("P9", Laterality.RIGHT, ViewPosition.MLO)
    assert acquisition.recombined.grid.spacing_mm == (0.07, 0.07)


@pytest.mark.parametrize(("row", "words"), [
    ("no.png,P1,L,CC,LE,,,", "line 3: there is no file no.png"),
    ("../a.png,P1,L,CC,LE,,,", "line 3: a.png lies outside"),
    ("/a.png,P1,L,CC,LE,,,", "line 3: a.png lies outside"),
    ("C:/a.png,P1,L,CC,LE,,,", "line 3: a.png lies outside"),
    ("a.png,P1,B,CC,LE,,,", 'line 3: the laterality is "B"'),
    ("a.png,P1,L,AP,LE,,,", 'line 3: the view is "AP"'),
    ("a.png,P1,L,CC,DBT,,,", 'line 3: the kind is "DBT"'),
    ("a.png,,L,CC,LE,,,", "line 3: patient is empty"),
    ("a.png,P1,L,CC,LE,zero,,", 'line 3: spacing_mm is "zero"'),
    ("a.png,P1,L,CC,LE,0,,", 'line 3: spacing_mm is "0"'),
    ("a.png,P1,L,CC,LE,nan,,", 'line 3: spacing_mm is "nan"'),
    ("a.png,P1,L,CC,LE,0.1x0.1x0.1,,", "line 3: spacing_mm"),
    ("a.png,P1,L,CC,LE,,100,", "line 3: a window needs both"),
    ("a.png,P1,L,CC,LE,,100,0", "line 3: the window 100/0 is impossible"),
    ("a.png,P1,L,CC,LE,,nan,5", "line 3: the window nan/5 is impossible"),
    ("a.png,P1,L", "line 3: it has more or fewer cells"),
    ("a.png,P1,L,CC,LE,,,,9", "line 3: it has more or fewer cells"),
    ("b.png,P1,L,CC,LE,,,", "line 3: b.png stands in the table twice"),
])  # fmt: skip
def test_faults_of_a_table_are_told_by_line(tmp_path, row, words):
    for name in ("a.png", "b.png"):
        save(tmp_path / name, np.full((8, 6), 9, dtype=np.uint8))
    (tmp_path / TABLE_NAME).write_text(HEADER + "b.png,P1,L,CC,LE,,,\n" + row + "\n")
    with pytest.raises(ImageTableError, match=re.escape(words)):
        read_folder(tmp_path)


def test_a_table_of_another_form_is_refused(tmp_path):
    path = tmp_path / TABLE_NAME
    for text, words in (
        ("file,patient,view,kind\n", "lacks laterality"), (HEADER.replace("kind", "type"), "lacks kind"),
        (HEADER.strip() + ",color\n", "has color"), (HEADER, "has no rows"), ("", "lacks file"),
    ):  # fmt: skip
        path.write_text(text)
        with pytest.raises(ImageTableError, match=words):
            read_image_table(path)
    path.write_bytes(b"\xff\xfe\x00\xd8file")
    with pytest.raises(ImageTableError, match="UTF-8"):
        read_image_table(path)


def test_an_unknown_name_is_told_of_the_table(tmp_path):
    save(tmp_path / "holiday.png", np.full((8, 6), 9, dtype=np.uint8))
    with pytest.raises(StudyFolderError, match=re.escape(TABLE_NAME)):
        read_folder(tmp_path)


NOTES = [
    ("Patient_ID", "Side", "Type", "Image_name", "Age", "Breast density (ACR)", "BIRADS", "Findings", "Tags",
     "Machine", "Pathology Classification/ Follow up"),
    (5, "R", "DM", "P5_R_DM_CC ", 47, "B", 4, "Mass", "spiculated", 1, "Malignant"),
    (5, "R", "DM", " P5_R_DM_CC", 47, "B", 5, "Calcifications", None, 1, "Malignant"),
    (5, "R", "CESM", "P5_R_CM_CC", 47, "B", 4, None, None, 1, "Malignant"),
]  # fmt: skip


def check_notes(folder):
    (study,) = folder.studies
    (acquisition,) = study.acquisitions
    assert acquisition.low_energy.attributes == {
        "AnnotatedAge": "47", "AnnotatedDensity": "B", "AnnotatedBIRADS": "4; 5",
        "AnnotatedFindings": "Mass; Calcifications", "AnnotatedTags": "spiculated", "AnnotatedMachine": "1",
        "AnnotatedPathology": "Malignant",
    }  # fmt: skip
    assert acquisition.recombined.attributes["AnnotatedBIRADS"] == "4"


def cdd(tmp_path):
    grey = np.full((8, 6), 9, dtype=np.uint8)
    save(tmp_path / "Low energy images of CDD-CESM" / "P5_R_DM_CC.jpg", grey)
    save(tmp_path / "Subtracted images of CDD-CESM" / "P5_R_CM_CC .jpg", grey)


def test_the_annotation_workbook_is_read_as_csv(tmp_path):
    cdd(tmp_path)
    lines = (",".join("" if cell is None else str(cell) for cell in row) for row in NOTES)
    (tmp_path / "Radiology-manual-annotations.csv").write_text("\n".join(lines))
    folder = read_folder(tmp_path)
    assert folder.skipped == ()
    check_notes(folder)


def test_the_annotation_workbook_is_read_as_xlsx(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    cdd(tmp_path)
    book = openpyxl.Workbook()
    book.active.append(("something", "else"))
    sheet = book.create_sheet("all")
    for row in NOTES:
        sheet.append(row)
    path = tmp_path / "Radiology manual annotations.xlsx"
    book.save(path)
    check_notes(read_folder(tmp_path))
    raw = path.read_bytes()
    for damaged in (raw[: len(raw) // 2], b"no workbook", b""):
        path.write_bytes(damaged)
        (skipped,) = read_folder(tmp_path).skipped
        assert "Radiology manual annotations.xlsx" in skipped.reason


def test_without_openpyxl_the_user_is_told_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    path = tmp_path / "Radiology manual annotations.xlsx"
    path.write_bytes(b"PK")
    with pytest.raises(MissingPackageError, match="pip install openpyxl"):
        read_annotation_table(path)


def test_a_name_key_forgets_folder_space_case_and_suffix():
    assert name_key(r"Low energy\P1_L_DM_CC .JPG") == name_key("p1_l_dm_cc") == "p1_l_dm_cc"
    assert name_key("P1_L_DM_CC.2.jpg") != name_key("P1_L_DM_CC.jpg")
