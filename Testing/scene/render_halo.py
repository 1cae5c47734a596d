"""Renders the halo's drawings into pictures.npz of a folder, for test_rendering_halo.py; a process of its own."""

import os
import sys
from pathlib import Path

import numpy as np
import rendered_views
from halo_images import halo_acquisition

from CEMSynthLib.scene.acquisitions import load_acquisition
from CEMSynthLib.scene.comparison import Comparison
from CEMSynthLib.scene.halo.in_scene import HaloInScene
from CEMSynthLib.scene.layout import Layout

SIZES = dict.fromkeys(Layout, (300, 400))


def main(folder: Path) -> None:
    """Lines, then sectors, then neither."""
    world = rendered_views.make_world(str(folder))
    views = rendered_views.RenderedViews(world, SIZES)
    comparison = Comparison(world.scene, views)
    views.attach_all(comparison)
    volumes = load_acquisition(world.scene, *halo_acquisition(folder, upper=True))
    comparison.show(volumes)
    halo = HaloInScene(world.scene)
    halo.measure(volumes)
    pictures: dict[str, np.ndarray] = {}
    for case, lines, sectors in (("lines", True, False), ("sectors", False, True), ("none", False, False)):
        halo.show(volumes, lines, sectors)
        for tag, picture in views.pictures(comparison.state.layout).items():
            pictures[f"{case}__{tag}"] = picture
    node = views.slice_logic("CEMSynthLowEnergy").GetSliceNode()
    pictures["millimeters__pixel"] = np.array([node.GetFieldOfView()[0] / node.GetDimensions()[0]])
    np.savez(folder / "pictures.npz", **pictures)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    sys.stdout.flush()
    # Slicer's singletons end in no order that Python knows.
    os._exit(0)
