"""Tables of a cohort: one row for each image and for each lesion (every column names its formula), and the summary."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from enum import Enum
from typing import Any

from CEMSynthLib.evaluation.cohort import CohortResult
from CEMSynthLib.evaluation.heldout import CLINICAL, MODEL
from CEMSynthLib.evaluation.image_measures import CLINICAL as CLINICAL_IMAGE
from CEMSynthLib.evaluation.image_measures import SYNTHETIC
from CEMSynthLib.evaluation.image_record import HaloRecord, ImageRecord


def results_csv(result: CohortResult) -> str:
    """One row an image: ``COMPARED|PLACE|FORMULA`` columns; an empty cell has its reason in a ``reason`` column."""
    return _csv([dict(_image_row(r)) for r in result.records])


def lesions_csv(result: CohortResult) -> str:
    """One row a lesion region and image type, with each formula, its interval and, where simulated, the truth."""
    rows = []
    for record in result.records:
        for lesion in record.lesions:
            for image in dict.fromkeys(c.image for c in lesion.contrasts):
                row: dict[str, Any] = {
                    "patient_id": record.patient_id,
                    "source": record.source,
                    "lesion": lesion.name,
                    "background": lesion.background,
                    "lesion_pixels": lesion.pixels,
                    "lesion_area_mm2": lesion.area_mm2,
                    "image": image,
                    "true_kind": lesion.truth.kind if lesion.truth else None,
                    "true_malignant": lesion.truth.malignant if lesion.truth else None,
                    "true_mean_iodine_mg_cm2": lesion.truth.iodine_mg_cm2 if lesion.truth else None,
                }
                for c in (c for c in lesion.contrasts if c.image == image):
                    low, high = c.interval_95 or (None, None)
                    row |= {c.formula: c.value, f"{c.formula}_low": low, f"{c.formula}_high": high}
                    row[f"{c.formula}_reason"] = c.reason or None
                rows.append(row)
    return _csv(rows) if rows else "patient_id,source,lesion\n"


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Columns in the order they first occur; empty cells for what is missing."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def summary(result: CohortResult, about: Mapping[str, object]) -> dict[str, Any]:
    """Everything but the images, for ``summary.json``.

    Parameters
    ----------
    result
        Of the cohort.
    about
        Model, inputs, versions, checks.
    """
    heldout = result.heldout
    made = {
        "verdict": heldout.verdict,
        "images": heldout.images,
        "patients": heldout.patients,
        "study_table": result.table,
        "similarity": heldout.summary,
        "comparisons": [{**asdict(c), "beaten": c.beaten} for c in heldout.comparisons],
        "ceiling": heldout.ceiling,
        "change_from_le": heldout.change_from_le,
        "sentences": result.sentences,
        "lesions": result.lesions,
        "halo": result.halo,
        "readings": {"source": result.readings.source, "figures": result.readings.figures} if result.readings else None,
        "warnings": result.warnings,
        **about,
    }
    return {key: _plain(value) for key, value in made.items()}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {key: _plain(inner) for key, inner in asdict(value).items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _image_row(record: ImageRecord) -> Iterator[tuple[str, Any]]:
    yield from (
        ("patient_id", record.patient_id),
        ("laterality", record.laterality),
        ("view", record.view),
        ("source", record.source),
        ("low_energy_pixels_sha256", record.hashes.get("low_energy")),
    )
    for row in record.figures.rows:
        f, start = row.figures, f"{SYNTHETIC if row.compared == MODEL else row.compared}|{row.place}"
        yield f"{start}|mae_window_width", f.mae
        yield f"{start}|rmse_window_width", f.rmse
        yield f"{start}|psnr_db", f.psnr_db
        yield f"{start}|psnr_reason", f.psnr_reason
        yield f"{start}|ssim", f.ssim
    for change in record.figures.changes:
        name = {MODEL: SYNTHETIC, CLINICAL: CLINICAL_IMAGE}.get(change.compared, change.compared)
        yield f"{name}|breast mask|change_from_le_mae", change.mae
        yield f"{name}|breast mask|change_from_le_ssim", change.ssim
    for name, halo in ((CLINICAL_IMAGE, record.halo_clinical), (SYNTHETIC, record.halo_synthetic)):
        yield from _halo_cells(name, halo)
    yield "halo_step_synthetic_over_clinical", record.halo_retained
    yield "halo_step_synthetic_over_clinical_reason", record.halo_retained_reason or None
    if record.truth is not None:
        yield "true_halo_step_mg_cm2", record.truth.halo_step_mg_cm2
        yield "true_positive_breast", record.truth.positive
        yield "true_bpe", record.truth.bpe
    yield "warnings", " ".join(record.warnings) or None


def _halo_cells(name: str, halo: HaloRecord | None) -> Iterator[tuple[str, Any]]:
    low, high = halo.interval_95 if halo and halo.interval_95 else (None, None)
    yield f"{name}|halo_verdict", halo.verdict if halo else "not measurable"
    yield f"{name}|halo_reason", halo.reason if halo else "there is no image"
    yield f"{name}|halo_rim_minus_trough", halo.step if halo else None
    yield f"{name}|halo_rim_minus_trough_low", low
    yield f"{name}|halo_rim_minus_trough_high", high
    yield f"{name}|halo_rim_excess", halo.rim_excess if halo else None
    yield f"{name}|halo_trough_depth_{halo.unit if halo else ''}", halo.trough_depth if halo else None
    yield f"{name}|halo_rim_depth_{halo.unit if halo else ''}", halo.rim_depth if halo else None
    yield f"{name}|noise_1.4826_mad", halo.noise if halo else None
