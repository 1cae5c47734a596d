"""Simulated beside real on one page: `python Testing/phantom/realism_page.py --output DIR`.

Real pairs are shown where ``../shared/data/cdd-cesm`` lies beside the checkout; a folder inside the checkout is
refused as output, so that no real image enters the repository.
"""

import argparse
import base64
import io
import sys
from pathlib import Path

import numpy as np
import realism
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined
from matplotlib.figure import Figure
from PIL import Image

from CEMSynthLib.evaluation.report import number
from CEMSynthLib.export.files import write_text
from CEMSynthLib.phantom.version import SIMULATOR_VERSION

REPOSITORY = Path(__file__).resolve().parents[2]
REAL_COLOR, SIMULATED_COLOR = "#0072B2", "#D55E00"  # Okabe and Ito 2008


def _uri(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _picture(image: np.ndarray) -> str:
    stream = io.BytesIO()
    Image.fromarray(image.astype(np.uint8)).save(stream, "PNG", optimize=True)
    return _uri(stream.getvalue(), "png")


def _histogram_plot(real: list[realism.Shown], simulated: list[realism.Shown]) -> str:
    figure = Figure(figsize=(9, 3), layout="constrained")
    for axes, kind in zip(figure.subplots(1, 2), ("low", "recombined"), strict=True):
        for pairs, color, alpha in ((simulated, SIMULATED_COLOR, 0.35), (real, REAL_COLOR, 0.9)):
            for number_, pair in enumerate(pairs):
                counts = realism.histogram(getattr(pair, kind), getattr(pair, f"{kind}_mask"))
                label = ("real" if pairs is real else "simulated") if number_ == 0 else None
                axes.plot(np.convolve(counts, np.ones(5) / 5, "same"), color=color, alpha=alpha, lw=1, label=label)
        axes.set(
            title="low energy" if kind == "low" else "recombined", xlabel="gray level", ylabel="share of the breast"
        )
        axes.set(xlim=(0, 255), ylim=(0, 0.035))
        axes.legend(frameon=False)
    stream = io.BytesIO()
    figure.savefig(stream, format="svg")
    return _uri(stream.getvalue(), "svg+xml")


def main() -> int:
    """Simulate, compare, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="gets realism.html")
    parser.add_argument("--seed", type=int, default=31)
    parser.add_argument("--patients", type=int, default=24, help="one view of each (default 24)")
    parser.add_argument("--pixel-spacing-mm", type=float, default=0.2, help="of the simulated detector (default 0.2)")
    arguments = parser.parse_args()
    output = arguments.output.resolve()
    if output == REPOSITORY or REPOSITORY in output.parents:
        parser.error("the page shows real images: choose a folder outside the repository")
    real = realism.real_pairs()
    simulated = realism.simulated_pairs(arguments.seed, range(1, arguments.patients + 1), arguments.pixel_spacing_mm)
    rows = realism.compare(real, simulated) if real else []
    environment = Environment(
        loader=ChoiceLoader(
            [FileSystemLoader(Path(__file__).parent), PackageLoader("CEMSynthLib.evaluation", "templates")]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, picture=_picture)
    page = environment.get_template("realism_page.html").render(
        version=SIMULATOR_VERSION,
        seed=arguments.seed,
        spacing_mm=arguments.pixel_spacing_mm,
        rows=rows,
        groups=(("real", real), ("simulated", simulated)),
        plot=_histogram_plot(real, simulated),
    )
    output.mkdir(parents=True, exist_ok=True)
    write_text(output / "realism.html", page)
    print(*rows, sep="\n")
    print(f"Page: {output / 'realism.html'}")
    return 0 if all(row.passed for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
