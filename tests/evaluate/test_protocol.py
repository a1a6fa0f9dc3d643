import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score

from avrec_lib.content.features import FeatureTable
from avrec_lib.evaluate.contest import measure
from avrec_lib.evaluate.protocol import auc_by_person, inspection_cost
from avrec_lib.prepare.splits import LeakError
from avrec_lib.recommend.base import Recommender
from avrec_lib.recommend.content import ContentBased
from avrec_lib.recommend.late import LateFusion
from avrec_lib.recommend.neighbours import ItemNeighbours
from avrec_lib.recommend.popularity import Popularity
from avrec_lib.recommend.random import Random

START = pd.Timestamp("2026-01-05", tz="UTC")


def table(rows):
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "value", "day"])
    frame["time"] = (START + pd.to_timedelta(frame.pop("day"), unit="D")).astype("datetime64[us, UTC]")
    return frame.astype({"value": "float64"})


TRAIN = table([("a", "i1", 1, 0), ("b", "i1", 1, 0), ("b", "i2", 1, 1), ("c", "i3", 0.2, 1)])
TEST = table([("a", "i2", 1, 5), ("a", "i1", 1, 5), ("b", "i3", 0.8, 6), ("c", "i2", 0.1, 6), ("d", "i1", 1, 6)])


def test_who_was_fitted_on_an_answer_or_on_the_weeks_of_the_test_is_refused():
    late = TEST.assign(item_id="i1", user_id=["x", "y", "z", "v", "w"])
    shown = TEST.drop(index=1).assign(liked=TEST["value"] >= 0.5)  # row 1 was met before
    for ask in (
        lambda model: inspection_cost(model, TRAIN, TEST),
        lambda model: auc_by_person(model, shown),
    ):
        with pytest.raises(LeakError, match=r"Popularity was fitted on 1 of the pairs.*\['b', 'i3'\]"):
            ask(Popularity().fit(pd.concat([TRAIN.iloc[:2], TEST.iloc[[2]].assign(time=START)])))
        with pytest.raises(LeakError, match="Popularity was fitted on 5 interactions of 2026-01-10"):
            ask(Popularity().fit(pd.concat([TRAIN.iloc[2:], late])))
        with pytest.raises(NotFittedError, match="Popularity"):
            ask(Popularity())


def test_metrics_of_a_case_counted_by_hand():
    result = measure({"pop": Popularity()}, (TRAIN, TEST), ["precision", "ndcg"], 1, progress=False).by_person["pop"]
    # a has met i1, so i2 comes first: right. b has met i1 and i2, so i3: right. d gets i1: right.
    assert result["precision@1"].to_dict() == {"a": 1.0, "b": 1.0, "d": 1.0}
    assert result["ndcg@1"].to_dict() == {"a": 1.0, "b": 1.0, "d": 1.0}
    assert result.index.name == "user_id"


def test_what_a_recommender_cannot_do_counts_against_it():
    features = FeatureTable(np.array(["i1", "i2", "i3", "new"]), np.eye(4), np.ones(4, bool), "x")
    test = pd.concat([TEST, table([("a", "new", 1, 7)])], ignore_index=True)
    both = {"knn": ItemNeighbours(), "content": ContentBased()}
    how = {"items": {"content": features}, "candidates": features.ids, "progress": False}
    measured = measure(both, (TRAIN, test), ["recall"], **how)
    recall = measured.by_person.droplevel("metric", axis=1)
    assert recall.loc["a"].to_dict() == {"knn": 0.5, "content": 1.0}
    assert "d" not in set(measured.lists["knn"]["user_id"]) and recall.loc["d", "knn"] == 0.0


class Fixed(Recommender):
    """Score items by a table given."""

    def __init__(self, scores):
        self.scores = scores

    def _score(self, histories):
        row = np.array([self.scores[i] for i in self.item_ids_], dtype=np.float32)
        return np.broadcast_to(row, (len(histories.user_ids), len(row)))


def big_world(seed=0, n_items=40, n_users=60):
    rng = np.random.default_rng(seed)
    items = [f"i{j:02d}" for j in range(n_items)]
    train = [(f"u{u}", items[j], 1.0, 0) for u in range(n_users) for j in rng.choice(n_items, 5, replace=False)]
    train += [("everything", item, 1.0, 0) for item in items]
    met = {(u, i) for u, i, *_ in train}
    test = [(f"u{u}", items[j], 1.0, 5) for u in range(n_users) for j in rng.choice(n_items, 3, replace=False)]
    return table(train), table([row for row in test if row[:2] not in met]), items


def test_inspection_cost_equals_walking_down_the_list():
    train, test, items = big_world()
    scores = dict(zip(items, np.random.default_rng(1).permutation(len(items)).astype(float), strict=True))
    cost = inspection_cost(Fixed(scores).fit(train), train, test)
    for user, expected in cost.items():
        met = set(train.loc[train["user_id"] == user, "item_id"])
        wanted = set(test.loc[test["user_id"] == user, "item_id"])
        walk = [i for i in sorted(items, key=lambda i: -scores[i]) if i not in met]
        assert expected == next(n for n, i in enumerate(walk, 1) if i in wanted)


def test_inspection_cost_of_ties_is_the_mean_over_orders():
    train, test, items = big_world()
    equal = inspection_cost(Fixed(dict.fromkeys(items, 1.0)).fit(train), train, test)
    draws = np.mean([inspection_cost(Random(seed=s).fit(train), train, test) for s in range(200)], axis=0)
    n_relevant = test.groupby("user_id").size()
    np.testing.assert_allclose(equal, (35 + 1) / (n_relevant + 1))
    assert abs(draws.mean() - equal.mean()) < 0.1
    assert equal.index.equals(n_relevant.index)


def test_inspection_cost_of_what_cannot_be_scored_is_that_of_chance_after_the_rest():
    train = table([("a", "i1", 1, 0), ("b", "i2", 1, 0), ("b", "i1", 1, 0)])
    test = table([("a", "new1", 1, 3), ("stranger", "new1", 1, 3)])
    cost = inspection_cost(ItemNeighbours().fit(train), train, test, candidates=["i1", "i2", "new1", "new2", "new3"])
    assert cost.to_dict() == {"a": 1 + (3 + 1) / 2, "stranger": (5 + 1) / 2}


def gaps():
    """Return a fusion that can say nothing of some pairs: who only met sounds, and an item that is only a picture."""
    people = [("a", "i1", 1, 0), ("a", "i2", 1, 0), ("b", "i3", 1, 0), ("b", "i1", 1, 0)]
    heard = FeatureTable(np.array(["i1", "i2", "i4", "i6"]), np.eye(4), np.ones(4, bool), "sound")
    seen = FeatureTable(np.array(["i3", "i5"]), np.eye(2), np.ones(2, bool), "picture")
    train = table(people)
    model = LateFusion().fit(train, items=[heard, seen])
    assert np.isnan(model.score(["a"], ["i4", "i5"])[0]).tolist() == [False, True]
    return model, train


def test_a_pair_that_a_recommender_can_say_nothing_of_is_looked_at_last():
    model, train = gaps()
    cost = inspection_cost(model, train, table([("a", "i5", 1, 3)]))
    assert cost.to_dict() == {"a": 2 + (2 + 1) / 2}  # after i4 and i6, in any order with i3


def test_a_pair_that_a_recommender_can_say_nothing_of_decides_no_auc():
    model, _ = gaps()
    shown = pd.DataFrame({"user_id": "a", "item_id": ["i6", "i4", "i5"], "liked": [False, True, True]})
    assert auc_by_person(model, shown)["a"] == auc_by_person(model, shown.iloc[:2])["a"]
    with pytest.raises(ValueError, match="can be scored"):
        auc_by_person(model, shown.iloc[2:])


def test_inspection_cost_in_blocks_is_the_same(monkeypatch):
    train, test, _ = big_world()
    whole = inspection_cost(Popularity().fit(train), train, test)
    monkeypatch.setattr("avrec_lib.evaluate.lists._BLOCK", 100)
    pd.testing.assert_series_equal(whole, inspection_cost(Popularity().fit(train), train, test))


def test_auc_by_person_equals_scikit_learn_and_leaves_out_the_undecidable(monkeypatch):
    rng = np.random.default_rng(5)
    people, items = [f"u{i}" for i in range(8)], [f"i{i}" for i in range(30)]
    pairs = pd.MultiIndex.from_product([people, items], names=["user_id", "item_id"]).to_frame(index=False)
    known = pairs.assign(value=1.0, time=pd.Timestamp("2026-01-01", tz="UTC").as_unit("us"))
    model = Random(3).fit(known.assign(user_id="x" + known["user_id"]))
    shown = pairs[rng.random(len(pairs)) < 0.6].reset_index(drop=True)
    shown["liked"] = rng.random(len(shown)) < 0.3
    shown.loc[shown["user_id"] == "u0", "liked"] = False
    shown.loc[shown["user_id"] == "u1", "liked"] = True
    found = auc_by_person(model, shown)
    assert set(found.index) == set(people[2:])
    for person, part in shown[shown["user_id"].isin(people[2:])].groupby("user_id"):
        scores = model.score([person], part["item_id"])[0]
        assert found[person] == pytest.approx(roc_auc_score(part["liked"], scores))
    monkeypatch.setattr("avrec_lib.evaluate.lists._BLOCK", 60)  # two people at a time
    pd.testing.assert_series_equal(auc_by_person(model, shown.sample(frac=1, random_state=0)), found)
