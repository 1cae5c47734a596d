"""The halo in real slice views, rendered off-screen: lines where they belong, sectors over their own image."""

import numpy as np
import pytest

LOW, CLINICAL, SYNTHETIC = "CEMSynthLowEnergy", "CEMSynthClinical", "CEMSynthSynthetic"
#: 5, 10 and 15 mm.
LINES = {5.0: (230, 159, 0), 10.0: (86, 180, 232), 15.0: (0, 158, 115)}
YELLOW, VIOLET = (253, 231, 37), (68, 1, 84)


@pytest.fixture(scope="module")
def seen(rendered) -> dict[str, np.ndarray]:
    folder = rendered("render_halo.py")
    with np.load(folder / "pictures.npz") as stored:
        return {name.replace("__", "/"): stored[name] for name in stored.files}


def like(picture: np.ndarray, color: tuple[int, int, int], slack: int = 12) -> np.ndarray:
    return np.abs(picture.astype(int) - color).max(axis=2) <= slack


def test_lines_are_seen_in_every_view_at_their_distance(seen) -> None:
    millimeters = float(seen["millimeters/pixel"][0])
    for tag in (LOW, CLINICAL, SYNTHETIC):
        picture = seen[f"lines/{tag}"]
        for distance, color in LINES.items():
            assert like(picture, color).sum() > 150, (tag, distance)
    picture = seen[f"lines/{LOW}"]
    middle = picture.shape[0] // 2
    bright = seen[f"none/{LOW}"][middle].mean(axis=1) > 60
    front = int(np.flatnonzero(bright)[-1])
    for distance, color in LINES.items():
        columns = np.flatnonzero(like(picture, color)[middle - 3 : middle + 4].any(axis=0))
        assert columns.size, distance
        assert (front - columns.mean()) * millimeters == pytest.approx(distance, abs=1.5 * millimeters + 0.8)


def test_nothing_is_drawn_that_nobody_asked_for(seen) -> None:
    for tag in (LOW, CLINICAL, SYNTHETIC):
        picture = seen[f"none/{tag}"]
        assert not any(like(picture, color).sum() > 3 for color in (*LINES.values(), YELLOW))


def test_sectors_are_bright_where_the_halo_is_and_only_over_their_image(seen) -> None:
    """The clinical halo is in the upper half only; the synthetic one has half its step all around."""
    clinical, half = seen[f"sectors/{CLINICAL}"], seen[f"sectors/{CLINICAL}"].shape[0] // 2
    breast = np.s_[:, : clinical.shape[1] * 4 // 5]  # without the legend
    bright = like(clinical, YELLOW, 40)[breast]
    assert bright[:half].sum() > 100
    assert bright[half + 30 :].sum() == 0
    assert like(clinical, VIOLET, 40)[breast][half + 30 :].sum() > 100
    assert like(seen[f"sectors/{SYNTHETIC}"], YELLOW, 20)[breast].sum() == 0
    assert np.array_equal(seen[f"sectors/{LOW}"], seen[f"none/{LOW}"])
