import numpy as np
import pandas as pd
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from avrec_lib.content.features import FeatureTable
from avrec_lib.recommend.base import ColdStartError
from avrec_lib.recommend.content import ContentBased

from .conftest import interactions, random_features, random_interactions

AXES = FeatureTable(
    np.array(["sun", "rain", "both", "new"], dtype=object), [[2, 0], [0, 5], [1, 1], [3, 0]], np.ones(4, bool), "axes"
)


def test_profile_is_the_weighted_mean_of_unit_vectors():
    log = interactions([("u", "sun", 3.0, 0), ("u", "rain", 4.0, 0)])
    scores = ContentBased().fit(log, items=AXES).score(["u"], ["sun", "rain", "both"])
    np.testing.assert_allclose(scores, [[0.6, 0.8, 1.4 / np.sqrt(2)]], rtol=1e-6)


def test_equals_scikit_learns_cosine_on_random_data():
    log, features = random_interactions(), random_features()
    model = ContentBased().fit(log, items=features)
    unit = features.matrix / np.linalg.norm(features.matrix, axis=1, keepdims=True)
    wide = log.pivot_table(index="user_id", columns="item_id", values="value").reindex(columns=features.ids).fillna(0.0)
    expected = cosine_similarity(wide.to_numpy() @ unit, features.matrix)
    np.testing.assert_allclose(model.score(wide.index, features.ids), expected, atol=1e-5)


def test_an_item_that_nobody_met_is_scored_by_its_features():
    log = interactions([("u", "sun", 1.0, 0), ("v", "rain", 1.0, 0)])
    lists = ContentBased().fit(log, items=AXES).recommend(["u"], k=1)
    assert lists["item_id"].tolist() == ["new"]


def test_half_life_counts_from_the_persons_own_last_day():
    log = interactions([("u", "sun", 1.0, 0), ("u", "rain", 1.0, 6), ("v", "both", 1.0, 30)])
    scores = ContentBased(half_life_days=3.0).fit(log, items=AXES).score(["u"], ["sun", "rain"])
    np.testing.assert_allclose(scores[0, 0] / scores[0, 1], 0.25, rtol=1e-5)


def test_baseline_turns_a_poor_meeting_into_a_reason_against():
    log = interactions([("u", "sun", 1.0, 0), ("u", "rain", 0.1, 0)])
    assert ContentBased().fit(log, items=AXES).score(["u"], ["rain"]).item() > 0.0
    assert ContentBased(baseline=0.5).fit(log, items=AXES).score(["u"], ["rain"]).item() < 0.0


def test_an_item_without_features_is_never_recommended_and_is_refused_by_name():
    features = random_features(absent=["c003"])
    model = ContentBased().fit(random_interactions(), items=features)
    assert "c003" not in set(model.recommend(["u001"], k=30)["item_id"])
    assert np.isnan(model.score(["u001"])[0, model.item_ids_.get_loc("c003")])
    with pytest.raises(ColdStartError, match="c003"):
        model.score(["u001"], ["c003"])


def test_a_person_whose_past_has_no_features_is_refused():
    features = random_features(absent=["c003"])
    model = ContentBased().fit(random_interactions(), items=features)
    with pytest.raises(ColdStartError, match="deaf"):
        model.recommend(["deaf"], history=interactions([("deaf", "c003", 1.0, 0)]))


def test_fit_without_features_says_what_is_missing():
    with pytest.raises(ValueError, match="items="):
        ContentBased().fit(random_interactions())


def test_later_events_of_others_do_not_change_a_persons_scores():
    log = random_interactions()
    model = ContentBased(half_life_days=5.0)
    before = model.fit(log, items=random_features()).score(["u001"])
    more = interactions([("u999", "c001", 1.0, 500)])
    after = model.fit(pd.concat([log, more]), items=random_features()).score(["u001"])
    np.testing.assert_array_equal(before, after)


def test_several_tables_count_as_the_weighted_mean_of_their_cosines():
    log = interactions([("u", "c000", 1.0, 0), ("v", "c001", 1.0, 0)])
    sight, sound = random_features(6, 4, seed=1), random_features(6, 7, seed=2)
    sound = FeatureTable(sound.ids[::-1], sound.matrix[::-1], sound.present, "sound")
    ids = sight.ids

    def cosines(weights, tables):
        return ContentBased(weights=weights).fit(log, items=tables).score(["u"], ids)

    both = cosines({"toy": 3.0, "sound": 1.0}, [sight, sound])
    np.testing.assert_allclose(both, 0.75 * cosines(None, sight) + 0.25 * cosines(None, sound), atol=1e-6)
    np.testing.assert_allclose(cosines({"toy": 0.0, "sound": 2.0}, [sight, sound]), cosines(None, sound), atol=1e-6)
    with pytest.raises(ValueError, match="weights"):
        cosines({"toy": 1.0}, [sight, sound])


def test_an_item_that_only_one_of_several_tables_knows_is_scored_by_that_one():
    log = interactions([("u", "c000", 1.0, 0)])
    sight, sound = random_features(3, 4, seed=1), random_features(5, 7, seed=2, absent=["c004"])
    sound = FeatureTable(sound.ids, sound.matrix, sound.present, "sound")
    model = ContentBased().fit(log, items=[sight, sound])
    assert model.can_score(["c002", "c003", "c004"]).tolist() == [True, True, False]
    unit = sound.matrix / np.linalg.norm(sound.matrix, axis=1, keepdims=True)
    expected = unit[0] @ unit[3] / np.sqrt(2)  # half of the person's profile is what the item lacks
    np.testing.assert_allclose(model.score(["u"], ["c003"]).item(), expected, rtol=1e-5)
