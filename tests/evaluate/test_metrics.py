"""Every metric against loops written from its definition, and against scikit-learn where it has the metric."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, ndcg_score

from avrec_lib.evaluate import metrics
from avrec_lib.evaluate.metrics import average_precision, judge, ndcg

PER_PERSON = [
    metrics.precision,
    metrics.recall,
    metrics.f1,
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
        "f1": 2 * (sum(hits) / k) * (sum(hits) / n) / (sum(hits) / k + sum(hits) / n) if any(hits) else 0.0,
        "accuracy": 1 - (len(set(items) - set(grades)) + len(set(grades) - set(items))) / 20,
        "hit_rate": float(any(hits)),
        "reciprocal_rank": first,
        "average_precision": ap,
        "average_precision-relevant": ap * min(n, k) / n,
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
    series["accuracy"] = metrics.accuracy(judged, 20)
    series["average_precision-relevant"] = average_precision(judged, over="relevant")
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


@pytest.mark.parametrize("scale", [1e-300, 1e-17, 1.0, 1023.0, 1e4, 1e308])
def test_an_exponential_gain_stays_a_number_however_large_or_small_the_grades(scale):
    grades = {"u": {"a": scale, "b": scale / 2.0, "c": scale}, "v": {"a": scale}}
    judged = judge(lists_of({"u": ["b", "a"], "v": ["x", "a"]}), liked(grades), k=2)
    half = 0.5 if scale < 1e-10 else 1.0 / (1.0 + 2.0 ** (scale / 2.0)) if scale < 2000 else 0.0  # g(s / 2) / g(s)
    second = 1.0 / math.log2(3)
    found = ndcg(judged, gain="exponential")
    assert found["u"] == pytest.approx((half + second) / (1.0 + second), rel=1e-12)
    assert found["v"] == pytest.approx(second)


def test_a_grade_without_end_is_refused_by_its_row():
    with pytest.raises(ValueError, match="finite, but row 1 holds inf"):
        judge(lists_of({"u": ["a"]}), liked({"u": {"a": 1.0, "b": math.inf}}))


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


def test_f1_and_accuracy_equal_scikit_learn_on_full_lists():
    rng = np.random.default_rng(2)
    truth = rng.random((30, 15)) < 0.3
    truth[:, 0] = True
    order = np.argsort(rng.random((30, 15)), axis=1)
    judged = judge(
        lists_of({u: list(order[u]) for u in range(30)}),
        liked({u: dict.fromkeys(np.flatnonzero(truth[u]), 1.0) for u in range(30)}),
        k=5,
    )
    shown = np.zeros_like(truth)
    np.put_along_axis(shown, order[:, :5], values=True, axis=1)
    for u in range(30):
        assert metrics.f1(judged)[u] == pytest.approx(f1_score(truth[u], shown[u]))
        assert metrics.accuracy(judged, 15)[u] == pytest.approx(accuracy_score(truth[u], shown[u]))


def test_an_empty_list_is_almost_perfectly_accurate_which_is_why_accuracy_chooses_nothing():
    relevant = liked({"u": dict.fromkeys(range(10), 1.0)})
    lists = {"empty": [], "half right": [0, 1, 2, 3, 4, 900, 901, 902, 903, 904], "wrong": list(range(900, 910))}
    found = {
        name: metrics.accuracy(judge(lists_of({"u": items}), relevant), 1000)["u"] for name, items in lists.items()
    }
    assert found == pytest.approx({"empty": 0.99, "half right": 0.99, "wrong": 0.98})
    with pytest.raises(ValueError, match="n_items"):
        metrics.accuracy(judge(lists_of({"u": [1]}), relevant), 9)


def test_the_two_definitions_of_average_precision_part_where_more_is_liked_than_fits():
    judged = judge(lists_of({"u": [0, 1]}), liked({"u": dict.fromkeys(range(4), 1.0)}), k=2)
    assert average_precision(judged)["u"] == 1.0
    assert average_precision(judged, over="relevant")["u"] == 0.5
    with pytest.raises(ValueError, match="attainable"):
        average_precision(judged, over="both")


def test_every_ranking_metric_equals_ranx_on_lists_short_empty_and_full():
    ranx = pytest.importorskip("ranx")
    rng = np.random.default_rng(0)
    k, people = 5, [f"u{u:02d}" for u in range(60)]
    length = rng.integers(0, 9, len(people))
    lists = {u: list(rng.permutation(20)[:n]) for u, n in zip(people, length, strict=True)}
    grades = {u: {int(i): int(rng.integers(1, 4)) for i in rng.permutation(20)[: rng.integers(1, 9)]} for u in people}
    qrels = ranx.Qrels({u: {str(i): v for i, v in items.items()} for u, items in grades.items()})
    # ranx has no empty list: a document that nobody likes stands for it.
    run = ranx.Run({u: {str(i): -float(r) for r, i in enumerate(lists[u] or [99])} for u in people})
    judged = judge(lists_of(lists), liked(grades), k=k)
    ours = {
        f"precision@{k}": metrics.precision(judged),
        f"recall@{k}": metrics.recall(judged),
        f"f1@{k}": metrics.f1(judged),
        f"hit_rate@{k}": metrics.hit_rate(judged),
        f"mrr@{k}": metrics.reciprocal_rank(judged),
        f"map@{k}": average_precision(judged, over="relevant"),
        f"ndcg@{k}": ndcg(judged, gain="linear"),
        f"ndcg_burges@{k}": ndcg(judged, gain="exponential"),
    }
    theirs = ranx.evaluate(qrels, run, list(ours), return_mean=False)
    for name, series in ours.items():
        np.testing.assert_allclose(series.to_numpy(), theirs[name], err_msg=name)
