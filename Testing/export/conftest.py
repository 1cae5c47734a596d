"""One small case for all export tests (images, synthetic images, report), and the outside programs that judge it."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pydicom import dcmread

from CEMSynthLib.export.derived import read_source, synthetic_dataset
from CEMSynthLib.export.mammogram import ExposureParameters, PresentationIntent, mammogram_dataset, write_dataset
from CEMSynthLib.export.provenance import ModelProvenance
from CEMSynthLib.export.tables import MeasurementRow
from CEMSynthLib.measurement.halo import HaloVerdict
from CEMSynthLib.measurement.regions import Region, RegionRole
from CEMSynthLib.measurement.shapes import Ellipse, Polygon, Rectangle
from CEMSynthLib.study.model import ImageKind, Laterality, PixelGrid, Side, ViewPosition, VOIWindow

# The corpus of headers lies with the reading tests.
sys.path.append(str(Path(__file__).resolve().parents[1] / "study"))

# What Debian's dciodvfy (2022) reports although the current standard allows it.
ALLOWED_FINDINGS = (
    # PS3.3 C.8.11.7.1.4: Image Type value 3 is PRE_CONTRAST or POST_CONTRAST in contrast mammography (CP-1342).
    r"</ImageType\(0008,0008\)\[3\]> - Unrecognized enumerated value = <(PRE|POST)_CONTRAST>",
    # PS3.3 C.12.1 SOP Common: Synthetic Data (0008,001C), Type 3.
    r"</\(0008,001c\)> - Attribute with an even group number is not a recognized standard attribute",
)
IODS = ("MammographyImageForPresentation", "MammographyImageForProcessing", "ComprehensiveSR")
GRID = PixelGrid(96, 80, (0.7, 0.7))
WINDOW = VOIWindow(2150, 260)
MODEL = ModelProvenance("demo", "1.0", "ab" * 32, training_data="simulated images only")
STUDIED = datetime(2026, 1, 2, 10, 0, 0)
INJECTED = datetime(2026, 1, 2, 9, 57, 30)
NAME, NUMBER = "Rossi^Maria Chiara", "PAT-778812"


@pytest.fixture
def forbidden_folder():
    """Make a folder that one may not write to; it is empty afterwards."""
    if not hasattr(os, "geteuid"):
        pytest.skip("this system has no user IDs")

    @contextmanager
    def make():
        with tempfile.TemporaryDirectory() as holder:
            parent = Path(holder)
            parent.chmod(0o555)
            root = os.geteuid() == 0
            if root:  # root may write everywhere: be "nobody" for a moment
                os.seteuid(65534)
            try:
                yield parent
            finally:
                if root:
                    os.seteuid(0)
                parent.chmod(0o700)
            assert list(parent.iterdir()) == []

    return make


@pytest.fixture(scope="session")
def findings():
    """What dciodvfy calls an error in a file, but for the allowed ones."""

    def errors(path):
        if shutil.which("dciodvfy") is None:
            pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
        run = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
        lines = (run.stdout + run.stderr).splitlines()
        assert any(line.strip() in IODS for line in lines), f"dciodvfy did not know the kind of object: {lines[:3]}"
        found = [line for line in lines if line.startswith("Error")]
        return [line for line in found if not any(re.search(p, line) for p in ALLOWED_FINDINGS)]

    return errors


def _image(folder, kind, number, intent=PresentationIntent.FOR_PRESENTATION):
    name = kind.value if intent is PresentationIntent.FOR_PRESENTATION else f"raw_{kind.value}"
    low = kind is not ImageKind.RECOMBINED
    y, x = np.mgrid[: GRID.rows, : GRID.columns]
    inside = ((y - 48) * 0.7) ** 2 + (x * 0.7) ** 2 < 33**2
    noise = np.random.default_rng(number).normal(0, 12, GRID.shape)
    pixels = np.where(inside, (1500 + 3 * x if low else 2080 + x) + noise, 0 if low else 2000)
    dataset = mammogram_dataset(
        pixels=pixels.astype(np.uint16),
        grid=GRID,
        kind=kind,
        laterality=Laterality.RIGHT,
        view=ViewPosition.MLO,
        window=None if name.startswith("raw") else VOIWindow(1600, 2000) if low else WINDOW,
        patient_id=NUMBER,
        patient_name=NAME,
        study_uid="1.2.826.0.1.3680043.10.77.1",
        series_uid=f"1.2.826.0.1.3680043.10.77.1.{number}",
        sop_instance_uid=f"1.2.826.0.1.3680043.10.77.1.{number}.1",
        frame_of_reference_uid="1.2.826.0.1.3680043.10.77.1.99",
        series_number=number,
        instance_number=1,
        series_description=f"{kind.value} of Mrs Rossi",
        study_datetime=STUDIED,
        exposure=ExposureParameters(
            kvp=30,
            anode="RHODIUM",
            filter="RHODIUM" if low else "COPPER",
            body_part_thickness_mm=55,
            contrast_agent="Iohexol 350",
            contrast_start=INJECTED,
            acquired=datetime(2026, 1, 2, 10, 0, 10 * number),
        ),
        manufacturer="Some Maker",
        manufacturer_model="Some Model",
        chest_wall=Side.RIGHT,
        synthetic_data=False,
        presentation_intent=intent,
    )
    dataset.PatientBirthDate, dataset.PatientAge, dataset.AccessionNumber = "19610823", "064Y", "ACC-4411"
    dataset.InstitutionName, dataset.StationName = "Ospedale Grande", "MAMMO-ROOM-3"
    dataset.OperatorsName, dataset.ReferringPhysicianName = "Bianchi^Anna", "Zuccarini^Luca"
    dataset.PatientComments = "called on the phone"
    dataset.private_block(0x0045, "SOME_MAKER", create=True).add_new(0x10, "LO", "Maria Chiara Rossi 1961")
    write_dataset(dataset, folder / f"{name}.dcm")
    return folder / f"{name}.dcm"


@pytest.fixture(scope="session")
def rows():
    """Rows of a table, such as `measure` writes: awkward numbers on purpose."""

    def row(image, place, quantity, formula, value, unit, low=None, high=None, pixels=None):
        return MeasurementRow(NUMBER, "R", "MLO", image, place, quantity, formula, value, unit, low, high, pixels)

    made = []
    for image, factor in (("low_energy", 1.0), ("recombined", 1 / 3), ("synthetic", -0.1)):
        against = "rossi_lesion_1 / rossi_background_1"
        made += [
            row(image, against, "CNR", "sd_background", 2.1234567890123457 * factor, "1", -0.3, 2.4, 812),
            row(image, against, "CNR", "sd_pooled", 1e-17 * factor, "1"),
            row(image, against, "relative signal", "relative_signal_percent", 3.3e5 * factor, "%"),
            row(image, against, "contrast", "contrast", 17.25 * factor, "image units", 15.0, 19.0),
        ]
        for place in ("rossi_lesion_1", "rossi_background_1"):
            made += [
                row(image, place, "mean", "mean", 2100.1 * factor, "image units", pixels=812),
                row(image, place, "SD", "sd_ddof_1", 12.34567, "image units", pixels=812),
                row(image, place, "area", "pixels_times_spacing", 397.88, "mm2", pixels=812),
            ]
    for image in ("recombined", "synthetic"):
        made += [
            row(
                image, "breast mask", "halo step", "halo_rim_minus_trough", 31.4159265358979, "image units", 29.0, 33.0
            ),
            row(image, "breast mask", "halo trough depth", "halo_trough_depth", 4.2, "mm"),
        ]
    return made


@pytest.fixture(scope="session")
def regions():
    """Three shapes in mm, names as a user might give them."""
    lesion = Ellipse((33.0, 31.5), (7.0, 4.9), 30.0)
    return (
        Region("rossi_lesion_1", RegionRole.LESION, lesion),
        Region("rossi_background_1", RegionRole.BACKGROUND, Rectangle((38.5, 14.0), (9.8, 7.0))),
        Region("rossi_lesion_2", RegionRole.LESION, Polygon(((35.0, 42.0), (42.0, 42.0), (40.0, 49.0)))),
    )


@pytest.fixture(scope="session")
def case(tmp_path_factory, rows, regions):
    """LE (also raw), HE, recombined and synthetic image (plain and burned in) of one view, as files."""
    from CEMSynthLib.export.sr_content import measured_groups

    folder = tmp_path_factory.mktemp("case")
    files = {
        kind.value: _image(folder, kind, number)
        for number, kind in enumerate((ImageKind.LOW_ENERGY, ImageKind.HIGH_ENERGY, ImageKind.RECOMBINED), start=1)
    }
    files["raw_low_energy"] = _image(folder, ImageKind.LOW_ENERGY, 4, PresentationIntent.FOR_PROCESSING)
    source = read_source(files["low_energy"])
    values = 0.05 * dcmread(files["low_energy"]).pixel_array.astype(np.float32) + 2020
    for name, burn_in in (("synthetic", False), ("burned_in", True)):
        derived = synthetic_dataset(
            source=source,
            values=values,
            grid=GRID,
            window=WINDOW,
            model=MODEL,
            series_uid="1.2.826.0.1.3680043.10.77.1.900",
            series_number=900,
            instance_number=2 if burn_in else 1,
            created=datetime(2026, 5, 6, 7, 8, 9),
            burn_in=burn_in,
        )
        files[name] = folder / f"{name}.dcm"
        write_dataset(derived.dataset, files[name])
    uids = {word: str(read_source(files[word]).SOPInstanceUID) for word in ("low_energy", "recombined", "synthetic")}
    verdicts = {"recombined": HaloVerdict.PRESENT, "synthetic": HaloVerdict.NOT_MEASURABLE}
    groups = measured_groups(rows, regions, GRID.spacing_mm, uids, verdicts)
    return SimpleNamespace(folder=folder, files=files, uids=uids, groups=groups, values=values)


@pytest.fixture(scope="session")
def report(case):
    """The case's structured report as a file (needs highdicom)."""
    pytest.importorskip("highdicom")
    from CEMSynthLib.export.sr_writer import measurement_report

    path = case.folder / "measurements.dcm"
    headers = [read_source(case.files[word]) for word in case.uids]
    write_dataset(measurement_report(case.groups, headers, created=datetime(2026, 5, 6, 7, 9, 9)), path)
    return path


@pytest.fixture(scope="session")
def cleaned(case, report, tmp_path_factory):
    """The same case de-identified: kind of file -> file."""
    pytest.importorskip("dicomanonymizer")
    from CEMSynthLib.commands.deidentification import deidentify_files

    folder = tmp_path_factory.mktemp("cleaned")
    result = deidentify_files([case.folder], folder)
    assert (result.written, result.patients, result.left_out) == (len(case.files) + 1, 1, ())
    by_uid = {str(read_source(path).SOPInstanceUID): path for path in folder.rglob("*.dcm")}
    assert len(by_uid) == len(case.files) + 1
    names = {
        (d.Modality, tuple(d.ImageType) if "ImageType" in d else (), int(d.SeriesNumber), int(d.InstanceNumber)): name
        for name, path in {**case.files, "report": report}.items()
        for d in [read_source(path)]
    }
    files = {}
    for path in by_uid.values():
        d = read_source(path)
        key = (d.Modality, tuple(d.ImageType) if "ImageType" in d else (), int(d.SeriesNumber), int(d.InstanceNumber))
        files[names[key]] = path
    return SimpleNamespace(folder=folder, files=files)


@pytest.fixture(scope="session")
def everything(case, report, cleaned):
    """Every kind of file that CEMSynth writes as DICOM, by name."""
    files = {**case.files, "report": report}
    return files | {f"cleaned {name}": path for name, path in cleaned.files.items()}


@pytest.fixture
def telling():
    """Everything in the case that could tell who the woman is or where she was."""
    return (
        *("Rossi", "Maria", "Chiara", "PAT-778812", "19610823", "064Y", "ACC-4411", "Ospedale", "MAMMO-ROOM"),
        *("Bianchi", "Zuccarini", "phone", "SOME_MAKER", "20260102", "2026-01-02", "1.2.826.0.1.3680043.10.77"),
    )
