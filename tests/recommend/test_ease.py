import numpy as np
import pytest
from scipy.optimize import minimize

from avrec_lib.recommend import EASE

from .conftest import interactions, random_features, random_interactions


def met(log, items):
    return log.assign(value=1.0).pivot(index="user_id", columns="item_id", values="value")[items].fillna(0.0).to_numpy()


def test_no_small_change_of_the_weights_makes_the_loss_smaller():
    log = random_interactions(40, 8, 120)
    model = EASE(l2=3.0).fit(log)
    x, off = met(log, list(model.item_ids_)), ~np.eye(8, dtype=bool)

    def loss(entries):
        b = np.zeros((8, 8))
        b[off] = entries
        return np.square(x - x @ b).sum() + 3.0 * np.square(b).sum()

    found = minimize(loss, np.zeros(56), method="L-BFGS-B", options={"ftol": 1e-14, "gtol": 1e-9}).x
    np.testing.assert_array_equal(model.weights_.diagonal(), 0.0)
    np.testing.assert_allclose(model.weights_[off], found, atol=1e-4)
    users = sorted(log["user_id"].unique())
    np.testing.assert_allclose(model.score(users, model.item_ids_), x @ model.weights_, atol=1e-5)


def test_each_column_is_a_ridge_regression_of_an_item_on_the_others():
    log = random_interactions(60, 15, 400)
    model = EASE(l2=20.0).fit(log)
    x = met(log, list(model.item_ids_))
    for item in (0, 7, 14):
        others = np.delete(np.arange(15), item)
        a = x[:, others]
        expected = np.linalg.solve(a.T @ a + 20.0 * np.eye(14), a.T @ x[:, item])
        np.testing.assert_allclose(model.weights_[others, item], expected, atol=1e-6)


def test_values_do_not_matter_not_even_zero():
    log = random_interactions()
    other = log.assign(value=np.where(np.arange(len(log)) % 3 == 0, 0.0, -2.0))
    np.testing.assert_array_equal(EASE().fit(log).score(["u001"]), EASE().fit(other).score(["u001"]))


def test_announced_items_that_nobody_met_leave_the_other_scores_as_they_are():
    log = random_interactions()
    plain, announced = EASE().fit(log), EASE().fit(log, items=random_features(40))
    assert announced.weights_.shape == (20, 20)
    np.testing.assert_array_equal(plain.score(["u001"]), announced.score(["u001"], plain.item_ids_))


def test_blocks_of_items_give_the_same_weights(monkeypatch):
    log = random_interactions()
    whole = EASE().fit(log).weights_
    monkeypatch.setattr("avrec_lib.recommend.ease._BLOCK", 50)
    np.testing.assert_array_equal(whole, EASE().fit(log).weights_)


def test_a_person_known_only_by_items_that_nobody_else_met_is_served():
    log = interactions([("a", "c1", 1.0, 0), ("b", "c2", 1.0, 0)])
    assert EASE().fit(log).score(["a"], ["c2"]).item() == 0.0


@pytest.mark.parametrize("l2", [0.0, -1.0, float("nan")])
def test_impossible_parameters_are_refused(l2):
    with pytest.raises(ValueError, match="l2 must be positive"):
        EASE(l2=l2).fit(random_interactions())
