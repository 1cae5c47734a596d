"""Agreement: BPE between image types, between readers and of a reader with herself; lesions likewise."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score

from CEMSynthLib.evaluation.estimate import Estimate, missing, rate_estimate
from CEMSynthLib.reading.analysis.gwet import gwet_ac2, gwet_ac2_resampled, quadratic_weights, rating_counts
from CEMSynthLib.reading.analysis.reads import Read, StudyReads, paired
from CEMSynthLib.reading.analysis.rows import ALL_READERS, ResultRow, Weights, resampled_estimate

BPE_SECTION, READER_SECTION = "bpe", "readers"
BPE_CLASSES = "abcd"
Pair = tuple[int, int]
_ONE_CLASS = "all readings are in one category, so chance agreement is complete"


def bpe_comparison(study: StudyReads, reference: str, other: str) -> Iterator[ResultRow]:
    """BPE with one image type against the same reader's BPE with another."""
    for reader in (None, *study.readers):
        reads = paired(study.of(reference, reader), study.of(other, reader))
        pairs, patients = _bpe_pairs([(r.answers.get("bpe", ""), s.answers.get("bpe", ""), r) for r, s in reads])
        for quantity, made in _bpe_figures(pairs, patients):
            yield ResultRow(BPE_SECTION, quantity, reader or ALL_READERS, f"{other} against {reference}", made)


def bpe_truth(study: StudyReads) -> Iterator[ResultRow]:
    """BPE with each image type against the true BPE, where it is known (simulated breasts)."""
    for arm in study.protocol.arms:
        reads = study.of(arm.name)
        pairs, patients = _bpe_pairs([(r.true_bpe, r.answers.get("bpe", ""), r) for r in reads])
        if pairs:
            for quantity, made in _bpe_figures(pairs, patients):
                yield ResultRow(BPE_SECTION, quantity, ALL_READERS, f"{arm.name} against truth", made)


def reader_agreement(study: StudyReads) -> Iterator[ResultRow]:
    """Between readers with the same images, and of each reader with her own first reading."""
    for arm in study.protocol.arms:
        for what, question, classes in _questions(arm.iodine):
            name = f"{what}, Gwet {'AC2' if len(classes) > 2 else 'AC1'}"
            yield ResultRow(
                READER_SECTION,
                f"{name}, between readers",
                ALL_READERS,
                arm.name,
                _gwet(study, arm.name, question, classes),
            )
            for first, second in combinations(study.readers, 2):
                of_second = {r.case: r for r in study.of(arm.name, second)}
                reads = [(r, of_second[r.case]) for r in study.of(arm.name, first) if r.case in of_second]
                made = _kappa(*_coded(reads, question, classes), len(classes))
                yield ResultRow(READER_SECTION, f"{what}, kappa", f"{first} and {second}", arm.name, made)
            for reader in study.readers if study.protocol.repeats else ():
                reads = paired(study.of(arm.name, reader), study.of(arm.name, reader, repeat=True))
                pairs, patients = _coded(reads, question, classes)
                made = _ac(pairs, patients, len(classes))
                yield ResultRow(READER_SECTION, f"{name}, with own first reading", reader, arm.name, made)


def kappa(pairs: Sequence[Pair], categories: int) -> float:
    """Cohen's kappa, quadratic weights for more than two categories (scikit-learn); NaN where chance is complete."""
    first, second = (list(side) for side in zip(*pairs, strict=True))
    if len({*first, *second}) < 2:
        return float("nan")
    scheme = "quadratic" if categories > 2 else None
    return float(cohen_kappa_score(first, second, labels=list(range(categories)), weights=scheme))


def resampled_kappa(pairs: Sequence[Pair], categories: int, weights: Weights) -> Weights:
    """`kappa` under each row of weights; 4,000 resamples by scikit-learn take 5 s, so they are counted here."""
    cells = np.array([a * categories + b for a, b in pairs])
    table = (weights @ np.eye(categories**2)[cells]).reshape(-1, categories, categories)
    by_chance = table.sum(axis=2)[:, :, None] * table.sum(axis=1)[:, None, :] / table.sum(axis=(1, 2))[:, None, None]
    apart = 1 - quadratic_weights(categories)  # of two categories: 0 and 1
    return np.asarray(1 - (apart * table).sum(axis=(1, 2)) / (apart * by_chance).sum(axis=(1, 2)))


def _questions(iodine: bool) -> list[tuple[str, str, tuple[str, ...]]]:
    lesion: list[tuple[str, str, tuple[str, ...]]] = [("lesion", "lesion", ("no", "yes"))]
    return [("BPE", "bpe", tuple(BPE_CLASSES)), *lesion] if iodine else lesion


def _bpe_pairs(given: Sequence[tuple[str, str, Read]]) -> tuple[list[Pair], list[str]]:
    kept = [(BPE_CLASSES.index(a), BPE_CLASSES.index(b), r.patient_id) for a, b, r in given if a and b]
    return [(a, b) for a, b, _ in kept], [p for _, _, p in kept]


def _coded(reads: Sequence[tuple[Read, Read]], question: str, classes: tuple[str, ...]) -> tuple[list[Pair], list[str]]:
    kept = [(a, b) for a, b in reads if question in a.answers and question in b.answers]
    pairs = [(classes.index(a.answers[question]), classes.index(b.answers[question])) for a, b in kept]
    return pairs, [a.patient_id for a, _ in kept]


def _bpe_figures(pairs: list[Pair], patients: list[str]) -> Iterator[tuple[str, Estimate]]:
    """Kappa, AC2, and a-b against c-d with the majority baseline; the first of each pair is the reference."""
    yield "BPE, quadratic kappa", _kappa(pairs, patients, len(BPE_CLASSES))
    yield "BPE, Gwet AC2", _ac(pairs, patients, len(BPE_CLASSES))
    dense = [(a >= 2, b >= 2) for a, b in pairs]
    yield (
        "BPE a-b against c-d, accuracy",
        rate_estimate("bpe_ab_cd_accuracy", [a == b for a, b in dense], patients)
        if pairs
        else missing("bpe_ab_cd_accuracy", "no case has a BPE to compare"),
    )
    share = float(np.mean([a for a, _ in dense])) if dense else 0.0
    always = "c-d" if share > 0.5 else "a-b"
    formula = "majority_share_of_reference"
    yield (
        "BPE a-b against c-d, majority baseline",
        Estimate(
            formula, max(share, 1 - share), count=len(pairs), patients=len(set(patients)), reason=f'always "{always}"'
        )
        if pairs
        else missing(formula, "no case has a BPE to compare"),
    )
    classes = [a for a, _ in dense]
    both = len(set(classes)) == 2
    value = balanced_accuracy_score(classes, [b for _, b in dense]) if both else float("nan")
    dense_reference, right = np.array(classes, dtype=bool), np.array([a == b for a, b in dense], dtype=float)

    def balanced(weights: Weights) -> Weights:
        sides = [weights[:, side] for side in (dense_reference, ~dense_reference)]
        hits = [right[side] for side in (dense_reference, ~dense_reference)]
        return np.asarray(np.mean([w @ h / w.sum(axis=1) for w, h in zip(sides, hits, strict=True)], axis=0))

    reason = "the reference holds only one of a-b and c-d"
    made = resampled_estimate("balanced_accuracy", float(value), balanced, patients, reason)
    yield "BPE a-b against c-d, balanced accuracy", made


def _kappa(pairs: list[Pair], patients: list[str], categories: int) -> Estimate:
    formula = "kappa_quadratic" if categories > 2 else "kappa"
    if not pairs:
        return missing(formula, "no case was read twice")
    value = kappa(pairs, categories)
    return resampled_estimate(formula, value, lambda w: resampled_kappa(pairs, categories, w), patients, _ONE_CLASS)


def _ac(ratings: Sequence[Sequence[int]], patients: list[str], categories: int) -> Estimate:
    """AC2 with quadratic weights, of two categories AC1."""
    counts, weights = rating_counts(ratings, categories), quadratic_weights(categories)
    formula = "gwet_ac2_quadratic" if categories > 2 else "gwet_ac1"
    value = gwet_ac2(counts, weights) if ratings else float("nan")
    return resampled_estimate(
        formula, value, lambda w: gwet_ac2_resampled(counts, weights, w), patients, "no case was read twice"
    )


def _gwet(study: StudyReads, arm: str, question: str, classes: tuple[str, ...]) -> Estimate:
    """All readers at once; a case that some have not read counts with those who have."""
    cases: dict[str, list[Read]] = {}
    for read in study.of(arm):
        if question in read.answers:
            cases.setdefault(read.case, []).append(read)
    ratings = [[classes.index(r.answers[question]) for r in reads] for reads in cases.values()]
    return _ac(ratings, [reads[0].patient_id for reads in cases.values()], len(classes))
