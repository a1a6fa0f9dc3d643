import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from avrec_lib.evaluate.ratings import mae, rmse


def test_errors_equal_scikit_learn_and_can_be_taken_person_by_person():
    rng = np.random.default_rng(0)
    given, guess, people = (
        rng.integers(1, 6, 200),
        rng.normal(3, 1, 200),
        rng.choice(list("abc"), 200, p=[0.8, 0.1, 0.1]),
    )
    assert mae(given, guess) == pytest.approx(mean_absolute_error(given, guess))
    assert rmse(given, guess) == pytest.approx(root_mean_squared_error(given, guess))
    each = [(mae(given[people == p], guess[people == p]), rmse(given[people == p], guess[people == p])) for p in "abc"]
    assert (mae(given, guess, people=people), rmse(given, guess, people=people)) == pytest.approx(np.mean(each, axis=0))


@pytest.mark.parametrize(
    ("given", "guess", "message"),
    [([1.0], [1.0, 2.0], "shapes"), ([], [], "shapes"), ([1.0, 2.0], [1.0, np.nan], "first at 1")],
)
def test_ratings_that_do_not_pair_are_refused(given, guess, message):
    for error in (mae, rmse):
        with pytest.raises(ValueError, match=message):
            error(np.array(given), np.array(guess))
    with pytest.raises(ValueError, match="people has 1"):
        mae(np.array([1.0, 2.0]), np.array([1.0, 2.0]), people=np.array(["a"]))
