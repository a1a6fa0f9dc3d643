import numpy as np
import pytest

from avrec_lib.recommend.base import ColdStartError
from avrec_lib.recommend.neighbours import ItemNeighbours

from .conftest import interactions, random_features, random_interactions


def brute_force(log, items, n_neighbours, shrinkage):
    """Loops, straight from the formula."""
    users = sorted(log["user_id"].unique())
    x = log.pivot(index="user_id", columns="item_id", values="value").reindex(index=users, columns=items).fillna(0.0)
    x = x.to_numpy()
    n = len(items)
    s = np.zeros((n, n))
    for i in range(n):
        row = [
            (-(x[:, i] @ x[:, j]) / (np.linalg.norm(x[:, i]) * np.linalg.norm(x[:, j]) + shrinkage), j)
            for j in range(n)
            if j != i
        ]
        for negative, j in sorted(row)[:n_neighbours]:
            s[i, j] = -negative
    return users, x @ s.T


@pytest.mark.parametrize(("n_neighbours", "shrinkage"), [(3, 0.0), (5, 10.0), (100, 1.0)])
def test_equals_the_formula_written_as_loops(n_neighbours, shrinkage):
    log = random_interactions(40, 25, 400)
    items = sorted(log["item_id"].unique())
    users, expected = brute_force(log, items, n_neighbours, shrinkage)
    scores = ItemNeighbours(n_neighbours, shrinkage).fit(log).score(users, items)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


def test_blocks_of_items_give_the_same_similarities(monkeypatch):
    log = random_interactions(40, 25, 400)
    whole = ItemNeighbours(5).fit(log).similarity_.toarray()
    monkeypatch.setattr("avrec_lib.recommend.neighbours._BLOCK", 60)
    np.testing.assert_array_equal(whole, ItemNeighbours(5).fit(log).similarity_.toarray())


def test_shrinkage_distrusts_likeness_that_rests_on_one_person():
    log = interactions(
        [("a", "c0", 1, 0), ("a", "rare", 1, 0)] + [(f"u{i}", c, 1, 0) for i in range(20) for c in ("c0", "often")]
    )
    loose = ItemNeighbours(5, 0.0).fit(log).score(["a"], ["often"]).item()
    tight = ItemNeighbours(5, 50.0).fit(log)
    row, rare = tight.item_ids_.get_loc("c0"), tight.item_ids_.get_loc("rare")
    assert tight.similarity_[row, rare] < 0.05 * ItemNeighbours(5, 0.0).fit(log).similarity_[row, rare] * 3
    assert tight.score(["a"], ["often"]).item() < loose


def test_an_item_that_nobody_took_is_refused_and_never_recommended():
    model = ItemNeighbours().fit(random_interactions(), items=random_features(25))
    assert set(model.recommend(["u001"], k=30)["item_id"]) <= {f"c{i:03d}" for i in range(20)}
    with pytest.raises(ColdStartError, match="c024"):
        model.score(["u001"], ["c024"])


@pytest.mark.parametrize("parameters", [{"n_neighbours": 0}, {"shrinkage": -1.0}])
def test_impossible_parameters_are_refused(parameters):
    with pytest.raises(ValueError, match="at least"):
        ItemNeighbours(**parameters).fit(random_interactions())
