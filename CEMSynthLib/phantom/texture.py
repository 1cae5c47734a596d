"""Random fields for tissue texture: isotropic 1/f^beta noise and networks of thin ridges."""

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


def enlarge(coarse: FloatArray, coarse_mm: float, shape: tuple[int, int], spacing_mm: float) -> FloatArray:
    """A coarse image on a finer grid with the same corner, by cubic splines."""
    scale = spacing_mm / coarse_mm
    return np.asarray(
        ndimage.affine_transform(
            coarse, [scale, scale], offset=(scale - 1) / 2, output_shape=shape, order=3, mode="nearest"
        )
    )


def slow_field(
    rng: np.random.Generator, shape: tuple[int, int], spacing_mm: float, beta: float, largest_mm: float
) -> FloatArray:
    """`power_law_field` for steep spectra: drawn on a coarse grid of 2 mm that does not depend on the spacing."""
    coarse_mm = 2.0
    small = tuple(fft.next_fast_len(int(np.ceil(n * spacing_mm / coarse_mm)) + 2, real=True) for n in shape)
    return enlarge(
        power_law_field(rng, (small[0], small[1]), coarse_mm, beta, largest_mm), coarse_mm, shape, spacing_mm
    )


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
