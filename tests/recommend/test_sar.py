import numpy as np
import pytest

from avrec_lib.recommend import SAR

from .conftest import interactions, random_interactions


def written_as_loops(log, half_life_days):
    """Ages from the last interaction of all, as in the source; from the formula, one pair after the other."""
    users, items = sorted(log["user_id"].unique()), sorted(log["item_id"].unique())
    who = {item: set(log.loc[log["item_id"] == item, "user_id"]) for item in items}
    scores = np.zeros((len(users), len(items)))
    for row in log.itertuples():
        age = (log["time"].max() - row.time).total_seconds() / 86_400
        affinity = row.value * (0.5 ** (age / half_life_days) if half_life_days else 1.0)
        for column, item in enumerate(items):
            alike = len(who[item] & who[row.item_id]) / len(who[item] | who[row.item_id])
            scores[users.index(row.user_id), column] += affinity * alike
    return users, items, scores


@pytest.mark.parametrize("half_life_days", [None, 3.0, 30.0])
def test_equals_the_formula_written_as_loops_but_for_one_factor_a_person(half_life_days):
    log = random_interactions()
    users, items, expected = written_as_loops(log, half_life_days)
    scores = SAR(half_life_days).fit(log).score(users, items)
    factor = scores.max(axis=1, keepdims=True) / expected.max(axis=1, keepdims=True)
    np.testing.assert_allclose(scores, expected * factor, rtol=1e-5)
    if half_life_days is None:
        np.testing.assert_allclose(factor, 1.0, rtol=1e-5)
    else:
        assert (factor > 1.0 - 1e-5).all()


def test_an_item_is_wholly_like_itself_and_likeness_is_symmetric_whatever_the_values():
    model = SAR().fit(random_interactions())
    similarity = model.similarity_.toarray()
    np.testing.assert_array_equal(similarity.diagonal(), 1.0)
    np.testing.assert_array_equal(similarity, similarity.T)
    other = SAR().fit(random_interactions().assign(value=1.0))
    np.testing.assert_array_equal(similarity, other.similarity_.toarray())


def test_what_was_met_a_half_life_ago_counts_half():
    log = interactions(
        [
            ("u", "old", 1.0, 0),
            ("u", "new", 1.0, 30),
            ("v", "old", 1.0, 0),
            ("v", "like-old", 1.0, 90),
            ("w", "new", 1.0, 0),
            ("w", "like-new", 1.0, 90),
        ]
    )
    scores = SAR().fit(log).score(["u"], ["like-old", "like-new"])
    np.testing.assert_allclose(scores, [[0.5 * 0.5, 0.5]], rtol=1e-6)


def test_a_half_life_of_nothing_is_refused():
    with pytest.raises(ValueError, match="half_life_days"):
        SAR(half_life_days=0.0).fit(random_interactions())
