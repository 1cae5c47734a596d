"""`cemsynth measure --regions annotations.csv`: regions drawn on image files that are framed on their own."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from CEMSynthLib.cli import main
from CEMSynthLib.export.pictures import write_synthetic_png
from CEMSynthLib.export.provenance import ModelProvenance
from CEMSynthLib.study.model import VOIWindow

ROWS, COLUMNS, CUT = 256, 160, 20
# Two pixels inside the lesion of 16 x 16, since resampling blurs its border.
LESION = {"name": "rect", "x": 72, "y": 102 - CUT, "width": 12, "height": 12}
BACKGROUND = {"name": "ellipse", "cx": 30, "cy": 150, "rx": 12, "ry": 12}


def breast(value):
    row, column = np.mgrid[:ROWS, :COLUMNS]
    inside = ((row - 120) / np.where(row < 120, 110, 90)) ** 2 + (column / 130) ** 2 <= 1
    return np.where(inside, value, 0).astype(np.float64)


@pytest.fixture
def study(tmp_path):
    """The recombined image is cut by 20 rows at the top; a lesion of 200 lies on 100 with a little texture."""
    rng = np.random.default_rng(2)
    texture = rng.integers(0, 5, (ROWS, COLUMNS))
    low = breast(120) + np.where(breast(1) > 0, texture, 0)
    recombined = breast(100) + np.where(breast(1) > 0, texture[::-1], 0)
    recombined[100:116, 70:86] = 200 + texture[100:116, 70:86]
    folder = tmp_path / "study"
    (folder / "Low energy images of CDD-CESM").mkdir(parents=True)
    (folder / "Subtracted images of CDD-CESM").mkdir()
    Image.fromarray(low.astype(np.uint8)).save(folder / "Low energy images of CDD-CESM" / "P5_R_DM_CC.png")
    cut = recombined[CUT:].astype(np.uint8)
    Image.fromarray(cut).save(folder / "Subtracted images of CDD-CESM" / "P5_R_CM_CC .png")
    synthetic = tmp_path / "synthetic"
    synthetic.mkdir()
    write_synthetic_png(
        synthetic, values=recombined, window=VOIWindow.from_range(0, 255), source_name="P5_R_DM_CC.png",
        spacing_mm=None, model=ModelProvenance("demo", "1", "0" * 64),
    )  # fmt: skip
    return folder, synthetic, recombined


def annotations(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["#filename", "file_size", "region_shape_attributes", "region_attributes"])
        for name, shape, meaning in rows:
            writer.writerow([name, 1, json.dumps(shape), json.dumps(meaning)])
    return path


def measured(study, tmp_path, table):
    folder, synthetic, _ = study
    out = tmp_path / "out"
    code = main(["measure", str(folder), "--synthetic", str(synthetic), "--regions", str(table), "--output", str(out)])
    assert code == 0
    with (out / "measurements.csv").open(encoding="utf-8-sig", newline="") as file:
        return [row for row in csv.DictReader(file) if row["formula"] == "mean"]


def test_regions_on_the_recombined_file_go_through_the_registration(study, tmp_path, capsys):
    table = annotations(
        tmp_path / "regions.csv",
        [
            ("p5_r_cm_cc.jpg", LESION, {}), ("P5_R_DM_CC.jpg", BACKGROUND, {"role": "background"}),
            ("P9_R_CM_CC.jpg", LESION, {}), ("P9_R_CM_MLO.jpg", LESION, {}),
            ("P5_R_CM_CC.jpg", {"name": "polygon", "all_points_x": [1, 2], "all_points_y": [1, 2]}, {}),
        ],
    )  # fmt: skip
    means = {(row["image"], "lesion" in row["place"]): float(row["value"]) for row in measured(study, tmp_path, table)}
    inside = study[2][102:114, 72:84].mean()
    assert means["recombined", True] == pytest.approx(inside, abs=1)
    assert means["synthetic", True] == pytest.approx(inside, abs=1)
    assert means["recombined", False] == pytest.approx(102, abs=1)
    assert means["low_energy", True] == pytest.approx(122, abs=1)
    told = capsys.readouterr().err
    assert "2 regions of regions.csv belong to images that are not here" in told
    assert "regions.csv, line 6 (P5_R_CM_CC.jpg)" in told


def test_a_damaged_table_ends_with_its_line(study, tmp_path, capsys):
    table = annotations(tmp_path / "regions.csv", [("P5_R_CM_CC.jpg", {"name": "star"}, {})])
    folder, synthetic, _ = study
    arguments = ["measure", str(folder), "--synthetic", str(synthetic), "--regions", str(table), "--output"]
    assert main([*arguments, str(tmp_path / "out")]) == 2
    assert "regions.csv, line 2" in capsys.readouterr().err


def test_regions_of_other_images_alone_are_told(study, tmp_path, capsys):
    table = annotations(tmp_path / "regions.csv", [("P9_R_CM_CC.jpg", LESION, {})])
    folder, synthetic, _ = study
    arguments = ["measure", str(folder), "--synthetic", str(synthetic), "--regions", str(table), "--output"]
    assert main([*arguments, str(tmp_path / "out")]) == 2
    assert "None of 1 regions" in capsys.readouterr().err
