"""A wrong evaluation is caught: swapped pairs, LE or clinical image as synthetic, flat, one patient, all negative."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from CEMSynthLib.evaluation.cohort import evaluate_records
from CEMSynthLib.evaluation.cohort_report import CohortReportContent, render_cohort_report
from CEMSynthLib.evaluation.cohort_tables import lesions_csv, results_csv, summary
from CEMSynthLib.evaluation.errors import EvaluationError
from CEMSynthLib.evaluation.image_measures import measure_image
from CEMSynthLib.evaluation.image_record import parse_record
from CEMSynthLib.evaluation.observed_view import ObservedView, parse_view
from CEMSynthLib.evaluation.observer import Candidate, Observation, observe
from CEMSynthLib.evaluation.observer_reads import observer_readings
from CEMSynthLib.evaluation.truth import LesionTruth, ViewTruth
from CEMSynthLib.measurement.regions import Region, RegionRole
from CEMSynthLib.measurement.shapes import Ellipse
from CEMSynthLib.study.model import Acquisition, CEMImage, ImageKind, Laterality, PixelGrid, ViewPosition, VOIWindow

SPACING = (1.0, 1.0)
SHAPE = (160, 90)
AIR, LEVEL = 2000.0, 2080.0


def breast(radius=70, shape=SHAPE):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return (y - shape[0] / 2) ** 2 + x**2 < radius**2


def blob(y, x, height, sigma=4.0):
    yy, xx = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return height * np.exp(-((yy - y) ** 2 + (xx - x) ** 2) / (2 * sigma**2))


def image(pixels, kind, window=None):
    pixels = pixels if not np.issubdtype(pixels.dtype, np.floating) else pixels.astype(np.float32)
    window = window or (VOIWindow.from_range(0, 1000) if kind is ImageKind.LOW_ENERGY else VOIWindow(2100, 380))
    return CEMImage(Path(f"/x/{kind.value}.dcm"), kind, PixelGrid(*pixels.shape, SPACING), window, None, 12,
                    sop_instance_uid="1.2", load=lambda: pixels)  # fmt: skip


def pixels(seed, enhancement=60.0, radius=70, at=(80, 40)):
    rng = np.random.default_rng(seed)
    mask = breast(radius)
    low = np.where(mask, 500 + 40 * rng.standard_normal(SHAPE), 0)
    clinical = np.where(mask, LEVEL + blob(*at, enhancement) + 6 * rng.standard_normal(SHAPE), AIR)
    synthetic = np.where(mask, LEVEL + 0.5 * blob(*at, enhancement) + 2 * rng.standard_normal(SHAPE), AIR)
    return low, clinical, synthetic


def regions(at=(80, 40)):
    return tuple(
        Region("lesion_1" if role is RegionRole.LESION else "background_1", role, Ellipse((x, y), (5.0, 5.0)))
        for role, (y, x) in ((RegionRole.LESION, at), (RegionRole.BACKGROUND, (at[0] + 25, at[1])))
    )


def truth(positive=True, enhances=True, at=(80, 40)):
    lesion = LesionTruth(1, "mass", positive, 0.6 if enhances else 0.0, (float(at[1]), float(at[0])), 5.0)
    return ViewTruth(positive, "b", "test", 0.5, False, (lesion,))


def record(number, synthetic=None, told=None, patient=None, **changes):
    low, clinical, made = pixels(number, **changes)
    acquisition = Acquisition(Laterality.LEFT, ViewPosition.CC, image(low, ImageKind.LOW_ENERGY),
                              recombined=image(clinical, ImageKind.RECOMBINED))  # fmt: skip
    made = made if synthetic is None else synthetic(low, clinical, made)
    return measure_image(acquisition, image(made, ImageKind.SYNTHETIC, VOIWindow(2100, 380)), source=f"{number}.dcm",
                         patient_id=patient or f"P{number:02d}", hashes={"low_energy": str(number)}, baselines=None,
                         regions=regions(), truth=told or truth())  # fmt: skip


@pytest.fixture(scope="module")
def records():
    made = [record(i) for i in range(3)]
    return made + [record(i, told=truth(False, False), enhancement=0.0) for i in range(3, 6)]


def test_known_contrast_and_halved_synthetic_contrast(records):
    result = evaluate_records(records, "nothing")
    group = next(g for g in result.lesions.groups if (g.group, g.formula) == ("enhancing", "contrast"))
    # Mean of a Gaussian of sigma 4 over a disc of radius 5: 60 * 2 * 16 / 25 * (1 - exp(-25 / 32)) = 41.6; the
    # background at 25 mm holds none.
    assert group.clinical.value == pytest.approx(41.6, rel=0.04)
    assert group.synthetic.value == pytest.approx(20.8, rel=0.06)
    assert group.difference.difference == pytest.approx(-20.8, rel=0.06)
    missed = [e for e in result.lesions.enhancement if e.what.startswith("Missed") and "hidden" in e.what]
    assert (
        missed[0].estimate.count
        + next(e.estimate.count for e in result.lesions.enhancement if e.what.startswith("Missed") and "seen" in e.what)
        == 3
    )


def test_contrast_kept_counts_only_what_low_energy_shows_without_iodine(records):
    """Half the contrast is kept; of three enhancing lesions one has a d' of 3 before injection, another lies below."""

    def told(record, d_prime):
        figures = tuple(
            replace(c, value=d_prime) if (c.formula, c.image) == ("sd_pooled", "LE") else c
            for c in record.lesions[0].contrasts
        )
        return replace(record, lesions=(replace(record.lesions[0], contrasts=figures),))

    def kept(before):
        rows = evaluate_records(records, "", before=before).lesions.enhancement
        return next(e.estimate for e in rows if e.what.startswith("Contrast kept") and "d'" in e.what)

    assert "--pre-contrast" in kept(()).reason
    found = kept([told(record, d) for record, d in zip(records, (-3.0, 2.9, 0.1, 9, 9, 9), strict=True)])
    assert found.count == 1
    assert found.value == pytest.approx(0.5, rel=0.06)


def test_order_does_not_matter(records):
    one, other = evaluate_records(records, ""), evaluate_records(records[::-1], "")
    assert results_csv(one) == results_csv(other)
    assert json.dumps(summary(one, {})) == json.dumps(summary(other, {}))


def test_a_record_survives_its_file(records):
    for made in records:
        assert parse_record(made.to_json(), "x") == made
    with pytest.raises(EvaluationError, match="damaged"):
        parse_record(records[0].to_json()[:-40], "x.json")
    with pytest.raises(EvaluationError, match="another version"):
        parse_record(records[0].to_json().replace('"version": 1', '"version": 99'), "x.json")


def test_the_observer_finds_what_is_there(records):
    result = evaluate_records(records, "")
    figures = result.readings.figures["clinical"]
    assert figures["auc"].value == 1.0
    assert figures["sensitivity observer 1"].value == 1.0
    assert "bpe" in " ".join(figures)
    best = next(o for o in records[0].observed if o.image == "clinical").candidates[0]
    assert np.hypot(best.x_mm - 40, best.y_mm - 80) < 4


def test_the_observers_response_is_that_of_the_filter():
    """A Gaussian blob of height h, size b, at scale s: h b^2/(b^2+s^2) - h b^2/(b^2+(2.5 s)^2), the best s of three."""
    flat = np.where(breast(), LEVEL, AIR)
    lump = (flat + blob(80, 40, 50.0, 4.0)).astype(np.float32)
    seen = observe("x", lump, breast(), breast() & False, SPACING, 380.0)
    expected = max(50 * (16 / (16 + s**2) - 16 / (16 + (2.5 * s) ** 2)) for s in (2.5, 4.0, 6.0)) / 380
    assert seen.candidates[0].score == pytest.approx(expected, rel=0.05)
    nothing = observe("x", flat.astype(np.float32), breast(), breast() & False, SPACING, 380.0)
    assert nothing.candidates[0].score == pytest.approx(0, abs=1e-3)  # the skin edge makes no response


def seen_breast(patient, positive, score, clutter=0.01, lesion_at=(40.0, 80.0)):
    """One view whose two images hold a strong response at (40, 80) mm and three weak ones."""
    told = replace(truth(positive, positive, lesion_at[::-1]), bpe="d" if positive else "a")
    candidates = (Candidate(score, 40.0, 80.0), *(Candidate(clutter, 10.0 * n, 10.0) for n in range(1, 4)))
    both = tuple(Observation(kind, candidates, score) for kind in ("clinical", "synthetic"))
    return ObservedView(f"{patient}.dcm", patient, "L", {}, told, both)


def seen_record(patient, positive, score, **more):
    view = seen_breast(patient, positive, score, **more)
    return replace(
        record(1, patient=patient), source=view.source, patient_id=patient, truth=view.truth, observed=view.observed
    )


def test_a_spot_counts_by_how_far_it_stands_out():
    one = Observation("x", tuple(Candidate(s, 0.0, 0.0) for s in (0.5, 0.3, 0.2, 0.1)), 0.0)
    assert one.clutter == 0.2
    assert one.score == pytest.approx(0.3)
    assert Observation("x", (Candidate(0.5, 0, 0),), 0.0).score == 0.5


def test_thresholds_come_from_training_patients_alone(monkeypatch):
    """Training patients part at 0.5, test patients at 0.05: only their own threshold would call them right."""
    monkeypatch.setattr("CEMSynthLib.evaluation.observer_reads.INTERNAL_NOISE", (0.0,))
    tested = [seen_record(f"T{n}", n % 2 == 0, 0.08 if n % 2 == 0 else 0.02) for n in range(6)]
    own = observer_readings(tested)
    assert own.figures["clinical"]["accuracy"].value == 1
    assert "leave one patient out" in own.source
    training = [seen_breast(f"R{n}", n % 2 == 0, 0.8 if n % 2 == 0 else 0.2) for n in range(4)]
    read = observer_readings(tested, training)
    figures = read.figures["clinical"]
    assert (figures["sensitivity"].value, figures["specificity"].value) == (0, 1)
    assert figures["auc"].value == 1
    assert figures["bpe_accuracy"].value == 0.5
    assert "on 4 training patients" in read.source
    assert observer_readings(tested, training[::-1]) == read
    low = observer_readings(tested, [seen_breast("R0", True, 0.06), seen_breast("R1", False, 0.04)])
    assert low.figures["synthetic"]["accuracy"].value == 1
    assert low.figures["synthetic"]["localized_sensitivity"].value == 1


def test_a_positive_call_for_another_place_is_not_localized(monkeypatch):
    monkeypatch.setattr("CEMSynthLib.evaluation.observer_reads.INTERNAL_NOISE", (0.0,))
    tested = [
        seen_record(f"T{n}", n % 2 == 0, 0.08 if n % 2 == 0 else 0.02, lesion_at=(40.0, 80.0 + 6 * n)) for n in range(4)
    ]
    figures = observer_readings(tested).figures["synthetic"]
    assert figures["sensitivity"].value == 1
    assert figures["localized_sensitivity"].value == 0.5


def test_an_observed_view_survives_its_file():
    view = seen_breast("P", True, 0.5)
    assert parse_view(view.to_json(), "x") == view
    with pytest.raises(EvaluationError, match="damaged"):
        parse_view(view.to_json()[:-30], "x")
    with pytest.raises(EvaluationError, match="another version"):
        parse_view(view.to_json().replace('"version": 1', '"version": 99'), "x")


def test_all_negative_cases_give_words_not_nan():
    made = [record(i, told=truth(False, False), enhancement=0.0) for i in range(4)]
    result = evaluate_records(made, "")
    sensitivity = result.readings.figures["clinical"]["sensitivity"]
    assert sensitivity.value is None
    assert sensitivity.reason == "no breast is positive"
    assert "NaN" not in json.dumps(summary(result, {}), allow_nan=False)


def test_one_patient_is_reported_without_intervals():
    result = evaluate_records([record(i, patient="P") for i in range(2)], "")
    assert result.heldout.verdict.startswith("Nothing is shown: 1 unseen patients")
    page = render_cohort_report(CohortReportContent(result, "t", "c", {}, (), ()))
    assert "one patient gives no interval" in page
    assert "nan" not in page.casefold().replace("finance", "").split("<style>")[0]
    for text in (results_csv(result), lesions_csv(result)):
        assert ",nan" not in text.casefold()


def test_the_low_energy_or_the_clinical_image_is_no_synthetic_one():
    with pytest.raises(EvaluationError, match="is its low-energy image"):
        record(1, lambda low, clinical, made: low)
    with pytest.raises(EvaluationError, match="is its recombined image"):
        record(1, lambda low, clinical, made: clinical)


def test_low_energy_or_clinical_image_in_another_gray_scale_is_no_synthetic_image():
    with pytest.raises(EvaluationError, match="is its low-energy image in another gray scale"):
        record(1, lambda low, clinical, made: 1910 + 0.38 * low)
    with pytest.raises(EvaluationError, match="is its recombined image in another gray scale"):
        record(1, lambda low, clinical, made: np.rint(1000 + 0.5 * clinical))


def test_integer_pixels_are_refused():
    with pytest.raises(EvaluationError, match="uint8, whose differences wrap around"):
        record(1, lambda low, clinical, made: (made / 10).astype(np.uint8))


def test_a_flat_image_is_said_to_be_flat():
    made = record(1, lambda low, clinical, made: np.full(SHAPE, 2080.0))
    assert any("is flat" in w for w in made.warnings)
    assert made.halo_synthetic.verdict in ("absent", "not measurable")
    page = render_cohort_report(CohortReportContent(evaluate_records([made], ""), "t", "c", {}, (), ()))
    assert "has no noise" in page


def test_a_swapped_pair_is_noticed():
    other = pixels(9, radius=45)[2]
    made = record(1, lambda low, clinical, made: other)
    assert any("another outline" in w for w in made.warnings)
    assert not any("another outline" in w for w in record(1).warnings)


def test_no_lesions_are_told():
    made = replace(record(1), lesions=())
    result = evaluate_records([made, replace(record(2), lesions=())], "")
    assert result.lesions.reason.startswith("no lesion region")
    assert result.table[4].clinical.reason.startswith("no lesion region")
    with pytest.raises(EvaluationError, match="nothing to report"):
        evaluate_records([], "")
