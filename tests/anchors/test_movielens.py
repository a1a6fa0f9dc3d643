"""MovieLens-100K, three quarters of each item's (or each person's) ratings known: published figures of top-10 lists."""

import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV

from avrec_lib.collect.datasets import load_dataset
from avrec_lib.prepare.stratified import stratified_split
from avrec_lib.recommend import EASE, SAR, ItemNeighbours, Popularity

from .ranking import figures, top_ten

SPLITS = {"item_id": (75_066, 24_934), "user_id": (74_992, 25_008)}
SAR_PUBLISHED = {
    "item_id": {"ndcg": 0.393819, "precision": 0.340615, "recall": 0.185377, "map": 0.114038},
    "user_id": {"ndcg": 0.379533, "precision": 0.331071, "recall": 0.176837, "map": 0.106959},
}
HALF_A_DIGIT = 5e-7  # figures are published to six digits


@pytest.fixture
def ratings(needs_dataset):
    return load_dataset(needs_dataset("movielens-100k")).tables["interactions"]


def ndcg(model, held_out, _=None):
    people = pd.Index(held_out["user_id"].unique())
    return figures(top_ten(model, people[model.can_serve(people)]), held_out)["ndcg"]


@pytest.mark.parametrize("column", SPLITS)
def test_sar_gives_the_published_figures_to_the_last_digit(ratings, column):
    train, test = stratified_split(ratings, column=column, train=0.75, seed=42)
    assert (len(train), len(test)) == SPLITS[column]
    lists = top_ten(SAR(half_life_days=30.0).fit(train), pd.Index(test["user_id"].unique()))
    found = figures(lists, test)
    assert found.to_dict() == pytest.approx(SAR_PUBLISHED[column], abs=HALF_A_DIGIT, rel=0)


def test_popularity_gives_the_published_figure(ratings):
    train, test = stratified_split(ratings, column="item_id", train=0.75, seed=42)
    assert ndcg(Popularity(count=True).fit(train), test) == pytest.approx(0.2524, abs=5e-5)


@pytest.mark.parametrize(("column", "least"), [("item_id", 0.480), ("user_id", 0.474)])
def test_ease_chosen_on_a_part_of_train_reaches_the_measured_figure(ratings, column, least):
    train, test = stratified_split(ratings, column=column, train=0.75, seed=42)
    train = train.reset_index(drop=True)
    known, validation = stratified_split(train, column=column, train=0.75, seed=1)
    grid = {"l2": [50.0, 100.0, 200.0, 300.0, 500.0, 700.0, 1000.0, 2000.0]}
    search = GridSearchCV(EASE(), grid, scoring=ndcg, cv=[(known.index, validation.index)], error_score="raise")
    search.fit(train)
    assert 50.0 < search.best_params_["l2"] < 2000.0
    assert ndcg(search.best_estimator_, test) >= least


def test_ease_with_the_parameter_of_the_measured_figure_gives_it(ratings):
    train, test = stratified_split(ratings, column="item_id", train=0.75, seed=42)
    assert ndcg(EASE(l2=300.0).fit(train), test) == pytest.approx(0.4842, abs=5e-5)


@pytest.mark.parametrize("model", [SAR(), EASE(), ItemNeighbours(), Popularity()], ids=repr)
def test_other_names_of_people_and_items_and_another_scale_change_no_list(ratings, model):
    train, _ = stratified_split(ratings, column="item_id", train=0.75, seed=42)
    other = pd.DataFrame(
        {
            "user_id": "p" + train["user_id"].astype(str).str.zfill(4),
            "item_id": "film-" + train["item_id"].astype(str).str.zfill(4),
            "value": (train["value"] * 16).astype("int64"),
            "time": train["time"].dt.tz_convert("Asia/Tokyo").dt.as_unit("ns"),
        }
    )
    if "shrinkage" in model.get_params():
        model.set_params(shrinkage=0.0)  # it is in the units of the values
    people = train["user_id"].unique()
    lists = model.fit(train).recommend(people)
    named = model.fit(other.sample(frac=1.0, random_state=0)).recommend([f"p{person:04d}" for person in people])
    assert named["item_id"].str[5:].astype("int64").tolist() == lists["item_id"].tolist()
