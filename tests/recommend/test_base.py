"""The contract that every recommender keeps."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from avrec_lib.recommend.base import ColdStartError
from avrec_lib.recommend.content import ContentBased
from avrec_lib.recommend.neighbours import ItemNeighbours
from avrec_lib.recommend.popularity import Popularity
from avrec_lib.recommend.random import Random

from .conftest import interactions, random_features, random_interactions

ALL = [
    Popularity(),
    Popularity(half_life_days=5.0),
    Random(seed=3),
    ContentBased(),
    ContentBased(half_life_days=4.0),
    ItemNeighbours(n_neighbours=5, shrinkage=1.0),
]
every = pytest.mark.parametrize("model", ALL, ids=repr)


@every
def test_table_of_recommendations_has_the_agreed_columns_ranks_and_order(model, log, features):
    model = clone(model).fit(log, items=features)
    people = ["u007", "u001", "u020"]
    lists = model.recommend(people, k=4)
    assert list(lists.columns) == ["user_id", "item_id", "score", "rank"]
    assert lists["user_id"].tolist() == [p for p in people for _ in range(4)]
    assert lists["rank"].tolist() == [1, 2, 3, 4] * 3
    assert (lists.groupby("user_id")["score"].diff().dropna() <= 0).all()


@every
def test_score_and_recommend_tell_the_same(model, log, features):
    model = clone(model).fit(log, items=features)
    lists = model.recommend(["u003"], k=20, exclude_seen=False)
    scores = pd.Series(model.score(["u003"], lists["item_id"].tolist())[0])
    np.testing.assert_allclose(lists["score"], scores, rtol=1e-6)
    assert len(lists) == 20


@every
def test_seen_items_are_left_out_unless_wanted(model, log, features):
    model = clone(model).fit(log, items=features)
    people = log["user_id"].unique()
    lists = model.recommend(people, k=20)
    both = lists.merge(log, on=["user_id", "item_id"])
    assert both.empty
    assert len(lists) == len(people) * 20 - len(log)
    assert len(model.recommend(people, k=20, exclude_seen=False)) == len(people) * 20


@every
def test_only_candidates_are_recommended_and_their_order_does_not_matter(model, log, features):
    model = clone(model).fit(log, items=features)
    offered = ["c011", "c002", "c005"]
    lists = model.recommend(["u001", "u002"], k=10, candidates=offered, exclude_seen=False)
    assert set(lists["item_id"]) == set(offered)
    pd.testing.assert_frame_equal(
        lists, model.recommend(["u001", "u002"], k=10, candidates=offered[::-1], exclude_seen=False)
    )


@every
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_order_of_rows_people_and_items_changes_nothing(model, seed):
    rng = np.random.default_rng(seed)
    log, features = random_interactions(seed=seed), random_features(seed=seed)
    people = log["user_id"].unique()
    first = clone(model).fit(log, items=features)
    second = clone(model).fit(
        log.sample(frac=1.0, random_state=seed, ignore_index=True),
        items=features.select(rng.permutation(features.ids)),
    )
    wanted = rng.permutation(features.ids[first.can_score(features.ids)])
    np.testing.assert_allclose(first.score(people, wanted), second.score(people, wanted), rtol=1e-5, atol=1e-6)
    shuffled = rng.permutation(people)
    np.testing.assert_allclose(
        first.score(shuffled), first.score(people)[pd.Index(people).get_indexer(shuffled)], rtol=1e-5, atol=1e-6
    )


@every
def test_a_new_person_is_served_from_history_exactly_like_a_known_one_with_the_same_past(model, log, features):
    model = clone(model).fit(log, items=features)
    past = log[log["user_id"] == "u004"].assign(user_id="stranger")
    known = model.score(["u004"])
    new = model.score(["stranger"], history=past)
    if isinstance(model, Random):
        assert not np.array_equal(known, new)
    else:
        np.testing.assert_allclose(new, known, rtol=1e-5)
    lists = model.recommend(["stranger"], k=20, history=past)
    assert not set(lists["item_id"]) & set(past["item_id"])


@every
def test_history_takes_the_place_of_what_fit_saw(model, log, features):
    model = clone(model).fit(log, items=features)
    other = log[log["user_id"] == "u009"].assign(user_id="u004")
    lists = model.recommend(["u004"], k=20, history=other)
    assert not set(lists["item_id"]) & set(other["item_id"])
    assert set(log.loc[log["user_id"] == "u004", "item_id"]) - set(other["item_id"]) <= set(lists["item_id"])


@every
def test_unknown_item_raises_with_its_name(model, log, features):
    model = clone(model).fit(log, items=features)
    with pytest.raises(ColdStartError, match="c999") as caught:
        model.score(["u001"], ["c001", "c999"])
    assert caught.value.items == ["c999"]
    with pytest.raises(ColdStartError, match="c999"):
        model.recommend(["u001"], candidates=["c001", "c999"])
    assert model.can_score(["c001", "c999"]).tolist() == [True, False]


@every
def test_unknown_person_is_served_or_refused_by_name_but_never_scored_silently_by_a_personal_model(
    model, log, features
):
    model = clone(model).fit(log, items=features)
    if isinstance(model, (Popularity, Random)):
        assert len(model.recommend(["nobody"], k=3)) == 3
        assert model.can_serve(["nobody"]).all()
    else:
        with pytest.raises(ColdStartError, match="nobody") as caught:
            model.recommend(["u001", "nobody"])
        assert caught.value.users == ["nobody"]
        assert model.can_serve(["u001", "nobody"]).tolist() == [True, False]


@every
def test_parameters_survive_clone_and_set_params(model):
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    name, value = next(iter(copy.get_params().items()))
    assert clone(copy).set_params(**{name: value}).get_params()[name] == value


@every
def test_asking_before_fit_says_so(model):
    with pytest.raises(NotFittedError, match="fit"):
        clone(model).recommend(["u001"])


@every
def test_blocks_of_people_give_the_same_as_all_at_once(model, log, features, monkeypatch):
    model = clone(model).fit(log, items=features)
    people = log["user_id"].unique()
    whole = model.recommend(people, k=5)
    monkeypatch.setattr("avrec_lib.recommend.base._BLOCK", 40)
    pd.testing.assert_frame_equal(whole, model.recommend(people, k=5))


@every
def test_nobody_asked_gives_an_empty_table(model, log, features):
    assert clone(model).fit(log, items=features).recommend([]).empty


@every
def test_ids_may_be_numbers(model):
    log = interactions([(7, 30, 1.0, 0), (7, 10, 1.0, 1), (2, 30, 1.0, 2), (2, 20, 0.5, 3)])
    features = random_features(n_items=3)
    features = type(features)(np.array([10, 20, 30]), features.matrix, features.present, "toy")
    lists = clone(model).fit(log, items=features).recommend([2, 7], k=1)
    assert set(zip(lists["user_id"], lists["item_id"], strict=True)) == {(2, 10), (7, 20)}


def test_bad_tables_are_refused_with_the_row_or_pair_named(log):
    model = Popularity()
    with pytest.raises(ValueError, match="empty"):
        model.fit(log.iloc[:0])
    with pytest.raises(ValueError, match="twice"):
        model.fit(pd.concat([log, log.iloc[:1]], ignore_index=True))
    with pytest.raises(ValueError, match="time"):
        model.fit(log.drop(columns="time"))
    with pytest.raises(ValueError, match="finite"):
        model.fit(log.assign(value=np.inf))
    with pytest.raises(ValueError, match="more than once"):
        model.fit(log).recommend(["u001", "u001"])
