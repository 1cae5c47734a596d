"""What the page is told of regions and halo, without a page."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from CEMSynthLib.browser.halo_work import HaloWork, MeasuringCanceledError
from CEMSynthLib.browser.profile_svg import profile_svg, ticks
from CEMSynthLib.browser.region_rows import color_of, hex_color, region_numbers
from CEMSynthLib.browser.region_work import region_from_json, region_to_json
from CEMSynthLib.measurement.cnr import CNRFormula, RegionStatistics
from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.measurement.shapes import ClosedCurve, Ellipse, Polygon, Rectangle
from CEMSynthLib.scene.halo.input import HaloInput
from CEMSynthLib.scene.regions.info import RegionInfo, RegionKind, Ring
from CEMSynthLib.scene.regions.rows import ContrastFigure, RegionRow
from CEMSynthLib.study.model import ImageKind, ViewPosition

TRIANGLE = ((0.0, 0.0), (4.0, 0.0), (0.0, 3.0))


@pytest.mark.parametrize(
    ("kind", "shape", "ring"),
    [
        (RegionKind.RECTANGLE, Rectangle((1.0, 2.0), (3.0, 4.0), 30.0), None),
        (RegionKind.ELLIPSE, Ellipse((1.5, 2.5), (3.0, 1.0), -10.0), None),
        (RegionKind.CURVE, ClosedCurve(TRIANGLE), None),
        (RegionKind.CURVE, Polygon(TRIANGLE), None),
        (RegionKind.RING, ClosedCurve(TRIANGLE), Ring("a", 2.0, 4.0)),
    ],
)
def test_a_region_comes_back_from_json_as_it_was(kind, shape, ring):
    import json

    region = RegionInfo("k", "mass", RegionRole.LESION, kind, "1.2", shape, (0.1, 0.2, 0.3), True, "b", ring)
    assert region_from_json(json.loads(json.dumps(region_to_json(region)))) == region


def test_damaged_regions_and_those_not_drawn_are_left_out():
    region = RegionInfo("k", "mass", RegionRole.LESION, RegionKind.ELLIPSE, "1.2")
    assert region_to_json(region) is None
    good = region_to_json(
        RegionInfo("k", "m", RegionRole.LESION, RegionKind.ELLIPSE, "1.2", Ellipse((0.0, 0.0), (1.0, 1.0)))
    )
    flat = {**good["shape"], "semi_axes": [0, 1]}
    for damage in ({"kind": "star"}, {"shape": {}}, {"color": [1]}, {"ring": [1]}, {"shape": flat}):
        assert region_from_json({**good, **damage}) is None
    assert region_from_json([]) is None


def test_colors_go_to_the_page_and_back():
    assert hex_color((1.0, 0.55, 0.1)) == "#ff8c1a"
    assert hex_color(color_of("#0a64ff")) == "#0a64ff"
    assert color_of("red") is None
    assert color_of("#fff") is None


def test_numbers_of_a_lesion_with_and_without_figure():
    statistics = RegionStatistics(pixels=1234, area_mm2=12.34, mean=1234.56, sd=7.891)
    figures = (ContrastFigure(CNRFormula.SD_BACKGROUND, 2.345, 0.123),)
    rows = [
        RegionRow("k", "mass", RegionRole.LESION, ImageKind.LOW_ENERGY, statistics, figures=figures),
        RegionRow("k", "mass", RegionRole.LESION, ImageKind.RECOMBINED, None, problem="It lies outside.", pending=True),
    ]
    found = region_numbers(rows, CNRFormula.SD_BACKGROUND)["k"]
    assert found["size"] == "12.3 mm\N{SUPERSCRIPT TWO}, 1,234 pixels"
    assert found["note"] == "It lies outside."
    assert found["lines"][0] == {"image": "LE", "mean": "1234.6", "sd": "7.89", "figure": "2.35", "spread": "0.12"}
    assert found["lines"][1]["figure"] == found["lines"][1]["mean"] == "\N{EN DASH}"


def test_ticks_are_round_and_inside():
    assert ticks(0.0, 70.0, 5) == [0, 20, 40, 60]
    assert ticks(-0.3, 1.1) == [0, 0.5, 1]
    assert ticks(1990.0, 2030.0) == [1990, 2000, 2010, 2020, 2030]


def test_the_profile_has_room_for_trough_and_rim():
    depth = np.linspace(0.0, 40.0, 161)
    values = 2000.0 - 30.0 * np.exp(-((depth - 10.0) ** 2) / 20.0)
    values[:4] = 0.0
    result = SimpleNamespace(profile=SimpleNamespace(depth=depth, smoothed=values), trough_depth=10.0, rim_depth=22.0)
    drawn = profile_svg({"clinical": result, "SYNTHETIC": None}, "mm", "<gray>")
    assert drawn.count("<title>") == 2
    assert "SYNTHETIC" not in drawn
    assert "&lt;gray&gt;" in drawn
    # The rise at the skin, 2000 high, would have left the trough less than three points.
    path = drawn.split('cem-curve-clinical" d="')[1].split('"')[0]
    heights = [float(pair.split()[1]) for pair in path.replace("M", "L").split("L") if pair]
    assert max(heights) - min(heights) > 60
    assert profile_svg({"clinical": None}, "mm", "gray") == ""


def _image():
    rows, columns = np.mgrid[:160, :120]
    depth = 60.0 - np.hypot((rows - 80) / 1.2, columns)
    return np.where(depth > 0, 1000.0 + depth, 0.0).astype(np.float32)


def in_a_thread(work):
    """Playwright, where other tests use it, has an event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def test_measuring_tells_how_far_it_is_and_can_be_canceled():
    given = HaloInput("k", "L CC", _image(), _image(), None, (1.0, 1.0), ViewPosition.CC, 300.0, None, None, ())
    told = []
    work = HaloWork(told.append)

    async def measure_it():
        found = await work.run(given)
        await asyncio.sleep(0)
        return found

    assert in_a_thread(measure_it()).clinical is not None
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert not work.running

    async def cancel_it():
        task = asyncio.ensure_future(work.run(given))
        await asyncio.sleep(0)
        assert work.running
        work.cancel()
        await task

    with pytest.raises(MeasuringCanceledError):
        in_a_thread(cancel_it())
