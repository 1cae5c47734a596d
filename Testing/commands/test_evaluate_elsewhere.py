"""`cemsynth evaluate --synthetic` with images of another system: matched by name or table, units stated."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")

from CEMSynthLib.cli import main
from CEMSynthLib.commands.evaluation_elsewhere import SyntheticTableError, images_made_elsewhere
from CEMSynthLib.evaluation.acquisition import read_images
from CEMSynthLib.phantom.cohort import simulate_cohort
from CEMSynthLib.study.reader import read_folder
from CEMSynthLib.study.synthetic import synthetic_of


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    simulate_cohort(folder, 51, [1], 1.6)
    return read_folder(folder / "dicom")


@pytest.fixture
def acquisitions(found):
    return [a for study in found.studies for a in study.acquisitions]


def eight_bit(acquisition, path, shape=None):
    """The clinical image, half its contrast, as another system might write it: 8-bit, in its VOI window."""
    image = acquisition.recombined
    gray = Image.fromarray(np.rint(255 * (0.25 + 0.5 * image.window.apply(image.pixels()))).astype(np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    (gray.resize(shape[::-1]) if shape else gray).save(path)


def relative(acquisition, found):
    return acquisition.low_energy.path.relative_to(found.root)


@pytest.mark.parametrize(
    "name",
    [
        lambda path, uid: f"{path.with_suffix('')}.png",
        lambda path, uid: f"{path.parent}/{path.stem.upper()}.tif",
        lambda path, uid: f"out/{'_'.join(path.with_suffix('').parts)}_fake B.png",
        lambda path, uid: f"epoch 200/{uid}.png",
        lambda path, uid: f"{'_'.join(path.with_suffix('').parts).replace('low_energy', 'recombined')}.png",
    ],
)
def test_a_file_named_after_its_source_is_found(found, acquisitions, tmp_path, name):
    for acquisition in acquisitions:
        path = tmp_path / name(relative(acquisition, found), acquisition.low_energy.sop_instance_uid)
        eight_bit(acquisition, path)
    eight_bit(acquisitions[0], tmp_path / "holiday.png")
    made = images_made_elsewhere(tmp_path, found)
    assert len(made.images) == len(made.lines) == len(acquisitions)
    assert all("0 to 255, laid on the VOI window of the clinical image" in line for line in made.lines)
    assert len(made.unused) == 1
    assert made.unused[0].startswith("holiday.png")
    for acquisition in acquisitions:
        image = synthetic_of(acquisition, made.images)
        images, warnings = read_images(acquisition, image)
        window = images.clinical.window
        inside = images.measured & (images.clinical.pixels > window.low) & (images.clinical.pixels < window.high)
        expected = 0.25 + 0.5 * window.apply(images.clinical.pixels[inside])
        assert window.apply(images.synthetic.pixels)[inside] == pytest.approx(expected, abs=0.003)
        assert any("this synthetic image have no known unit" in w for w in warnings)


def test_what_fits_twice_or_nothing_is_not_used(found, acquisitions, tmp_path):
    stem = "_".join(relative(acquisitions[0], found).with_suffix("").parts)
    for ending in ("a", "b"):
        eight_bit(acquisitions[0], tmp_path / f"{stem}_{ending}.png")
    eight_bit(acquisitions[1], tmp_path / "1.png")
    other = "_".join(relative(acquisitions[1], found).with_suffix("").parts)
    eight_bit(acquisitions[1], tmp_path / f"X{other}.png")  # a longer patient's name
    (tmp_path / "notes.txt").write_text("x", encoding="ascii")
    made = images_made_elsewhere(tmp_path, found)
    assert [image.path.name for image in made.images] == []
    assert sum("2 files fit" in line for line in made.unused) == 2
    assert len(made.unused) == 4


def test_floating_point_is_taken_in_recombined_units_and_other_sizes_are_brought_to_the_grid(
    found, acquisitions, tmp_path
):
    one, other = acquisitions[:2]
    pixels = one.recombined.pixels() + 3
    path = tmp_path / relative(one, found).with_suffix(".tif")
    path.parent.mkdir(parents=True)
    Image.fromarray(pixels).save(path)
    eight_bit(other, tmp_path / relative(other, found).with_suffix(".png"), shape=(256, 256))
    made = images_made_elsewhere(tmp_path, found)
    images, warnings = read_images(one, synthetic_of(one, made.images))
    assert np.array_equal(images.synthetic.pixels, pixels)
    assert not [w for w in warnings if "no known unit" in w]
    assert synthetic_of(other, made.images).pixels().shape == other.low_energy.grid.shape
    assert any("256 x 256 pixels brought to" in line for line in made.lines)


def write_table(path, rows):
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["file", "source", "window_center", "window_width"])
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_table_tells_source_and_window(found, acquisitions, tmp_path):
    source = relative(acquisitions[0], found).as_posix()
    eight_bit(acquisitions[0], tmp_path / "1.png")
    row = {"file": "1.png", "source": source, "window_center": "100.5", "window_width": "201"}
    table = write_table(tmp_path / "cemsynth-synthetic.csv", [row])
    for place in (tmp_path, table):
        made = images_made_elsewhere(place, found)
        assert [round(made.images[0].window.low), round(made.images[0].window.high)] == [0, 200]
    for wrong, words in (
        ({"source": "x.dcm"}, "names the source x.dcm"),
        ({"file": "2.png"}, "there is no file 2.png"),
        ({"window_width": "-1"}, "must be numbers"),
        ({"window_width": ""}, "must be numbers"),
    ):
        with pytest.raises(SyntheticTableError, match=words):
            images_made_elsewhere(write_table(table, [row | wrong]), found)
    with pytest.raises(SyntheticTableError, match="occurs twice"):
        images_made_elsewhere(write_table(table, [row, row]), found)


def test_damaged_and_color_files_are_told(found, acquisitions, tmp_path):
    for n, acquisition in enumerate(acquisitions[:2]):
        path = tmp_path / relative(acquisition, found).with_suffix(".png")
        eight_bit(acquisition, path)
        if n:
            path.write_bytes(b"\x89PNG no")
    made = images_made_elsewhere(tmp_path, found)
    assert len(made.images) == 1
    assert "damaged" in " ".join(made.unused)


def test_the_command_prints_what_was_matched(found, acquisitions, tmp_path, capsys):
    made, output = tmp_path / "made", tmp_path / "out"
    for acquisition in acquisitions[1:]:
        eight_bit(acquisition, made / relative(acquisition, found).with_suffix(".png"), shape=(64, 48))
    eight_bit(acquisitions[0], made / relative(acquisitions[0], found).with_suffix(".png"))
    eight_bit(acquisitions[0], made / "other.png")
    assert main(["evaluate", str(found.root), "--synthetic", str(made), "--output", str(output)]) == 0
    told = capsys.readouterr()
    assert told.out.count("laid on the VOI window") == len(acquisitions)
    assert "is its recombined image in another gray scale" in told.err
    assert "other.png" in told.err
    summary = json.loads((output / "summary.json").read_text(encoding="utf-8"))
    assert summary["images"] == len(acquisitions) - 1
    assert any("other.png" in line for line in summary["left_out"])
    assert main(["evaluate", str(found.root), "--synthetic", str(tmp_path / "no"), "--output", str(output)]) == 2
    assert "no folder" in capsys.readouterr().err
