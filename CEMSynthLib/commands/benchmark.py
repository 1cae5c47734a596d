"""Benchmark: what takes how long on this machine, as the lines of one table, with the machine named.

The network is measured beside eager float32 PyTorch in the same run, in turn, each time in a process of its own.
"""

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from CEMSynthLib.commands.benchmark_job import FULL, SMALL, make_model
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.generator.store import ENVIRONMENT_VARIABLE

#: The output of the network ends in tanh.
_OUTPUT_RANGE = 2.0
_SEED, _PATIENT = 2026, 4


class BenchmarkError(CEMSynthError):
    """A measurement failed."""


def benchmark_lines(repeats: int, small: bool = False) -> Iterator[str]:
    """Measure, and give the table line by line as it is known.

    Parameters
    ----------
    repeats
        Runs of each measurement; the fastest counts.
    small
        Smaller network and images, to try the command.

    Raises
    ------
    BenchmarkError
        A measurement failed; its last message is in the text.
    """
    from CEMSynthLib.phantom.cohort import simulate_cohort

    yield machine_line()
    with tempfile.TemporaryDirectory(prefix="cemsynth-benchmark-") as name:
        folder = Path(name)
        make_model(folder / "model", small)
        spacing = 0.8 if small else 0.2
        (folder / "study").mkdir()
        simulate_cohort(folder / "study", _SEED, [_PATIENT], spacing)
        yield f"Study: 4 simulated views at {spacing} mm. Fastest of {repeats}; the machine's other load counts too."
        yield f"{'':44} {'time s':>8} {'CPU s':>8} {'peak MB':>8} {'x eager':>8} {'off, %':>8}"
        for label, job in (
            ("reading 4 LE and 4 recombined images", "reading"),
            ("preparing and restoring one view", "preparing"),
        ):
            yield _line(label, _best([_run(job, folder, small) for _ in range(repeats)]))
        yield from _network_lines(folder, repeats, small)
        for label, job in (("CNR, 4 formulas with uncertainty, one lesion", "regions"), ("halo of one view", "halo")):
            yield _line(label, _best([_run(job, folder, small) for _ in range(repeats)]))
        for device in ("cpu", *gpus()):
            study = _run(f"study:{device}", folder, small)
            yield (
                f"four views by the worker, the same network, {device}: cold {study['cold']:.2f} s, "
                f"warm {study['warm']:.2f} s, {study['warm'] / study['bare']:.2f} x the bare network "
                f"({study['bare']:.2f} s)"
            )
            yield f"  {study['where']}"


def machine_line() -> str:
    """Processor, number of them, memory, system, and versions."""
    try:
        match = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        match = None
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    processor = match[1] if match else platform.processor() or platform.machine()
    return f"Machine: {count} x {processor}, {platform.system()}, Python {platform.python_version()}, {_versions()}"


def gpus() -> tuple[str, ...]:
    """The GPUs that can be used."""
    from CEMSynthLib.generator.devices import describe_devices

    return tuple(str(d["device"]) for d in describe_devices() if d["usable"] and d["device"] != "cpu")


def _network_lines(folder: Path, repeats: int, small: bool) -> Iterator[str]:
    from CEMSynthLib.generator.backends import has_openvino

    (rows, columns), blocks, filters = SMALL if small else FULL
    yield f"network: ResNet, {blocks} blocks, {filters} filters, {rows} x {columns}, random weights"
    kinds = {"eager": "PyTorch eager float32 (reference)", "cpu,torch,full": "torch backend, float32"}
    if has_openvino():
        kinds["cpu,openvino,full"] = "OpenVINO float32"
        kinds["cpu,openvino,auto"] = "OpenVINO, precision auto (bfloat16 if wide)"
    for gpu in gpus():
        kinds[f"{gpu},torch,full"] = f"{gpu} float32"
        kinds[f"{gpu},torch,half"] = f"{gpu} float16"
    runs: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
    for _ in range(repeats):
        for kind, found in runs.items():  # in turn, so that a busy minute of the machine meets all
            found.append(_run(f"network:{kind}", folder, small))
    reference = _best(runs["eager"])
    expected = np.load(folder / "eager.npy").astype(np.float64)
    for kind, label in kinds.items():
        best = _best(runs[kind])
        off = np.abs(np.load(folder / f"{kind}.npy") - expected).mean() / _OUTPUT_RANGE
        yield _line(f"  {label}", best, reference["seconds"] / best["seconds"], float(off))


def _run(job: str, folder: Path, small: bool) -> dict[str, Any]:
    words = [sys.executable, "-m", "CEMSynthLib.commands.benchmark_job", job, str(folder), *(["small"] * small)]
    # The converted benchmark network does not stay in the user's model folder.
    places = {"PYTHONPATH": str(Path(__file__).resolve().parents[2]), ENVIRONMENT_VARIABLE: str(folder / "models")}
    done = subprocess.run(words, capture_output=True, text=True, env=os.environ | places, check=False)
    if done.returncode != 0:
        told = [line for line in done.stderr.splitlines() if line.strip()]
        raise BenchmarkError(f"The measurement '{job}' failed: {told[-1] if told else f'code {done.returncode}'}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _best(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return min(runs, key=lambda run: float(run["seconds"]))


def _line(label: str, run: dict[str, Any], ratio: float | None = None, off: float | None = None) -> str:
    peak = "" if run["peak_bytes"] is None else f"{run['peak_bytes'] / 1e6:.0f}"
    times = f"{run['seconds']:8.3f} {run['processor_seconds']:8.3f} {peak:>8}"
    compared = "" if ratio is None else f" {ratio:8.2f}"
    return f"{label:44} {times}{compared}" + ("" if off is None else f" {100 * off:8.4f}")


def _versions() -> str:
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for package in ("torch", "openvino"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"no {package}")
    return ", ".join(found)
