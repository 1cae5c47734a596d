"""Trial page: the figures of ``cemsynth trial --preset test --output DIR`` as Documentation/trial.md.

python Documentation/make_trial_page.py DIR
"""

import json
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("trial.md")


def number(value: float, percent: bool = False) -> str:
    """Three significant digits, or a percentage."""
    return f"{100 * value:.1f}%" if percent else f"{value:.3g}"


def cell(estimate: Any, percent: bool = False) -> str:
    """A number with its interval, or why there is none."""
    if not isinstance(estimate, dict):
        return str(estimate)
    if estimate["value"] is None:
        return str(estimate["reason"])
    text = number(estimate["value"], percent)
    if estimate.get("sd") is not None:
        text += f" ± {number(estimate['sd'], percent)}"
    if estimate.get("interval_95"):
        text += " [{}, {}]".format(*(number(end, percent) for end in estimate["interval_95"]))
    return f"{text}, n = {estimate['count']}"


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(text.replace("|", "\\|") for text in line) + " |" for line in lines] + [""]


def page(after: dict[str, Any], trial: dict[str, Any]) -> str:
    """The page as Markdown."""
    before = after["pre_contrast"]
    minutes = {name: step["seconds"] / 60 for name, step in trial["steps"].items()}
    lines = [
        "# The study in silico: preset `test`",
        "",
        "What `cemsynth trial --preset test` gave with the shipped demo model: 40 simulated test patients of the "
        "study's design (seed 2026), whom the model has not seen, once with low energy after injection, which holds "
        "some iodine, and once before. The thresholds of the model observer were chosen on 40 simulated training "
        "patients. Good or bad, numbers stand as they came out; `Documentation/make_trial_page.py` wrote this page.",
        "",
        f"{after['verdict']} Before injection: {before['verdict']}",
        "",
        f"Weights SHA-256 `{after['facts']['Weights SHA-256']}`. Time: {sum(minutes.values()):.0f} minutes on 2 cores "
        "with other work beside it (" + ", ".join(f"{name} {value:.1f}" for name, value in minutes.items()) + ").",
        "",
        "Brackets are 95% intervals, whole patients resampled; ± is a standard deviation.",
        "",
        "## The study's table",
        "",
        "Reported: Zormpas-Petridis et al., doi 10.1186/s41747-026-00681-7. Detection and BPE are those of model "
        "observers here, not of people.",
        "",
        *table(
            [
                "",
                "reported, clinical",
                "reported, synthetic",
                "clinical",
                "synthetic",
                "synthetic, LE before injection",
            ],
            [
                [
                    row["what"],
                    row["reported_clinical"],
                    row["reported_synthetic"],
                    cell(row["clinical"], row["percent"]),
                    cell(row["synthetic"], row["percent"]),
                    cell(other["synthetic"], row["percent"]),
                ]
                for row, other in zip(after["study_table"], before["study_table"], strict=True)
            ],
        ),
        "## Similarity beside the null baselines",
        "",
        "Inside the breast mask, in the VOI window of the recombined image.",
        "",
    ]
    for title, figures in (("After injection", after), ("Before injection", before)):
        against = {one["baseline"]: one for one in figures["comparisons"]}
        rows = []
        for row in figures["similarity"]:
            if row["place"] != "breast mask":
                continue
            one = against.get(row["compared"])
            minus = [
                "{:+.4f} [{:+.4f}, {:+.4f}]".format(one[name]["difference"], *one[name]["interval_95"]) if one else ""
                for name in ("mae", "ssim")
            ]
            rows.append([row["compared"], f"{row['mae'][0]:.4f}", f"{row['ssim'][0]:.3f}", *minus])
        lines += [title + ":", "", *table(["image", "MAE", "SSIM", "model minus this, MAE", "SSIM"], rows)]
    lines += [
        "## Lesions and halo",
        "",
        *table(
            ["", "LE after injection", "LE before injection"],
            [
                [one["what"], cell(one["estimate"], one["percent"]), cell(other["estimate"], one["percent"])]
                for one, other in zip(after["lesions"]["enhancement"], before["lesions"]["enhancement"], strict=True)
            ]
            + [
                [
                    "Halo step kept: mean of synthetic over clinical step",
                    cell(after["halo"]["retained"], True),
                    cell(before["halo"]["retained"], True),
                ]
            ],
        ),
        f"Observers: {after['readings']['source']}",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Write the page."""
    folder = Path(sys.argv[1])
    summary = json.loads((folder / "evaluation/summary.json").read_text(encoding="utf-8"))
    trial = json.loads((folder / "trial.json").read_text(encoding="utf-8"))
    PAGE.write_text(page(summary, trial), encoding="utf-8")


if __name__ == "__main__":
    main()
