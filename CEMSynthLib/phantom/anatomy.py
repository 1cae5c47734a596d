"""The compressed breast from inside: path lengths of each tissue and the iodine, seen from the source.

Parallel rays. The gland's large forms, vessels and ducts come from the 3-D `Body`; strands, ligaments and grain finer
than about 4 mm are drawn for each view and follow it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.phantom import texture
from CEMSynthLib.phantom.body import Body
from CEMSynthLib.phantom.compression import Compression
from CEMSynthLib.phantom.outline import Outline, thickness_maps
from CEMSynthLib.phantom.patient import Patient
from CEMSynthLib.phantom.texture import smooth_step
from CEMSynthLib.phantom.tubes import chords

FloatArray = NDArray[np.float64]

TILE = 512
TILE_CELL = 24.0
#: Grid on which the body is projected, mm, and the number of places along the beam.
PROJECTION_MM, ALONG = 1.5, 32
#: Iodine in the blood of the breast two minutes after injection, mg/ml.
BLOOD_IODINE = 1.8
#: Pixels of the grain, mm.
GRAIN_MM = 0.6
#: Share of the breast that is fibroglandular tissue but runs through the fat as strands.
SCATTERED = 0.03
#: A ray's way is never gland for more than this share.
LARGEST_SHARE = 0.92


@dataclass(frozen=True)
class Anatomy:
    """Path lengths in cm and iodine in mg/cm2, arrays of one shape.

    ``skin``, ``adipose``, ``glandular``, ``muscle``: cm. ``iodine_bpe`` and ``iodine_vessels``: mg/cm2, without
    lesions.
    """

    outline: Outline
    thickness: FloatArray
    skin: FloatArray
    adipose: FloatArray
    glandular: FloatArray
    muscle: FloatArray
    iodine_bpe: FloatArray
    iodine_vessels: FloatArray


def pectoral_muscle(outline: Outline, rng: np.random.Generator, flat_cm: float) -> FloatArray:
    """Muscle thickness in cm: a wedge in the upper corner of MLO, at its convex edge 12% of the breast's thickness."""
    y, x = outline.coordinates()
    width = rng.uniform(22, 50)
    length = outline.nipple_mm[0] * rng.uniform(0.75, 1.0)
    edge = width * np.clip(1 - y / length, 0, None) ** rng.uniform(0.7, 1.0)
    inside_cm = np.clip(edge - x, 0, None) / 10.0
    deep = flat_cm * rng.uniform(0.12, 0.22) * (1 - np.exp(-inside_cm / 1.5))
    return np.asarray((0.12 * flat_cm + deep) * (1 - np.exp(-inside_cm / 0.15)))


def gland_share(body: Body, compression: Compression, outline: Outline) -> FloatArray:
    """The body's gland as a share of each ray's way through it."""
    rows, columns = (int(np.ceil(n * outline.spacing_mm / PROJECTION_MM)) + 2 for n in outline.shape)
    y: FloatArray = (np.arange(rows, dtype=np.float64)[:, None, None] + 0.5) * PROJECTION_MM + outline.origin_mm[0]
    x: FloatArray = (np.arange(columns, dtype=np.float64)[None, :, None] + 0.5) * PROJECTION_MM + outline.origin_mm[1]
    half = body.half_chord(compression.nipple_mm[1] - x, compression.nipple_mm[0] - y)
    along = half * (2 * (np.arange(ALONG) + 0.5) / ALONG - 1)
    share = body.sample(compression.places(y, x, along)).mean(axis=-1)
    return np.clip(texture.enlarge(share, PROJECTION_MM, outline.shape, outline.spacing_mm), 0, 1)


class _Strands:
    """Networks of thin walls around fat lobules, drawn out along the lines toward the nipple.

    Every network is a random tile of cells, laid out in polar coordinates about the nipple and bent. Tiles, bends and
    modulations are drawn once and used by each network at another place, scale and mixture.
    """

    def __init__(self, rng: np.random.Generator, outline: Outline) -> None:
        y, x = outline.coordinates()
        dy, dx = y - outline.nipple_mm[0], (outline.nipple_mm[1] + 12.0) - x
        self.rng = rng
        self.radius = np.hypot(dy, dx)
        angle = np.arctan2(dy, np.maximum(dx, 1e-6))
        self.across = angle * 62.0 * (np.maximum(self.radius, 4.0) / 62.0) ** 0.62
        self.tiles = [texture.band_tile(rng, TILE, cell=TILE_CELL) for _ in range(2)]
        # Smooth (steep spectrum): the walls are to wind, not to fray.
        slow = [(6.0, 18.0)] * 2 + [(6.0, 50.0)] * 2 + [(5.0, 30.0)] * 2
        fields = [texture.grid_field(rng, outline.grid, beta, mm) for beta, mm in slow]
        self.quick, self.bends, self.modulations = fields[:2], fields[2:4], fields[4:]

    def cells(self, cell_mm: float, length: float) -> FloatArray:
        """Gaussian field with cells of ``cell_mm``, ``length`` times longer toward the nipple than across; SD 1."""
        rng, scale = self.rng, TILE_CELL / cell_mm
        turn = rng.uniform(0, 2 * np.pi)
        c, s = 0.5 * np.cos(turn), 0.5 * np.sin(turn)
        quick, bends = self.quick, self.bends
        start, sign = rng.uniform(0, TILE, 2), rng.choice([-1.0, 1.0], 2)
        u = (
            self.radius / length + 2.0 * (c * quick[0] + s * quick[1]) + cell_mm * (c * bends[0] - s * bends[1])
        ) * scale
        v = (self.across + 2.0 * (s * quick[0] - c * quick[1]) + cell_mm * (s * bends[0] + c * bends[1])) * scale
        return texture.sample_tile(self.tiles[int(rng.integers(2))], sign[0] * u + start[0], sign[1] * v + start[1])

    def walls(self, cell_mm: float, sharpness: float, length: float, weakest: float = 0.15) -> FloatArray:
        """One layer of thin walls around such cells, here stronger, there weaker (down to ``weakest``)."""
        turn = self.rng.uniform(0, 2 * np.pi)
        modulation = np.cos(turn) * self.modulations[0] + np.sin(turn) * self.modulations[1]
        strength = weakest + (1 - weakest) * smooth_step(0.5 + 0.5 * modulation)
        return np.asarray(texture.ridges(self.cells(cell_mm, length), sharpness) * strength)


def breast_anatomy(
    patient: Patient, position: str, outline: Outline, body: Body, compression: Compression, rng: np.random.Generator
) -> Anatomy:
    """The inside of one view.

    Parameters
    ----------
    position
        ``"CC"`` or ``"MLO"``.
    outline
        Of the whole detector.
    body, compression
        What is seen, and how.
    rng
        For the fine texture, the pectoral muscle and the mottle of BPE.
    """
    outer, inner = thickness_maps(patient, position, outline)
    box = outline.box
    part = _part(patient, position, outline.part(box), inner[box], body, compression, rng)

    def whole(values: FloatArray) -> FloatArray:
        frame = np.zeros(outline.shape)
        frame[box] = values
        return frame

    return Anatomy(
        outline=outline,
        thickness=outer,
        skin=np.where(outline.mask, outer - inner, 0.0),
        **{name: whole(values) for name, values in part.items()},
    )


def _bent(share: FloatArray, mask: NDArray[np.bool_], inner: FloatArray, glandularity: float) -> FloatArray:
    """Shares of gland with the drawn mean by volume; large ones are bent below 1 instead of cut."""
    # The scale is found on every seventh pixel: the mean is then 1% off at most.
    some, weights = share[mask][::7], inner[mask][::7] + 1e-9
    scale = glandularity
    for _ in range(6):
        bent = LARGEST_SHARE * (1 - np.exp(-some * scale / LARGEST_SHARE))
        scale *= glandularity / max(float(np.average(bent, weights=weights)), 1e-6)
    return np.asarray(LARGEST_SHARE * (1 - np.exp(-share * scale / LARGEST_SHARE)))


def _part(
    patient: Patient,
    position: str,
    outline: Outline,
    inner: FloatArray,
    body: Body,
    compression: Compression,
    rng: np.random.Generator,
) -> dict[str, FloatArray]:
    shape, mask = outline.shape, outline.mask
    skin_mm = outline.skin_distance_mm
    strands = _Strands(rng, outline)
    wander = texture.grid_field(rng, outline.grid, 3.4, 40.0)
    fat_mm = rng.uniform(3.0, 7.0) * (1.3 - 0.6 * patient.nodularity)
    under_fat = smooth_step((skin_mm - fat_mm + 2.0 * wander) / 14.0)
    gland = gland_share(body, compression, outline) * under_fat
    through_fat = smooth_step((skin_mm - 0.5) / 3)
    mesh = np.zeros(shape)
    cell_mm = rng.uniform(2.6, 3.4)
    # The larger the exponent of the spectrum, the more weight large structures have.
    steep = 1.5 * (patient.beta(position) - 2.3)
    for layer in range(6):
        size = 1.35**layer
        mesh += size**steep * strands.walls(cell_mm * size, rng.uniform(2.4, 3.6) - 0.2 * layer, rng.uniform(0.8, 1.4))
    # Ligaments and small strands run through the fat everywhere.
    ligaments = np.zeros(shape)
    for cells_mm, sharpness, length in ((16.0, 9.0, 4.0), (10.0, 7.0, 3.0)):
        ligaments += strands.walls(cells_mm, sharpness, length, weakest=0.0) ** 1.5
    grain = texture.grid_field(rng, outline.grid, patient.beta(position) + 0.2, 25.0, GRAIN_MM)
    streaks = strands.cells(rng.uniform(9, 14), rng.uniform(2.0, 3.5))
    # The denser the breast, the less one sees between its strands.
    contrast = 1.2 / (1 + 2.5 * patient.glandularity)
    clouds = np.exp(contrast * (0.5 * grain + (0.5 - 0.35 * patient.nodularity) * streaks))
    mesh, clouds, ligaments, gland = (image / image[mask].mean() for image in (mesh, clouds, ligaments, gland))
    scattered = SCATTERED / patient.glandularity
    share = scattered * through_fat * (0.8 * mesh * clouds + 0.2 * ligaments)
    # Dense tissue is hazy: its walls are hidden among each other.
    walls = 0.75 - 0.8 * patient.glandularity
    share = share + (1 - scattered) * gland * (1 - walls + walls * mesh) * clouds
    share = share / max(float(share[mask].mean()), 1e-6)
    bent = _bent(share, mask, inner, patient.glandularity)
    muscle = np.zeros(shape)
    if position == "MLO":
        muscle = np.minimum(pectoral_muscle(outline, rng, patient.thickness_mlo), inner) * mask
        bent = bent * smooth_step(1 - muscle / 1.5)
    glandular = bent * (inner - muscle)
    y, x = outline.coordinates()
    nipple = np.exp(-(((y - outline.nipple_mm[0]) / 5.5) ** 4)) * smooth_step((x - outline.nipple_mm[1] + 6) / 8)
    glandular = glandular + 0.45 * nipple * (inner - muscle - glandular)
    mottled = np.clip(1 + 0.6 * texture.grid_field(rng, outline.grid, 3.2, 20.0), 0.1, None)
    bpe = glandular * patient.bpe_iodine * mottled
    free = np.clip(inner - muscle - glandular, 0, None)
    blood = np.minimum(chords(body.vessels, compression, outline) * smooth_step((skin_mm - 2) / 4), free)
    ducts = np.minimum(0.8 * chords(body.ducts, compression, outline), free - blood)
    return {
        "adipose": free - blood - ducts,
        "glandular": glandular + blood + ducts,
        "muscle": muscle,
        "iodine_bpe": bpe,
        "iodine_vessels": BLOOD_IODINE * blood,
    }
