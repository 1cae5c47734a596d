"""`cemsynth demo` with the shipped model; what its card claims."""

import json
from pathlib import Path

import jsonschema
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from CEMSynthLib.cli import main
from CEMSynthLib.evaluation.baselines import Baseline
from CEMSynthLib.evaluation.baselines_file import read_baselines
from CEMSynthLib.evaluation.heldout import CEILING
from CEMSynthLib.generator.card import WEIGHTS_FILE, load_card, verify_weights
from CEMSynthLib.generator.store import find_model

SCHEMA = Path(__file__).resolve().parents[2] / "CEMSynthLib/generator/model_card.schema.json"


def test_the_demo_writes_a_study_its_synthetic_images_and_a_report(tmp_path, capsys):
    output = tmp_path / "demo"
    words = ["demo", "--no-browser", "--pixel-spacing-mm", "0.8", "--device", "cpu", "--output", str(output)]
    assert main(words) == 0
    assert str(output / "report.html") in capsys.readouterr().out
    assert len(list((output / "study/dicom").rglob("*.dcm"))) == 8
    assert len(list((output / "synthetic").glob("*.dcm"))) == 4
    assert (output / "measurements.csv").is_file()
    report = (output / "report.html").read_text(encoding="utf-8")
    for words_ in ("simulated breasts, no real patient", "training-mean image", "beats all 6 null baselines"):
        assert words_ in report
    assert main(words) == 0, "the same demo again replaces its own files"


def test_the_shipped_card_fits_its_schema_its_weights_and_what_the_readme_says():
    folder = find_model("demo")
    card = load_card(folder)
    verify_weights(folder, card)
    jsonschema.validate(json.loads(card.to_json()), json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert (folder / WEIGHTS_FILE).stat().st_size <= 4 * 2**20
    assert card.training.simulated_only
    assert read_baselines(folder) is not None
    after = [row for row in card.metrics.rows if "low_energy" not in row]
    compared = {row["compared"]: row for row in after if row["place"] == "breast mask" and "mae" in row}
    assert {"model", CEILING, *(b.value for b in Baseline)} <= set(compared)
    for baseline in Baseline:
        row = compared[baseline.value]
        assert row["beaten_by_model"] is True
        assert row["model_minus_this_mae_high"] < 0 < row["model_minus_this_ssim_low"]
    readme = (SCHEMA.parents[2] / "README.md").read_text(encoding="utf-8")
    assert f"**{compared['model']['mae']:.4f}**" in readme
    assert f"**{compared['model']['ssim']:.3f}**" in readme
    for low_energy in (None, "before injection", "before injection, in training too"):
        rows = {row["compared"]: row for row in card.metrics.rows if row.get("low_energy") == low_energy}
        kept = next(row for what, row in rows.items() if what.startswith("Contrast kept: enhancing lesions seen on LE"))
        assert kept["value"] >= 0.7
        assert {f"CNR on the {image} image, mean: enhancing" for image in ("clinical", "synthetic")} <= set(rows)
        for row in (kept, *(row for what, row in rows.items() if what.startswith("Missed"))):
            assert f"{row['value']:.0%} [{row['low']:.0%}, {row['high']:.0%}]" in readme
