"""A plain breast to lay findings into: a flat slab of mixed tissue in a drawn outline."""

from dataclasses import replace
from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pytest

from CEMSynthLib.phantom.anatomy import Anatomy
from CEMSynthLib.phantom.compression import Compression
from CEMSynthLib.phantom.outline import breast_outline
from CEMSynthLib.phantom.patient import POSITIONS, draw_patient
from CEMSynthLib.phantom.random_source import Stream, generator

THICKNESS_CM, SKIN_CM, GLAND, BPE = 5.0, 0.3, 0.2, 0.1


def _anatomy(patient, position, spacing_mm, laterality="L"):
    """Anatomy and compression of a view; the outline is the one that `simulate_view` draws."""
    return _drawn(replace(patient, lesions=()), position, spacing_mm, laterality)


@lru_cache(maxsize=8)
def _drawn(patient, position, spacing_mm, laterality):
    key = ("LR".index(laterality), POSITIONS.index(position))
    rng = generator(patient.seed, patient.number, Stream.OUTLINE, *key)
    outline = breast_outline(patient, position, rng, spacing_mm)
    inner = (THICKNESS_CM - SKIN_CM) * outline.mask
    zero = np.zeros(outline.shape)
    anatomy = Anatomy(
        outline=outline,
        thickness=THICKNESS_CM * outline.mask,
        skin=SKIN_CM * outline.mask,
        adipose=(1 - GLAND) * inner,
        glandular=GLAND * inner,
        muscle=zero,
        iodine_bpe=BPE * outline.mask,
        iodine_vessels=zero,
    )
    return anatomy, Compression(patient.mlo_angle_deg if position == "MLO" else 0.0, outline.nipple_mm)


@pytest.fixture(scope="session")
def slab_breast():
    """``patient`` (without lesions), ``anatomy(patient, position, spacing_mm)``, ``gland`` and ``bpe`` of the slab."""
    patient = replace(draw_patient(5, 1), half_height=10.0, depth=11.0, mlo_angle_deg=45.0, lesions=())
    return SimpleNamespace(patient=patient, anatomy=_anatomy, gland=GLAND, bpe=BPE, inner=THICKNESS_CM - SKIN_CM)
