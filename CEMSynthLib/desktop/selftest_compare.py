"""Self test of the comparison: layouts, labels, difference, hanging, actual pixels, fade and blink inside Slicer."""

from pathlib import Path
from typing import Any

import numpy as np


def check(logic: Any, folder: Path) -> None:
    """Check what the slice views show; the study is opened and its first acquisition, with a synthetic image, shown.

    Parameters
    ----------
    logic
        A CEMSynthLogic.
    folder
        A folder to write to; not needed.
    """
    import slicer

    from CEMSynthLib.scene.comparison_state import ComparisonState
    from CEMSynthLib.scene.label import shows_synthetic
    from CEMSynthLib.scene.layout import VIEWS, Content, Layout

    comparison, manager = logic.views.comparison, slicer.app.layoutManager()
    volumes = comparison.volumes
    assert volumes is not None
    assert comparison.can_compare
    for layout in Layout:
        comparison.update(layout=layout, content=Content.DIFFERENCE, ruler=True, corner=True, cursor=True)
        assert comparison.state.layout is layout
        if manager is None:
            continue
        assert manager.layout == layout.value
        logic.views.updateLabels()
        for spec in VIEWS[layout]:
            composite = manager.sliceWidget(spec.tag).sliceLogic().GetSliceCompositeNode()
            assert logic.views.labels()[spec.tag].visible == shows_synthetic(composite), spec.tag
    _checkDifference(volumes)
    if manager is not None:
        _checkViews(comparison, manager)
    comparison.update(**vars(ComparisonState()))


def _checkDifference(volumes: Any) -> None:
    import slicer

    from CEMSynthLib.scene.difference import difference_volume

    node = difference_volume(slicer.mrmlScene, volumes)
    assert node is not None
    assert node.GetName().startswith("SYNTHETIC")
    shown, clinical, synthetic = (
        slicer.util.arrayFromVolume(n).astype(float) for n in (node, volumes.recombined, volumes.synthetic)
    )
    assert np.abs(shown - (synthetic - clinical)).max() < 1e-3
    low, high = node.GetDisplayNode().GetWindowLevelMin(), node.GetDisplayNode().GetWindowLevelMax()
    assert low == -high


def _checkViews(comparison: Any, manager: Any) -> None:
    from CEMSynthLib.scene.layout import VIEWS, Content, Layout
    from CEMSynthLib.scene.zoom import image_box, shown_volume
    from CEMSynthLib.study.model import Side

    comparison.update(layout=Layout.HANGING, content=Content.RECOMBINED)
    for spec in VIEWS[Layout.HANGING]:
        sliceLogic = manager.sliceWidget(spec.tag).sliceLogic()
        volume, node = shown_volume(sliceLogic), sliceLogic.GetSliceNode()
        assert volume is not None, spec.tag
        left, right = image_box(volume)[:2]
        width = node.GetDimensions()[0]
        screen = width if spec.chest_wall is Side.RIGHT else 0
        place = node.GetXYToRAS().MultiplyPoint((screen, 0, 0, 1))[0]
        assert min(abs(place - left), abs(place - right)) < 0.01, f"{spec.tag}: chest wall at the border"
    comparison.update(layout=Layout.CLINICAL_SYNTHETIC, fade=0.5)
    logics = [manager.sliceWidget(spec.tag).sliceLogic() for spec in VIEWS[Layout.CLINICAL_SYNTHETIC]]
    assert logics[1].GetSliceCompositeNode().GetForegroundOpacity() == 0.5
    assert comparison.step_blink() is False
    assert logics[1].GetSliceCompositeNode().GetForegroundOpacity() == 0
    comparison.stop_blink()
    comparison.show_actual_pixels()
    for sliceLogic in logics:
        node, volume = sliceLogic.GetSliceNode(), shown_volume(sliceLogic)
        assert volume is not None
        for axis in (0, 1):
            assert abs(node.GetFieldOfView()[axis] / node.GetDimensions()[axis] - volume.GetSpacing()[axis]) < 1e-9
