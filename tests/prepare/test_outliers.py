import numpy as np
import pytest
from scipy.stats import iqr

from avrec_lib.prepare.outliers import iqr_mask


def test_fences_are_those_of_the_box_plot():
    x = np.random.default_rng(0).standard_normal(500)
    low, high = np.quantile(x, [0.25, 0.75])
    width = 1.5 * iqr(x)
    assert np.array_equal(iqr_mask(x), (x >= low - width) & (x <= high + width))


def test_heavy_tails_lose_their_best_customers_unless_judged_by_the_logarithm():
    plays = np.random.default_rng(1).lognormal(2.0, 1.3, 20_000)
    plain, logged = ~iqr_mask(plays), ~iqr_mask(plays, log=True)
    assert 0.05 < plain.mean() < 0.15
    assert plays[plain].sum() > 0.3 * plays.sum()
    assert logged.mean() < 0.02


def test_a_rare_binary_column_is_refused_instead_of_losing_all_its_positives():
    with pytest.raises(ValueError, match="rare or binary"):
        iqr_mask(np.r_[np.zeros(90), np.ones(10)])
    assert iqr_mask(np.full(5, 3.0)).all()


def test_absent_numbers_are_not_within_and_do_not_move_the_fences():
    x = np.r_[np.arange(20.0), np.nan, 1000.0]
    assert np.flatnonzero(~iqr_mask(x)).tolist() == [20, 21]
    assert not iqr_mask([np.nan, np.nan]).any()


@pytest.mark.parametrize(
    ("x", "arguments", "error", "message"),
    [
        (["a", "b"], {}, TypeError, "need numbers"),
        (np.zeros((3, 2)), {}, ValueError, r"shape \(n,\)"),
        ([1.0, 2.0], {"k": -1.0}, ValueError, "zero or more"),
        ([-1.0, 2.0], {"log": True}, ValueError, "smallest is -1.0"),
    ],
)
def test_bad_input_is_refused(x, arguments, error, message):
    with pytest.raises(error, match=message):
        iqr_mask(x, **arguments)
