"""Worker: the real process with the real network, from hello to being killed."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from CEMSynthLib.generator.client import WorkerGenerator
from CEMSynthLib.generator.client_process import WORKER_FILE, WorkerProcess
from CEMSynthLib.generator.errors import CancelledError, DeviceError, ModelError, PreparationError, WorkerError
from CEMSynthLib.generator.predictor import Predictor
from CEMSynthLib.generator.private_folder import PREFIX
from CEMSynthLib.generator.protocol import hello, load_model, synthesize
from CEMSynthLib.study.model import VOIWindow

sys.path.insert(0, str(Path(__file__).parent))
from models import BENCHMARK, write_model

WINDOW = VOIWindow(1500, 1000)
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals and process numbers as POSIX has them")


@pytest.fixture
def model(tmp_path, card):
    return write_model(tmp_path / "model", card)


@pytest.fixture
def heavy_model(tmp_path, card):
    """The benchmark network, so wide that one image takes seconds on any CPU."""
    return write_model(tmp_path / "heavy", replace(card, architecture=BENCHMARK, working_spacing_mm=0.2))


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A place for temporary files of its own, which must be empty at the end."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield place
    assert [p.name for p in place.iterdir() if p.name.startswith(PREFIX)] == []


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def raw(folder, *messages, command=(sys.executable, str(WORKER_FILE))):
    """Send raw lines, close stdin only after as many answers as messages, and return the parsed answers."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    process = subprocess.Popen(
        command, cwd=folder, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    lines = [m if isinstance(m, bytes) else json.dumps(m).encode() + b"\n" for m in messages]
    answers = []
    for line in lines:
        process.stdin.write(line)
        process.stdin.flush()
        answers.append(json.loads(process.stdout.readline()))
    rest, error = process.communicate(timeout=60)
    assert rest == b"", "nothing but answers comes on stdout"
    return answers, process.returncode, error.decode()


@pytest.fixture
def private(temporary):
    folder = temporary / f"{PREFIX}test"
    folder.mkdir()
    return folder


def test_started_by_its_path_with_nothing_on_the_python_path(tmp_path, private):
    said = [hello(str(private)), {"type": "devices", "id": "d"}]
    answers, code, _ = raw(tmp_path, *said, command=(sys.executable, "-I", str(WORKER_FILE)))
    assert code == 0
    assert answers[0]["protocol"] == 1
    assert answers[1]["id"] == "d"
    assert {"device": "cpu", "usable": True, "text": "CPU"} in answers[1]["devices"]
    assert not private.exists(), "it removes the folder when its stdin closes"


def test_garbage_is_answered_and_survived(tmp_path, private):
    garbage = [b"what?\n", b"[1, 2]\n", b'{"type": "fly"}\n', b'{"type": "cancel"}\n', b"\xff\xfe\n"]
    garbage += [b'{"type": "devices", "id": "' + b"x" * (2 << 20) + b'"}\n']
    answers, code, _ = raw(tmp_path, *garbage, hello(str(private)), {"type": "shutdown"})
    assert [a["kind"] for a in answers[:6]] == ["bad_request"] * 6
    assert [a["type"] for a in answers[6:]] == ["hello", "shutdown"]
    assert code == 0


def test_requests_out_of_order_or_of_another_version_are_errors(tmp_path, private):
    job = synthesize("1", "a.npy", "b.npy", WINDOW, None)
    strange = [{**hello(str(private)), "protocol": 99}, hello("relative"), hello(str(tmp_path)), job]
    answers, _, _ = raw(tmp_path, *strange, hello(str(private)))
    assert [a["type"] for a in answers] == ["error"] * 4 + ["hello"]
    assert "protocol 1, not 99" in answers[0]["text"]
    assert "load_model first" in answers[3]["text"]


def test_what_libraries_print_never_comes_on_stdout(tmp_path, private):
    code = (
        "import os, CEMSynthLib.generator.worker as w, CEMSynthLib.generator.worker_jobs as j\n"
        "quiet = j.WorkerJobs.devices\n"
        "def noisy(self, request):\n"
        "    print('printed'); os.write(1, b'written'); os.system('echo by a child')\n"
        "    return quiet(self, request)\n"
        "j.WorkerJobs.devices = noisy\n"
        "w.main()\n"
    )
    command = (sys.executable, "-c", f"import sys; sys.path.insert(0, {str(WORKER_FILE.parents[2])!r})\n{code}")
    answers, _, error = raw(tmp_path, hello(str(private)), {"type": "devices", "id": "1"}, command=command)
    assert answers[1]["type"] == "devices"
    for words in ("printed", "written", "by a child"):
        assert words in error


def test_the_same_image_as_in_this_process_and_a_loaded_model_stays(model, breast, temporary):
    here = Predictor(model, "cpu", backend="torch").synthesize_array(breast.pixels, WINDOW, breast.spacing)
    steps = []
    with WorkerGenerator(model, "cpu", backend="torch") as generator:
        pid = generator._process.pid
        there = generator.synthesize_array(breast.pixels, WINDOW, breast.spacing, lambda *step: steps.append(step))
        assert np.array_equal(here.pixels, there.pixels)
        assert there.provenance.weights_sha256 == here.provenance.weights_sha256
        assert (there.provenance.device, there.provenance.backend) == ("cpu", "torch")
        assert there.window == here.window
        assert [s[2] for s in steps] == ["preparing", "network", "restoring"]
        start = time.perf_counter()
        again = generator.synthesize_array(breast.pixels, WINDOW, breast.spacing)
        second = time.perf_counter() - start
        assert np.array_equal(again.pixels, there.pixels)
        assert generator._process.pid == pid
        assert [f.name for f in generator._process.folder.iterdir()] == ["worker.log"], "no image is left lying"
        again = [generator._ask(generator._process, load_model("x", *generator._asked))["seconds"] for _ in range(3)]
        assert min(again) < 0.01, "a loaded model is not loaded again"
    assert second < 5


def test_errors_keep_their_type_and_the_worker_goes_on(model, breast, temporary, tmp_path):
    with pytest.raises(DeviceError, match="tpu"):
        WorkerGenerator(model, "tpu")
    with pytest.raises(ModelError, match="no model"):
        WorkerGenerator(tmp_path / "nowhere")
    with WorkerGenerator(model, "cpu") as generator:
        pid = generator._process.pid
        with pytest.raises(PreparationError, match=r"[Bb]reast|air"):
            generator.synthesize_array(np.zeros((64, 64), np.float32), WINDOW, None)
        with pytest.raises(PreparationError):
            generator.synthesize_array(np.zeros(5, np.float32), WINDOW, None)
        assert generator.synthesize_array(breast.pixels, WINDOW, None).warnings
        assert generator._process.pid == pid


def test_damaged_weights_are_refused_by_name(model, temporary):
    content = bytearray((model / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (model / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.safetensors.*SHA-256"):
        WorkerGenerator(model, "cpu")


def cancel_in_the_middle(generator, breast):
    """Cancel when the network runs; return the seconds from there to the error, and the process that ran."""
    running = threading.Event()
    asked = []

    def stop():
        running.wait(60)
        time.sleep(0.2)
        asked.append(time.perf_counter())
        generator.cancel()

    thread = threading.Thread(target=stop)
    thread.start()
    pid = generator._process.pid
    with pytest.raises(CancelledError):
        generator.synthesize_array(
            breast.pixels, WINDOW, breast.spacing, lambda done, total, what: running.set() if done == 1 else None
        )
    seconds = time.perf_counter() - asked[0]
    thread.join()
    return seconds, pid


@pytest.mark.parametrize("backend", ["torch", pytest.param("openvino", marks=pytest.mark.slow)])
def test_cancel_answers_within_a_second_on_the_benchmark_network(heavy_model, make_breast, temporary, backend):
    if backend == "openvino":
        pytest.importorskip("openvino")
    breast = make_breast(shape=(1100, 1000), spacing=(0.2, 0.2))
    with WorkerGenerator(heavy_model, "cpu", "full", backend) as generator:
        seconds, _ = cancel_in_the_middle(generator, breast)
        # A second by the issue; half a second more where other programs take the processors.
        assert seconds < 1.5
        generator._process = generator._process or generator._start()
        assert generator.device == "cpu"


def test_a_job_that_does_not_stop_is_abandoned_with_its_process(model, breast, temporary, tmp_path):
    """A job that looks nowhere whether to stop: the network is replaced by a long sleep, in the worker itself."""
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "import CEMSynthLib.generator.worker as w\n"
        "from CEMSynthLib.generator.torch_backend import TorchBackend\n"
        "TorchBackend.run = lambda self, image, stop: time.sleep(60)\n"
        "w.main()\n"
    )
    command = (sys.executable, "-c", code, str(WORKER_FILE.parents[2]))
    with WorkerGenerator(model, "cpu", backend="torch", command=command) as generator:
        seconds, pid = cancel_in_the_middle(generator, breast)
        assert seconds < 1.5
        assert generator._process is None
        generator._command = None
        assert generator.synthesize_array(breast.pixels, WINDOW, breast.spacing).pixels.shape == breast.pixels.shape
        assert generator._process.pid != pid


@POSIX
def test_killed_in_the_middle_leaves_only_the_private_folder_which_the_client_removes(
    heavy_model, make_breast, temporary
):
    breast = make_breast(shape=(1100, 1000), spacing=(0.2, 0.2))
    with WorkerGenerator(heavy_model, "cpu", "full", "torch") as generator:
        pid, folder = generator._process.pid, generator._process.folder

        def kill(done, total, what):
            if done == 1:
                assert {p.name for p in temporary.iterdir()} >= {folder.name}
                os.kill(pid, signal.SIGKILL)

        with pytest.raises(WorkerError, match="signal 9"):
            generator.synthesize_array(breast.pixels, WINDOW, breast.spacing, kill)
        assert not folder.exists()


@POSIX
@pytest.mark.parametrize("busy", [False, True])
def test_an_orphan_ends_and_takes_the_folder_along(model, heavy_model, temporary, tmp_path, busy):
    code = (
        "import sys, time; import numpy as np\n"
        "from pathlib import Path\n"
        "from CEMSynthLib.generator.client import WorkerGenerator\n"
        "from CEMSynthLib.study.model import VOIWindow\n"
        "g = WorkerGenerator(Path(sys.argv[1]), 'cpu', 'full', 'torch')\n"
        "print(g._process.pid, flush=True)\n"
        "if sys.argv[2] == 'True':\n"
        "    y, x = np.mgrid[0:1100, 0:1000]\n"
        "    image = np.where((y / 550 - 1) ** 2 + (x / 800) ** 2 < 1, 1500 + x % 7, 0).astype('f4')\n"
        "    g.synthesize_array(image, VOIWindow(1500, 1000), (0.2, 0.2), lambda *s: print(s, flush=True))\n"
        "time.sleep(60)\n"
    )
    words = [sys.executable, "-c", code, str(heavy_model if busy else model), str(busy)]
    parent = subprocess.Popen(words, cwd=WORKER_FILE.parents[2], stdout=subprocess.PIPE, text=True)
    try:
        pid = int(parent.stdout.readline())
        if busy:
            assert "preparing" in parent.stdout.readline()
            assert "network" in parent.stdout.readline()
        assert alive(pid)
    finally:
        parent.kill()
        parent.wait()
    assert wait_until(lambda: not alive(pid), 5)
    assert wait_until(lambda: not list(temporary.glob(f"{PREFIX}*")), 5)


def test_a_program_that_is_no_worker_is_told_so(temporary):
    with pytest.raises(WorkerError, match=r"ended unexpectedly with code 3.*no module of that name"):
        WorkerProcess(
            (sys.executable, "-c", "import sys; print('no module of that name', file=sys.stderr); sys.exit(3)")
        )
    with pytest.raises(WorkerError, match="cannot be started"):
        WorkerProcess(("/no/such/program",))
