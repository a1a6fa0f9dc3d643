import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from avrec_lib.evaluate.calibration import calibration_error, reliability


@pytest.mark.parametrize(("equal", "strategy"), [("width", "uniform"), ("mass", "quantile")])
def test_the_reliability_table_equals_scikit_learns_curve(equal, strategy):
    rng = np.random.default_rng(0)
    chance = rng.beta(1, 4, 997)
    happened = rng.random(997) < chance**1.5
    share, said = calibration_curve(happened, chance, n_bins=8, strategy=strategy)
    ours = reliability(happened, chance, bins=8, equal=equal)
    # scikit-learn interpolates between neighbours for an edge by mass: at most one prediction moves at each.
    within = 1e-12 if equal == "width" else 2 / 120
    np.testing.assert_allclose(ours["chance"], said, atol=within)
    np.testing.assert_allclose(ours["share"], share, atol=within)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0])), min_size=1, max_size=30),
    st.integers(1, 6),
)
def test_calibration_error_equals_its_definition_with_ties_and_empty_bins(pairs, bins):
    happened, chance = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    total = 0.0
    for b in range(bins):
        inside = (chance > b / bins) & (chance <= (b + 1) / bins) | ((b == 0) & (chance == 0.0))
        if inside.any():
            total += inside.mean() * abs(happened[inside].mean() - chance[inside].mean())
    assert calibration_error(happened, chance, bins=bins) == pytest.approx(total)
    assert reliability(happened, chance, bins=bins, equal="mass")["count"].sum() == len(pairs)


def test_bins_by_mass_hold_equal_numbers_and_see_rare_chances_that_bins_by_width_hide():
    chance = np.repeat([0.01, 0.03, 0.05, 0.07], 250)
    happened = np.concatenate([np.arange(250) < n for n in (18, 13, 8, 1)])  # the wrong way round, and right on average
    table = reliability(happened, chance, bins=4, equal="mass")
    assert table["count"].tolist() == [250] * 4
    assert calibration_error(happened, chance) < 1e-3
    assert calibration_error(happened, chance, bins=4, equal="mass") > 0.03


def test_a_constant_that_is_right_on_average_is_calibrated_and_knows_nothing():
    happened = np.arange(100) < 30
    assert calibration_error(happened, np.full(100, 0.3)) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("happened", "chance", "options", "message"),
    [
        ([1], [0.2, 0.3], {}, "shapes"),
        ([2], [0.2], {}, "0 and 1"),
        ([1], [1.2], {}, "0 and 1"),
        ([1], [np.nan], {}, "0 and 1"),
        ([1], [0.2], {"bins": 0}, "bins"),
        ([1], [0.2], {"equal": "area"}, "equal"),
    ],
)
def test_chances_that_are_none_are_refused(happened, chance, options, message):
    with pytest.raises(ValueError, match=message):
        calibration_error(np.array(happened), np.array(chance), **options)
