import numpy as np
import pytest
from scipy.stats import zscore

from avrec_lib.content.features import FeatureTable
from avrec_lib.recommend import BilinearContent, ContentBased, LateFusion, Random

from .conftest import interactions, random_features, random_interactions


def two(absent=()):
    more = random_features(width=7, seed=2, absent=absent)
    return [random_features(seed=1), FeatureTable(more.ids, more.matrix, more.present, "sound")]


def test_scores_are_the_weighted_mean_of_what_each_modality_says_alone():
    log, tables = random_interactions(), two()
    people, ids = log["user_id"].unique(), tables[0].ids
    alone = [zscore(ContentBased().fit(log, items=one).score(people, ids), axis=1) for one in tables]
    fused = LateFusion(weights={"toy": 3.0, "sound": 1.0}).fit(log, items=tables[::-1]).score(people, ids)
    np.testing.assert_allclose(fused, 0.75 * alone[0] + 0.25 * alone[1], atol=1e-4)


def test_ranks_of_one_modality_are_its_own_order():
    log, table = random_interactions(), two()[0]
    fused = LateFusion(BilinearContent(), "ranks").fit(log, items=table).recommend(["u001"], k=9)
    assert (
        fused["item_id"].tolist()
        == BilinearContent().fit(log, items=table).recommend(["u001"], k=9)["item_id"].tolist()
    )


@pytest.mark.parametrize("method", ["mean", "ranks"])
def test_where_one_modality_is_silent_the_other_decides(method):
    log, tables = random_interactions(), two(absent=["c003"])
    model = LateFusion(method=method).fit(log, items=tables)
    assert model.can_score(["c003"]).all()
    deaf = interactions([("deaf", "c003", 1.0, 0)])  # the person's past has no sound
    lists = model.recommend(["deaf"], k=5, history=deaf)
    alone = ContentBased().fit(log, items=tables[0]).recommend(["deaf"], k=19, history=deaf)
    offered = alone[alone["item_id"] != "c003"]["item_id"].tolist()
    assert lists["item_id"].tolist() == offered[:5]


def test_what_does_not_fit_is_refused():
    log, tables = random_interactions(), two()
    with pytest.raises(ValueError, match="distinct"):
        LateFusion().fit(log, items=[tables[0], tables[0]])
    with pytest.raises(ValueError, match="method"):
        LateFusion(method="magic").fit(log, items=tables)
    with pytest.raises(ValueError, match="weights"):
        LateFusion(weights={"toy": 1.0}).fit(log, items=tables)


def test_the_base_is_copied_and_stays_as_it_was():
    base = Random(seed=3)
    LateFusion(base).fit(random_interactions(), items=two())
    assert not hasattr(base, "histories_")
