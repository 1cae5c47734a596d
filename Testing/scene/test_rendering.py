"""What a user sees in real slice views: pictures rendered off-screen against known images."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

LOW, CLINICAL, SYNTHETIC = "CEMSynthLowEnergy", "CEMSynthClinical", "CEMSynthSynthetic"
DIFFERENCE, LARGE = "CEMSynthDifference", "CEMSynthSingle"
ROWS, COLUMNS = 90, 60
LABEL, CURSOR = (255, 199, 61), (255, 217, 51)


@pytest.fixture(scope="module")
def seen(rendered) -> SimpleNamespace:
    """The pictures of render_comparison.py by case and view, and what else it found."""
    folder = rendered("render_comparison.py")
    with np.load(folder / "pictures.npz") as stored:
        pictures = {name.replace("__", "/"): stored[name].astype(int) for name in stored.files}
    return SimpleNamespace(**pictures_of(pictures), facts=json.loads((folder / "facts.json").read_text()))


def pictures_of(pictures: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    cases: dict[str, dict[str, np.ndarray]] = {}
    for name, picture in pictures.items():
        case, view = name.split("/")
        cases.setdefault(case, {})[view] = picture
    return cases


def count(picture: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((np.abs(picture - color).max(axis=2) <= 8).sum())


def labeled(pictures: dict[str, np.ndarray]) -> list[str]:
    """Views in which the label is to be read."""
    return [view for view, picture in pictures.items() if count(picture, LABEL) > 60]


def below_label(picture: np.ndarray) -> np.ndarray:
    return picture[40:]


def test_the_label_is_where_synthetic_pixels_are_and_nowhere_else(seen) -> None:
    assert labeled(seen.three) == [SYNTHETIC]
    assert labeled(seen.half) == [SYNTHETIC]
    assert labeled(seen.faded) == []
    assert labeled(seen.difference) == [SYNTHETIC, DIFFERENCE]
    assert labeled(seen.large) == []
    assert labeled(seen.large_by_hand) == [LARGE]
    assert labeled(seen.large_difference) == [LARGE]
    assert labeled(seen.red) == []
    assert labeled(seen.red_synthetic) == ["Red"]
    assert labeled(seen.inverted) == [SYNTHETIC]
    assert labeled(seen.hanging) == []
    assert count(seen.three[CLINICAL], LABEL) == 0


def test_the_label_is_there_after_reload(seen) -> None:
    assert sorted(seen.facts["labels_before_show"]) == [SYNTHETIC, "Red"]
    assert labeled(seen.reloaded) == [SYNTHETIC, DIFFERENCE]
    assert labeled(seen.closed) == []


def test_fade_mixes_clinical_and_synthetic(seen) -> None:
    clinical, synthetic = below_label(seen.three[CLINICAL]), below_label(seen.three[SYNTHETIC])
    assert np.array_equal(below_label(seen.faded[SYNTHETIC]), clinical)
    assert np.abs(below_label(seen.half[SYNTHETIC]) - (clinical + synthetic) / 2).max() <= 1.5
    for case in (seen.half, seen.faded):
        assert np.array_equal(case[CLINICAL], seen.three[CLINICAL])
        assert np.array_equal(case[LOW], seen.three[LOW])


def test_blink_shows_one_and_the_other(seen) -> None:
    assert np.array_equal(seen.blink1[SYNTHETIC], seen.three[CLINICAL])
    assert np.array_equal(seen.blink2[SYNTHETIC], seen.three[SYNTHETIC])
    assert np.array_equal(seen.stopped[SYNTHETIC], seen.three[SYNTHETIC])
    assert labeled(seen.blink1) == []
    assert labeled(seen.blink2) == [SYNTHETIC]


def test_inversion_exchanges_black_and_white_of_all_images(seen) -> None:
    for view in (LOW, CLINICAL, SYNTHETIC):
        inside = (slice(40, 300), slice(30, 210))
        assert np.abs(seen.inverted[view][inside] + seen.three[view][inside] - 255).max() <= 1


def test_difference_has_the_colors_of_its_values(seen) -> None:
    """+50, -30 and 0 of +-127.5 (half of the clinical window 0 to 255)."""
    picture = seen.difference[DIFFERENCE]
    part = {above: picture[rows, 120:210].reshape(-1, 3) for above, rows in
            ((50, slice(45, 100)), (-30, slice(115, 205)), (0, slice(225, 310)))}  # fmt: skip
    for value, colors in part.items():
        assert colors.std(axis=0).max() == 0
        shown = colors[0] / 255
        strength = abs(value) / 127.5
        wanted = np.array((1.0, 0.62, 0.10) if value > 0 else (0.36, 0.72, 1.0)) * strength
        assert shown == pytest.approx(wanted, abs=0.01)
    assert picture.shape == (320, 240, 3)


def test_the_legend_runs_from_full_color_over_black_to_full_color(seen) -> None:
    bar = seen.difference[DIFFERENCE][209:307, 7]
    assert bar[0] == pytest.approx((255, 158, 26), abs=12)
    assert bar[-4] == pytest.approx((92, 184, 255), abs=24)
    assert bar[40:58].sum(axis=1).min() < 30
    # Words above it, and none where there is no difference.
    words = seen.difference[DIFFERENCE][174:207, 5:70]
    assert ((words.min(axis=2) > 120) & (np.ptp(words, axis=2) < 40)).sum() > 40
    assert count(seen.large[LARGE][:, :20], (255, 158, 26)) == 0


def test_actual_pixels_are_the_images_pixels(seen) -> None:
    """Odd view (241 x 301), even image (60 x 90): every image pixel is one screen pixel, unmixed."""
    for view, kind in ((CLINICAL, "recombined"), (SYNTHETIC, "synthetic")):
        picture = seen.actual[view]
        assert (picture == picture[:, :, :1]).all() or view == SYNTHETIC
        image = seen.given[kind]
        inside = np.argwhere(below_label(picture)[:, :, 0] > 5) + np.array((40, 0))
        top, left = inside.min(axis=0)
        assert abs(top - (301 - ROWS) / 2) <= 1
        assert abs(left - (241 - COLUMNS) / 2) <= 1
        assert np.abs(picture[top : top + ROWS, left : left + COLUMNS, 0] - image).max() <= 1
        assert (inside.max(axis=0) - [top, left] + 1).tolist() == [ROWS, COLUMNS]


def test_a_given_point_is_put_in_the_middle(seen) -> None:
    """R -6, A -9 at 0.2 mm is column 30, row 45; the middle of 241 x 301 pixels lies between two of them."""
    for view, kind in ((CLINICAL, "recombined"), (SYNTHETIC, "synthetic")):
        image, picture = seen.given[kind], seen.before_pan_True[view][:, :, 0]
        around = image[45 - 20 : 45 + 20, 30 - 20 : 30 + 20]
        fits = [
            np.abs(picture[row - 20 : row + 20, column - 20 : column + 20] - around).max() <= 1
            for row in (149, 150, 151)
            for column in (120, 121)
        ]
        assert sum(fits) == 1


@pytest.mark.parametrize("linked", [True, False])
def test_linked_views_are_panned_together(seen, linked: bool) -> None:
    """Dragged by 17 pixels to the right and 9 down (VTK counts from below)."""
    before = getattr(seen, f"before_pan_{linked}")
    after = getattr(seen, f"after_pan_{linked}")

    def moved(view: str, by: tuple[int, int]) -> bool:
        first, second = before[view][60:240, 60:180], after[view][60 + by[0] : 240 + by[0], 60 + by[1] : 180 + by[1]]
        return bool(np.array_equal(first, second))

    assert moved(CLINICAL, (9, 17))
    assert moved(SYNTHETIC, (9, 17) if linked else (0, 0))


def test_linked_views_are_zoomed_together(seen) -> None:
    first, second = seen.facts["zoom"]
    assert first == pytest.approx(second)


def test_hanging_puts_the_chest_walls_together(seen) -> None:
    """Right breasts at the left with their chest wall at the right border; one image lies the other way."""
    for view, border in (("RightCC", -1), ("LeftCC", 0), ("RightMLO", -1), ("LeftMLO", 0)):
        picture = seen.hanging[f"CEMSynth{view}"][:, :, 0]
        assert (picture[5:-5, border] > 240).all(), view
        width = (picture[100] > 240).sum()
        assert width == pytest.approx(4 * 240 / ROWS, abs=1.5), view  # 4 columns, the height fills the view
        assert picture[30, 130] == pytest.approx(60, abs=1), view
        assert picture[220, 130] == pytest.approx(130, abs=1), view  # nothing is turned upside down
        outer = picture[:, 0 if border else -1]
        assert (outer == 0).all(), view


def test_an_image_that_hangs_mirrored_pans_along(seen) -> None:
    straight, mirrored = seen.facts["panned"]
    assert straight == pytest.approx(mirrored)
    assert straight[0] != 0
    before = seen.hanging["CEMSynthRightMLO"][:, :, 0]
    after = seen.hanging_panned["CEMSynthRightMLO"][:, :, 0]
    assert np.array_equal(after[:200, :-20], before[10:210, 20:])


def test_corner_text_is_in_the_lower_right_corner_only(seen) -> None:
    for view in (CLINICAL, SYNTHETIC):
        changed = np.argwhere((seen.corner[view] != seen.plain[view]).any(axis=2))
        assert len(changed) > 500
        assert changed[:, 0].min() > 200
        assert changed[:, 1].min() > 60


def test_the_cursor_marks_the_same_place_in_both_views_of_our_group(seen) -> None:
    for view in (CLINICAL, SYNTHETIC):
        changed = np.argwhere((seen.cursor[view] != seen.plain[view]).any(axis=2))
        assert count(seen.cursor[view], CURSOR) >= 80
        # The mouse was at x 90, y 120 from below in a view of 241 x 301.
        assert (changed.min(axis=0) + changed.max(axis=0)) / 2 == pytest.approx((301 - 1 - 120, 90), abs=1.5)
        assert np.array_equal(seen.cursor_elsewhere[view], seen.plain[view])
    assert count(seen.cursor["Red"], CURSOR) == 0


def test_millimeters_are_shown_only_where_they_are_known(seen) -> None:
    assert seen.facts["ruler_of_known"] == 1
    assert seen.facts["ruler_of_unknown"] == 0
    assert seen.facts["ruler_of_unknown_by_hand"] == 0
    for view in (CLINICAL, SYNTHETIC):
        assert (seen.ruler[view] != seen.plain[view])[250:].any()
        changed = np.argwhere((seen.unknown_ruler[view] != seen.unknown_plain[view]).any(axis=2))
        # 20 pixels of an image of which 60 pixels fill 200 of 241 screen pixels.
        bar = changed[changed[:, 0] >= 301 - 18]
        assert bar[:, 1].max() - bar[:, 1].min() == pytest.approx(20 * 301 / ROWS, abs=6)


def test_the_state_comes_back_with_the_scene(seen) -> None:
    assert "LOW_CLINICAL_SYNTHETIC" in seen.facts["state_after_closing"]
    for what in ("CLINICAL_SYNTHETIC_DIFFERENCE", "fade=0.75", "linked=False", "corner=True"):
        assert what in seen.facts["state_after_reload"]
    assert not any("difference" in name for name in seen.facts["nodes_after_reload"])
    clinical, synthetic = (below_label(seen.difference[view]) for view in (CLINICAL, SYNTHETIC))
    mixed = below_label(seen.reloaded[SYNTHETIC])[:150, 30:210]
    assert np.abs(mixed - (0.25 * clinical + 0.75 * synthetic)[:150, 30:210]).max() <= 1.5
    assert np.array_equal(seen.reloaded[DIFFERENCE][100:200], seen.difference[DIFFERENCE][100:200])
