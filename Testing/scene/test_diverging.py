"""Colors of the difference: zero is black, either sign is told by color-blind readers too."""

import numpy as np
import pytest

from CEMSynthLib.scene.diverging import SIZE, color_at, diverging_colors

# Linear RGB of what is seen with no red, green, blue cones (Machado, Oliveira, Fernandes 2009, severity 1.0).
BLINDNESS = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.mark.parametrize("kind", BLINDNESS)
def test_colors_of_either_sign_are_told_apart_by_color_blind_readers(kind: str) -> None:
    for part in (0.3, 0.6, 1.0):
        linear = (np.array(color_at(sign * part)) ** 2.2 for sign in (-1, 1))
        below, above = (np.clip(np.array(BLINDNESS[kind]) @ color, 0, 1) ** (1 / 2.2) for color in linear)
        assert np.abs(below - above).max() > 0.4 * part
        assert min(below.max(), above.max()) > 0.5 * part  # and from the black of zero


def test_the_middle_color_is_exactly_zero(mrml) -> None:
    scene = mrml().scene
    node = diverging_colors(scene)
    assert diverging_colors(scene) is node
    assert node.GetNumberOfColors() == SIZE
    color = [0.0] * 4
    node.GetColor(SIZE // 2, color)
    assert color == [0, 0, 0, 1]
    for index, wanted in ((0, color_at(-1)), (SIZE - 1, color_at(1))):
        node.GetColor(index, color)
        assert color[:3] == pytest.approx(wanted, abs=1 / 255)
