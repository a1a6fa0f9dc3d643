import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score

from avrec_lib.content.features import FeatureTable
from avrec_lib.recommend import EASE, BilinearContent, ColdStartError, ContentBased

from .conftest import interactions, random_features, random_interactions


def met(log, items):
    return log.assign(value=1.0).pivot(index="user_id", columns="item_id", values="value")[items].fillna(0.0).to_numpy()


def test_items_that_are_their_own_only_feature_give_ease():
    log = random_interactions()
    names = sorted(log["item_id"].unique())
    own = FeatureTable(np.array(names, dtype=object), np.eye(20), np.ones(20, bool), "own")
    people = log["user_id"].unique()
    found = BilinearContent(l2=3.0, l2_items=1e-9).fit(log, items=own).score(people, names)
    np.testing.assert_allclose(found, EASE(l2=3.0).fit(log).score(people, names), atol=1e-5)


def test_similarity_is_the_minimum_of_both_regressions_as_an_optimiser_finds_it():
    log, features = random_interactions(25, 8, 80), random_features(8, 3)
    model = BilinearContent(l2=2.0, l2_items=0.5).fit(log, items=features)
    f = features.matrix / np.linalg.norm(features.matrix, axis=1, keepdims=True)
    x = met(log, list(features.ids))
    a = x @ f
    columns = np.empty((3, 8))
    for i in range(8):
        basis = np.linalg.svd(f[i : i + 1])[2][1:].T  # directions in which the item does not explain itself

        def loss(free, basis=basis, i=i):
            v = basis @ free
            return np.square(x[:, i] - a @ v).sum() + 2.0 * v @ v

        columns[:, i] = basis @ minimize(loss, np.zeros(2), options={"gtol": 1e-9}).x

    def gap(entries):
        w = entries.reshape(3, 3)
        return np.square(columns - w @ f.T).sum() + 0.5 * np.square(w).sum()

    np.testing.assert_allclose(
        model.weights_, minimize(gap, np.zeros(9), options={"gtol": 1e-9}).x.reshape(3, 3), atol=1e-4
    )


def planted(n_items=120, seed=0):
    """Contents of which the first coordinate decides who takes an item, among nine larger ones that say nothing."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n_items, 10)) * np.array([1.0, *[2.0] * 9])
    tastes = np.sign(rng.normal(size=(200, 1))) * matrix[:, 0] + rng.normal(scale=0.4, size=(200, n_items))
    likes = tastes > 0.6
    rows = [(f"u{u:03d}", f"c{i:03d}", 1.0, 0) for u, i in zip(*np.nonzero(likes), strict=True)]
    ids = np.array([f"c{i:03d}" for i in range(n_items)], dtype=object)
    return interactions(rows), FeatureTable(ids, matrix, np.ones(n_items, bool), "toy"), likes


def test_items_that_nobody_met_are_placed_by_the_coordinate_that_matters():
    log, features, likes = planted()
    old, new = log[log["item_id"] < "c080"], features.ids[80:]
    people = sorted(old["user_id"].unique())
    liked = likes[[int(person[1:]) for person in people], 80:]

    def auc(model):
        scores = model.fit(old, items=features).score(people, new)
        return np.mean([roc_auc_score(*one) for one in zip(liked, scores, strict=True)])

    assert auc(BilinearContent(l2=10.0, l2_items=1.0)) > 0.85
    assert auc(ContentBased()) < 0.7


def test_items_that_nobody_met_change_nothing_for_the_others():
    log, features, _ = planted()
    old = log[log["item_id"] < "c080"]
    alone = BilinearContent().fit(old, items=features.select(features.ids[:80]))
    np.testing.assert_array_equal(alone.weights_, BilinearContent().fit(old, items=features).weights_)


def test_an_item_without_features_is_refused_and_a_person_of_such_items_too():
    log, features = random_interactions(), random_features(absent=["c003"])
    model = BilinearContent().fit(log, items=features)
    with pytest.raises(ColdStartError, match="c003"):
        model.score(["u001"], ["c003"])
    with pytest.raises(ColdStartError, match="deaf"):
        model.recommend(["deaf"], history=interactions([("deaf", "c003", 1.0, 0)]))


@pytest.mark.parametrize("parameters", [{"l2": 0.0}, {"l2_items": -1.0}, {"l2": float("nan")}])
def test_impossible_parameters_are_refused(parameters):
    with pytest.raises(ValueError, match="positive"):
        BilinearContent(**parameters).fit(random_interactions(), items=random_features())
