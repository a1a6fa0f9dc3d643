import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion import FeatureScaler, WeightedFusion, fuse, weighted

from .tables import ranking_auc, world

TABLES, LIKES, LATER = world()


def noise(seed=3):
    matrix = np.random.default_rng(seed).normal(size=(120, 8))
    return FeatureTable(TABLES[0].ids, matrix, np.ones(120, bool), "noise")


def test_given_weights_are_those_of_fuse():
    weights = {"sight": 0.5, "sound": 1.5}
    scaled = [FeatureScaler("common").fit(one).transform(one) for one in TABLES]
    found = WeightedFusion(weights).fit(TABLES).transform(TABLES)
    np.testing.assert_allclose(found.matrix, fuse(scaled, weights=weights).matrix, atol=1e-6)


def test_learned_weights_leave_out_what_tells_nothing():
    fusion = WeightedFusion().fit([*TABLES, noise()], likes=LIKES, validation=LATER)
    assert fusion.weights_["noise"] < 0.1
    assert min(fusion.weights_["sight"], fusion.weights_["sound"]) > 0.2
    assert sum(fusion.weights_.values()) == pytest.approx(1.0)


def test_no_other_weights_make_later_likes_more_likely():
    tables = [FeatureScaler("common").fit(one).transform(one) for one in TABLES]
    z = [one.matrix / np.linalg.norm(one.matrix, axis=1, keepdims=True) for one in tables]
    ids = pd.Index(TABLES[0].ids)
    people = sorted(set(LIKES["user_id"]) & set(LATER["user_id"]))
    places = [[ids.get_indexer(t.loc[t["user_id"] == p, "item_id"]) for t in (LIKES, LATER)] for p in people]

    def likelihood(weights):
        total = 0.0
        for past, later in places:
            score = sum(w * (one[past].mean(axis=0) @ one.T) for w, one in zip(weights, z, strict=True))
            total += score[later].mean() - logsumexp(np.delete(score, past))
        return total

    def best(share):
        return max(likelihood([scale * share, scale * (1.0 - share)]) for scale in np.arange(3.0, 30.0, 1.0))

    found = WeightedFusion().fit(TABLES, likes=LIKES, validation=LATER).weights_["sight"]
    assert best(found) > max(best(found - 0.1), best(found + 0.1))


def test_weights_are_the_same_in_blocks_of_people_and_learned_from_the_first_where_clips_are_many(monkeypatch):
    at_once = WeightedFusion().fit(TABLES, likes=LIKES, validation=LATER).weights_
    monkeypatch.setattr(weighted, "_PAIRS_AT_ONCE", 700)  # five people and a part of the sixth
    assert WeightedFusion().fit(TABLES, likes=LIKES, validation=LATER).weights_ == pytest.approx(at_once, abs=1e-4)
    first = LIKES["user_id"].unique()[:40]
    few = WeightedFusion(pairs=40 * 120 + 1).fit(TABLES, likes=LIKES, validation=LATER).weights_
    theirs = WeightedFusion().fit(TABLES, likes=LIKES[LIKES["user_id"].isin(first)], validation=LATER).weights_
    assert few == pytest.approx(theirs, abs=1e-4) and few != pytest.approx(at_once, abs=1e-4)


def test_both_modalities_rank_better_than_either():
    fused = WeightedFusion().fit(TABLES, likes=LIKES, validation=LATER).transform(TABLES)
    alone = [WeightedFusion({one.name: 1.0}).fit([one]).transform([one]) for one in TABLES]
    assert ranking_auc(fused, LIKES, LATER) > max(ranking_auc(one, LIKES, LATER) for one in alone) + 0.02


def test_what_cannot_be_learned_is_refused():
    with pytest.raises(ValueError, match="likes="):
        WeightedFusion().fit(TABLES)
    with pytest.raises(ValueError, match="nobody"):
        WeightedFusion().fit(TABLES, likes=LIKES, validation=LIKES)
    with pytest.raises(ValueError, match="no row"):
        WeightedFusion().fit(TABLES, likes=LIKES.assign(item_id="c999"), validation=LATER)
    with pytest.raises(ValueError, match="pairs"):
        WeightedFusion(pairs=0).fit(TABLES, likes=LIKES, validation=LATER)
    for weights in (
        {"sight": 1.0},
        {"sight": -1.0, "sound": 2.0},
        {"sight": 0.0, "sound": 0.0},
        {"sight": np.inf, "sound": 1.0},
    ):
        with pytest.raises(ValueError, match="weights must be"):
            WeightedFusion(weights).fit(TABLES)
