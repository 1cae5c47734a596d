"""Findings of drawn patients: every lesion in both views, at places that agree; simulated views hold them."""

from dataclasses import replace

import numpy as np
import pytest

from CEMSynthLib.phantom.findings import add_findings
from CEMSynthLib.phantom.lesion_plan import LesionPlan, Pattern
from CEMSynthLib.phantom.patient import POSITIONS, draw_patient
from CEMSynthLib.phantom.view import simulate_view


def test_every_lesion_is_in_both_views_where_it_was_planned(slab_breast):
    checked, worst = 0, 0.0
    for number in range(40):
        patient = draw_patient(13, number)
        for laterality in "LR":
            plans = [p for p in patient.lesions if p.laterality == laterality]
            if not plans:
                continue
            views = []
            for position in POSITIONS:
                anatomy, compression = slab_breast.anatomy(patient, position, 2.0, laterality)
                findings = add_findings(anatomy, compression, patient, laterality)
                assert [lesion.plan for lesion in findings.lesions] == plans
                for lesion in findings.lesions:
                    # Never moved: the plan's safe margin holds in the drawn outline.
                    there = compression.project(np.array([lesion.plan.center_mm]))[0]
                    assert lesion.center_mm == pytest.approx(tuple(there), abs=1e-9)
                    assert lesion.mask.sum() * 2.0**2 > 0.5 * np.pi * 2.5**2 * 0.4
                views.append(findings.lesions)
            for cc, mlo in zip(*views, strict=True):
                assert cc.number == mlo.number
                worst = max(worst, abs(cc.nipple_distance_mm - mlo.nipple_distance_mm))
                checked += 1
    assert checked >= 40
    assert worst <= 10.0


def test_a_lesion_planned_outside_the_breast_is_moved_into_it(slab_breast):
    plan = LesionPlan("L", (30.0, 150.0, 0.0), 6.0, 1.0, 0.8, pattern=Pattern.HOMOGENEOUS)
    patient = replace(slab_breast.patient, lesions=(plan,))
    anatomy, compression = slab_breast.anatomy(patient, "CC", 1.0)
    (lesion,) = add_findings(anatomy, compression, patient, "L").lesions
    row, column = (int(c / 1.0) for c in lesion.center_mm)
    assert anatomy.outline.skin_distance_mm[row, column] >= 6.0


def test_the_truth_of_a_view_holds_the_iodine_of_its_lesions():
    checked = 0
    for number in range(12):
        patient = draw_patient(21, number)
        if not any(plan.iodine > 0.5 for plan in patient.lesions if plan.laterality == "R"):
            continue
        image = simulate_view(patient, "R", "CC", 1.0)
        for lesion in image.lesions:
            if lesion.plan.iodine <= 0.5:
                continue
            # Right breasts hang mirrored: the mask's place too.
            rows = slice(lesion.corner[0], lesion.corner[0] + lesion.mask.shape[0])
            stop = image.mask.shape[1] - lesion.corner[1]
            part = image.iodine[rows, stop - lesion.mask.shape[1] : stop][:, ::-1]
            assert part[lesion.mask].mean() >= 0.8 * lesion.iodine
            assert part.max() >= 0.95 * lesion.peak_iodine
            checked += 1
    assert checked >= 2


def test_iodine_brightens_the_recombined_image_and_tissue_alone_does_not():
    patient = replace(draw_patient(5, 1), lesions=())
    mass = LesionPlan("L", (50.0, 10.0, 0.0), 8.0, 1.2, 0.9, pattern=Pattern.HOMOGENEOUS)
    without = simulate_view(patient, "L", "CC", 0.8)
    # 36 units per mg/cm2; the core of the mass holds about 1.1.
    for plan, low, high in ((mass, 25.0, 55.0), (replace(mass, iodine=0.0, pattern=None), -8.0, 8.0)):
        image = simulate_view(replace(patient, lesions=(plan,)), "L", "CC", 0.8)
        y, x = np.indices(image.mask.shape) * 0.8 + 0.4
        core = np.hypot(y - image.lesions[0].center_mm[0], x - image.lesions[0].center_mm[1]) < 4.0
        assert low < image.recombined[core].mean() - without.recombined[core].mean() < high
        assert image.low_energy[core].mean() > without.low_energy[core].mean() + 150
