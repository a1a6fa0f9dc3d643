"""Last.fm-2K in its published split: what was measured on it, learned from train alone, validation masked in test.

The figures have four digits, and what has no chance in it must give all of them.
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import ParameterGrid

from avrec_lib.collect.datasets import load_dataset
from avrec_lib.recommend import EASE, ItemNeighbours, Popularity, Random

from .ranking import figures, top_ten

HALF_A_DIGIT = 5e-5


@pytest.fixture
def parts(needs_dataset):
    table = load_dataset(needs_dataset("lastfm-2k")).tables["interactions"]
    return {name: part.drop(columns="part") for name, part in table.groupby("part")}


def ndcg_test(model, parts):
    people = pd.Index(parts["test"]["user_id"].unique())
    return figures(top_ten(model, people, met_since_fit=parts["validation"]), parts["test"])["ndcg"]


def chosen(model, grid, parts):
    """Return the model, fitted on train, with the parameters that do best on validation."""
    people = pd.Index(parts["validation"]["user_id"].unique())
    best = -np.inf
    for parameters in ParameterGrid(grid):
        found = figures(top_ten(model.set_params(**parameters).fit(parts["train"]), people), parts["validation"])
        if found["ndcg"] > best:
            best, winner = found["ndcg"], parameters
    return model.set_params(**winner).fit(parts["train"])


def test_the_parts_are_the_published_ones(parts):
    assert {name: len(part) for name, part in parts.items()} == {"train": 44_327, "validation": 4_799, "test": 7_219}


def test_popularity_gives_the_measured_figure(parts):
    assert ndcg_test(Popularity().fit(parts["train"]), parts) == pytest.approx(0.0595, abs=HALF_A_DIGIT)


def test_random_lists_give_the_measured_figure_but_for_chance(parts):
    draws = [ndcg_test(Random(seed).fit(parts["train"]), parts) for seed in range(12)]
    assert np.mean(draws) == pytest.approx(0.0047, abs=0.001)
    assert draws == pytest.approx([0.0047] * 12, abs=0.0032)  # four standard deviations of one draw


def test_ease_chosen_on_validation_gives_the_measured_figure(parts):
    model = chosen(EASE(), {"l2": [20.0, 50.0, 100.0, 200.0, 500.0, 1000.0]}, parts)
    assert model.l2 == 100.0
    assert ndcg_test(model, parts) == pytest.approx(0.2386, abs=HALF_A_DIGIT)


def test_item_neighbours_with_all_items_as_neighbours_give_the_measured_figure(parts):
    model = ItemNeighbours(n_neighbours=1425, shrinkage=0.0).fit(parts["train"])
    assert ndcg_test(model, parts) == pytest.approx(0.2352, abs=HALF_A_DIGIT)


def test_item_neighbours_chosen_on_validation_do_better_than_the_measured_figure(parts):
    grid = {"n_neighbours": [20, 50, 100, 200, 1425], "shrinkage": [0.0, 1.0, 5.0, 20.0]}
    assert ndcg_test(chosen(ItemNeighbours(), grid, parts), parts) > 0.2402
