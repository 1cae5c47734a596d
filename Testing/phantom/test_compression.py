"""Places in the breast and in its views: one goes into the other and back, and distances from the nipple agree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from CEMSynthLib.phantom.compression import Compression

NIPPLE = (150.0, 105.0)
places = st.tuples(st.floats(3, 100), st.floats(-70, 70), st.floats(-70, 70))
angles = st.floats(0, 60)


@given(places, angles)
def test_places_is_the_inverse_of_project(place, angle):
    compression = Compression(angle, NIPPLE)
    point = np.array([place])
    y, x = compression.project(point)[0]
    along = (point @ compression.axes.T)[0, 2]
    assert compression.places(np.array(y), np.array(x), np.array(along)) == pytest.approx(point[0], abs=1e-6)


@given(angles)
def test_axes_are_a_rotation(angle):
    axes = Compression(angle, NIPPLE).axes
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1.0)


def test_a_place_in_the_middle_plane_is_where_it_was():
    y, x = Compression(0.0, NIPPLE).project(np.array([[40.0, 25.0, 0.0]]))[0]
    assert (y, x) == pytest.approx((150.0 - 25.0, 105.0 - 40.0))


def test_lateral_is_up_in_cc_and_the_axilla_is_up_in_mlo():
    upper_outer = np.array([[50.0, 30.0, 30.0]])
    lower_outer = np.array([[50.0, 30.0, -30.0]])
    assert Compression(0.0, NIPPLE).project(upper_outer)[0, 0] < NIPPLE[0]
    assert Compression(45.0, NIPPLE).project(upper_outer)[0, 0] < NIPPLE[0] - 30
    assert Compression(45.0, NIPPLE).project(lower_outer)[0, 0] == pytest.approx(NIPPLE[0])


def test_what_is_above_the_middle_plane_is_pushed_away_from_the_nipple_but_not_beyond_its_distance():
    compression = Compression(0.0, NIPPLE)
    low, high = compression.nipple_distance(np.array([[40.0, 10.0, 0.0], [40.0, 10.0, 30.0]]))
    assert low == pytest.approx(np.hypot(40, 10))
    assert low < high < np.sqrt(40**2 + 10**2 + 30**2)


def test_distances_from_the_nipple_agree_between_the_views():
    # Anywhere in a breast of 6.5 cm half height: the median difference is 3 mm, 9 of 10 agree within 9 mm.
    rng = np.random.default_rng(1)
    somewhere = np.column_stack([rng.uniform(15, 90, 4000), rng.uniform(-55, 55, (4000, 2))])
    cc, mlo = (Compression(angle, NIPPLE).nipple_distance(somewhere) for angle in (0.0, 48.0))
    assert np.median(np.abs(cc - mlo)) < 3.5
    assert np.quantile(np.abs(cc - mlo), 0.9) < 9
    # A shadow alone would do much worse.
    shadow = [np.hypot(somewhere[:, 0], (somewhere @ Compression(a, NIPPLE).axes.T)[:, 1]) for a in (0.0, 48.0)]
    assert np.quantile(np.abs(shadow[0] - shadow[1]), 0.9) > 15
