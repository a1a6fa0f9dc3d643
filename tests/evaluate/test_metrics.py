"""Every metric against loops written from its definition, and against scikit-learn where it has the metric."""

import math
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from avrec_lib.evaluate import metrics
from avrec_lib.evaluate.metrics import coverage, gini, judge, ndcg

PER_PERSON = [
    metrics.precision,
    metrics.recall,
    metrics.hit_rate,
    metrics.reciprocal_rank,
    metrics.average_precision,
    ndcg,
]


def lists_of(lists):
    rows = [(u, i, r) for u, items in lists.items() for r, i in enumerate(items, 1)]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "rank"])


def liked(grades):
    rows = [(u, i, float(v)) for u, items in grades.items() for i, v in items.items()]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "value"])


def by_loops(items, grades, k):
    items = items[:k]
    hits = [i in grades for i in items]
    n = len(grades)
    first = next((1 / r for r, h in enumerate(hits, 1) if h), 0.0)
    ap = sum(sum(hits[:r]) / r for r, h in enumerate(hits, 1) if h) / min(n, k)

    def dcg(values, g):
        return sum(g(v) / math.log2(r + 1) for r, v in enumerate(values, 1))

    best = sorted(grades.values(), reverse=True)[:k]
    got = [grades.get(i, 0.0) for i in items]
    gains = {"binary": lambda v: float(v > 0), "linear": lambda v: v, "exponential": lambda v: 2**v - 1}
    return {
        "precision": sum(hits) / k,
        "recall": sum(hits) / n,
        "hit_rate": float(any(hits)),
        "reciprocal_rank": first,
        "average_precision": ap,
        **{f"ndcg-{name}": dcg(got, g) / dcg(best, g) for name, g in gains.items()},
    }


worlds = st.fixed_dictionaries(
    {
        "lists": st.dictionaries(st.sampled_from("abcde"), st.permutations(range(8)).map(lambda p: p[:6]), max_size=5),
        "grades": st.dictionaries(
            st.sampled_from("abcdef"),
            st.dictionaries(st.integers(0, 12), st.sampled_from([0.5, 1.0, 2.0, 3.0]), min_size=1, max_size=7),
            min_size=1,
        ),
        "k": st.integers(1, 8),
    }
)


@settings(max_examples=200, deadline=None)
@given(worlds)
def test_every_metric_equals_its_definition_written_as_loops(world):
    judged = judge(lists_of(world["lists"]), liked(world["grades"]), k=world["k"])
    assert list(judged.users) == sorted(world["grades"])
    assert set(judged.unjudged) == set(world["lists"]) - set(world["grades"])
    series = {f.__name__: f(judged) for f in PER_PERSON[:-1]}
    series |= {f"ndcg-{g}": ndcg(judged, gain=g) for g in ("binary", "linear", "exponential")}
    for user, grades in world["grades"].items():
        expected = by_loops(world["lists"].get(user, []), grades, world["k"])
        assert {name: s[user] for name, s in series.items()} == pytest.approx(expected)


@pytest.mark.parametrize("k", [1, 3, 10])
def test_ndcg_equals_scikit_learn(k):
    rng = np.random.default_rng(0)
    truth, scores = rng.integers(0, 4, (40, 12)).astype(float), rng.normal(size=(40, 12))
    truth[:, 0] = 1.0
    lists = lists_of({u: list(np.argsort(-scores[u])) for u in range(40)})
    relevant = liked({u: {i: v for i, v in enumerate(truth[u]) if v > 0} for u in range(40)})
    judged = judge(lists, relevant, k=k)
    np.testing.assert_allclose(ndcg(judged, gain="linear").mean(), ndcg_score(truth, scores, k=k))
    np.testing.assert_allclose(ndcg(judged, gain="exponential").mean(), ndcg_score(2**truth - 1, scores, k=k))
    np.testing.assert_allclose(ndcg(judged).mean(), ndcg_score((truth > 0).astype(float), scores, k=k))


@settings(max_examples=60, deadline=None)
@given(worlds, st.integers(0, 1000))
def test_order_of_rows_and_names_of_items_change_nothing(world, seed):
    lists, relevant = lists_of(world["lists"]), liked(world["grades"])
    renamed = {i: f"item {97 - i}" for i in range(13)}
    for metric in PER_PERSON:
        first = metric(judge(lists, relevant, k=world["k"]))
        second = metric(
            judge(
                lists.assign(item_id=lists["item_id"].map(renamed)).sample(frac=1, random_state=seed),
                relevant.assign(item_id=relevant["item_id"].map(renamed)).sample(frac=1, random_state=seed),
                k=world["k"],
            )
        )
        pd.testing.assert_series_equal(first, second, check_index_type=False)


@settings(max_examples=100, deadline=None)
@given(
    order=st.permutations(range(8)),
    good=st.sets(st.integers(0, 7), min_size=1, max_size=7),
    place=st.integers(1, 7),
    k=st.integers(1, 8),
)
def test_moving_a_liked_item_up_never_lowers_a_metric(order, good, place, k):
    order = list(order)
    if order[place] not in good:
        return
    better = order.copy()
    better[place - 1], better[place] = order[place], order[place - 1]
    relevant = liked({"u": dict.fromkeys(good, 1.0)})
    if better[place] in good:
        return
    for metric in PER_PERSON:
        worse_value = metric(judge(lists_of({"u": order}), relevant, k=k))["u"]
        assert metric(judge(lists_of({"u": better}), relevant, k=k))["u"] >= worse_value - 1e-12


@settings(max_examples=60, deadline=None)
@given(worlds)
def test_recall_and_hits_never_fall_when_lists_grow_and_all_stay_in_0_1(world):
    lists, relevant = lists_of(world["lists"]), liked(world["grades"])
    short, long = judge(lists, relevant, k=2), judge(lists, relevant, k=5)
    for metric in (metrics.recall, metrics.hit_rate, metrics.reciprocal_rank):
        assert (metric(short) <= metric(long) + 1e-12).all()
    for metric in PER_PERSON:
        assert metric(long).between(0.0, 1.0 + 1e-12).all()


def test_a_perfect_list_scores_one_even_with_more_liked_items_than_places():
    relevant = liked({"u": {i: 1.0 + i for i in range(8)}})
    judged = judge(lists_of({"u": [7, 6, 5]}), relevant, k=3)
    assert ndcg(judged, gain="exponential")["u"] == pytest.approx(1.0)
    assert metrics.average_precision(judged)["u"] == 1.0
    assert metrics.recall(judged)["u"] == 3 / 8


def test_people_without_anything_liked_are_left_out_and_named():
    judged = judge(lists_of({"u": [1], "v": [2]}), liked({"u": {1: 1.0}}))
    assert list(metrics.precision(judged).index) == ["u"]
    assert list(judged.unjudged) == ["v"]


@pytest.mark.parametrize(
    ("lists", "relevant", "message"),
    [
        ({"u": [1, 1]}, {"u": {1: 1.0}}, "twice in the same"),
        ({"u": [1]}, {}, "nothing is relevant"),
        ({"u": [1]}, {"u": {1: 0.0}}, "positive"),
    ],
)
def test_tables_that_make_no_sense_are_refused(lists, relevant, message):
    with pytest.raises(ValueError, match=message):
        judge(lists_of(lists), liked(relevant))


def test_broken_ranks_are_refused():
    same = pd.DataFrame({"user_id": ["u", "u"], "item_id": [1, 2], "rank": [1, 1]})
    with pytest.raises(ValueError, match="same rank"):
        judge(same, liked({"u": {1: 1.0}}))
    with pytest.raises(ValueError, match="from 1"):
        judge(same.assign(rank=[0, 1]), liked({"u": {1: 1.0}}))


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


def test_a_hundred_thousand_people_are_judged_in_about_a_second():
    rng = np.random.default_rng(0)
    n, k = 100_000, 10
    lists = pd.DataFrame(
        {
            "user_id": np.repeat(np.arange(n), k),
            "item_id": (rng.integers(0, 5000, n)[:, None] + np.arange(k) * 7).ravel() % 5000,
            "rank": np.tile(np.arange(1, k + 1), n),
        }
    )
    relevant = pd.DataFrame({"user_id": rng.integers(0, n, 500_000), "item_id": rng.integers(0, 5000, 500_000)})
    relevant = relevant.drop_duplicates()
    start = time.process_time()
    judged = judge(lists, relevant, k=k)
    for metric in PER_PERSON:
        metric(judged)
    assert time.process_time() - start < 3.0  # a loop over people takes about a minute
