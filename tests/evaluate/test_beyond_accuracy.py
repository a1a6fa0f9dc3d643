"""Every number about lists against loops written from its definition, and against scikit-learn where it can."""

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy as scipy_entropy
from sklearn.metrics.pairwise import cosine_similarity

from avrec_lib.content.features import FeatureTable
from avrec_lib.evaluate import beyond_accuracy
from avrec_lib.evaluate.beyond_accuracy import (
    coverage,
    entropy,
    fill_rate,
    gini,
    intra_list_diversity,
    novelty,
    personalisation,
    serendipity,
)

CATALOGUE = pd.Index(range(12))


def lists_of(lists):
    rows = [(u, i, r) for u, items in lists.items() for r, i in enumerate(items, 1)]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "rank"])


some_lists = st.dictionaries(
    st.sampled_from("abcdef"), st.permutations(range(12)).flatmap(lambda p: st.integers(1, 7).map(lambda n: p[:n]))
)
k_values = st.integers(1, 8)


def vectors(seed=0, absent=(2, 7), zero=(4,)):
    matrix = np.random.default_rng(seed).normal(size=(11, 4))
    matrix[list(zero)] = 0.0
    return FeatureTable(np.arange(11), matrix, ~np.isin(np.arange(11), absent), "sound")  # 11 is not in the table


def test_coverage_and_gini_at_their_ends_and_by_pairs():
    catalogue = pd.Index(range(10))
    alike = lists_of({u: [u, (u + 1) % 10] for u in range(10)})
    assert coverage(alike, catalogue, k=2) == 1.0
    assert gini(alike, catalogue, k=2) == pytest.approx(0.0)
    one = lists_of({u: [3] for u in range(10)})
    assert coverage(one, catalogue) == 0.1
    assert gini(one, catalogue) == pytest.approx(0.9)
    some = lists_of({"a": [0, 1, 2], "b": [0, 1], "c": [0]})
    count = np.array([3, 2, 1] + [0] * 7)
    assert gini(some, catalogue) == pytest.approx(abs(count[:, None] - count).sum() / (2 * 10**2 * count.mean()))
    with pytest.raises(ValueError, match="not in the catalogue"):
        coverage(some, pd.Index([5]))
    with pytest.raises(ValueError, match="nothing to share out"):
        gini(lists_of({}), catalogue)


@settings(max_examples=100, deadline=None)
@given(some_lists, k_values)
def test_personalisation_equals_one_minus_the_mean_cosine_of_all_pairs_of_people(lists, k):
    found = personalisation(lists_of(lists), k=k)
    if len(lists) < 2:
        assert math.isnan(found)
        return
    rows = np.array([[i in items[:k] for i in range(12)] for items in lists.values()], dtype=float)
    alike = cosine_similarity(rows)
    assert found == pytest.approx(1.0 - alike[np.triu_indices(len(rows), 1)].mean(), abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(some_lists, k_values)
def test_diversity_equals_the_mean_over_pairs_of_items_that_have_a_direction(lists, k):
    table = vectors()
    found = intra_list_diversity(lists_of(lists), table, k=k)
    assert list(found.index) == sorted(lists)
    for user, items in lists.items():
        known = [i for i in items[:k] if i not in (2, 7, 4, 11)]
        apart = [1.0 - cosine_similarity(table.matrix[[i]], table.matrix[[j]])[0, 0] for i, j in combinations(known, 2)]
        assert found[user] == pytest.approx(np.mean(apart) if apart else np.nan, nan_ok=True, abs=1e-6)


def test_diversity_in_blocks_of_people_is_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    lists = lists_of({u: list(rng.permutation(12)[: u % 5 + 1]) for u in range(40)})
    whole = intra_list_diversity(lists, vectors())
    monkeypatch.setattr(beyond_accuracy, "_BLOCK", 1)
    pd.testing.assert_series_equal(whole, intra_list_diversity(lists, vectors()))


def test_high_coverage_with_no_diversity_and_the_reverse():
    table = FeatureTable(np.arange(8), np.repeat(np.eye(4), 2, axis=0), np.ones(8, bool), "kind")
    alike = lists_of({u: [2 * u, 2 * u + 1] for u in range(4)})
    varied = lists_of({u: [0, 2] for u in range(4)})
    assert coverage(alike, pd.Index(range(8))) == 1.0 and intra_list_diversity(alike, table).eq(0.0).all()
    assert coverage(varied, pd.Index(range(8))) == 0.25 and intra_list_diversity(varied, table).eq(1.0).all()


@settings(max_examples=100, deadline=None)
@given(some_lists, some_lists, some_lists, k_values)
def test_novelty_fill_serendipity_and_entropy_equal_their_definitions(lists, met, plain, k):
    train = lists_of(met or {"z": [0]})
    train = pd.concat([train, train.head(1)])  # a pair that repeats counts once
    relevant = lists_of({u: items[::2] for u, items in lists.items()})
    kind = pd.Series([i % 3 for i in range(12)], index=range(12))
    new, filled = novelty(lists_of(lists), train, k=k), fill_rate(lists_of(lists), pd.Index([*"abcdefz"]), k=k)
    lucky = serendipity(lists_of(lists), relevant, lists_of(plain), k=k)
    mixed = entropy(lists_of(lists), kind, k=k)
    assert filled["z"] == 0.0 and len(filled) == 7
    for user, items in lists.items():
        shown = items[:k]
        people = [train.loc[train["item_id"] == i, "user_id"].nunique() for i in shown]
        assert new[user] == pytest.approx(-np.mean(np.log2(np.maximum(people, 1) / train["user_id"].nunique())))
        assert filled[user] == len(shown) / k
        good = [i in items[::2] and i not in plain.get(user, [])[:k] for i in shown]
        assert lucky[user] == pytest.approx(sum(good) / len(shown))
        counts = np.bincount([i % 3 for i in shown])
        assert mixed[user] == pytest.approx(scipy_entropy(counts, base=2))


def test_what_makes_no_sense_is_refused():
    twice = lists_of({"a": [1, 1]})
    with pytest.raises(ValueError, match="twice"):
        personalisation(twice)
    with pytest.raises(ValueError, match="no category"):
        entropy(lists_of({"a": [1]}), pd.Series(["x"], index=[0]))
    with pytest.raises(ValueError, match="at least 1"):
        coverage(lists_of({"a": [1]}), CATALOGUE, k=0)
    with pytest.raises(ValueError, match="train is empty"):
        novelty(lists_of({"a": [1]}), lists_of({}))
