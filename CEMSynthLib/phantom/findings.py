"""Findings laid into a view: lesions, calcifications, clips and lymph nodes, each in a small window around it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.phantom.anatomy import Anatomy
from CEMSynthLib.phantom.background_region import background_disc
from CEMSynthLib.phantom.calcifications import MINERAL, Calcification, draw_calcifications
from CEMSynthLib.phantom.canvas import Canvas
from CEMSynthLib.phantom.clip import draw_clip, titanium_mm
from CEMSynthLib.phantom.compression import Compression
from CEMSynthLib.phantom.inserts import Insert, InsertKind, InsertPlan, draw_inserts
from CEMSynthLib.phantom.lesion_place import Room
from CEMSynthLib.phantom.lesion_plan import LesionKind, LesionPlan
from CEMSynthLib.phantom.lesions import Lesion, curve_around, draw_shape, project
from CEMSynthLib.phantom.lymph_node import draw_node
from CEMSynthLib.phantom.outline import Outline
from CEMSynthLib.phantom.patient import LATERALITIES, Patient
from CEMSynthLib.phantom.random_source import Stream, generator
from CEMSynthLib.phantom.window import Window

FloatArray = NDArray[np.float64]
# Streams of `Stream.INSERTS`: shapes of the lesions, what else there is, shapes of that.
_LESION_SHAPE, _INSERTS, _INSERT_SHAPE = 0, 1, 2


@dataclass(frozen=True)
class Findings:
    """What findings make of a view, and the truth about them.

    Parameters
    ----------
    anatomy
        With the tissue that they bring; the thickness is unchanged.
    iodine
        That they hold, mg/cm2.
    calcification, titanium
        Path lengths in cm; 0.0 where there are none.
    lesions, inserts
        The truth.
    """

    anatomy: Anatomy
    iodine: FloatArray
    calcification: FloatArray | float
    titanium: FloatArray | float
    lesions: tuple[Lesion, ...]
    inserts: tuple[Insert, ...]


def add_findings(anatomy: Anatomy, compression: Compression, patient: Patient, laterality: str) -> Findings:
    """Lay the findings of one breast into a view of it.

    Parameters
    ----------
    anatomy
        Without findings.
    compression
        Of the view; CC has angle 0.
    patient
        Whose `Patient.lesions` are laid in; other inserts are drawn here, alike for both views.
    laterality
        ``"L"`` or ``"R"``.

    Returns
    -------
    Findings
        It depends on nothing but the arguments; every lesion of the breast is in it.
    """
    canvas = Canvas(anatomy)
    numbered = tuple((n, plan) for n, plan in enumerate(patient.lesions, start=1) if plan.laterality == laterality)
    lesions = [_lay_lesion(canvas, compression, patient, number, plan) for number, plan in numbered]
    side = LATERALITIES.index(laterality)
    room = Room(10 * patient.depth, 10 * patient.half_height, patient.mlo_angle_deg)
    drawn = draw_inserts(generator(patient.seed, patient.number, Stream.INSERTS, _INSERTS, side), room, numbered)
    centers = {lesion.number: lesion.center_mm for lesion in lesions}
    inserts = []
    for index, insert in enumerate(drawn):
        if insert.mlo_only and compression.angle_deg == 0:
            continue
        rng = generator(patient.seed, patient.number, Stream.INSERTS, _INSERT_SHAPE, side, index)
        inserts.append(_lay_insert(canvas, compression, insert, rng, centers))
    taken = [(*lesion.center_mm, _reach(lesion)) for lesion in lesions]
    taken += [(*insert.center_mm, max(insert.plan.size_mm, 2.0)) for insert in inserts]
    return Findings(
        anatomy=replace(anatomy, adipose=canvas.adipose, glandular=canvas.glandular, iodine_bpe=canvas.bpe),
        iodine=canvas.iodine,
        calcification=0.0 if canvas.calcification is None else canvas.calcification,
        titanium=0.0 if canvas.titanium is None else canvas.titanium,
        lesions=tuple(_with_background(lesion, anatomy.outline, taken) for lesion in lesions),
        inserts=tuple(inserts),
    )


def _reach(lesion: Lesion) -> float:
    away = lesion.outline_mm - np.array(lesion.center_mm)
    return float(np.hypot(away[:, 0], away[:, 1]).max()) + 1.0


def _with_background(lesion: Lesion, outline: Outline, taken: list[tuple[float, float, float]]) -> Lesion:
    radius = lesion.background_radius_mm
    return replace(
        lesion, background_center_mm=background_disc(lesion.center_mm, radius, _reach(lesion), outline, taken)
    )


def _inside(outline: Outline, place: tuple[float, float], radius_mm: float) -> tuple[float, float]:
    """The place, or where the way from it to the middle of the breast has first room for the lesion.

    Plans keep to a nominal outline that is smaller than drawn ones, so this moves nothing but what somebody planned
    outside the breast.
    """
    y, x = (axis.ravel() for axis in outline.coordinates())
    middle = np.array([outline.nipple_mm[0], 0.45 * outline.nipple_mm[1]])
    best, most = place, -1.0
    for share in np.linspace(0, 1, 41):
        there = (1 - share) * np.array(place) + share * middle
        row, column = (int(np.round((there[i] - axis[0]) / outline.spacing_mm)) for i, axis in enumerate((y, x)))
        if 0 <= row < y.size and 0 <= column < x.size:
            room = float(outline.skin_distance_mm[row, column])
            if room >= radius_mm:
                return float(there[0]), float(there[1])
            if room > most:
                best, most = (float(there[0]), float(there[1])), room
    return best


def _lay_lesion(canvas: Canvas, compression: Compression, patient: Patient, number: int, plan: LesionPlan) -> Lesion:
    y, x = compression.project(np.array([plan.center_mm]))[0]
    center = _inside(canvas.outline, (float(y), float(x)), plan.radius_mm)
    shape = draw_shape(generator(patient.seed, patient.number, Stream.INSERTS, _LESION_SHAPE, number), plan)
    window = Window.around(canvas.outline, center, shape.reach_mm + 1.0)
    seen = project(shape, plan, compression, window, center)
    breast = canvas.outline.mask[window.box]
    iodine = seen.iodine * breast
    if plan.seen_on_low_energy:
        canvas.to_gland(window, seen.tissue_mm, plan.density)
        canvas.displace(window, seen.body_mm)
    canvas.iodine[window.box] += iodine
    mask = seen.mask & breast
    if not mask.any():
        # A lesion planned where there is hardly any breast still has a place.
        mask[np.abs(window.y_mm - center[0]).argmin(), np.abs(window.x_mm - center[1]).argmin()] = True
    curve = curve_around(mask, window, center, hull=plan.kind is LesionKind.NON_MASS)
    inside = window.inside(curve) & breast
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    away = np.array(center) - np.array(compression.nipple_mm)
    area = float(mask.sum()) * window.spacing_mm**2
    return Lesion(
        plan=plan,
        number=number,
        center_mm=center,
        nipple_distance_mm=float(np.hypot(away[0], away[1])),
        mask=mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy(),
        corner=(int(window.rows.start + rows[0]), int(window.columns.start + columns[0])),
        outline_mm=curve,
        background_center_mm=None,
        background_radius_mm=float(np.clip(np.sqrt(area / np.pi), 4.0, 12.0)),
        iodine=float(iodine[inside].mean()) if inside.any() else 0.0,
        peak_iodine=float(iodine.max()),
    )


def _lay_insert(
    canvas: Canvas,
    compression: Compression,
    plan: InsertPlan,
    rng: np.random.Generator,
    lesion_centers: dict[int, tuple[float, float]],
) -> Insert:
    anchor = compression.project(np.array([plan.center_mm]))[0]
    if plan.lesion is not None:
        anchor = np.array(lesion_centers[plan.lesion])

    def seen(places_mm: FloatArray) -> FloatArray:
        return np.asarray(anchor - ((places_mm + np.array(plan.offset_mm)) @ compression.axes[:2].T)[:, ::-1])

    center = (float(seen(np.zeros((1, 3)))[0, 0]), float(seen(np.zeros((1, 3)))[0, 1]))
    positions = np.array([center])
    if plan.kind is InsertKind.CALCIFICATIONS:
        places, radii = draw_calcifications(rng, Calcification(plan.description), plan.size_mm)
        positions = seen(places)
        half = float(np.abs(positions - np.array(center)).max()) + float(radii.max()) + 1.0
        window = Window.around(canvas.outline, center, half)
        if not window.empty:
            canvas.to_calcification(window, MINERAL * window.balls(positions, radii))
    elif plan.kind is InsertKind.CLIP:
        window = Window.around(canvas.outline, center, 3.0)
        if not window.empty:
            canvas.to_titanium(window, titanium_mm(draw_clip(rng, plan.description), compression, window, center))
    else:
        node = draw_node(rng, plan.size_mm)
        window = Window.around(canvas.outline, center, 1.7 * plan.size_mm)
        if not window.empty:
            cortex = window.sample(node.cortex.project(node.cortex.tissue, compression), node.cortex.voxel_mm, center)
            hilum = window.sample(node.cortex.project(node.hilum, compression), node.cortex.voxel_mm, center)
            canvas.to_gland(window, cortex, 1.0)
            canvas.to_fat(window, hilum)
            canvas.iodine[window.box] += plan.iodine / (2 * plan.size_mm) * cortex * canvas.outline.mask[window.box]
    return Insert(plan, center, positions)
