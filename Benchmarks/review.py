"""Benchmark of the review page: start, first picture, frames a second beside a bare trame-slicer page, memory.

Run by hand: ``python Benchmarks/review.py``. Limits of issue 8: ready 8 s; three images of 3062 x 2394 painted 4 s
after the page is opened; at least 0.8 of the bare page's frames for pan, zoom and window at 1600 x 900; 900 MB for a
study of four views, 20 MB of growth in 10 minutes (--minutes). Needs the extras test and generator, and Chromium. The
browser and the server share the computer, so only the ratios mean something on a busy one.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pydicom
from playwright.sync_api import Page, sync_playwright
from scipy.ndimage import zoom

from CEMSynthLib.cli import main as cemsynth

ROWS, COLUMNS = 3062, 2394
SIZE = {"width": 1600, "height": 900}
# Button, way across and down, view: the window of the low-energy image is its own, of the others shared.
DRAGS = {
    "pan": ("middle", 60, 40, 1),
    "zoom": ("right", 0, 120, 1),
    "window": ("left", 50, 60, 0),
    "shared window": ("left", 50, 60, 1),
}
COUNT = """() => {
  const images = [...document.querySelectorAll('.image-display-area')];
  window.frames_ = images.map(() => 0);
  images.forEach((image, i) => { image.onload = () => window.frames_[i]++; });
}"""
PAINTED = "[...document.querySelectorAll('.image-display-area')].filter(i => i.naturalWidth > 100).length >= 3"


def main() -> None:
    """Make the study, run both pages in turn, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, help="keep the study here, and take it from here the next time")
    parser.add_argument("--rounds", type=int, default=3, help="of both pages in turn (default 3)")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each drag (default 3)")
    parser.add_argument("--minutes", type=float, default=0.0, help="of use, for the growth of memory (default none)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.study or Path(temporary) / "study"
        if not (folder / "synthetic").is_dir():
            make_study(folder)
        measure(folder, Path(temporary), arguments)


def make_study(folder: Path) -> None:
    """A simulated study of four views with synthetic images, enlarged to the matrix of a real system."""
    small = folder.with_name("small")
    cemsynth(["simulate", "--output", str(small), "--seed", "2026", "--first", "267", "--pixel-spacing-mm", "0.4"])
    cemsynth(["synthesize", str(small / "dicom"), "--output", str(small / "synthetic")])
    for name in ("dicom", "synthetic"):
        (folder / name).mkdir(parents=True)
        for number, path in enumerate(sorted((small / name).rglob("*.dcm"))):
            dataset = pydicom.dcmread(path)
            factors = ROWS / dataset.Rows, COLUMNS / dataset.Columns
            enlarged = zoom(dataset.pixel_array.astype(np.float32), factors, order=1)
            dataset.PixelData = np.ascontiguousarray(enlarged[:ROWS, :COLUMNS].round(), dtype=np.uint16).tobytes()
            dataset.Rows, dataset.Columns = ROWS, COLUMNS
            dataset.ImagerPixelSpacing = [0.4 / factors[0], 0.4 / factors[1]]
            dataset.save_as(folder / name / f"{number:02d}.dcm")
    shutil.rmtree(small)


def measure(folder: Path, temporary: Path, arguments: argparse.Namespace) -> None:
    """Both pages in turn, so that a load that changes meets both."""
    commands = {
        "review": ["-m", "CEMSynthLib", "review", str(folder / "dicom"), "--no-browser"],
        "bare": [str(Path(__file__).with_name("review_bare.py")), str(folder / "dicom")],
    }
    commands["review"] += ["--synthetic", str(folder / "synthetic")]
    commands["bare"] += [str(folder / "synthetic")]
    frames: dict[tuple[str, str], list[float]] = {}
    with sync_playwright() as driver:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for number in range(arguments.rounds):
            for name in ("review", "bare") if number % 2 == 0 else ("bare", "review"):
                server, address, ready = start(commands[name], temporary)
                page = browser.new_page(viewport=SIZE)
                begin = time.perf_counter()
                page.goto(address)
                page.wait_for_function(PAINTED, timeout=60000)
                painted = time.perf_counter() - begin
                page.wait_for_timeout(2500)
                if name == "review":
                    # The bare page shows the whole image too.
                    page.keyboard.press("o")
                    page.wait_for_timeout(500)
                for what in DRAGS:
                    frames.setdefault((name, what), []).append(frames_a_second(page, name, what, arguments.seconds))
                print(
                    f"{name:7} ready {ready:5.1f} s, painted {painted:4.1f} s, memory {memory(server):4.0f} MB", end=""
                )
                print("".join(f", {what} {frames[name, what][-1]:4.1f}/s" for what in DRAGS), flush=True)
                if name == "review" and number == arguments.rounds - 1:
                    whole_study(page, server, arguments.minutes)
                page.close()
                server.terminate()
                server.wait()
        browser.close()
    for what in DRAGS:
        pairs = zip(frames["review", what], frames["bare", what], strict=True)
        ratios = [one / other for one, other in pairs]
        print(f"{what:7} review / bare: median {statistics.median(ratios):.2f}, of {ratios}")


def start(command: list[str], state: Path) -> tuple[subprocess.Popen[str], str, float]:
    """Start a server; its address, and how long that took."""
    begin = time.perf_counter()
    own = {"XDG_STATE_HOME": str(state), "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    server = subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **own},
    )
    for line in server.stdout or ():
        found = re.search(r"http://\S+", line)
        if found:
            return server, found[0], time.perf_counter() - begin
    raise RuntimeError("the server ended before it was ready")


def frames_a_second(page: Page, name: str, what: str, seconds: float) -> float:
    """New pictures a second and view while the mouse drags to and fro in a view."""
    button, across, down, view = DRAGS[what]
    box = page.locator(".image-display-area").nth(view).bounding_box()
    if box is None:
        raise RuntimeError("there is no view")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.evaluate(COUNT)
    page.mouse.down(button=button)
    begin, step = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        step += 1
        turn = np.sin(step / 6)
        page.mouse.move(x + across * turn, y + down * turn)
        page.wait_for_timeout(16)
    counted = page.evaluate("window.frames_")
    took = time.perf_counter() - begin
    page.mouse.up(button=button)
    page.wait_for_timeout(600)
    # Of a window the view under the mouse counts; the review page draws two for a shared one, the bare page one.
    return float(counted[view] if "window" in what else statistics.mean(counted)) / took


def whole_study(page: Page, server: "subprocess.Popen[str]", minutes: float) -> None:
    """Memory with all four views in the scene, and how it grows while they are used."""
    page.keyboard.press("4")
    page.wait_for_function("document.querySelectorAll('.image-display-area').length === 4", timeout=30000)
    page.wait_for_timeout(4000)
    page.keyboard.press("1")
    page.wait_for_timeout(2000)
    before = memory(server)
    print(f"review  four views: {before:.0f} MB, at most {memory(server, 'VmHWM'):.0f} MB", flush=True)
    until, after, count = time.monotonic() + 60 * minutes, before, 0
    while time.monotonic() < until:
        for key in ("ArrowDown", "4", "2", "3", "i", "i", "f", "1"):
            page.keyboard.press(key)
            page.wait_for_timeout(500)
        for what in DRAGS:
            frames_a_second(page, "review", what, 1.0)
        count += 1
        if count == 1:
            # What is made once (views of all layouts, the difference) is no growth.
            before = memory(server)
        after = memory(server)
    if minutes:
        print(f"review  after {count} rounds of use in {minutes:g} min: {before:.0f} -> {after:.0f} MB", flush=True)


def memory(server: "subprocess.Popen[str]", what: str = "VmRSS") -> float:
    """MB of a process without its children."""
    found = re.search(rf"{what}:\s+(\d+)", Path(f"/proc/{server.pid}/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


if __name__ == "__main__":
    main()
