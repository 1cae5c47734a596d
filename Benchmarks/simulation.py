"""Benchmark of the simulator: seconds and memory of a view, patients per second, cost per patient; prints a table.

Run by hand: ``python Benchmarks/simulation.py``. Limits of issue 3: a full-size view (3062 x 2394 at 0.1 mm) 12 s and
2 GB; a view at 0.4 mm 0.6 s; the cost of a patient does not grow with the cohort. Computers differ and are busy: where
the processor is shared, processor time (one thread) is held against the limit; beside it stands its ratio to a
reference, one real FFT there and back of an image of that size in float64 with SciPy in the same process. Linux only
(memory from /proc).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# One measurement in a process of its own, so that its memory is its own.
VIEW = """
import re, statistics, sys, time
from pathlib import Path
def peak():  # not ru_maxrss, which a process inherits from its parent
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
import numpy as np
from scipy import fft
from CEMSynthLib.phantom.outline import detector_shape
from CEMSynthLib.phantom.patient import draw_patient
from CEMSynthLib.phantom.view import simulate_view
spacing, position, repeats = float(sys.argv[1]), sys.argv[2], int(sys.argv[3])
patient, times = draw_patient(1, 1), []
for _ in range(repeats):
    start, used = time.perf_counter(), time.process_time()
    simulate_view(patient, "L", position, spacing)
    times.append((time.process_time() - used, time.perf_counter() - start))
memory, shape = peak(), detector_shape(spacing)
image, reference = np.random.default_rng(1).standard_normal(shape), []
for _ in range(5):
    used = time.process_time()
    fft.irfft2(fft.rfft2(image), s=shape)
    reference.append(time.process_time() - used)
print(*times[0], *map(statistics.median, zip(*times)), statistics.median(reference), memory)
"""


def child(code: str, *words: object) -> list[float]:
    """Run a measurement in a fresh interpreter and return its numbers."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1"},
    )
    return [float(word) for word in done.stdout.split()]


def cohort(patients: int, processes: int, spacing_mm: float) -> float:
    """Seconds of a whole command, with start and writing."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["--patients", patients, "--processes", processes, "--pixel-spacing-mm", spacing_mm]
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "CEMSynthLib", "simulate", "--output", f"{folder}/out", *map(str, words)],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=Path(__file__).parents[1],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        return time.perf_counter() - start


def main() -> int:
    """Measure and print; the exit code is 1 where a limit is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="of a view; the median counts (default 3)")
    parser.add_argument("--skip-cohorts", action="store_true", help="measure single views only")
    arguments = parser.parse_args()
    print(f"{'view':<24}{'first, s':>10}{'median, s':>11}{'CPU, s':>8}{'limit, s':>10}{'x FFT':>8}{'peak, MB':>10}")
    passed = True
    for spacing, limit_s, limit_mb in ((0.1, 12.0, 2048.0), (0.4, 0.6, 2048.0)):
        for position in ("CC", "MLO"):
            _, first, used, median, reference, memory = child(VIEW, spacing, position, arguments.repeats)
            passed &= min(used, median) <= limit_s and memory <= limit_mb
            print(
                f"{f'{spacing:g} mm, {position}':<24}{first:>10.2f}{median:>11.2f}{used:>8.2f}"
                f"{limit_s:>10.1f}{used / reference:>8.1f}{memory:>10.0f}",
                flush=True,
            )
    if arguments.skip_cohorts:
        return 0 if passed else 1
    print(f"\n{'whole command, 0.4 mm':<24}{'processes':>10}{'seconds':>11}{'patients/s':>12}{'s/patient':>11}")
    for patients, processes in ((2, 1), (8, 1), (8, 2)):
        seconds = cohort(patients, processes, 0.4)
        print(
            f"{f'{patients} patients':<24}{processes:>10}{seconds:>11.1f}{patients / seconds:>12.2f}"
            f"{seconds / patients:>11.2f}",
            flush=True,
        )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
