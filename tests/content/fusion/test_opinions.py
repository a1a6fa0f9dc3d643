import numpy as np
import pandas as pd
import pytest

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion import pool_opinions, product_of_experts


def opinion(name, kinds, numbers, prior=(0.5, 0.25, 0.25), unexplained=0.5, present=None):
    """Make a tagger's table: chances of a, b and c, and a number."""
    kinds, n = np.array(kinds), len(kinds)
    attributes = {
        "kind": {"classes": ["a", "b", "c"], "prior": list(prior), "temperature": 1.0},
        "mood": {"mean": 0.0, "deviation": 1.0, "slope": 1.0, "unexplained": unexplained},
    }
    matrix = np.column_stack([kinds - np.array(prior), numbers])
    there = np.ones(n, dtype=bool) if present is None else np.array(present)
    columns = ("kind: a", "kind: b", "kind: c", "mood")
    return FeatureTable(np.arange(n), matrix, there, name, columns, {"attributes": attributes})


def test_a_product_of_experts_is_bayes_rule():
    rng = np.random.default_rng(0)
    prior = np.array([0.5, 0.25, 0.25])
    likelihoods = rng.random((2, 50, 3))
    each = [one * prior / (one * prior).sum(axis=1, keepdims=True) for one in likelihoods]
    both = likelihoods[0] * likelihoods[1] * prior
    both /= both.sum(axis=1, keepdims=True)
    fused = product_of_experts([opinion(name, one, np.zeros(50)) for name, one in zip("xy", each, strict=True)])
    np.testing.assert_allclose(fused.matrix[:, :3] + prior, both, atol=1e-5)


def test_numbers_are_weighed_by_what_each_expert_knows():
    # A truth of variance 1, seen with noise of variances 1 and 3: each expert alone leaves 1/2 and 3/4 unexplained.
    rng = np.random.default_rng(1)
    truth = rng.normal(size=20_000)
    seen = truth + rng.normal(size=20_000), truth + np.sqrt(3.0) * rng.normal(size=20_000)
    flat = np.tile([0.5, 0.25, 0.25], (20_000, 1))
    tables = [opinion("x", flat, seen[0] / 2, unexplained=0.5), opinion("y", flat, seen[1] / 4, unexplained=0.75)]
    fused = product_of_experts(tables).matrix[:, 3]
    np.testing.assert_allclose(fused, (seen[0] + seen[1] / 3) / (1 + 1 + 1 / 3), atol=1e-4)
    left = [np.square(truth - one).mean() for one in (seen[0] / 2, seen[1] / 4, fused)]
    assert left[2] < min(left[:2]) and left[2] == pytest.approx(3 / 7, abs=0.02)


def test_an_expert_who_is_absent_or_knows_nothing_changes_nothing():
    sure = [[0.9, 0.05, 0.05], [0.2, 0.4, 0.4]]
    first = opinion("x", sure, [0.4, -0.2])
    prior = [[0.5, 0.25, 0.25]] * 2
    ignorant = opinion("y", prior, [0.0, 0.0], unexplained=1.0)
    np.testing.assert_allclose(product_of_experts([first, ignorant]).matrix, first.matrix, atol=1e-6)
    absent = opinion("y", sure, [3.0, 3.0], present=[False, False])
    np.testing.assert_allclose(product_of_experts([first, absent]).matrix, first.matrix, atol=1e-6)
    nobody = product_of_experts([opinion("x", sure, [0, 0], present=[True, False])])
    assert nobody.present.tolist() == [True, False]


def test_an_expert_who_knows_nothing_of_a_rare_class_leaves_it_rare():
    prior = [0.49997, 0.5, 3e-5]
    ignorant = [opinion(name, [prior], [0.0], prior=prior, unexplained=1.0) for name in "xy"]
    np.testing.assert_allclose(product_of_experts(ignorant).matrix, 0.0, atol=1e-7)


def test_an_attribute_whose_name_begins_like_another_keeps_its_own_columns():
    about = {"mean": 0.0, "deviation": 1.0, "slope": 1.0, "unexplained": 1.0}
    attributes = {
        "hue: cosine": about,
        "hue": about,
        "kind": {"classes": ["a", "b"], "prior": [0.5, 0.5]},
        "kind: z": about,
    }
    columns = ("hue: cosine", "hue", "kind: a", "kind: b", "kind: z")
    row = np.array([[3.0, 0.25, 0.5, -0.5, 0.125]])
    told = FeatureTable(np.arange(1), row, np.ones(1, dtype=bool), "x", columns, {"attributes": attributes})
    np.testing.assert_allclose(product_of_experts([told]).matrix, row, atol=1e-3)


def test_a_number_and_the_same_number_as_text_are_two_clips():
    first = opinion("x", [[0.9, 0.05, 0.05]], [0.4])
    other = opinion("y", [[0.9, 0.05, 0.05]], [0.4])
    other = FeatureTable(np.array(["0"]), other.matrix, other.present, "y", other.columns, other.origin)
    fused = product_of_experts([first, other])
    assert fused.ids.tolist() == [0, "0"] and fused.present.all()


def test_no_expert_rules_a_class_out_for_all_others():
    first, other = (
        opinion("x", [[1.0, 0.0, 0.0]] * 2, [0.0] * 2),
        opinion("y", [[0.0, 1.0, 0.0], [0.25, 0.5, 0.25]], [0.0] * 2),
    )
    chances = product_of_experts([first, other]).matrix[:, :3] + np.array([0.5, 0.25, 0.25])
    assert 0.1 < chances[0, 0] < 0.9 and 0.1 < chances[0, 1] < 0.9 and chances[0, 2] < 0.01
    assert chances[1, 0] > 0.99


def test_experts_who_speak_of_different_things_are_refused():
    first = opinion("x", [[1, 0, 0]], [0])
    with pytest.raises(ValueError, match="distinct names"):
        product_of_experts([first, first])
    with pytest.raises(ValueError, match="no opinions of a tagger"):
        product_of_experts([FeatureTable(np.arange(2), np.eye(2), np.ones(2, dtype=bool), "raw")])
    other = opinion("y", [[1, 0, 0]], [0])
    other.origin["attributes"]["kind"]["classes"] = ["a", "b", "d"]
    with pytest.raises(ValueError, match="kind"):
        product_of_experts([first, other])


def test_clips_of_one_group_speak_together_and_the_others_for_themselves():
    flat = [[0.5, 0.25, 0.25]] * 5
    table = opinion("x", flat, [0.2, 0.4, 0.6, -0.3, 9.0], unexplained=0.5, present=[True] * 4 + [False])
    groups = pd.Series(["a", "a", "a", None, "a"], index=np.arange(5))
    pooled = pool_opinions(table, groups, ["mood", "not known"])
    np.testing.assert_allclose(pooled.matrix[:4, 3], [0.6, 0.6, 0.6, -0.3], atol=1e-6)  # 1.2 / 0.5 over 1 + 3
    assert pooled.present.tolist() == table.present.tolist()
    np.testing.assert_array_equal(pooled.matrix[:4, :3], table.matrix[:4, :3])
    left = pooled.origin["attributes"]["mood"]["unexplained"]
    assert left == pytest.approx((3 * 0.25 + 0.5) / 4) and table.origin["attributes"]["mood"]["unexplained"] == 0.5


def test_pooling_is_a_product_over_clips():
    flat = np.tile([0.5, 0.25, 0.25], (2, 1))
    both = pool_opinions(opinion("x", flat, [0.3, -0.1], unexplained=0.4), pd.Series("a", index=[0, 1]), ["mood"])
    one, other = (opinion(name, flat[:1], [z], unexplained=0.4) for name, z in (("x", 0.3), ("y", -0.1)))
    np.testing.assert_allclose(both.matrix[0, 3], product_of_experts([one, other]).matrix[0, 3], atol=1e-6)


def test_how_sure_a_pooled_number_is_is_of_no_matter_where_nobody_else_knows_it():
    flat = np.tile([0.5, 0.25, 0.25], (3, 1))
    pooled = pool_opinions(opinion("x", flat, [0.3, -0.1, 0.2]), pd.Series(["a", "a", "b"]), ["mood"])
    np.testing.assert_allclose(product_of_experts([pooled]).matrix[:, 3], pooled.matrix[:, 3], atol=1e-6)


def test_clips_that_are_all_absent_are_pooled_to_nothing_new():
    table = opinion("x", [[1, 0, 0]], [0], present=[False])
    pooled = pool_opinions(table, pd.Series("a", index=[0]), ["mood"])
    assert not pooled.present.any() and pooled.origin["attributes"] == table.origin["attributes"]


def test_what_cannot_be_pooled_is_refused():
    table, groups = opinion("x", [[1, 0, 0]], [0]), pd.Series("a", index=[0])
    with pytest.raises(ValueError, match="kind: numbers can be pooled"):
        pool_opinions(table, groups, ["kind"])
    with pytest.raises(ValueError, match="no opinions of a tagger"):
        pool_opinions(FeatureTable(np.arange(2), np.eye(2), np.ones(2, dtype=bool), "raw"), groups, ["mood"])
