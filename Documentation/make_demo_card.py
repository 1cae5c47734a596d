"""Puts held-out figures into the card of the demo model, and prints them for the README.

The last step of `make weights-pre-contrast`:

    python Documentation/make_demo_card.py weights/figures --trained-before weights/pre-contrast/figures

The first folder comes from `cemsynth evaluate ... --ceiling ... --pre-contrast ...` with the demo model, the second one
from `cemsynth evaluate` with the model that was trained and tested on LE before injection.
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from CEMSynthLib.export.files import write_text
from CEMSynthLib.generator.card import CARD_FILE, SHIPPED_MODELS, load_card

AFTER, BEFORE, TRAINED_BEFORE = "after injection", "before injection", "before injection, in training too"


def main() -> None:
    """Write the card, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", type=Path, help="evaluation of the demo model")
    parser.add_argument("--trained-before", type=Path, required=True, help="evaluation of the other model")
    arguments = parser.parse_args()
    shipped = SHIPPED_MODELS / "demo"
    card, evaluated = load_card(shipped), load_card(arguments.figures)
    if card.weights_sha256 != evaluated.weights_sha256:
        parser.error(f"{arguments.figures} was not made with the weights in {shipped}")
    rows = list(evaluated.metrics.rows)
    other = load_card(arguments.trained_before)
    rows += [
        {"low_energy": TRAINED_BEFORE, **row}
        for row in other.metrics.rows
        if "pearson_r" not in row and row["place"] != "whole frame" and "low_energy" not in row
    ]
    card = replace(card, metrics=replace(evaluated.metrics, rows=tuple(rows)))
    write_text(shipped / CARD_FILE, card.to_json())
    print(card.metrics.description)
    print(other.metrics.description)
    for row in card.metrics.rows:
        print(_line(row))


def _line(row: Mapping[str, object]) -> str:
    low_energy = str(row.get("low_energy", AFTER))
    if "mae" in row:
        numbers = [f"MAE {row['mae']:.4f}, SSIM {row['ssim']:.3f}, PSNR {row['psnr_db'] or float('nan'):.1f} dB"]
        for name in ("mae", "ssim"):
            if f"model_minus_this_{name}" in row:
                low, high = (row[f"model_minus_this_{name}_{end}"] for end in ("low", "high"))
                numbers.append(f"model minus this {row[f'model_minus_this_{name}']:+.4f} [{low:+.4f}, {high:+.4f}]")
    elif "value" in row:
        interval = f"[{row['low']:.3f}, {row['high']:.3f}]" if row["low"] is not None else "no interval"
        numbers = [f"{row['value']:.3f} {interval}", f"n = {row['count']} of {row['patients']} patients"]
    else:
        numbers = [f"change from LE, {row['change_from_le']}: r = {row['pearson_r']}"]
    return f"| {row['compared']} | {row['place']} | LE {low_energy} | {'; '.join(numbers)} |"


if __name__ == "__main__":
    main()
