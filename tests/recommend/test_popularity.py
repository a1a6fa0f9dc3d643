import numpy as np
import pytest

from avrec_lib.recommend.popularity import Popularity

from .conftest import interactions, random_features

LOG = interactions(
    [
        ("u1", "c000", 1.0, 0),
        ("u2", "c000", 1.0, 0),
        ("u1", "c001", 1.5, 10),
        ("u2", "c002", 0.5, 10),
        ("u3", "c002", 0.5, 10),
    ]
)


def test_values_are_added_up():
    model = Popularity().fit(LOG)
    np.testing.assert_allclose(model.score(["u3"], ["c000", "c001", "c002"]), [[2.0, 1.5, 1.0]])


def test_counting_ignores_values():
    model = Popularity(count=True).fit(LOG)
    np.testing.assert_allclose(model.score(["u3"], ["c000", "c001", "c002"]), [[2.0, 1.0, 2.0]])


def test_half_life_halves_what_is_that_old():
    model = Popularity(half_life_days=10.0).fit(LOG)
    np.testing.assert_allclose(model.score(["u3"], ["c000", "c001", "c002"]), [[1.0, 1.5, 1.0]])


def test_an_announced_item_that_nobody_met_scores_zero():
    model = Popularity().fit(LOG, items=random_features(5))
    assert model.score(["u1"], ["c004"]).item() == 0.0


def test_a_half_life_of_nothing_is_refused():
    with pytest.raises(ValueError, match="half_life_days"):
        Popularity(half_life_days=0.0).fit(LOG)
