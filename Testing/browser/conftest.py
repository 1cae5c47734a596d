"""The review page, served by the real command and opened in Chromium; skipped with a reason where that cannot be."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
START_S = 60


@pytest.fixture(scope="session")
def drawing():
    """Packages and OpenGL libraries of the page."""
    for name in ("aiohttp", "trame", "trame_slicer", "trame_vuetify", "slicer"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed (extra browser)")
    from CEMSynthLib.browser.errors import OpenGLMissingError
    from CEMSynthLib.browser.opengl_check import OpenGLCheck

    try:
        OpenGLCheck().wait()
    except OpenGLMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """A simulated study with coarse pixels: all of an image fits into a view pixel by pixel."""
    from CEMSynthLib.phantom.cohort import simulate_cohort

    folder = tmp_path_factory.mktemp("review-study")
    simulate_cohort(folder, 2026, [267], 0.8)
    return folder


@pytest.fixture(scope="session")
def chromium(drawing):
    """A Chromium, driven by Playwright."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as driver:
        arguments = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
        browser = driver.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


class Server:
    """``cemsynth review`` in a process of its own."""

    def __init__(self, arguments, state, environment=None, no_browser=True):
        self.log = state.parent / f"{state.name}.log"
        self.state = state
        own = {
            "PYTHONPATH": str(REPOSITORY),
            "XDG_STATE_HOME": str(state),
            "LOCALAPPDATA": str(state),
            "OMP_NUM_THREADS": "1",
            "CEMSYNTH_MODELS": str(state / "models"),
        }
        command = [sys.executable, "-m", "CEMSynthLib", "review", *map(str, arguments)]
        command += ["--no-browser"] * no_browser
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=self.log.open("a"),
            text=True,
            env={**os.environ, **own, **(environment or {})},
        )
        self.url = ""
        for line in self.process.stdout:
            found = re.search(r"http://\S+", line)
            if found:
                self.url = found[0]
                break
        assert self.url, self.log.read_text()
        self.port = int(re.search(r":(\d+)/", self.url)[1])
        self.key = self.url.partition("secret=")[2]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture(scope="session")
def serve(drawing, tmp_path_factory):
    """Start servers: ``serve(study_folder, ...)``; they are ended with the tests."""
    made = []

    def start(*arguments, state=None, environment=None, no_browser=True):
        state = state or tmp_path_factory.mktemp("state")
        made.append(Server(arguments, state, environment, no_browser))
        return made[-1]

    yield start
    for server in made:
        server.stop()


@pytest.fixture(scope="session")
def open_page(chromium):
    """Open pages: ``open_page(server)`` is a Playwright page with what it asked for and complained about."""
    contexts = []

    def open_it(server, size=(1280, 720), wait=True):
        context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, device_scale_factor=1)
        context.set_default_timeout(START_S * 1000)
        contexts.append(context)
        page = context.new_page()
        page.seen = SimpleNamespace(hosts=set(), errors=[])
        page.on("request", lambda request: page.seen.hosts.add(re.sub(r"^\w+://([^/]*).*", r"\1", request.url)))
        page.on("pageerror", lambda error: page.seen.errors.append(str(error)))
        page.goto(server.url)
        if wait:
            page.wait_for_selector(".image-display-area", timeout=START_S * 1000)
            settle(page)
        return page

    yield open_it
    for context in contexts:
        context.close()


GRAB = """() => [...document.querySelectorAll('.image-display-area')].map(image => {
  if (!image.complete || !image.naturalWidth) return null;
  const canvas = document.createElement('canvas');
  canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
  canvas.getContext('2d').drawImage(image, 0, 0);
  return canvas.toDataURL('image/png');
})"""


def pictures(page):
    """The decoded images of the views, left to right."""
    import base64
    import io

    import numpy as np
    from PIL import Image

    found = []
    for address in page.evaluate(GRAB):
        assert address is not None, "a view has no image yet"
        data = base64.b64decode(address.partition(",")[2])
        found.append(np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=np.float64))
    return found


# The server handles what a page sends in order: once it has answered a key that does nothing, the keys before are done.
ANSWERED = """async () => {
  await window.trame.trigger('page_key', ['no key']);
  return [...document.querySelectorAll('.image-display-area')].map(image => image.src).join();
}"""


def settle(page, still_s=0.6, limit_s=60.0):
    """Wait until the server has done all that it was asked for, and the images have stopped changing."""
    last, since, until = None, time.monotonic(), time.monotonic() + limit_s
    while time.monotonic() < until:
        now = page.evaluate(ANSWERED)
        if now != last or "blob:" not in now:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > still_s:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"the views still change after {limit_s:.0f} s")


def state_of(page, name):
    """A value of the page's state."""
    return page.evaluate(f"window.trame.state.get('{name}')")


def wait_for_state(page, expression, limit_s=60.0):
    """Wait until an expression of ``s``, a function that gives state by name, is true."""
    page.wait_for_function(
        f"(() => {{ const s = n => window.trame.state.get(n); return {expression}; }})()", timeout=limit_s * 1000
    )


@pytest.fixture(scope="session")
def look():
    """What tests do with a page."""
    return SimpleNamespace(pictures=pictures, settle=settle, state=state_of, wait=wait_for_state)


READ_SCENE = """
import sys
from trame_slicer.core import SlicerApp
from CEMSynthLib.scene.acquisitions import acquisitions_in
app = SlicerApp()
assert app.io_manager.load_scene(sys.argv[1])
print("kinds:", *{kind.value for volumes in acquisitions_in(app.scene) for kind in volumes.kinds})
"""


@pytest.fixture(scope="session")
def mrml_reader(drawing):
    """Kinds of images in a scene file, read by another process."""

    def read(path):
        done = subprocess.run(
            [sys.executable, "-c", READ_SCENE, str(path)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            timeout=60,
        )
        assert "kinds:" in done.stdout, done.stderr
        return set(done.stdout.partition("kinds:")[2].split())

    return read
