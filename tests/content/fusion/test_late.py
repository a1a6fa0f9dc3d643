import numpy as np
import pytest
from ranx import Run
from ranx import fuse as ranx_fuse
from scipy.stats import zscore

from avrec_lib.content.fusion import average_scores, reciprocal_ranks, standardise_scores


def some(seed=0, people=6, items=15):
    return np.random.default_rng(seed).normal(size=(people, items)).astype(np.float32) * 100.0 ** (seed % 3)


def test_scores_are_standardised_as_scipy_does_and_what_cannot_be_scored_stays_so():
    scores = some()
    scores[:, 3] = np.nan
    scores[2, 7] = np.nan
    np.testing.assert_allclose(standardise_scores(scores), zscore(scores, axis=1, nan_policy="omit"), atol=1e-5)


def test_equal_scores_and_no_scores_are_zeros_and_nothing():
    scores = np.array([[0.1] * 3, [np.nan] * 3, [np.nan, 5.0, np.nan]], dtype=np.float32)
    expected = [[0.0, 0.0, 0.0], [np.nan] * 3, [np.nan, 0.0, np.nan]]
    np.testing.assert_array_equal(standardise_scores(scores), expected)


def test_an_item_is_averaged_over_the_modalities_that_could_score_it():
    a, b = np.array([[1.0, np.nan, 2.0, np.nan]]), np.array([[4.0, 5.0, np.nan, np.nan]])
    np.testing.assert_array_equal(average_scores([a, b], [2.0, 1.0]), [[2.0, 5.0, 2.0, np.nan]])
    np.testing.assert_array_equal(average_scores([a, b], [1.0, 0.0]), a)


def as_run(scores):
    return Run(
        {f"u{u}": {f"i{i:02d}": float(s) for i, s in enumerate(row) if np.isfinite(s)} for u, row in enumerate(scores)}
    )


@pytest.mark.filterwarnings("ignore:unsafe cast")
def test_reciprocal_ranks_are_those_of_ranx():
    a, b = some(0), some(1)
    b[:, ::4] = np.nan
    fused = ranx_fuse([as_run(a), as_run(b)], method="rrf", norm=None, params={"k": 60})
    expected = [[fused.run[f"u{u}"][f"i{i:02d}"] for i in range(15)] for u in range(6)]
    np.testing.assert_allclose(reciprocal_ranks([a, b]), expected, rtol=1e-6)


def test_ranks_do_not_depend_on_units_and_equal_scores_stay_equal():
    a, b = some(0), some(1)
    np.testing.assert_allclose(reciprocal_ranks([a, b]), reciprocal_ranks([np.exp(a / 50.0), 1e6 * b - 3.0]))
    tied = np.array([[1.0, 2.0, 2.0, 0.0]])
    found = reciprocal_ranks([tied], constant=0.0)[0]
    np.testing.assert_allclose(found, [1 / 3, 1 / 1.5, 1 / 1.5, 1 / 4])


def test_what_nobody_can_score_stays_so():
    assert np.isnan(reciprocal_ranks([np.array([[np.nan, 1.0]])] * 2)).tolist() == [[True, False]]


@pytest.mark.parametrize("fuse", [average_scores, reciprocal_ranks])
def test_what_does_not_fit_is_refused(fuse):
    with pytest.raises(ValueError, match="scores must be"):
        fuse([some(), some()[:3]])
    with pytest.raises(ValueError, match="scores must be"):
        fuse([])
    for weights in ([1.0], [1.0, -1.0], [0.0, 0.0]):
        with pytest.raises(ValueError, match="weights must be"):
            fuse([some(), some()], weights)
    with pytest.raises(ValueError, match="constant"):
        reciprocal_ranks([some()], constant=-1.0)
