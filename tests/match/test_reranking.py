import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avrec_lib.match.calibration import calibrate, kind_shares, miscalibration
from avrec_lib.match.diversity import maximal_marginal_relevance
from avrec_lib.match.rules import above_threshold, at_most_per_group, sweep_thresholds


def one_person(seed, n=4, c=12, d=3):
    rng = np.random.default_rng(seed)
    scores = rng.random((n, c)).round(1)
    scores[rng.random((n, c)) < 0.2] = np.nan
    return scores, rng.normal(size=(n, c, d)), rng


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 15), trade_off=st.sampled_from([0.0, 0.3, 0.7, 1.0]))
def test_mmr_equals_its_definition_person_by_person(seed, k, trade_off):
    scores, vectors, _ = one_person(seed)
    places, margins = maximal_marginal_relevance(scores, vectors, k, trade_off=trade_off)
    for row, vector, found, margin in zip(scores, vectors, places, margins, strict=True):
        direction = vector / np.linalg.norm(vector, axis=1, keepdims=True)
        left, chosen = [i for i in range(len(row)) if not np.isnan(row[i])], []
        for step in range(min(k, len(left))):
            gains = [
                trade_off * row[i] - (1 - trade_off) * max((direction[i] @ direction[j] for j in chosen), default=0.0)
                for i in left
            ]
            assert margin[step] == pytest.approx(max(gains), abs=1e-9)
            taken = int(found[step])
            assert gains[left.index(taken)] == pytest.approx(max(gains), abs=1e-9)
            chosen.append(taken)
            left.remove(taken)
        assert (found[len(chosen) :] == -1).all() and np.isnan(margin[len(chosen) :]).all()


def test_mmr_by_score_alone_is_the_ranking_and_twins_are_parted():
    scores = np.array([[0.9, 0.9, 0.5, np.nan, 0.7]])
    vectors = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [np.nan, 1.0], [0.0, 1.0]]])
    assert maximal_marginal_relevance(scores, vectors, 5, trade_off=1.0)[0].tolist() == [[0, 1, 4, 2, -1]]
    assert maximal_marginal_relevance(scores, vectors, 3, trade_off=0.5)[0].tolist() == [[0, 4, 2]]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 8), trade_off=st.sampled_from([0.0, 0.4, 0.9, 1.0]))
def test_calibration_equals_its_definition_person_by_person(seed, k, trade_off):
    scores, _, rng = one_person(seed, c=7)
    kinds = rng.integers(0, 3, (4, 7, 3)).astype(float)
    target = rng.dirichlet(np.ones(3), 4)
    places = calibrate(scores, kinds, target, k, trade_off=trade_off)
    for person in range(4):
        left, chosen = [i for i in range(7) if not np.isnan(scores[person, i])], []
        for step in range(min(k, len(left))):

            def value(items, person=person):
                mix = kind_shares(kinds[person][None, items])[0]
                total = sum(scores[person, i] for i in items)
                return (1 - trade_off) * total - trade_off * miscalibration(target[person], mix)

            gains = [value([*chosen, i]) for i in left]
            taken = int(places[person, step])
            assert gains[left.index(taken)] == pytest.approx(max(gains), abs=1e-9)
            chosen.append(taken)
            left.remove(taken)
        assert (places[person, len(chosen) :] == -1).all()


def test_a_calibrated_list_has_the_mix_of_the_past():
    # Steck's example: seven of ten films seen are romance, three action; romance scores a little higher throughout.
    kinds = np.zeros((1, 40, 2))
    kinds[0, :20, 0] = kinds[0, 20:, 1] = 1.0
    scores = np.r_[np.linspace(0.9, 0.8, 20), np.linspace(0.7, 0.6, 20)][None]
    target = kind_shares(np.repeat(np.eye(2), [7, 3], axis=0)[None])
    np.testing.assert_allclose(target, [[0.7, 0.3]])
    by_score = calibrate(scores, kinds, target, 10, trade_off=0.0)
    assert (by_score == np.arange(10)).all()
    balanced = calibrate(scores, kinds, target, 10, trade_off=0.99)
    assert (balanced >= 20).sum() == 3
    near, far = (miscalibration(target, kind_shares(kinds[:, found[0]])) for found in (balanced, by_score))
    assert near[0] == pytest.approx(0.0, abs=1e-9) and far[0] > 0.3


def test_miscalibration_is_the_divergence_and_finite_for_what_is_missing():
    p, q = np.array([0.5, 0.5, 0.0]), np.array([1.0, 0.0, 0.0])
    mixed = 0.99 * q + 0.01 * p
    assert miscalibration(p, q) == pytest.approx(0.5 * np.log(0.5 / mixed[0]) + 0.5 * np.log(0.5 / mixed[1]))
    assert miscalibration(p, p) == pytest.approx(0.0) and np.isfinite(miscalibration(p, np.zeros(3)))


def test_shares_weigh_items_and_leave_gaps_out():
    kinds = np.array([[[1.0, 1.0], [0.0, 4.0], [1.0, 0.0]]])
    np.testing.assert_allclose(kind_shares(kinds, np.array([[2.0, 1.0, np.nan]])), [[1 / 3, 2 / 3]])
    np.testing.assert_array_equal(kind_shares(kinds * 0), [[0.0, 0.0]])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=9, max_size=9), max_size=4), st.integers(1, 4)
)
def test_no_group_keeps_more_than_its_limit_and_the_first_stay(rows, limit):
    groups = np.array(rows, dtype=object).reshape(len(rows), 9)
    kept = at_most_per_group(groups, limit)
    for row, stays in zip(rows, kept, strict=True):
        assert stays.tolist() == [name is None or row[:place].count(name) < limit for place, name in enumerate(row)]


def test_thresholds_cut_lists_and_the_sweep_counts_what_they_do():
    places = np.array([[4, 2, 7], [1, 3, -1]])
    scores = np.array([[0.9, 0.5, 0.2], [0.4, 0.1, np.nan]])
    assert above_threshold(places, scores, 0.5).tolist() == [[4, 2, -1], [-1, -1, -1]]
    relevant = np.array([[True, False, True], [True, False, True]])
    swept = sweep_thresholds(scores, relevant, np.array([0.0, 0.5, 2.0]))
    wanted = pd.DataFrame(
        {
            "threshold": [0.0, 0.5, 2.0],
            "shown": [2.5, 1.0, 0.0],
            "precision": [3 / 5, 1 / 2, np.nan],
            "kept": [1.0, 1 / 3, 0.0],
            "empty": [0.0, 0.5, 1.0],
        }
    )
    pd.testing.assert_frame_equal(swept, wanted)


SCORES, VECTORS, KINDS, TARGET = np.ones((2, 3)), np.ones((2, 3, 4)), np.ones((2, 3, 2)), np.ones((2, 2))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: maximal_marginal_relevance(SCORES, VECTORS[:, :2], 1), "shape"),
        (lambda: maximal_marginal_relevance(SCORES, VECTORS, 0), "k must"),
        (lambda: maximal_marginal_relevance(SCORES, VECTORS, 1, trade_off=1.1), "trade_off"),
        (lambda: maximal_marginal_relevance(SCORES, VECTORS * np.nan, 1), "not finite"),
        (lambda: maximal_marginal_relevance(SCORES * np.inf, VECTORS, 1), "infinite"),
        (lambda: calibrate(SCORES, KINDS, TARGET[:1], 1), "shapes"),
        (lambda: calibrate(SCORES, -KINDS, TARGET, 1), "at least 0"),
        (lambda: calibrate(SCORES, KINDS, -TARGET, 1), "negative"),
        (lambda: calibrate(SCORES, KINDS, TARGET, 0), "k must"),
        (lambda: calibrate(SCORES, KINDS, TARGET, 1, trade_off=-0.1), "trade_off"),
        (lambda: calibrate(SCORES, KINDS, TARGET, 1, blur=0.0), "blur"),
        (lambda: kind_shares(KINDS, -SCORES), "weights"),
        (lambda: at_most_per_group(np.ones(3), 1), "shape"),
        (lambda: at_most_per_group(SCORES, 0), "limit"),
        (lambda: above_threshold(np.ones((1, 2)), np.ones((2, 1)), 0.5), "agree"),
        (lambda: sweep_thresholds(SCORES, SCORES, np.ones(1)), "of bool"),
        (lambda: sweep_thresholds(SCORES, SCORES > 0, np.array([np.nan])), "numbers"),
    ],
)
def test_wrong_input_is_refused(act, message):
    with pytest.raises(ValueError, match=message):
        act()
