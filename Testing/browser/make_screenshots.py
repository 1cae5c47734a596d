"""Screenshots of the review page in its main states, for the README; looked at by a person before they are committed.

Run with a folder that `cemsynth demo --output DEMO` has made::

    python Testing/browser/make_screenshots.py DEMO Resources/Screenshots
"""

import argparse
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent))
from conftest import Server, settle, wait_for_state

SIZE = (1440, 810)
LARGE = (2560, 1440)
# Of the picture's colors: gray values and a few hues need no more.
COLORS = 256
LIMIT = 300_000


class Camera:
    """Takes pictures of a page.

    Parameters
    ----------
    browser
        Of Playwright.
    output
        Folder.
    """

    def __init__(self, browser: Any, output: Path) -> None:
        self._browser, self._output = browser, output

    @contextmanager
    def page(self, arguments: list[Any], size: tuple[int, int] = SIZE) -> Iterator[Any]:
        """A page of a server of its own."""
        with tempfile.TemporaryDirectory() as state:
            server = Server(arguments, Path(state) / "state")
            page = self._browser.new_page(viewport={"width": size[0], "height": size[1]})
            try:
                page.goto(server.url)
                page.wait_for_selector(".cem-rail", timeout=60_000)
                settle(page)
                yield page
            finally:
                page.close()
                server.stop()

    def take(self, page: Any, name: str) -> None:
        """Write one picture, in few colors, so that it stays small."""
        from PIL import Image

        # Off the buttons: no tooltip, and no hand over the image.
        page.mouse.move(SIZE[0] * 0.7, 60)
        settle(page)
        page.wait_for_timeout(400)
        shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        path = self._output / f"review-{name}.png"
        for colors in (COLORS, 96, 48):
            palette = shot.quantize(colors, Image.Quantize.MAXCOVERAGE, kmeans=2)
            shot.quantize(palette=palette).save(path, optimize=True)
            if path.stat().st_size < LIMIT:
                break
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB, {colors} colors")


def tab(page: Any, title: str) -> None:
    """Open a panel."""
    page.click(f".cem-rail [title={title}]")
    page.wait_for_timeout(400)


def study(camera: Camera, opened: list[Any]) -> None:
    """The states of an open study."""
    with camera.page(opened) as page:
        page.wait_for_function("document.querySelectorAll('img.cem-thumb').length >= 4", timeout=30_000)
        camera.take(page, "study")
        page.keyboard.press("?")
        page.wait_for_timeout(700)
        camera.take(page, "help")
        page.keyboard.press("Escape")
        tab(page, "Regions")
        wait_for_state(page, "Object.values(s('regions_numbers')).every(r => r.lines.every(l => l.spread !== '…'))")
        page.locator(".cem-card").first.click(position={"x": 5, "y": 5})
        page.wait_for_timeout(800)
        camera.take(page, "regions")
        tab(page, "Halo")
        page.keyboard.press("g")
        wait_for_state(page, "s('halo_rows').length > 0 && !s('halo_running')", 60)
        camera.take(page, "halo")
        page.keyboard.press("g")
        tab(page, "Study")
        page.keyboard.press("4")
        page.wait_for_function("document.querySelectorAll('.image-display-area').length === 4", timeout=30_000)
        camera.take(page, "hanging")
        page.keyboard.press("3")
        page.wait_for_timeout(1500)
        camera.take(page, "difference")


def large(camera: Camera, opened: list[Any]) -> None:
    """A large screen; the picture is too big for the README."""
    with camera.page(opened, LARGE) as page:
        tab(page, "Regions")
        camera.take(page, "large-screen")


def mistakes(camera: Camera, opened: list[Any]) -> None:
    """What the page says when something is missing or wrong."""
    with camera.page([]) as page:
        camera.take(page, "empty")
    with camera.page(opened) as page:
        tab(page, "Regions")
        for card in range(2):
            page.locator(".cem-name input").nth(card).fill("mass")
            page.locator(".cem-name input").nth(card).press("Enter")
            page.wait_for_timeout(500)
        camera.take(page, "error")


def reading(camera: Camera, found: Path, synthetic: Path) -> None:
    """A case of a reader study."""
    from CEMSynthLib.cli import main as cemsynth

    with tempfile.TemporaryDirectory() as folder:
        readers = Path(folder) / "readers"
        cemsynth(["readers", "new", str(found), "--synthetic", str(synthetic), "--output", str(readers)])
        with camera.page([]) as page:
            tab(page, "Reading")
            page.fill(".cem-reading-folder input", str(readers))
            page.click(".cem-reading-reader")
            page.click(".v-list-item:has-text('R1')")
            page.click(".cem-start")
            wait_for_state(page, "s('reading_now')", 60)
            page.wait_for_timeout(2000)
            page.click(".cem-answer-bpe-b")
            page.click(".cem-answer-lesion-yes")
            page.wait_for_timeout(500)
            camera.take(page, "reading")


def main() -> None:
    """Take all pictures."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("demo", type=Path, help="folder that `cemsynth demo` has made")
    parser.add_argument("output", type=Path)
    parser.add_argument("--only", choices=["study", "mistakes", "reading", "large"])
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    demo = arguments.demo.resolve()
    found, synthetic = demo / "study" / "dicom", demo / "synthetic"
    opened = [found, "--synthetic", synthetic, "--regions", demo / "study" / "regions"]
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        camera = Camera(browser, arguments.output)
        if arguments.only in (None, "study"):
            study(camera, opened)
        if arguments.only == "large":
            large(camera, opened)
        if arguments.only in (None, "mistakes"):
            mistakes(camera, opened)
        if arguments.only in (None, "reading"):
            reading(camera, found, synthetic)
        browser.close()


if __name__ == "__main__":
    main()
