"""What every recommender keeps to. One that ``avrec_lib.recommend`` exports is tested here without being named."""

import importlib
import inspect
import pkgutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

import avrec_lib.recommend
from avrec_lib.content.features import FeatureTable
from avrec_lib.recommend import (
    EASE,
    SAR,
    BilinearContent,
    ColdStartError,
    ContentBased,
    ContentNeighbours,
    ItemNeighbours,
    LateFusion,
    Popularity,
    Random,
    Recommender,
)

from .conftest import interactions, random_features, random_interactions

EXPORTED = [getattr(avrec_lib.recommend, name) for name in avrec_lib.recommend.__all__]
KINDS = [kind for kind in EXPORTED if issubclass(kind, Recommender) and not inspect.isabstract(kind)]
VARIANTS = [
    Popularity(half_life_days=5.0),
    Popularity(count=True),
    SAR(half_life_days=None),
    ItemNeighbours(n_neighbours=5, shrinkage=1.0),
    EASE(l2=2.0),
    ContentBased(half_life_days=4.0, baseline=0.5),
    ContentNeighbours(n_neighbours=4),
    BilinearContent(l2=2.0, l2_items=0.01),
    LateFusion(method="ranks"),
]
EVERY = [kind() for kind in KINDS] + VARIANTS
every = pytest.mark.parametrize("model", EVERY, ids=repr)
every_kind = pytest.mark.parametrize("kind", KINDS)

# What only some can do. A recommender that is in neither list must refuse, by name.
SERVES_PEOPLE_WITHOUT_A_PAST = (Popularity, Random)
NEEDS_FEATURES = (BilinearContent, ContentBased, ContentNeighbours, LateFusion)
SCORES_ITEMS_THAT_NOBODY_MET = (*NEEDS_FEATURES, Popularity, Random)


def test_every_recommender_of_the_package_is_exported_and_so_tested_here():
    found = set()
    for module in pkgutil.iter_modules(avrec_lib.recommend.__path__, "avrec_lib.recommend."):
        members = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        found |= {kind for _, kind in members if issubclass(kind, Recommender) and not inspect.isabstract(kind)}
    assert found == set(KINDS)
    assert len(KINDS) >= 6


# Lists ------------------------------------------------------------------------------------------


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
def test_all_items_and_named_items_get_the_same_scores(model, log, features):
    model = clone(model).fit(log, items=features)
    named = ["c007", "c000", "c007"]
    whole = model.score(["u003", "u001"])
    assert whole.dtype == np.float32
    assert whole.shape == (2, len(model.item_ids_))
    np.testing.assert_array_equal(model.score(["u003", "u001"], named), whole[:, model.item_ids_.get_indexer(named)])


@every
def test_seen_items_are_left_out_unless_wanted_and_nobody_and_nothing_is_lost(model, log, features):
    model = clone(model).fit(log, items=features)
    assert set(model.item_ids_) == set(log["item_id"]) | set(features.ids)
    people = log["user_id"].unique()
    lists = model.recommend(people, k=20)
    assert lists.merge(log, on=["user_id", "item_id"]).empty
    assert len(lists) == len(people) * 20 - len(log)
    everything = model.recommend(people, k=20, exclude_seen=False)
    assert len(everything) == len(people) * 20
    assert not everything.duplicated(["user_id", "item_id"]).any()


@pytest.mark.parametrize("model", [model for model in EVERY if not isinstance(model, Random)], ids=repr)
def test_equal_scores_stand_in_the_order_of_ids(model):
    # c1, c2 and c3 are met by the same people with the same values, and are alike in features.
    twins = ["c3", "c1", "c2"]
    log = interactions(
        [(u, c, 2.0, 1) for u in ("u1", "u2") for c in twins] + [("u1", "c9", 1.0, 1), ("u3", "c9", 1.0, 1)]
    )
    vectors = np.array([[1.0, 0.2], [1.0, 0.2], [1.0, 0.2], [0.8, 1.0]])
    features = FeatureTable(np.array([*twins, "c9"], dtype=object), vectors, np.ones(4, bool), "toy")
    model = clone(model).fit(log, items=features)
    lists = model.recommend(["u3"], k=3)
    assert lists["item_id"].tolist() == ["c1", "c2", "c3"]
    assert len(set(lists["score"])) == 1


@every
def test_only_candidates_are_recommended_and_their_order_does_not_matter(model, log, features):
    model = clone(model).fit(log, items=features)
    offered = ["c011", "c002", "c005"]
    lists = model.recommend(["u001", "u002"], k=10, candidates=offered, exclude_seen=False)
    assert set(lists["item_id"]) == set(offered)
    backwards = model.recommend(["u001", "u002"], k=10, candidates=offered[::-1], exclude_seen=False)
    pd.testing.assert_frame_equal(lists, backwards)
    assert model.recommend(["u001", "u002"], candidates=[]).empty


@every
def test_a_list_longer_than_the_catalogue_ends_where_the_catalogue_ends(model, log, features):
    model = clone(model).fit(log, items=features)
    lists = model.recommend(["u001"], k=10**9, exclude_seen=False)
    assert sorted(lists["item_id"]) == sorted(model.item_ids_)


@every
def test_blocks_of_people_give_the_same_as_all_at_once(model, log, features, monkeypatch):
    model = clone(model).fit(log, items=features)
    people = log["user_id"].unique()
    lists, scores, some = model.recommend(people, k=5), model.score(people), model.score(people, ["c003", "c001"])
    monkeypatch.setattr("avrec_lib.recommend.base._BLOCK", 40)
    pd.testing.assert_frame_equal(lists, model.recommend(people, k=5))
    np.testing.assert_allclose(scores, model.score(people), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(some, model.score(people, ["c003", "c001"]), rtol=1e-5, atol=1e-7)


@every
def test_nobody_asked_gives_an_empty_table(model, log, features):
    model = clone(model).fit(log, items=features)
    assert model.recommend([]).empty
    assert model.score([]).shape == (0, 20)


# Order, repetition, and what is given stays as it is --------------------------------------------


@every
@settings(max_examples=8, deadline=None)
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
def test_twice_fitted_is_twice_the_same_to_the_last_bit(model, log, features):
    first, second = clone(model).fit(log, items=features), clone(model).fit(log, items=features)
    np.testing.assert_array_equal(first.score(log["user_id"].unique()), second.score(log["user_id"].unique()))


@every
def test_a_second_fit_forgets_the_first(model, log, features):
    other = random_interactions(seed=9).assign(user_id=lambda table: "x" + table["user_id"])
    once = clone(model).fit(other, items=features)
    again = clone(model).fit(log, items=features).fit(other, items=features)
    np.testing.assert_array_equal(once.score(["xu001"]), again.score(["xu001"]))


@every
def test_tables_that_are_given_stay_as_they_were(model, log, features):
    log = log.sample(frac=1.0, random_state=1).set_index(np.arange(1000, 1000 + len(log)))
    past = log[log["user_id"] == "u004"].assign(user_id="stranger")
    kept = log.copy(), past.copy(), features.matrix.copy()
    model = clone(model).fit(log, items=features)
    lists = model.recommend(["u001"], k=3, history=log)
    lists["score"] = 0.0
    model.score(["stranger"], history=past)[:] = 0.0
    model.score(["u001"])[:] = 0.0
    pd.testing.assert_frame_equal(log, kept[0])
    pd.testing.assert_frame_equal(past, kept[1])
    np.testing.assert_array_equal(features.matrix, kept[2])
    assert (clone(model).fit(log, items=features).score(["u001"]) == model.score(["u001"])).all()


# People -----------------------------------------------------------------------------------------


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
    assert len(lists) == 20 - len(past)


@every
def test_history_takes_the_place_of_what_fit_saw(model, log, features):
    model = clone(model).fit(log, items=features)
    other = log[log["user_id"] == "u009"].assign(user_id="u004")
    lists = model.recommend(["u004"], k=20, history=other)
    assert not set(lists["item_id"]) & set(other["item_id"])
    assert set(log.loc[log["user_id"] == "u004", "item_id"]) - set(other["item_id"]) <= set(lists["item_id"])


@every
def test_a_history_that_was_read_once_says_the_same_as_its_table(model, log, features):
    model = clone(model).fit(log, items=features)
    past = pd.concat([log[log["user_id"] == "u009"].assign(user_id=name) for name in ("stranger", "u004")])
    read = model.read(past)
    people = ["u004", "u001", "stranger"]
    np.testing.assert_array_equal(model.score(people, history=read), model.score(people, history=past))
    pd.testing.assert_frame_equal(model.recommend(people, history=read), model.recommend(people, history=past))
    assert model.can_serve(people, history=read).all()
    wider = clone(model).fit(log, items=random_features(24)).read(past)
    with pytest.raises(ValueError, match="over 24 items, not 20"):
        model.score(people, history=wider)


@every
def test_an_unknown_person_is_refused_by_name_except_by_what_needs_no_past(model, log, features):
    model = clone(model).fit(log, items=features)
    served = isinstance(model, SERVES_PEOPLE_WITHOUT_A_PAST)
    assert model.can_serve(["u001", "nobody"]).tolist() == [True, served]
    nothing = log.iloc[:0]
    elsewhere = interactions([("nobody", "c999", 1.0, 0)])
    for history in (None, nothing, elsewhere):
        if served:
            assert len(model.recommend(["nobody"], k=3, history=history)) == 3
            continue
        for ask in (model.recommend, model.score):
            with pytest.raises(ColdStartError, match="nobody") as caught:
                ask(["u001", "nobody"], history=history)
            assert caught.value.users == ["nobody"]


# Items ------------------------------------------------------------------------------------------


@every
def test_an_unknown_item_is_refused_by_name(model, log, features):
    model = clone(model).fit(log, items=features)
    with pytest.raises(ColdStartError, match="c999") as caught:
        model.score(["u001"], ["c001", "c999"])
    assert caught.value.items == ["c999"]
    with pytest.raises(ColdStartError, match="c999"):
        model.recommend(["u001"], candidates=["c001", "c999"])
    assert model.can_score(["c001", "c999"]).tolist() == [True, False]


@every
def test_an_item_that_nobody_met_is_scored_or_refused_by_name_and_never_recommended_by_who_refuses(model, log):
    model = clone(model).fit(log, items=random_features(22))
    lists = model.recommend(["u001"], k=30, exclude_seen=False)
    scores = model.score(["u001"])
    if isinstance(model, SCORES_ITEMS_THAT_NOBODY_MET):
        assert set(lists["item_id"]) == {f"c{i:03d}" for i in range(22)}
        assert np.isfinite(scores).all()
        assert np.isfinite(model.score(["u001"], ["c021"])).all()
        return
    assert set(lists["item_id"]) == {f"c{i:03d}" for i in range(20)}
    assert np.isnan(scores[0]).tolist() == [False] * 20 + [True] * 2
    assert model.can_score(["c021", "c001"]).tolist() == [False, True]
    with pytest.raises(ColdStartError, match="c021") as caught:
        model.score(["u001"], ["c001", "c021"])
    assert caught.value.items == ["c021"]


# As an estimator --------------------------------------------------------------------------------


@every_kind
def test_parameters_are_kept_as_given_and_survive_clone_and_set_params(kind):
    marks = {name: object() for name in kind().get_params()}
    model = kind(**marks)
    assert model.get_params(deep=False) == marks
    again = kind().set_params(**marks)
    assert again.get_params(deep=False) == marks
    defaults = kind().get_params()
    assert clone(kind()).get_params() == defaults
    assert set(vars(kind())) == set(defaults)


@every_kind
def test_what_is_learned_ends_in_an_underscore_and_clone_leaves_it_behind(kind, log, features):
    model = kind().fit(log, items=features)
    learned = set(vars(model)) - set(model.get_params())
    assert all(name.endswith("_") for name in learned)
    assert not learned & set(vars(clone(model)))


@every_kind
def test_grid_search_of_scikit_learn_tries_every_value_and_refits_the_best(kind, log, features):
    name, values = next(
        (name, values)
        for name, values in {
            "half_life_days": [None, 3.0],
            "l2": [1.0, 50.0],
            "n_neighbours": [1, 10],
            "seed": [0, 1],
            "method": ["mean", "ranks"],
        }.items()
        if name in kind().get_params()
    )

    def hits(model, held_out, _=None):
        return len(model.recommend(["u001", "u002"], k=5).merge(held_out, on=["user_id", "item_id"]))

    rows = np.random.default_rng(0).permutation(len(log))
    search = GridSearchCV(kind(), {name: values}, scoring=hits, cv=[(rows[:120], rows[120:])], error_score="raise")
    search.fit(log, items=features)
    assert len(search.cv_results_["params"]) == 2
    expected = [
        hits(kind().set_params(**{name: one}).fit(log.iloc[rows[:120]], items=features), log.iloc[rows[120:]])
        for one in values
    ]
    assert search.cv_results_["mean_test_score"].tolist() == expected
    best = kind().set_params(**search.best_params_).fit(log, items=features)
    np.testing.assert_array_equal(search.best_estimator_.score(["u001"]), best.score(["u001"]))


@every
@pytest.mark.parametrize("reason", ["the table", "the learning", "the end"])
def test_a_refit_that_fails_leaves_nothing_half_learned(model, log, features, monkeypatch, reason):
    model = clone(model).fit(log, items=features)
    learn = type(model)._fit

    def fails(self, *given):
        if reason == "the end":
            learn(self, *given)
        raise KeyboardInterrupt

    if reason != "the table":
        monkeypatch.setattr(type(model), "_fit", fails)
    with pytest.raises(ValueError if reason == "the table" else KeyboardInterrupt):
        model.fit(log.iloc[: 0 if reason == "the table" else 40], items=features)
    assert set(vars(model)) == set(model.get_params(deep=False))
    with pytest.raises(NotFittedError):
        model.recommend(["u001"])
    monkeypatch.undo()
    people = log["user_id"].unique()
    again, fresh = model.fit(log, items=features), clone(model).fit(log, items=features)
    np.testing.assert_array_equal(again.score(people), fresh.score(people))


@every
def test_asking_before_fit_says_so(model):
    with pytest.raises(NotFittedError, match="fit"):
        clone(model).recommend(["u001"])
    with pytest.raises(NotFittedError, match="fit"):
        clone(model).score(["u001"])
    with pytest.raises(NotFittedError, match="fit"):
        clone(model).read(random_interactions())


# Other tables than the usual ---------------------------------------------------------------------


@every
@pytest.mark.parametrize("kind_of_id", ["int64", "int32", "object", "str", "category", "Int64"])
def test_ids_may_be_numbers_or_text(model, kind_of_id):
    numbers = kind_of_id in ("int64", "int32", "Int64")
    one = (lambda number: number) if numbers else str
    log = interactions([(7, 30, 1.0, 0), (7, 10, 1.0, 1), (2, 30, 1.0, 2), (2, 20, 0.5, 3)])
    for column in ("user_id", "item_id"):
        log[column] = log[column].map(one).astype(kind_of_id)
    features = random_features(n_items=3)
    ids = np.array([one(number) for number in (10, 20, 30)], dtype=None if numbers else object)
    features = FeatureTable(ids, features.matrix, features.present, "toy")
    model = clone(model).fit(log, items=features)
    lists = model.recommend([one(2), one(7)], k=1)
    assert list(zip(lists["user_id"], lists["item_id"], strict=True)) == [(one(2), one(10)), (one(7), one(20))]
    new = log[log["user_id"] == one(7)].assign(user_id=one(99))
    assert len(model.recommend([one(99)], history=new)) == 1


@every
@pytest.mark.parametrize("kind_of_value", ["float64", "float32", "int64", "Int8"])
@pytest.mark.parametrize("factor", [1.0, 16.0])  # powers of two, so that products are exact
def test_ratings_on_another_scale_give_the_same_lists(model, features, kind_of_value, factor):
    model = clone(model)
    if {"baseline", "shrinkage"} & set(model.get_params()):  # these are in the units of the values
        model.set_params(**dict.fromkeys({"baseline", "shrinkage"} & set(model.get_params()), 0.0))
    log = random_interactions()
    log["value"] = np.random.default_rng(1).integers(1, 6, len(log)).astype("float64")
    people = log["user_id"].unique()
    first = model.fit(log, items=features).recommend(people, k=5)
    other = log.assign(value=(log["value"] * factor).astype(kind_of_value))
    pd.testing.assert_series_equal(first["item_id"], model.fit(other, items=features).recommend(people, k=5)["item_id"])


@every
def test_a_table_without_times_will_do_unless_a_half_life_is_asked_for(model, log, features):
    model = clone(model)
    untimed = log.drop(columns="time")
    if model.get_params().get("half_life_days") is not None:
        with pytest.raises(ValueError, match=r"half_life_days needs the time.*person 'u"):
            model.fit(untimed, items=features)
        model.set_params(half_life_days=None)
    people = log["user_id"].unique()
    timed = clone(model).fit(log, items=features).score(people)
    np.testing.assert_array_equal(model.fit(untimed, items=features).score(people), timed)
    past = untimed[untimed["user_id"] == "u004"].assign(user_id="stranger")
    assert len(model.recommend(["stranger"], k=3, history=past)) == 3


@every
def test_one_person_and_one_item_are_enough(model):
    log = interactions([("only", "c000", 1.0, 0)])
    model = clone(model).fit(log, items=random_features(1))
    assert model.recommend(["only"]).empty
    assert model.recommend(["only"], exclude_seen=False)["item_id"].tolist() == ["c000"]
    assert np.isfinite(model.score(["only"], ["c000"])).all()


@every
def test_scores_stay_numbers_after_forty_years(model, features):
    log = random_interactions()
    log["time"] += pd.to_timedelta(np.random.default_rng(0).integers(0, 14_600, len(log)), unit="D").astype("m8[us]")
    old = interactions([("u900", "c001", 1.0, -15_000), ("u900", "c002", 2.0, -15_001)])
    model = clone(model).fit(pd.concat([log, old], ignore_index=True), items=features)
    assert np.isfinite(model.score(["u900"])).all()
    assert len(set(model.recommend(["u900"], k=3)["score"])) > 1


@every
def test_bad_tables_are_refused_with_the_row_or_pair_named(model, log, features):
    def refused(table, match, items=features):
        with pytest.raises(ValueError, match=match):
            clone(model).fit(table, items=items)

    refused(log.iloc[:0], "empty")
    refused(pd.concat([log, log.iloc[:1]], ignore_index=True), r"pair \['u\d+', 'c\d+'\].*twice")
    refused(log.drop(columns="item_id"), "item_id")
    refused(log.drop(columns="user_id"), "user_id")
    refused(log.drop(columns="value"), "value")
    refused(log.assign(value=np.inf), "row 0 .*finite")
    refused(log.assign(value=np.where(np.arange(len(log)) == 3, np.nan, 1.0)), "value")
    refused(log.assign(value="good"), "numbers")
    refused(log.assign(time=5), "time zone")
    refused(log.assign(time=log["time"].where(log.index != 3)), "time")
    refused(log.assign(item_id=log["item_id"].where(log.index != 3)), "item_id")
    refused(log.assign(item_id=[1, *log["item_id"][1:]]), "text or all numbers")
    refused(log.assign(rating=3.0), "rating")
    numbered = FeatureTable(np.arange(20), features.matrix, features.present, "numbered")
    refused(log, "text or all numbers", items=numbered)


@every
def test_bad_questions_are_refused(model, log, features):
    model = clone(model).fit(log, items=features)
    with pytest.raises(ValueError, match=r"'u001'.*more than once"):
        model.recommend(["u001", "u001"])
    with pytest.raises(ValueError, match="k must be at least 1"):
        model.recommend(["u001"], k=0)
    with pytest.raises(ValueError, match="twice"):
        model.score(["u001"], history=pd.concat([log, log.iloc[:1]]))


@every_kind
def test_features_of_several_kinds_are_taken_as_a_list(kind, log):
    more = random_features(24, width=3, seed=2)
    tables = [random_features(22, seed=1), FeatureTable(more.ids, more.matrix, more.present, "other")]
    if kind in NEEDS_FEATURES:
        with pytest.raises(ValueError, match="items="):
            kind().fit(log)
    model = kind().fit(log, items=tables)
    assert set(model.item_ids_) == {f"c{i:03d}" for i in range(24)}
    assert len(model.recommend(["u001"], k=3)) == 3
