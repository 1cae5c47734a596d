"""Where chance comes from: one random stream for each thing that is drawn, so that no draw disturbs another."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a stream is for; the values are part of the simulator's version."""

    PATIENT = 0
    TECHNIQUE = 1
    FINDINGS = 2
    BODY = 3
    OUTLINE = 4
    TEXTURE = 5
    NOISE = 6
    MOTION = 7
    INSERTS = 8
    COHORT = 9


def generator(seed: int, number: int, stream: Stream, *more: int) -> np.random.Generator:
    """The random source of one thing of one patient: depends on nothing but the numbers given.

    Parameters
    ----------
    seed, number
        Of the patient.
    stream
        What is drawn.
    more
        For instance the breast and the view, as their places in `LATERALITIES` and `POSITIONS`. Numbers are padded with
        zeros: a stream that is also used without ``more`` must count from 1.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, number, int(stream), *more]))
