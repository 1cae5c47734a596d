"""Random fields for tissue texture: isotropic 1/f^beta noise and networks of thin ridges."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

FloatArray = NDArray[np.float64]


def power_law_field(
    rng: np.random.Generator, shape: tuple[int, int], spacing_mm: float, beta: float, largest_mm: float
) -> FloatArray:
    """Gaussian field whose power spectrum falls as 1/f^beta (mammographic background: Burgess, Med Phys 2001).

    Parameters
    ----------
    rng
        Source of the noise.
    shape, spacing_mm
        Grid.
    beta
        Exponent, near 3 for mammograms.
    largest_mm
        The spectrum is flat for structures larger than this.

    Returns
    -------
    ndarray of float64
        Mean 0, standard deviation 1, periodic.
    """
    noise = fft.rfft2(rng.standard_normal(shape))
    fy = fft.fftfreq(shape[0], spacing_mm)[:, None]
    fx = fft.rfftfreq(shape[1], spacing_mm)[None, :]
    f2 = fy**2 + fx**2 + (1.0 / largest_mm) ** 2
    noise *= f2 ** (-beta / 4)
    noise[0, 0] = 0.0
    field = fft.irfft2(noise, s=shape)
    return np.asarray(field / field.std())


def enlarge(
    coarse: FloatArray,
    coarse_mm: float,
    shape: tuple[int, int],
    spacing_mm: float,
    origin_mm: tuple[float, float] = (0.0, 0.0),
) -> FloatArray:
    """A part of a coarse image on a finer grid, by cubic splines; ``origin_mm`` is the part's corner."""
    scale = spacing_mm / coarse_mm
    offset = [(scale - 1) / 2 + origin / coarse_mm for origin in origin_mm]
    return np.asarray(
        ndimage.affine_transform(coarse, [scale, scale], offset=offset, output_shape=shape, order=3, mode="nearest")
    )


@dataclass(frozen=True)
class Grid:
    """A part of a field of ``size_mm``; what is drawn for it depends on the whole field, not on the pixels.

    Parameters
    ----------
    size_mm
        (height, width) of the whole field.
    shape, spacing_mm, origin_mm
        Of the part.
    """

    size_mm: tuple[float, float]
    shape: tuple[int, int]
    spacing_mm: float
    origin_mm: tuple[float, float]


def grid_field(
    rng: np.random.Generator, grid: Grid, beta: float, largest_mm: float, coarse_mm: float = 2.0
) -> FloatArray:
    """`power_law_field` drawn with pixels of ``coarse_mm`` and enlarged: the same field for any pixel spacing."""
    whole = tuple(fft.next_fast_len(int(np.ceil(mm / coarse_mm)) + 2, real=True) for mm in grid.size_mm)
    coarse = power_law_field(rng, (whole[0], whole[1]), coarse_mm, beta, largest_mm)
    return enlarge(coarse, coarse_mm, grid.shape, grid.spacing_mm, grid.origin_mm)


def band_tile(rng: np.random.Generator, size: int, cell: float) -> FloatArray:
    """Periodic square tile of smooth Gaussian noise whose blobs are about ``cell`` samples wide; SD 1."""
    noise = fft.rfft2(rng.standard_normal((size, size)))
    f = np.hypot(fft.fftfreq(size)[:, None], fft.rfftfreq(size)[None, :]) * cell
    field = fft.irfft2(noise * (f**1.2) * np.exp(-((f / 0.75) ** 2)), s=(size, size))
    return np.asarray(field / field.std())


def sample_tile(tile: FloatArray, u: FloatArray, v: FloatArray) -> FloatArray:
    """The periodic tile at positions (u, v), in samples, by linear interpolation."""
    return np.asarray(ndimage.map_coordinates(tile, [u, v], order=1, mode="grid-wrap"))


def ridges(field: FloatArray, sharpness: float) -> FloatArray:
    """1 on the zero lines of a Gaussian field, falling off to both sides: thin walls around round cells."""
    return np.asarray(np.exp(-np.abs(field) * sharpness))


def smooth_step(value: NDArray[np.floating]) -> NDArray[np.floating]:
    """0 below 0, 1 above 1, smooth between."""
    t = np.clip(value, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))
