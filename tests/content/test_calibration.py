import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from avrec_lib.content.calibration import chances, likeliest_temperature, regression_of_truth


def drawn(n=4000, seed=0):
    """Draw logits, and classes with just the chances that they say."""
    rng = np.random.default_rng(seed)
    logits = 2.0 * rng.normal(size=(n, 4))
    return logits, (softmax(logits, axis=1).cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)


@pytest.mark.parametrize("sureness", [0.25, 1.0, 3.0])
def test_the_temperature_takes_back_how_sure_logits_were_made(sureness):
    logits, truth = drawn()
    found = likeliest_temperature(sureness * logits, truth)
    assert found == pytest.approx(sureness, rel=0.1)
    losses = [
        -log_softmax(sureness * logits / one, axis=1)[np.arange(len(truth)), truth].mean()
        for one in (found, 0.98 * found, 1.02 * found)
    ]
    assert min(losses) == losses[0]


def test_who_made_no_mistake_may_not_become_sure_without_bounds():
    logits = np.eye(3)[[0, 1, 2, 0]]
    assert likeliest_temperature(logits, np.array([0, 1, 2, 0])) == pytest.approx(np.exp(-2.0), rel=1e-3)


def test_chances_stay_finite_and_in_proportion_for_logits_of_any_size():
    logits = np.array([[0.0, 1.0, -1.0], [1e4, 1e4, -1e4]])
    np.testing.assert_allclose(chances(logits, 2.0), softmax(logits / 2.0, axis=1))


def test_a_number_counts_as_far_as_it_foretells_the_truth():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=50_000)
    noisy = truth + rng.normal(size=50_000)
    assert regression_of_truth(noisy, truth) == pytest.approx((0.5, 0.5), abs=0.01)
    assert regression_of_truth(truth, truth) == (1.0, 0.01)  # nobody knows it all
    assert regression_of_truth(-truth, truth) == (0.0, 1.0)  # nor is turned round
    assert regression_of_truth(np.zeros(3), np.ones(3)) == (0.0, 1.0)
    assert regression_of_truth(np.ones(3), np.zeros(3)) == (0.0, 1.0)
