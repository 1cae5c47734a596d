"""`cemsynth evaluate --scheduler` on a Dask cluster of two workers gives what one process gives."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("distributed")

from CEMSynthLib.cli import main
from CEMSynthLib.phantom.cohort import simulate_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    simulate_cohort(folder, 51, [1], 1.2)
    return folder / "dicom"


@pytest.mark.slow
def test_two_workers_give_the_same_results(cohort, tmp_path, monkeypatch):
    # Dask gives its workers one thread; with another number PyTorch sums in another order (last digits of float32).
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    words = ["evaluate", str(cohort), "--device", "cpu", "--output"]
    assert main([*words, str(tmp_path / "one")]) == 0
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        assert main([*words, str(tmp_path / "cluster"), "--scheduler", cluster.scheduler_address]) == 0
    for name in ("results.csv", "lesions.csv", "summary.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "cluster" / name).read_bytes()


@pytest.mark.slow
def test_a_scheduler_that_does_not_answer_is_told(cohort, tmp_path, capsys):
    words = ["evaluate", str(cohort), "--output", str(tmp_path / "out"), "--scheduler", "tcp://127.0.0.1:1"]
    assert main(words) == 2
    assert "No Dask scheduler answers" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
