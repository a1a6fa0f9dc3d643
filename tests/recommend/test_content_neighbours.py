import numpy as np
import pytest

from avrec_lib.content.features import FeatureTable
from avrec_lib.recommend import ColdStartError, ContentNeighbours

from .conftest import interactions, random_features, random_interactions


@pytest.mark.parametrize("n_neighbours", [1, 4, 100])
def test_equals_the_formula_written_as_loops(n_neighbours):
    log, features = random_interactions(), random_features()
    f = features.matrix / np.linalg.norm(features.matrix, axis=1, keepdims=True)
    users = sorted(log["user_id"].unique())
    x = log.pivot(index="user_id", columns="item_id", values="value").reindex(users, columns=features.ids).fillna(0.0)
    expected = np.zeros((len(users), 20))
    for i in range(20):
        near = sorted((j for j in range(20) if j != i), key=lambda j, i=i: -f[i] @ f[j])[:n_neighbours]
        expected[:, i] = sum(f[i] @ f[j] * x.to_numpy()[:, j] for j in near)
    scores = ContentNeighbours(n_neighbours).fit(log, items=features).score(users, features.ids)
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_several_tables_count_by_their_weights():
    log, sight, more = random_interactions(), random_features(seed=1), random_features(width=7, seed=2)
    sound = FeatureTable(more.ids, more.matrix, more.present, "sound")
    alone = ContentNeighbours(3).fit(log, items=sight).score(["u001"])
    weighed = ContentNeighbours(3, weights={"toy": 1.0, "sound": 0.0}).fit(log, items=[sight, sound])
    np.testing.assert_array_equal(weighed.score(["u001"]), alone)
    assert not np.array_equal(ContentNeighbours(3).fit(log, items=[sight, sound]).score(["u001"]), alone)


def test_what_has_no_features_is_refused_by_name():
    model = ContentNeighbours().fit(random_interactions(), items=random_features(absent=["c003"]))
    with pytest.raises(ColdStartError, match="c003"):
        model.score(["u001"], ["c003"])
    with pytest.raises(ColdStartError, match="deaf"):
        model.recommend(["deaf"], history=interactions([("deaf", "c003", 1.0, 0)]))


def test_impossible_parameters_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        ContentNeighbours(0).fit(random_interactions(), items=random_features())
