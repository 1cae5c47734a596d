"""The inside of one breast in three dimensions: where its gland lies; both views of the breast look at this one body.

Fibroglandular tissue is drawn on a grid of `VOXEL_MM`. Its large forms come from noise with the 3-D power spectrum
1/f^beta, whose projection has the same exponent (Burgess, Med Phys 2001, measured it in mammograms); lobes converge
on the nipple. What is finer than about 4 mm is drawn for each view (see `anatomy`).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from CEMSynthLib.phantom.patient import LATERALITIES, Patient
from CEMSynthLib.phantom.random_source import Stream, generator
from CEMSynthLib.phantom.texture import smooth_step
from CEMSynthLib.phantom.tubes import Tube, draw_ducts, draw_vessels

FloatArray = NDArray[np.float64]
Volume = NDArray[np.float32]

VOXEL_MM = 1.5
#: Structures larger than this have a flat spectrum.
LARGEST_MM = 60.0


@dataclass(frozen=True)
class Body:
    """Gland of one breast.

    Parameters
    ----------
    gland
        Relative amount of fibroglandular tissue, 0 to 1, axes (depth, lateral, cranial), voxels of `VOXEL_MM`.
    vessels, ducts
        Tubes.
    radius_mm
        Of the breast at the chest wall, across the beam.
    depth_mm
        From the nipple to the chest wall.
    """

    gland: Volume
    vessels: tuple[Tube, ...]
    ducts: tuple[Tube, ...]
    radius_mm: float
    depth_mm: float

    def half_chord(self, depth_mm: FloatArray, across_mm: FloatArray) -> FloatArray:
        """Half the length of the body along the beam, mm: a half ellipsoid, never less than 8 mm."""
        share = 1 - ((self.depth_mm - depth_mm) / self.depth_mm) ** 2 - (across_mm / self.radius_mm) ** 2
        return np.asarray(self.radius_mm * np.sqrt(np.clip(share, (8.0 / self.radius_mm) ** 2, None)))

    def sample(self, places_mm: FloatArray) -> FloatArray:
        """Gland at places (3, ...) given as (depth, lateral, cranial) in mm from the nipple."""
        depth, lateral, cranial = places_mm
        scale = 1 / (convergence(depth) * VOXEL_MM)
        middle = (self.gland.shape[1] - 1) / 2
        index = np.stack([depth / VOXEL_MM, lateral * scale + middle, cranial * scale + middle])
        return np.asarray(ndimage.map_coordinates(self.gland, index, order=1, mode="constant", output=np.float64))


def convergence(depth_mm: FloatArray) -> FloatArray:
    """How much narrower structures are toward the nipple than 60 mm behind it."""
    return np.asarray(0.42 + 0.58 * np.clip(depth_mm / 60, 0, 1.3) ** 0.8)


def _noise(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.complex64]:
    return np.asarray(fft.rfftn(rng.standard_normal(shape, dtype=np.float32)))


def _frequency(shape: tuple[int, ...], stretch: float) -> Volume:
    """Spatial frequency in 1/mm; structures are ``stretch`` times longer along the first axis."""
    depth, lateral = (fft.fftfreq(n, VOXEL_MM).astype(np.float32) for n in shape[:2])
    cranial = fft.rfftfreq(shape[2], VOXEL_MM).astype(np.float32)
    squared = (stretch * depth[:, None, None]) ** 2 + lateral[None, :, None] ** 2 + cranial[None, None, :] ** 2
    return np.asarray(np.sqrt(squared, dtype=np.float32))


def _field(noise: NDArray[np.complex64], transfer: Volume, shape: tuple[int, ...]) -> Volume:
    noise = noise * transfer
    noise[0, 0, 0] = 0
    field = fft.irfftn(noise, s=shape)
    return np.asarray(field / field.std(), dtype=np.float32)


@lru_cache(maxsize=2)
def draw_body(patient: Patient, laterality: str) -> Body:
    """Draw the inside of one breast; left and right resemble each other."""
    common = generator(patient.seed, patient.number, Stream.BODY)
    # From 1: a 0 at the end would be the stream of `common` (see `generator`).
    own = generator(patient.seed, patient.number, Stream.BODY, 1 + LATERALITIES.index(laterality))
    radius, depth = 10 * patient.half_height, 10 * patient.depth
    shape = tuple(
        fft.next_fast_len(int(np.ceil(n / VOXEL_MM)), real=True) for n in (depth + 12, 2 * radius, 2 * radius)
    )
    # The cone of gland: behind the nipple, its middle a little outward and upward (most gland is upper outer).
    reach = depth * common.uniform(0.52, 0.66) * own.normal(1, 0.04)
    spread = (
        radius
        * common.uniform(0.40, 0.56)
        * (0.80 + 1.1 * patient.glandularity + 0.2 * patient.nodularity)
        * own.normal(1, 0.04)
    )
    center = (depth * common.uniform(0.30, 0.42), *(common.normal(13, 5, 2) + own.normal(0, 3, 2)))
    axes = [np.arange(n, dtype=np.float32) * VOXEL_MM for n in shape]
    narrow = convergence(axes[0].astype(np.float64)).astype(np.float32)[:, None, None]
    sides = [(axis - axis[-1] / 2)[None] for axis in axes[1:]]
    away = ((axes[0][:, None, None] - center[0]) / np.float32(reach)) ** 2
    for axis, (side, middle) in enumerate(zip(sides, center[1:], strict=True)):
        place = side[:, :, None] if axis == 0 else side[:, None, :]
        away = away + ((place * narrow - np.float32(middle)) / np.float32(spread)) ** 2
    inside = np.float32(1.0) - np.sqrt(away, dtype=np.float32)

    beta = (patient.beta_cc + patient.beta_mlo) / 2
    frequency = _frequency(shape, 1.3)
    transfer = (frequency**2 + np.float32(1 / LARGEST_MM**2)) ** np.float32(-beta / 4)
    forms = _field(_noise(own, shape), transfer, shape)
    # More noise than envelope where tissue is scattered, less where it is one nodular mass.
    ragged = np.float32(0.75 - 0.25 * patient.nodularity)
    gland = smooth_step(np.float32(1.6) * (inside + ragged * forms) + np.float32(0.2))
    return Body(
        gland=np.asarray(gland, dtype=np.float32),
        vessels=draw_vessels(own, depth, radius),
        ducts=draw_ducts(own, depth, radius),
        radius_mm=radius,
        depth_mm=depth,
    )
