"""Makes what tutorial.md shows again: pictures of the slice views, and the tables of numbers in its text.

    python Documentation/make_tutorial_pictures.py

simulates the sample study, synthesizes with the shipped demo model, does with the scene code what the tutorial tells
the reader to do in the module, and renders slice views off-screen with the slicer-core wheel (extras `browser` and
`generator`; on Linux the packages libegl1 and libgl1-mesa-dri). Half a minute on one core. Texts between
``<!-- made: NAME -->`` and ``<!-- end -->`` in tutorial.md are replaced.
"""

import argparse
import os
import re
import sys
import tempfile
from datetime import datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Testing/scene"))

import rendered_views  # before vtk: it chooses the window that VTK makes

# isort: split
import numpy as np
import slicer
import vtk
from PIL import Image

from CEMSynthLib.commands.demo_command import PATIENT, SEED
from CEMSynthLib.export.cnr_rows import RowMaker, region_rows
from CEMSynthLib.export.tables import write_measurements
from CEMSynthLib.generator.card import ModelCard
from CEMSynthLib.generator.client import WorkerGenerator
from CEMSynthLib.measurement.cnr import CNRFormula
from CEMSynthLib.measurement.markups import read_regions
from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.phantom.cohort import simulate_cohort
from CEMSynthLib.scene.acquisitions import AcquisitionVolumes
from CEMSynthLib.scene.comparison import Comparison
from CEMSynthLib.scene.halo.in_scene import HaloInScene
from CEMSynthLib.scene.hanging import load_hanging
from CEMSynthLib.scene.layout import VIEWS, Content, Layout
from CEMSynthLib.scene.regions.info import RegionKind
from CEMSynthLib.scene.regions.region_set import RegionSet
from CEMSynthLib.scene.regions.rows import RegionRow
from CEMSynthLib.scene.regions.table import cells
from CEMSynthLib.scene.study import StudyInScene
from CEMSynthLib.scene.synthetic_volume import SyntheticRecord, add_synthetic, low_energy_input
from CEMSynthLib.study.reader import read_folder

#: As in CEMSynthLib.desktop.sample, which needs Slicer's Qt.
SPACING_MM = 0.2
#: The acquisition that the tutorial measures, and the number of its lesion in the truth.
NAME, LESION = "R CC", 2
TUTORIAL = Path(__file__).resolve().with_name("tutorial.md")
SIZES = {
    Layout.LOW_CLINICAL_SYNTHETIC: (300, 400),
    Layout.CLINICAL_SYNTHETIC: (400, 440),
    Layout.HANGING: (300, 300),
    Layout.ONE_LARGE: (600, 600),
    Layout.CLINICAL_SYNTHETIC_DIFFERENCE: (300, 400),
}
#: Of a picture's palette: no step between gray levels that the eye sees, and a file of 100 to 200 kB.
GRAYS, COLORS = 128, 96
MOST_BYTES = 250_000


def main() -> None:
    """Walk through the tutorial."""
    parser = argparse.ArgumentParser(description="Make the pictures and the tables of tutorial.md again.")
    parser.add_argument("--output", type=Path, default=TUTORIAL.parent, metavar="DIR", help="default: here")
    parser.add_argument("--pixel-spacing-mm", type=float, default=SPACING_MM, metavar="X", help="for a quick try")
    arguments = parser.parse_args()
    (arguments.output / "pictures").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print("Simulating the sample study ...")
        simulate_cohort(folder, SEED, [PATIENT], arguments.pixel_spacing_mm, 1)
        s = open_sample(folder)
        s.output = arguments.output / "pictures"
        s.comparison.show(s.study.load(s.key))
        keep("opened", s)
        print("Synthesizing ...")
        card = synthesize(s)
        s.comparison.show(s.study.load(s.key))
        compare(s)
        made = {"model": f"Model: {card.name} {card.version}; SHA-256 of its weights: `{card.weights_sha256}`."}
        made |= measure_regions(s, folder)
        made |= measure_halo(s)
        write_texts(arguments.output / TUTORIAL.name, made)
    sys.stdout.flush()
    # Slicer's singletons end in no order that Python knows.
    os._exit(0)


def open_sample(folder: Path) -> SimpleNamespace:
    """The study in a scene, and slice views as the module arranges them."""
    world = rendered_views.make_world(str(folder))
    world.markups = slicer.vtkSlicerMarkupsLogic()
    world.markups.SetMRMLApplicationLogic(world.application)
    world.markups.SetMRMLScene(world.scene)
    world.application.SetModuleLogic("Markups", world.markups)
    views = rendered_views.RenderedViews(world, SIZES)
    study = StudyInScene(world.scene)
    comparison = Comparison(world.scene, views, partial(load_hanging, study))
    views.attach_all(comparison)
    for view in views.views.values():
        view.renderer.GetActiveCamera().ParallelProjectionOn()  # as in Slicer
    rows = study.open(read_folder(folder / "dicom"))
    key = next(row.key for row in rows if row.name == NAME)
    return SimpleNamespace(world=world, views=views, study=study, comparison=comparison, rows=rows, key=key)


def synthesize(s: SimpleNamespace) -> ModelCard:
    """Make the synthetic image of every acquisition, as the section Synthesis does; returns the model's card."""
    with WorkerGenerator("demo", "cpu") as generator:
        card = generator.card
        for row in s.rows:
            source = s.study.load(row.key).low_energy
            given = low_energy_input(source)
            image = generator.synthesize_array(given.pixels, given.window, given.spacing_mm)
            record = SyntheticRecord(
                model_name=card.name,
                model_version=card.version,
                model_sha256=card.weights_sha256,
                training_data=card.training.description,
                intended_use=card.intended_use,
                held_out=card.metrics.description,
                simulated_only=card.training.simulated_only,
                training_range=image.training_range,
                warnings=image.warnings,
                device=image.provenance.device,
                device_reason=image.provenance.device_reason,
                seconds=image.provenance.seconds,
                created=datetime.now().isoformat(timespec="seconds"),
            )
            add_synthetic(source, image.pixels, image.window, record)
    return card


def compare(s: SimpleNamespace) -> None:
    """The section Compare."""
    s.comparison.update(corner=True, ruler=True)
    keep("compared", s)
    s.comparison.update(corner=False, layout=Layout.CLINICAL_SYNTHETIC_DIFFERENCE)
    keep("difference", s)
    s.comparison.update(layout=Layout.HANGING, content=Content.RECOMBINED)
    keep("hanging", s)
    s.comparison.update(layout=Layout.LOW_CLINICAL_SYNTHETIC)


def measure_regions(s: SimpleNamespace, folder: Path) -> dict[str, str]:
    """The section Regions and CNR: two clicks around the lesion, and a ring."""
    volumes = s.study.load(s.key)
    regions = RegionSet(s.world.scene)
    regions.show(volumes)
    low, high = lesion_box(folder)
    s.comparison.show_actual_pixels((-(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2))
    view = s.views.views["CEMSynthClinical"]
    view.picture()
    lesion = regions.place(RegionRole.LESION, RegionKind.ELLIPSE)
    for corner in (low, high):
        place = screen(view, *corner)
        view.mouse(*place, "MouseMoveEvent")
        view.mouse(*place, "LeftButtonPressEvent", "LeftButtonReleaseEvent")
    view.mouse(5, 5, "MouseMoveEvent")
    regions.add_ring(lesion)
    rows = regions.finish()
    keep("regions", s)
    regions.set_visible(False)
    row = next(row for row in s.rows if row.key == s.key)
    side, _, position = row.name.partition(" ")
    csv = folder / "regions.csv"
    write_measurements(csv, region_rows(RowMaker(row.patient_id, side, position), [(r.image.value, r) for r in rows]))
    return {"cnr": cnr_table(rows), "csv": csv_head(csv)}


def lesion_box(folder: Path) -> tuple[tuple[float, float], tuple[float, float]]:
    """Two corners around the lesion's outline in the truth, scene units."""
    stem = f"_{NAME.replace(' ', '_')}_lesion_{LESION}"
    region = next(one.region for one in read_regions([folder / "regions"]) if stem in one.path.name)
    points = np.array(region.shape.control_points)
    low, high = points.min(axis=0), points.max(axis=0)
    return (float(low[0]), float(low[1])), (float(high[0]), float(high[1]))


def screen(view: rendered_views.RenderedView, x: float, y: float) -> tuple[int, int]:
    """Where a place in scene units is on the screen."""
    inverse = vtk.vtkMatrix4x4()
    vtk.vtkMatrix4x4.Invert(view.logic.GetSliceNode().GetXYToRAS(), inverse)
    right, up, _, _ = inverse.MultiplyPoint((-x, -y, 0.0, 1.0))
    return round(right), round(up)


def measure_halo(s: SimpleNamespace) -> dict[str, str]:
    """The section Halo: numbers, distance lines and steps by sector."""
    volumes: AcquisitionVolumes = s.study.load(s.key)
    s.comparison.fit()
    halo = HaloInScene(s.world.scene)
    halo.measure(volumes)
    halo.show(volumes, lines=True, sectors=True)
    keep("halo", s)
    wanted = ("verdict", "step", "step, 95% interval", "band width", "halo retained")
    lines = ["| | clinical | SYNTHETIC |", "|---|---|---|"]
    for row in halo.rows(s.key):
        if row.measure in wanted:
            unit = f" ({row.unit})" if row.unit else ""
            lines.append(f"| {row.measure}{unit} | {row.clinical} | {row.synthetic} |")
    return {"halo": "\n".join(lines)}


def keep(name: str, s: SimpleNamespace) -> None:
    """Write the slice views of the present layout beside each other."""
    layout = s.comparison.state.layout
    pictures = list(s.views.pictures(layout).values())
    across = 2 if layout is Layout.HANGING else len(VIEWS[layout])
    bands = [join(pictures[i : i + across], axis=1) for i in range(0, len(pictures), across)]
    path = s.output / f"tutorial-{name}.png"
    with_palette(join(bands, axis=0)).save(path, optimize=True)
    if path.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{path.name} has {path.stat().st_size} bytes; at most {MOST_BYTES} are wanted")
    print(f"{path.name}: {path.stat().st_size} bytes")


def join(pictures: list[np.ndarray], axis: int) -> np.ndarray:
    """Pictures with a line between them."""
    shape = list(pictures[0].shape)
    shape[axis] = 4
    line = np.full(shape, 90, np.uint8)
    parts = [part for picture in pictures for part in (line, picture)][1:]
    return np.concatenate(parts, axis=axis)


def with_palette(picture: np.ndarray) -> Image.Image:
    """Few colors, of which the grays stay gray: a common palette would tint the breast."""
    levels = np.linspace(0, 255, GRAYS).round().astype(np.uint8)
    palette = np.repeat(levels[:, None], 3, axis=1)
    colored = picture[np.ptp(picture.astype(int), axis=2) > 8]
    if len(colored):
        # Each color counts once, so that the few pixels of a legend keep theirs.
        few = Image.fromarray(np.unique(colored, axis=0)[None]).quantize(COLORS).convert("RGB")
        palette = np.concatenate([palette, np.unique(np.asarray(few)[0], axis=0)])
    chosen = Image.new("P", (1, 1))
    chosen.putpalette(palette.tobytes())
    return Image.fromarray(picture).quantize(palette=chosen, dither=Image.Dither.NONE)


def cnr_table(rows: list[RegionRow]) -> str:
    """The columns of the panel's table that fit on a page."""
    lines = [
        "| Region | Image | sd_background | +- | Contrast | +- | Mean | SD | Pixels | Area (mm2) |",
        "|---" * 10 + "|",
    ]
    lines += [f"| {' | '.join(cells(row, CNRFormula.SD_BACKGROUND)[:10])} |" for row in rows]
    return "\n".join(lines)


def csv_head(path: Path) -> str:
    """The first lines of the saved table."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return "\n".join(["```", *lines[:4], f"... ({len(lines) - 4} more lines)", "```"])


def write_texts(path: Path, made: dict[str, str]) -> None:
    """Put numbers into the tutorial's text."""
    text = TUTORIAL.read_text(encoding="utf-8")
    for name, content in made.items():
        pattern = re.compile(rf"(<!-- made: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text, count = pattern.subn(lambda match, new=content: f"{match[1]}\n{new}\n\n{match[2]}", text)
        if count != 1:
            raise SystemExit(f"tutorial.md has {count} places for {name}")
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
