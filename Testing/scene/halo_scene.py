"""A scene that shows a measured acquisition with a halo, and what is seen of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from halo_images import halo_acquisition

from CEMSynthLib.scene.acquisitions import load_acquisition
from CEMSynthLib.scene.halo import nodes as roles
from CEMSynthLib.scene.halo.in_scene import HaloInScene
from CEMSynthLib.scene.layout import VIEW_TAGS

MODEL = "vtkMRMLModelNode"
SPACING = (0.8, 0.8)


@contextmanager
def measured_halo(mrml: Any, folder: Path) -> Iterator[Any]:
    """A scene with three slice views that show a measured acquisition."""
    world = mrml(views=True, markups=True)
    world.pair = halo_acquisition(folder)
    world.volumes = load_acquisition(world.scene, *world.pair)
    world.show(world.volumes)
    world.halo = HaloInScene(world.scene)
    world.result = world.halo.measure(world.volumes)
    yield world
    world.halo.release()


def nodes(world, role, key=None):
    return list(roles.nodes_of(world.scene, key, role, MODEL))


def visible_in(world, node) -> set[str]:
    display = node.GetDisplayNode()
    if not display.GetVisibility():
        return set()
    return {tag for tag in VIEW_TAGS.values() if display.IsDisplayableInView(world.logics[tag].GetSliceNode().GetID())}
